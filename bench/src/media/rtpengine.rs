//! rtpengine without its kernel module, steered by its `ng` protocol.

use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use core_w3::dtls::Certificate;

use super::call::{Call, Towards};
use super::{CALLS, Figures, load};
use crate::process::{self, Process};

/// Starts it, sets the calls up, runs the load.
pub fn measure() -> Result<Figures> {
    let folder = process::folder("rtpengine")?;
    let port = process::free_port()?;
    let listen = format!("--listen-ng=127.0.0.1:{port}");
    let process = Process::start(
        folder,
        "/usr/bin/rtpengine",
        &[
            "--foreground",
            "--log-stderr",
            "--log-level=3",
            "--table=-1",
            "--interface=127.0.0.1",
            "--port-min=50000",
            "--port-max=59999",
            "--dtls-cert-cipher=prime256v1",
            "--dtls-passive",
            &listen,
        ],
    )?;
    let control = UdpSocket::bind("127.0.0.1:0")?;
    control.connect(("127.0.0.1", port))?;
    control.set_read_timeout(Some(Duration::from_secs(2)))?;
    let mut ready = false;
    for _ in 0..20 {
        ready = ask(&control, &[("command", "ping")]).is_ok();
        if ready {
            break;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    if !ready {
        bail!("rtpengine does not answer:\n{}", process.log());
    }
    let certificate = Certificate::generate()?;
    let mut calls = Vec::with_capacity(CALLS);
    for number in 0..CALLS {
        let mut call = Call::new()?;
        call.towards = Some(set_up(&control, number, &call, &certificate)?);
        call.connect(&certificate)
            .with_context(|| format!("call {number}:\n{}", process.log()))?;
        calls.push(call);
    }
    load::run(process.id(), &mut calls)
}

fn set_up(
    control: &UdpSocket,
    number: usize,
    call: &Call,
    certificate: &Certificate,
) -> Result<Towards> {
    let id = format!("call-{number}");
    let digest = &certificate.fingerprint().digest;
    let digest: Vec<String> = digest.iter().map(|byte| format!("{byte:02X}")).collect();
    let body = |address: SocketAddr, profile: &str, more: &str| {
        format!(
            "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
             m=audio {} {profile} 8\r\na=rtpmap:8 PCMA/8000\r\n{more}",
            address.port()
        )
    };
    let wic = body(
        call.wic.local_addr()?,
        "UDP/TLS/RTP/SAVPF",
        &format!(
            "a=rtcp-mux\r\na=setup:actpass\r\na=fingerprint:sha-256 {}\r\n",
            digest.join(":")
        ),
    );
    let to_phone = ask(
        control,
        &[
            ("ICE", "remove"),
            ("call-id", &id),
            ("command", "offer"),
            ("from-tag", "wic"),
            ("sdp", &wic),
            ("transport-protocol", "RTP/AVP"),
        ],
    )?;
    let phone = body(call.phone.local_addr()?, "RTP/AVP", "");
    let to_wic = ask(
        control,
        &[
            ("ICE", "remove"),
            ("call-id", &id),
            ("command", "answer"),
            ("from-tag", "wic"),
            ("sdp", &phone),
            ("to-tag", "phone"),
        ],
    )?;
    let port = |sdp: &str| -> Result<SocketAddr> {
        let line = sdp.lines().find_map(|line| line.strip_prefix("m=audio "));
        let port = line
            .and_then(|line| line.split(' ').next())
            .context("no m-line")?;
        Ok(SocketAddr::from(([127, 0, 0, 1], port.parse()?)))
    };
    let fingerprint = to_wic
        .lines()
        .find_map(|line| line.strip_prefix("a=fingerprint:sha-256 "))
        .with_context(|| format!("no fingerprint in {to_wic}"))?;
    let fingerprint: Result<Vec<u8>, _> = fingerprint
        .trim()
        .split(':')
        .map(|byte| u8::from_str_radix(byte, 16))
        .collect();
    Ok(Towards {
        w3: port(&to_wic)?,
        core: port(&to_phone)?,
        fingerprint: fingerprint?,
        ice: None,
    })
}

static COOKIES: AtomicU64 = AtomicU64::new(1);

/// One request in bencode, with its keys in order; gives the SDP of the answer, if there is one.
fn ask(control: &UdpSocket, request: &[(&str, &str)]) -> Result<String> {
    // The cookie: a request that has one that was there before is answered as that one was.
    let cookie = COOKIES.fetch_add(1, Ordering::Relaxed);
    let mut text = format!("{cookie} d");
    for (key, value) in request {
        text += &format!("{}:{key}{}:{value}", key.len(), value.len());
    }
    text.push('e');
    control.send(text.as_bytes())?;
    let mut buffer = [0; 8192];
    let length = control.recv(&mut buffer)?;
    let answer = String::from_utf8_lossy(&buffer[..length]).into_owned();
    if !answer.contains("6:result2:ok") && !answer.contains("6:result4:pong") {
        bail!("rtpengine says {answer}");
    }
    let Some((_, rest)) = answer.split_once("3:sdp") else {
        return Ok(String::new());
    };
    let (length, rest) = rest.split_once(':').context("bencode")?;
    Ok(rest.get(..length.parse()?).context("bencode")?.to_owned())
}
