//! TS 24.371 §6.2.1.1 — WIC, registration using IMS authentication, general.

use conformance::{Edge, HOME};
use wire_sip::HeaderName;

/// "when the WIC uses registration using SIP Digest it shall follow the procedures as described in
/// subclause 6.2.1.2": those of "SIP Digest without TLS" (TS 24.371 §6.2.1.2).
#[test]
fn a_wic_with_a_password_registers_by_digest() {
    let mut edge = Edge::listen();
    let wic = edge.wic(&["--password", "secret", "--stay", "20"]);
    assert_eq!(edge.subprotocol.as_deref(), Some("sip"));
    let first = edge.request("REGISTER");
    assert_eq!(first.request_uri(), Some(&format!("sip:{HOME}")[..]));
    let says = first.header(HeaderName::Authorization).unwrap_or_default();
    assert!(
        says.is_empty() || says.contains(&format!("username=\"alice@{HOME}\"")),
        "{says}"
    );
    edge.answer(
        &first,
        401,
        "WWW-Authenticate: Digest realm=\"ims.example.net\", nonce=\"abc\", algorithm=MD5, \
         qop=\"auth\"\r\n",
    );
    let second = edge.request("REGISTER");
    let says = second
        .header(HeaderName::Authorization)
        .expect("credentials");
    for word in [
        "Digest ",
        "nonce=\"abc\"",
        "qop=auth",
        "nc=00000001",
        "cnonce=",
        "response=\"",
    ] {
        assert!(says.contains(word), "{word}: {says}");
    }
    assert!(!says.contains("integrity-protected"), "{says}");
    assert_eq!(second.call_id(), first.call_id());
    edge.accept_registration(&second, 600);
    wic.says("registered");
}
