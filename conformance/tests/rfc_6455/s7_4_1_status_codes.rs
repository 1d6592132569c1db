//! RFC 6455 §7.4.1 — the codes that a WIC is closed with, and that nobody else is harmed.

use conformance::{Core, Subject, Waf, Wic, unsigned};
use wire_sip::StatusCode;

/// A WIC that has registered, and one that is about to misbehave.
fn two(subject: &mut Subject) -> (Core, Wic, Wic) {
    let mut core = subject.core();
    let mut bob = subject.wic("bob");
    bob.is_registered_by(&mut core);
    (core, bob, subject.wic("mallory"))
}

/// The other WIC is served as before.
fn is_unharmed(wic: &mut Wic, core: &mut Core) {
    let request = wic.request("OPTIONS", "sip:carol@ims.example.net", "", "");
    wic.send(&request);
    let seen = core.request("OPTIONS");
    core.answer(&seen, 200, "");
    wic.status(200);
}

/// 1007: data that is not consistent with its type. A WIC that goes on with what is no SIP.
#[test]
fn garbage_ends_with_1007() {
    let mut subject = Subject::start();
    let (mut core, mut bob, mut mallory) = two(&mut subject);
    for _ in 0..3 {
        mallory.send_raw(b"this is no SIP\r\n\r\n");
    }
    assert_eq!(mallory.close_code(), 1007);
    core.hears_nothing();
    is_unharmed(&mut bob, &mut core);
}

/// What can be answered is answered 400, for a while.
#[test]
fn malformed_requests_are_answered_400_and_end_with_1007() {
    let mut subject = Subject::start();
    let (mut core, mut bob, mut mallory) = two(&mut subject);
    for sent in 1..=9 {
        let good = mallory.register("").to_bytes();
        let good = String::from_utf8(good.to_vec()).expect("text");
        mallory.send_raw(good.replace(" REGISTER\r\n", " INVITE\r\n").as_bytes());
        let answer = mallory.final_response();
        assert_eq!(answer.status().map(StatusCode::as_u16), Some(400), "{sent}");
    }
    assert_eq!(mallory.close_code(), 1007);
    core.hears_nothing();
    is_unharmed(&mut bob, &mut core);
}

/// 1007: text that is not UTF-8.
#[test]
fn text_that_is_not_utf_8_ends_with_1007() {
    let mut subject = Subject::start();
    let (mut core, mut bob, mut mallory) = two(&mut subject);
    mallory.send_bytes_of_tcp(&text_frame(b"REGISTER \xff\xfe SIP/2.0\r\n\r\n"));
    assert_eq!(mallory.close_code(), 1007);
    is_unharmed(&mut bob, &mut core);
}

/// 1008: policy. A token that no honest client sends.
#[test]
fn a_token_that_is_not_signed_ends_with_1008() {
    let waf = Waf::start();
    let mut subject = Subject::trusting(&waf);
    let (mut core, mut bob, mut mallory) = two(&mut subject);
    let token = unsigned(&waf.token("bob"));
    let register = mallory.register(&format!("Authorization: Bearer {token}\r\n"));
    mallory.send(&register);
    mallory.status(401);
    assert_eq!(mallory.close_code(), 1008);
    is_unharmed(&mut bob, &mut core);
}

/// 1009: too big to process. A SIP message has 64 KiB at most.
#[test]
fn a_message_above_64_kib_ends_with_1009() {
    let mut subject = Subject::start();
    let (mut core, mut bob, mut mallory) = two(&mut subject);
    let good = mallory.register("").to_bytes();
    let good = String::from_utf8(good.to_vec()).expect("text");
    let long = format!("X-Long: {}\r\nMax-Forwards", "a".repeat(70_000));
    mallory.send_raw(good.replace("Max-Forwards", &long).as_bytes());
    assert_eq!(mallory.close_code(), 1009);
    core.hears_nothing();
    is_unharmed(&mut bob, &mut core);
}

/// 1002: a frame that the protocol does not know.
#[test]
fn a_frame_that_is_none_ends_with_1002() {
    let mut subject = Subject::start();
    let (mut core, mut bob, mut mallory) = two(&mut subject);
    // Final, opcode 5, which is reserved; masked and empty.
    mallory.send_bytes_of_tcp(&[0x85, 0x80, 0, 0, 0, 0]);
    assert_eq!(mallory.close_code(), 1002);
    is_unharmed(&mut bob, &mut core);
}

/// A masked text frame with these octets, whatever they are.
fn text_frame(data: &[u8]) -> Vec<u8> {
    let length = u8::try_from(data.len()).expect("short");
    let mut frame = vec![0x81, 0x80 | length, 0, 0, 0, 0];
    frame.extend(data);
    frame
}
