//! TS 24.371 §6.2.3 — WIC, registration of an identity from a pool.

use conformance::{Edge, HOME};
use wire_sip::{HeaderName, Message};

/// A WIC to which this identity of the pool is lent, and the REGISTER that it sends.
fn lent(edge: &mut Edge, guest: &str) -> (conformance::Headless, Message) {
    let (impi, impu) = (format!("{guest}@{HOME}"), format!("sip:{guest}@{HOME}"));
    let token = format!("head.{guest}.signature");
    let words = [
        "--token", &token, "--impi", &impi, "--impu", &impu, "--stay", "20",
    ];
    let wic = edge.wic(&words);
    (wic, edge.request("REGISTER"))
}

/// "The WIC procedure is as specified in subclause 6.2.2, with the difference that the public user
/// identity (and private user identity) is temporarily assigned to the user and there is no linkage
/// between the user's web identity [...] and the assigned IMS identities."
#[test]
fn a_lent_identity_is_all_that_the_network_hears_of() {
    for guest in ["guest1", "guest2"] {
        let mut edge = Edge::listen();
        let (wic, register) = lent(&mut edge, guest);
        let says: Vec<&str> = register.lines(HeaderName::Authorization).collect();
        assert_eq!(says, [format!("Bearer head.{guest}.signature")]);
        for name in [HeaderName::From, HeaderName::To] {
            let value = register.header(name).expect("RFC 3261 wants both");
            assert!(value.contains(&format!("sip:{guest}@{HOME}")), "{value}");
        }
        // Who signs in at this WIC otherwise is alice, and the other guest was here before.
        let text = String::from_utf8_lossy(&register.to_bytes()).to_lowercase();
        let others = ["guest1", "guest2", "alice"].into_iter();
        for other in others.filter(|other| *other != guest) {
            assert!(!text.contains(other), "{other} in {text}");
        }
        edge.accept_registration(&register, 120);
        wic.says("registered");
    }
}
