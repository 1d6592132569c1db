//! RFC 6455 §4.2 — what the server asks of a handshake.

use conformance::{Refused, Subject};

/// RFC 6455 §4.2.2 item 4: a version that is not understood is answered 426.
#[test]
fn another_version_is_asked_to_upgrade() {
    let subject = Subject::start();
    let refused = subject.handshake(&[("Sec-WebSocket-Version", "8")]);
    assert_eq!(refused.err(), Some(Refused(426)));
}

#[test]
fn a_request_that_is_no_handshake_gets_no_websocket() {
    let subject = Subject::start();
    let refused = subject.handshake(&[("Upgrade", "h2c")]);
    assert_eq!(refused.err(), Some(Refused(426)));
}
