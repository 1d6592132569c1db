//! What a message keeps, and what an edit changes.

use bytes::Bytes;
use wire_sip::{Fault, HeaderName, Message, StatusCode};

const INVITE: &str = "INVITE sip:bob@example.net SIP/2.0\r\n\
    v: SIP/2.0/UDP one;branch=z9hG4bK1 ,SIP/2.0/TCP two;branch=z9hG4bK2\r\n\
    Via  :  SIP/2.0/UDP three;branch=z9hG4bK3\r\n\
    Max-Forwards: 70\r\n\
    f: \"A, B\" <sip:alice@example.net>;tag=1\r\n\
    To: <sip:bob@example.net>\r\n\
    i: call\r\n\
    CSeq: 1\r\n  INVITE\r\n\
    X-Unknown: kept , as   it\r\n\tcame\r\n\
    l: 4\r\n\r\nbody";

fn invite() -> Message {
    Message::parse(Bytes::from_static(INVITE.as_bytes())).expect("it is well-formed")
}

#[test]
fn untouched_it_leaves_as_it_came() {
    assert_eq!(invite().to_bytes(), INVITE.as_bytes());
}

#[test]
fn compact_folded_and_listed_headers_are_read() {
    let message = invite();
    let vias: Vec<_> = message.values(HeaderName::Via).collect();
    assert_eq!(vias.len(), 3);
    assert!(vias[2].contains("three"));
    assert_eq!(message.header(HeaderName::CallId), Some("call"));
    assert_eq!(
        message.header_named("x-unknown"),
        Some("kept , as   it\r\n\tcame")
    );
    assert_eq!(message.method().as_str(), "INVITE");
    assert_eq!(message.body(), b"body");
}

#[test]
fn an_edit_leaves_every_other_line_as_it_came() {
    let mut message = invite();
    message.remove_first_value(HeaderName::Via);
    message.push_front(HeaderName::RecordRoute, "<sip:edge;lr>");
    message.set(HeaderName::MaxForwards, 69);
    let text = String::from_utf8(message.to_bytes().to_vec()).unwrap();
    let expected = INVITE
        .replace("v: SIP/2.0/UDP one;branch=z9hG4bK1 ,SIP", "Via: SIP")
        .replace("Max-Forwards: 70", "Max-Forwards: 69")
        .replacen(
            "SIP/2.0\r\n",
            "SIP/2.0\r\nRecord-Route: <sip:edge;lr>\r\n",
            1,
        );
    assert_eq!(text, expected);
}

#[test]
fn a_new_body_brings_its_length() {
    let mut message = invite();
    message.set_body(Some("application/sdp"), &b"v=0\r\n"[..]);
    let again = Message::parse(message.to_bytes()).unwrap();
    assert_eq!(again.body(), b"v=0\r\n");
    assert_eq!(again.header(HeaderName::ContentLength), Some("5"));
}

#[test]
fn a_value_cannot_smuggle_a_line() {
    let mut message = invite();
    message.push_back(HeaderName::Subject, "a\r\nRoute: <sip:evil>");
    let again = Message::parse(message.to_bytes()).unwrap();
    assert_eq!(again.header(HeaderName::Route), None);
}

#[test]
fn a_response_takes_what_it_must() {
    let response = Message::response_to(&invite(), StatusCode::new(486).unwrap(), None);
    let text = String::from_utf8(response.to_bytes().to_vec()).unwrap();
    assert!(text.starts_with("SIP/2.0 486 Busy Here\r\nVia: "), "{text}");
    let again = Message::parse(response.to_bytes()).unwrap();
    assert_eq!(again.values(HeaderName::Via).count(), 3);
    assert_eq!(again.method().as_str(), "INVITE");
}

#[test]
fn what_is_wrong_has_its_name() {
    let broken = |from: &str, to: &str| {
        let text = INVITE.replacen(from, to, 1);
        Message::parse(Bytes::from(text))
            .map(|_| ())
            .map_err(|error| error.what)
    };
    assert_eq!(
        broken("i: call\r\n", ""),
        Err(Fault::Missing(HeaderName::CallId))
    );
    assert_eq!(broken("l: 4", "l: 5"), Err(Fault::BodyTooShort));
    assert_eq!(broken("l: 4", "l: x"), Err(Fault::ContentLength));
    assert_eq!(
        broken("l: 4", "l: 4\r\nl: 4"),
        Err(Fault::Repeated(HeaderName::ContentLength))
    );
    assert_eq!(broken("INVITE sip", "INVITE  sip"), Err(Fault::RequestUri));
    assert_eq!(broken("SIP/2.0\r\n", "SIP/7.0\r\n"), Err(Fault::Version));
    assert_eq!(broken("  INVITE", "  BYE"), Err(Fault::CSeqMethod));
    assert_eq!(
        broken("CSeq: 1\r\n", "CSeq: 2147483648\r\n"),
        Err(Fault::CSeq)
    );
    assert_eq!(broken("X-Unknown", "X Unknown"), Err(Fault::HeaderName));
    assert_eq!(broken("kept", "k\0pt"), Err(Fault::Control));
    assert_eq!(broken("\r\n\r\nbody", ""), Err(Fault::Truncated));
}
