//! TS 24.371 §7.4.4 — eP-CSCF, WIC emergency call.

use conformance::{Core, HOME, Setup, Subject, Wic};
use wire_sip::{HeaderName, Message};

use crate::wire_calls::browser_sdp;

fn ask(wic: &mut Wic, method: &str, uri: &str) -> Message {
    let request = wic.request(method, uri, "", "");
    wic.send(&request);
    wic.final_response()
}

fn registered(epcscf: &str) -> (Subject, Core, Wic, String) {
    let mut subject = Subject::with(&Setup { epcscf, waf: None });
    let (mut core, mut wic) = (subject.core(), subject.wic("alice"));
    let seen = wic.is_registered_by(&mut core);
    let path = seen.header(HeaderName::Path).expect("Path").to_owned();
    (subject, core, wic, path)
}

/// "the eP-CSCF shall inspect the Request-URI"; "an emergency numbers or an emergency service URN
/// from the configurable lists".
#[test]
fn every_way_to_ask_for_help_is_380() {
    let (_subject, mut core, mut wic, _) = registered("emergency_numbers = [\"112\", \"999\"]\n");
    for uri in [
        "urn:service:sos",
        "urn:service:sos.police",
        "URN:SERVICE:SOS",
        "tel:112",
        "tel:1-1-2;phone-context=ims.example.net",
        "sip:999@ims.example.net;user=phone",
        "sip:112;phone-context=x@ims.example.net",
    ] {
        let answer = ask(&mut wic, "INVITE", uri);
        let status = answer.status().map(wire_sip::StatusCode::as_u16);
        assert_eq!(status, Some(380), "{uri}");
    }
    core.hears_nothing();
    // What is in no list is a call like any other.
    let invite = wic.invite("tel:911", "", &browser_sdp());
    wic.send(&invite);
    core.request("INVITE");
}

/// "an initial request for a dialog, or a standalone transaction, or an unknown method".
#[test]
fn not_calls_alone() {
    let (_subject, mut core, mut wic, _) = registered("");
    for method in ["INVITE", "MESSAGE", "SUBSCRIBE", "X-UNKNOWN"] {
        let answer = ask(&mut wic, method, "urn:service:sos");
        let status = answer.status().map(wire_sip::StatusCode::as_u16);
        assert_eq!(status, Some(380), "{method}");
    }
    core.hears_nothing();
}

/// "send 380 (Alternative Service) response with the contents as specified in 3GPP TS 24.229
/// subclause 5.2.10.4".
#[test]
fn the_answer_says_why_in_the_standards_form() {
    let (_subject, _core, mut wic, path) = registered("");
    let answer = ask(&mut wic, "INVITE", "urn:service:sos");
    assert_eq!(answer.content_type(), Some("application/3gpp-ims+xml"));
    let body = std::str::from_utf8(answer.body()).expect("text");
    assert!(body.starts_with("<?xml"), "{body}");
    for word in [
        "<ims-3gpp version=\"1\">",
        "<alternative-service>",
        "<type>emergency</type>",
        "<reason>",
    ] {
        assert!(body.contains(word), "{body}");
    }
    // TS 24.229 §5.2.10.4: the value of the last Path entry of registration.
    let asserted = answer.header(HeaderName::PAssertedIdentity).expect("ours");
    assert_eq!(asserted, path);
}

/// Whoever asks for help is told so before registration is asked for.
#[test]
fn without_a_registration_too() {
    let mut subject = Subject::start();
    let (mut core, mut wic) = (subject.core(), subject.wic("alice"));
    let answer = ask(&mut wic, "INVITE", &format!("sip:112@{HOME};user=phone"));
    let status = answer.status().map(wire_sip::StatusCode::as_u16);
    assert_eq!(status, Some(380));
    assert!(answer.has(HeaderName::PAssertedIdentity));
    core.hears_nothing();
}
