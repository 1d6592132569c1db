//! TS 24.371 §6A.1 — WIC and eP-CSCF, deregistration, general.

use conformance::{Edge, Subject};
use wire_sip::{HeaderName, params};

/// "The WIC and the eP-CSCF using Gm shall follow the deregistration procedures as described in
/// 3GPP TS 24.229": the WIC ends its binding, not everybody's (TS 24.229 §5.1.1.6).
#[test]
fn a_wic_ends_its_own_binding() {
    let mut edge = Edge::listen();
    let _wic = edge.wic(&["--token", "a.b.c", "--stay", "0.2"]);
    let register = edge.request("REGISTER");
    edge.accept_registration(&register, 600);
    let last = edge.request("REGISTER");
    let of = |message: &wire_sip::Message| {
        let contact = message.header(HeaderName::Contact).expect("a contact");
        params::find(contact, "+sip.instance").map(str::to_owned)
    };
    assert!(of(&register).is_some());
    assert_eq!(of(&last), of(&register));
}

/// The eP-CSCF passes what asks for the end, also for all bindings at once, and believes the answer.
#[test]
fn the_edge_passes_the_end_of_all_bindings() {
    let mut subject = Subject::start();
    let (mut core, mut wic) = (subject.core(), subject.wic("alice"));
    wic.is_registered_by(&mut core);
    subject.wait_for_figure("epcscf_bindings", 1);
    let register = wic.register("Contact: *\r\nExpires: 0\r\n");
    wic.send(&register);
    let seen = core.request("REGISTER");
    assert_eq!(seen.header(HeaderName::Contact), Some("*"));
    assert_eq!(seen.header(HeaderName::Expires), Some("0"));
    core.answer(&seen, 200, "");
    wic.status(200);
    subject.wait_for_figure("epcscf_bindings", 0);
}
