//! RFC 7118 §5.2 — what it changes of RFC 3261: Via, and the way back of responses.

use conformance::Subject;
use wire_sip::HeaderName;

/// RFC 7118 §5.2.1: "WS" and "WSS" in Via; what the WIC wrote comes back to it, and it alone.
#[test]
fn responses_carry_the_wics_own_via_and_no_other() {
    let mut subject = Subject::start();
    let mut core = subject.core();
    for (mut wic, transport) in [
        (subject.wic("alice"), "WSS"),
        (subject.wic_without_tls("bob"), "WS"),
    ] {
        let register = wic.register_by_digest();
        wic.send(&register);
        let seen = core.request("REGISTER");
        let vias: Vec<&str> = seen.values(HeaderName::Via).collect();
        assert_eq!(vias.len(), 2, "ours is on top: {vias:?}");
        assert!(vias[0].starts_with("SIP/2.0/UDP 127.0.0.1:"), "{vias:?}");
        let own = format!("SIP/2.0/{transport} {}.invalid;", wic.name);
        assert!(vias[1].starts_with(&own), "{vias:?}");
        core.accept(&seen, "<sip:x@ims.example.net>");
        let answer = wic.status(200);
        let vias: Vec<&str> = answer.values(HeaderName::Via).collect();
        assert_eq!(vias.len(), 1);
        assert!(vias[0].starts_with(&own), "{vias:?}");
    }
}

/// RFC 7118 §5.2.4: the domain in Via is no place to send to; responses take the connection.
#[test]
fn responses_go_back_on_the_connection_that_the_request_came_on() {
    let mut subject = Subject::start();
    let mut core = subject.core();
    let (mut alice, mut bob) = (subject.wic("alice"), subject.wic("bob"));
    let (first, second) = (alice.register_by_digest(), bob.register_by_digest());
    alice.send(&first);
    let to_alice = core.request("REGISTER");
    bob.send(&second);
    let to_bob = core.request("REGISTER");
    // The core answers in the other order.
    core.answer(&to_bob, 403, "");
    core.answer(&to_alice, 500, "");
    assert_eq!(alice.status(500).call_id(), first.call_id());
    assert_eq!(bob.status(403).call_id(), second.call_id());
    alice.hears_nothing();
    bob.hears_nothing();
}

/// RFC 3261 §17.1.1.1 with RFC 7118 §5.2.4: the transport is reliable, nothing is sent again on it.
#[test]
fn requests_are_not_sent_again() {
    let mut subject = Subject::start();
    let (mut core, mut wic) = (subject.core(), subject.wic("alice"));
    let seen = wic.is_registered_by(&mut core);
    let path = seen.header(HeaderName::Path).expect("a Path");
    let lines = format!(
        "Route: {path}\r\nFrom: <sip:bob@ims.example.net>;tag=b\r\nTo: <{}>\r\n\
         CSeq: 1 OPTIONS\r\n",
        wic.identity()
    );
    core.say(
        "OPTIONS",
        "sip:alice@alice.invalid;transport=ws",
        "again",
        &lines,
        "",
    );
    let request = wic.receive_request("OPTIONS");
    // Longer than the first interval that UDP would wait (RFC 3261 §17.1.2.2).
    wic.hears_nothing_for(std::time::Duration::from_millis(950));
    wic.answer(&request, 200, "");
    let answer = core.response();
    assert_eq!(answer.status().map(wire_sip::StatusCode::as_u16), Some(200));
}
