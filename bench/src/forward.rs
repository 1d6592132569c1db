//! Parse and forward a REGISTER of 1.1 kB: the work of a proxy on one message, on one core.

use anyhow::Result;
use bytes::Bytes;
use std::hint::black_box;
use wire_sip::{HeaderName, Message};

use crate::cpu;
use crate::report::Row;
use crate::web_socket::{digest, register_text};

const MESSAGES: u32 = 1_000_000;
/// What we promise.
const PROMISED: f64 = 1_000_000.0;

/// Parses, puts Via and Path on top, counts Max-Forwards down, and writes the message out.
pub fn run() -> Result<Vec<Row>> {
    let bytes = Bytes::from(register_text(7, 1, &digest(7)));
    let mut out = Vec::with_capacity(2048);
    for _ in 0..MESSAGES / 10 {
        forward(&bytes, &mut out)?;
    }
    let begun = cpu::of_this_thread()?;
    for _ in 0..MESSAGES {
        forward(&bytes, &mut out)?;
        black_box(&out);
    }
    let rate = f64::from(MESSAGES) / (cpu::of_this_thread()? - begun);
    Ok(vec![Row {
        work: format!(
            "parse and forward a REGISTER of {} octets, one core",
            bytes.len()
        ),
        isthmus: format!("{rate:.0} messages/s"),
        peer: String::new(),
        verdict: format!("{:.2} of the promise of 1,000,000", rate / PROMISED),
    }])
}

fn forward(bytes: &Bytes, out: &mut Vec<u8>) -> Result<()> {
    let mut message = Message::parse(bytes.clone())?;
    message.push_front(
        HeaderName::Via,
        "SIP/2.0/UDP 192.0.2.1:5070;branch=z9hG4bKs0-abcdef",
    );
    message.push_front(HeaderName::Path, "<sip:token@192.0.2.1:5070;lr;ob>");
    message.set(HeaderName::MaxForwards, 69);
    out.clear();
    message.write_to(out);
    Ok(())
}
