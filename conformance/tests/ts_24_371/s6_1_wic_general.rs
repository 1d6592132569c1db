//! TS 24.371 §6.1 — WIC, registration and authentication, general.

use conformance::Edge;
use wire_sip::{HeaderName, params};

/// "there is no need to indicate the media plane security mechanisms in the Security-Client header
/// field of the REGISTER request"; "The WIC … using Gm shall follow the registration procedures as
/// described in 3GPP TS 24.229": instance, reg-id, and what it supports (TS 24.229 §5.1.1.2.1).
#[test]
fn a_register_is_that_of_a_gm_user_agent_without_security_client() {
    let mut edge = Edge::listen();
    let _wic = edge.wic(&["--token", "a.b.c", "--stay", "20"]);
    let register = edge.request("REGISTER");
    assert!(!register.has(HeaderName::SecurityClient));
    assert!(!register.lists(HeaderName::Require, "sec-agree"));
    let contact = register.header(HeaderName::Contact).expect("a contact");
    assert!(contact.contains("transport=ws"), "{contact}");
    let instance = params::find(contact, "+sip.instance").expect("an instance");
    assert!(instance.contains("urn:uuid:"), "{contact}");
    assert_eq!(params::find(contact, "reg-id"), Some("1"), "{contact}");
    for tag in ["path", "outbound"] {
        assert!(register.lists(HeaderName::Supported, tag), "{tag}");
    }
    assert!(
        register
            .header(HeaderName::Via)
            .expect("Via")
            .starts_with("SIP/2.0/WS ")
    );
}
