//! TS 24.371 §6.2.2 — WIC, registration based on web authentication.

use conformance::{Edge, HOME};
use wire_sip::HeaderName;

/// "send a SIP REGISTER request to the eP-CSCF via the Websockets connection, which includes: i) the
/// Authorization header field with the Bearer scheme containing the access token".
#[test]
fn the_token_is_in_the_register() {
    let mut edge = Edge::listen();
    let wic = edge.wic(&["--token", "head.body.signature", "--stay", "20"]);
    let register = edge.request("REGISTER");
    let says: Vec<&str> = register.lines(HeaderName::Authorization).collect();
    assert_eq!(says, ["Bearer head.body.signature"]);
    // ii) values for To and From decided by the implementation: its public identity.
    let to = register.header(HeaderName::To).expect("To");
    assert!(to.contains(&format!("sip:alice@{HOME}")), "{to}");
    edge.accept_registration(&register, 300);
    wic.says("registered");
}
