//! What an idle call costs: it has been answered, everything that was under way is over, and the edge remembers it.

#![allow(clippy::unwrap_used)] // a test that cannot unwrap has failed

#[path = "../shard/support.rs"]
#[allow(dead_code)] // it has handles for every test
mod support;

use std::time::Duration;

use support::*;
use wire_sip::{HeaderName, Message, StatusCode};

const CALLS: u32 = 280;
/// What is promised of a call with audio and video, as a browser describes them.
const PROMISED: f64 = 12.0;

const BROWSER: &str = include_str!("../../../../wire/sdp/tests/data/chromium.sdp");
const ANSWER: &str = "v=0\r\no=far 5 5 IN IP4 192.0.2.99\r\ns=-\r\nc=IN IP4 192.0.2.99\r\nt=0 0\r\n\
    m=audio 30000 RTP/AVP 0 126\r\na=rtpmap:126 telephone-event/8000\r\na=sendrecv\r\n\
    m=video 30002 RTP/AVP 96\r\na=rtpmap:96 VP8/90000\r\na=sendrecv\r\n";

/// Kilobytes that the process has in memory.
fn resident() -> f64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: f64 = text
        .split(' ')
        .nth(1)
        .and_then(|word| word.parse().ok())
        .unwrap_or(0.0);
    pages * 4.0
}

fn named(message: &Message, call: u32) -> Message {
    let text = String::from_utf8_lossy(&message.to_bytes()).into_owned();
    let text = text.replace(
        "Call-ID: call\r\n",
        &format!("Call-ID: a-call-id-of-some-length-{call}\r\n"),
    );
    support::message(&text.replace("branch=z9hG4bK", &format!("branch=z9hG4bK{call}x")))
}

fn calls(bench: &mut Bench, from: u32, to: u32) {
    let mut call = invite("sip:bob@home.example", BROWSER);
    call.push_back(HeaderName::Supported, "timer, 100rel");
    for number in from..to {
        bench.wic_says(&named(&call, number));
        let request = bench.at_core();
        bench.core_says(&answer(&request, StatusCode::RINGING, "bob", None));
        bench.at_wic();
        let mut ok = answer(&request, StatusCode::OK, "bob", Some(ANSWER));
        ok.push_back(HeaderName::SessionExpires, "1800;refresher=uac");
        bench.core_says(&ok);
        let ok = bench.at_wic();
        bench.wic_says(&named(&in_dialog("ACK", 1, &ok), number));
        assert_eq!(bench.at_core().method().as_str(), "ACK");
        bench.to_wic.clear();
        bench.to_core.clear();
        bench.commands.clear();
        // One after the other, so that what their transactions had is used again.
        bench.wait(Duration::from_millis(800));
    }
}

#[test]
fn an_idle_call_is_small() {
    let mut bench = Bench::new();
    bench.register();
    // What is needed once.
    calls(&mut bench, 0, 170);
    let before = resident();
    calls(&mut bench, 170, 170 + CALLS);
    bench.wait(Duration::from_secs(140));
    bench.to_wic.clear();
    bench.to_core.clear();
    let each = (resident() - before) / f64::from(CALLS);
    assert_eq!(bench.shard.counters().sessions, u64::from(CALLS) + 170);
    assert!(each <= PROMISED, "an idle call has {each:.1} kB");
}
