//! TLS at the enabler's door: one request by HTTP/1.1 or HTTP/2, written by hand (RFC 9113).

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;

use crate::enabler_side::Answer;
use crate::{PATIENCE, wic_side};

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
/// END_STREAM of DATA and HEADERS, ACK of SETTINGS.
const LAST: u8 = 1;
const END_HEADERS: u8 = 4;

/// What is asked.
pub(crate) struct Asked<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) kind: &'a str,
    pub(crate) body: &'a str,
}

/// Asks by the version of HTTP that ALPN names.
pub(crate) fn ask(address: &str, certificate: &Path, alpn: &str, asked: &Asked<'_>) -> Answer {
    let stream = TcpStream::connect(address).expect("the port is open");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let mut stream = wic_side::tls(stream, certificate, &[alpn]);
    stream.conn.complete_io(&mut stream.sock).expect("TLS");
    assert_eq!(stream.conn.alpn_protocol(), Some(alpn.as_bytes()));
    match alpn {
        "h2" => by_frames(&mut stream, address, asked),
        _ => by_text(&mut stream, address, asked),
    }
}

fn by_text(stream: &mut (impl Read + Write), address: &str, asked: &Asked<'_>) -> Answer {
    let (method, path, kind, body) = (asked.method, asked.path, asked.kind, asked.body);
    let text = format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\
         Content-Type: {kind}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(text.as_bytes()).expect("sent");
    let mut answer = Vec::new();
    // It may close without a word of TLS.
    let _ = stream.read_to_end(&mut answer);
    Answer::read(&String::from_utf8(answer).expect("text"))
}

/// RFC 9113 §3.4, §8.1 — the preface, SETTINGS, one request on stream 1, and its response.
fn by_frames(stream: &mut (impl Read + Write), address: &str, asked: &Asked<'_>) -> Answer {
    let mut head = Vec::new();
    let length = asked.body.len().to_string();
    for (name, value) in [
        (":method", asked.method),
        (":scheme", "https"),
        (":authority", address),
        (":path", asked.path),
        ("content-type", asked.kind),
        ("content-length", &length),
    ] {
        literal(&mut head, name, value);
    }
    let mut all = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    frame(&mut all, SETTINGS, 0, 0, &[]);
    frame(&mut all, HEADERS, END_HEADERS, 1, &head);
    frame(&mut all, DATA, LAST, 1, asked.body.as_bytes());
    stream.write_all(&all).expect("sent");
    let (mut status, mut body) = (0, Vec::new());
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head).expect("a frame");
        let [high, middle, low, kind, flags, number @ ..] = head;
        let length = u32::from_be_bytes([0, high, middle, low]);
        let mut payload = vec![0; usize::try_from(length).expect("24 bits")];
        stream.read_exact(&mut payload).expect("its payload");
        let ours = number == [0, 0, 0, 1];
        match kind {
            SETTINGS if flags & LAST == 0 => {
                let mut taken = Vec::new();
                frame(&mut taken, SETTINGS, LAST, 0, &[]);
                stream.write_all(&taken).expect("sent");
            }
            HEADERS if ours => status = status_of(&payload),
            DATA if ours => body.extend_from_slice(&payload),
            GOAWAY => panic!("it goes away: {payload:?}"),
            _ => {}
        }
        if ours && matches!(kind, HEADERS | DATA) && flags & LAST != 0 {
            break;
        }
    }
    Answer {
        status,
        headers: Vec::new(),
        body: String::from_utf8(body).expect("text"),
    }
}

/// RFC 9113 §4.1
fn frame(all: &mut Vec<u8>, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
    let length = u32::try_from(payload.len()).expect("a short one");
    all.extend_from_slice(&length.to_be_bytes()[1..]);
    all.extend_from_slice(&[kind, flags]);
    all.extend_from_slice(&stream.to_be_bytes());
    all.extend_from_slice(payload);
}

/// RFC 7541 §6.2.2 — a field that nobody is to remember.
fn literal(block: &mut Vec<u8>, name: &str, value: &str) {
    block.push(0);
    for text in [name, value] {
        let length = u8::try_from(text.len()).expect("a short one");
        assert!(length < 127, "one octet has its length: {text}");
        block.push(length);
        block.extend_from_slice(text.as_bytes());
    }
}

/// RFC 7541 appendix A — `:status`, which comes first, where the static table has it.
fn status_of(block: &[u8]) -> u16 {
    match block.first() {
        Some(0x88) => 200,
        Some(0x89) => 204,
        Some(0x8c) => 400,
        Some(0x8d) => 404,
        Some(0x8e) => 500,
        other => panic!("a status that is not in the static table: {other:x?}"),
    }
}
