//! What the two sides write.

use std::fmt::Write;

use wire_sip::{HeaderName, Message};

use crate::agent::Side;

pub(crate) const HOME: &str = "home.example";
pub(crate) const CORE: &str = "192.0.2.10:5060";

pub(crate) const DIRECTIONS: [&str; 4] = ["sendrecv", "sendonly", "recvonly", "inactive"];

/// One description; `port` tells the core's apart, and every one has a version of its own.
pub(crate) fn sdp(
    side: Side,
    version: u32,
    port: u16,
    direction: &str,
    offer: bool,
    lines: usize,
) -> String {
    let mut text = match side {
        Side::Wic => format!("v=0\r\no=- 77 {version} IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"),
        Side::Core => format!(
            "v=0\r\no=far 5 {version} IN IP4 192.0.2.99\r\ns=-\r\nc=IN IP4 192.0.2.99\r\nt=0 0\r\n"
        ),
    };
    for line in 0..lines {
        let _ = match side {
            Side::Wic => {
                let setup = if offer { "actpass" } else { "active" };
                write!(
                    text,
                    "m=audio 9 UDP/TLS/RTP/SAVPF 8\r\nc=IN IP4 0.0.0.0\r\na=ice-ufrag:abcd\r\n\
                     a=ice-pwd:abcdefghijklmnopqrstuvwx\r\na=fingerprint:sha-256 {FINGERPRINT}\r\n\
                     a=setup:{setup}\r\na=mid:{line}\r\na={direction}\r\na=rtcp-mux\r\na=rtpmap:8 PCMA/8000\r\n"
                )
            }
            Side::Core => write!(
                text,
                "m=audio {port} RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\na={direction}\r\n"
            ),
        };
    }
    text
}

const FINGERPRINT: &str = "AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB";

/// The direction of the first m-line; none when it is rejected.
pub(crate) fn direction(body: &[u8]) -> Option<&'static str> {
    let text = std::str::from_utf8(body).ok()?;
    let media = &text[text.find("m=")?..];
    if media.split(' ').nth(1) == Some("0") {
        return None;
    }
    let said = |direction: &&&str| media.contains(&format!("a={direction}\r\n"));
    Some(DIRECTIONS.iter().find(said).copied().unwrap_or("sendrecv"))
}

/// Session id, version and the rest.
pub(crate) fn origin(body: &[u8]) -> (String, u64, String) {
    let text = String::from_utf8_lossy(body).into_owned();
    let at = text.find("o=").expect("an o= line");
    let end = at + text[at..].find('\r').expect("its end");
    let words: Vec<&str> = text[at..end].split(' ').collect();
    let version = words[2].parse().expect("a version");
    let id = format!("{} {}", words[1], words[5]);
    (id, version, format!("{}{}", &text[..at], &text[end..]))
}

pub(crate) fn message(text: &str) -> Message {
    Message::parse(bytes::Bytes::copy_from_slice(text.as_bytes())).expect("a model writes well")
}

/// The WIC's REGISTER.
pub(crate) fn register(cseq: u32) -> Message {
    message(&format!(
        "REGISTER sip:{HOME} SIP/2.0\r\nVia: SIP/2.0/WS alice.invalid;branch=z9hG4bKreg{cseq};rport\r\n\
         Max-Forwards: 70\r\nFrom: <sip:alice@{HOME}>;tag=reg\r\nTo: <sip:alice@{HOME}>\r\n\
         Call-ID: registration\r\nCSeq: {cseq} REGISTER\r\n\
         Contact: <sip:alice@alice.invalid;transport=ws>;reg-id=1;\
         +sip.instance=\"<urn:uuid:00000000-0000-4000-8000-000000000001>\"\r\n\
         Supported: path, outbound\r\nExpires: 60000000\r\n\
         Authorization: Digest username=\"alice@{HOME}\", realm=\"{HOME}\", nonce=\"n\", \
         uri=\"sip:{HOME}\", response=\"6629fae49393a05397450978507c4ef1\"\r\nContent-Length: 0\r\n\r\n"
    ))
}

pub(crate) fn registered(request: &Message) -> Message {
    let mut response = Message::response_to(request, wire_sip::StatusCode::OK, None);
    let contact = request.header(HeaderName::Contact).expect("a Contact");
    response.push_back(
        HeaderName::Contact,
        format_args!("{contact};expires=60000000"),
    );
    response.push_back(
        HeaderName::ServiceRoute,
        format_args!("<sip:orig@{CORE};lr>"),
    );
    response.push_back(
        HeaderName::PAssociatedUri,
        format_args!("<sip:alice@{HOME}>"),
    );
    response
}
