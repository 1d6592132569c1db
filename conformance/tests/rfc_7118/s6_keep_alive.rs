//! RFC 7118 §6 — connections that are kept alive.

use conformance::Subject;
use tungstenite::Message as Frame;

/// "SIP WebSocket Clients and Servers may keep their WebSocket connections open by sending periodic
/// WebSocket Ping frames"; RFC 6455 §5.5.2 has them answered with the same data.
#[test]
fn a_ping_frame_gets_its_pong() {
    let subject = Subject::start();
    let mut wic = subject.wic("alice");
    wic.send_frame(Frame::Ping("are you there".into()));
    wic.wait_for_pong(b"are you there");
}

/// RFC 5626 §3.5.1, for a WIC that cannot send ping frames: a page's script.
#[test]
fn two_crlfs_get_one() {
    let subject = Subject::start();
    let mut wic = subject.wic("alice");
    wic.send_raw(b"\r\n\r\n");
    assert_eq!(wic.frame(), Frame::text("\r\n"));
}

/// RFC 5626 §3.5.1: one CRLF is a pong, and is answered with nothing.
#[test]
fn one_crlf_gets_none() {
    let subject = Subject::start();
    let mut wic = subject.wic("alice");
    wic.send_raw(b"\r\n");
    wic.hears_nothing();
}
