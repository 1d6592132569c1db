//! TS 24.371 §6A.2 — WIC, deregistration.

use conformance::Edge;
use wire_sip::{HeaderName, params};

/// "The WIC shall follow the deregistration procedures specified in 3GPP TS 24.229"; "If the WIC have
/// no more public user identities registered …, the WebSockets connection … shall be removed"
/// (TS 24.371 §6A.1).
#[test]
fn the_end_is_a_register_with_expiry_zero_and_the_websocket_goes() {
    let mut edge = Edge::listen();
    let wic = edge.wic(&["--token", "a.b.c", "--stay", "0.2"]);
    let register = edge.request("REGISTER");
    edge.accept_registration(&register, 600);
    wic.says("registered");
    let last = edge.request("REGISTER");
    let contact = last.header(HeaderName::Contact).expect("a contact");
    let expires = params::find(contact, "expires").or(last.header(HeaderName::Expires));
    assert_eq!(expires, Some("0"), "{contact}");
    assert_eq!(last.call_id(), register.call_id());
    edge.accept_registration(&last, 0);
    edge.is_closed();
}
