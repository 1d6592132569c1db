//! RFC 7118 §4.2 — messages on the WebSocket.

use conformance::{Subject, Wic};
use tungstenite::Message as Frame;

fn options(wic: &mut Wic) -> Vec<u8> {
    let lines = "X-Own: stays\r\n";
    let request = wic.request("OPTIONS", "sip:bob@ims.example.net", lines, "");
    request.to_bytes().to_vec()
}

/// "WebSocket messages can be transported in either UTF-8 text frames or binary frames. SIP allows
/// both UTF-8 and binary bodies in SIP requests and responses."
#[test]
fn text_and_binary_are_both_taken() {
    let mut subject = Subject::start();
    let (mut core, mut wic) = (subject.core(), subject.wic("alice"));
    wic.is_registered_by(&mut core);
    for binary in [false, true] {
        let bytes = options(&mut wic);
        wic.send_frame(if binary {
            Frame::binary(bytes)
        } else {
            Frame::text(String::from_utf8(bytes).expect("text"))
        });
        let seen = core.request("OPTIONS");
        assert_eq!(seen.header_named("X-Own"), Some("stays"));
        core.answer(&seen, 200, "");
        wic.status(200);
    }
}

/// A body that is no UTF-8 cannot be text (RFC 6455 §8.1): it goes in a binary message.
#[test]
fn a_body_that_is_not_utf_8_arrives_byte_for_byte() {
    let mut subject = Subject::start();
    let (mut core, mut wic) = (subject.core(), subject.wic("alice"));
    wic.is_registered_by(&mut core);
    let body = [0xff, 0x00, 0xfe, 0x80];
    let mut message = wic.request("MESSAGE", "sip:bob@ims.example.net", "", "");
    message.set_body(Some("application/octet-stream"), body.to_vec());
    wic.send(&message);
    let seen = core.request("MESSAGE");
    assert_eq!(seen.body(), body);
    let mut answer = wire_sip::Message::response_to(&seen, wire_sip::StatusCode::OK, None);
    answer.set_body(Some("application/octet-stream"), body.to_vec());
    core.send_answer(&answer);
    match wic.frame() {
        Frame::Binary(data) => assert!(data.ends_with(&body)),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_text_comes_as_text() {
    let mut subject = Subject::start();
    let (mut core, mut wic) = (subject.core(), subject.wic("alice"));
    wic.is_registered_by(&mut core);
    let bytes = options(&mut wic);
    wic.send_raw(&bytes);
    let seen = core.request("OPTIONS");
    core.answer(&seen, 200, "");
    assert!(matches!(wic.frame(), Frame::Text(_)));
}

/// "Each SIP message MUST be carried within a single WebSocket message, and a WebSocket message MUST
/// NOT contain more than one SIP message."
#[test]
fn two_messages_in_one_are_not_taken_for_two() {
    let mut subject = Subject::start();
    let (mut core, mut wic) = (subject.core(), subject.wic("alice"));
    wic.is_registered_by(&mut core);
    let mut two = options(&mut wic);
    two.extend(options(&mut wic));
    wic.send_raw(&two);
    // The first says that it ends where the second begins: it is malformed, or stands alone.
    match wic_or_core(&mut wic, &mut core) {
        Heard::Core => core.hears_nothing(),
        Heard::Wic(status) => assert_eq!(status, 400),
    }
}

enum Heard {
    Core,
    Wic(u16),
}

fn wic_or_core(wic: &mut Wic, core: &mut conformance::Core) -> Heard {
    // A probe behind it tells which way the first went.
    let probe = wic.request("MESSAGE", "sip:bob@ims.example.net", "", "");
    wic.send(&probe);
    let seen = core.any_request();
    if seen.method().as_str() == "OPTIONS" {
        core.answer(&seen, 200, "");
        wic.status(200);
        let seen = core.request("MESSAGE");
        core.answer(&seen, 200, "");
        wic.status(200);
        Heard::Core
    } else {
        let status = wic.final_response().status().expect("a response");
        Heard::Wic(status.as_u16())
    }
}

/// "the Content-Length header field … is optional".
#[test]
fn content_length_may_be_absent() {
    let mut subject = Subject::start();
    let (mut core, mut wic) = (subject.core(), subject.wic("alice"));
    wic.is_registered_by(&mut core);
    let text = String::from_utf8(options(&mut wic)).expect("text");
    wic.send_raw(text.replace("Content-Length: 0\r\n", "").as_bytes());
    let seen = core.request("OPTIONS");
    core.answer(&seen, 200, "");
    wic.status(200);
}
