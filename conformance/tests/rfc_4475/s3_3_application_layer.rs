//! RFC 4475 §3.3: application-layer semantics.

use wire_sip::HeaderName;

use crate::door::{Door, status, values};

const TO_BOB: &str = "sip:bob@ims.example.com";

/// RFC 4475 §3.3.2.
#[test]
fn request_uri_with_unknown_scheme_gets_416() {
    let mut door = Door::new();
    let text = door.request(
        "OPTIONS nobodyKnowsThisScheme:totallyopaquecontent SIP/2.0",
        &[],
    );
    assert_eq!(status(&door.answer(&text)), 416);
}

/// RFC 4475 §3.3.3.
#[test]
fn request_uri_with_known_but_atypical_scheme_gets_416() {
    let mut door = Door::new();
    let text = door.request("OPTIONS soap.beep://192.0.2.103:3002 SIP/2.0", &[]);
    assert_eq!(status(&door.answer(&text)), 416);
}

/// RFC 4475 §3.3.4: the registrar stores SIP contacts only; To and From may be anything.
#[test]
fn unknown_uri_schemes_in_contact_get_400() {
    let mut door = Door::new();
    let text = door.request(
        "REGISTER sip:ims.example.com SIP/2.0",
        &[
            "To: <sip:alice@ims.example.com>",
            "Contact: <name:John_Smith>",
            "Authorization: Digest username=\"alice@ims.example.com\", realm=\"x\", nonce=\"\", \
             uri=\"sip:x\", response=\"\", integrity-protected=\"auth-done\"",
        ],
    );
    assert_eq!(status(&door.answer(&text)), 400);
}

/// RFC 4475 §3.3.5: a proxy looks at Proxy-Require, and not at Require.
#[test]
fn unknown_extensions_in_proxy_require_get_420() {
    let mut door = Door::new();
    let text = door.request(
        &format!("OPTIONS {TO_BOB} SIP/2.0"),
        &[
            "Require: nothingSupportsThis, nothingSupportsThisEither",
            "Proxy-Require: noProxiesSupportThis, norDoAnyProxiesSupportThis",
        ],
    );
    let answer = door.answer(&text);
    assert_eq!(status(&answer), 420);
    assert_eq!(
        values(&answer, HeaderName::Unsupported),
        ["noProxiesSupportThis", "norDoAnyProxiesSupportThis"]
    );
    let text = door.request(
        &format!("OPTIONS {TO_BOB} SIP/2.0"),
        &["Require: nothingSupportsThis"],
    );
    let sent = door.phone_sends(&text);
    assert_eq!(
        sent[0].message.request_uri(),
        Some("sip:bob@192.0.2.20:5070")
    );
}

/// RFC 4475 §3.3.7: it is as if there were none.
#[test]
fn unknown_authorization_scheme_is_challenged() {
    let mut door = Door::new();
    let text = door.request(
        "REGISTER sip:ims.example.com SIP/2.0",
        &[
            "To: <sip:alice@ims.example.com>",
            "Authorization: NoOneKnowsThisScheme opaque-data=here",
        ],
    );
    let answer = door.answer(&text);
    assert_eq!(status(&answer), 401);
    assert!(answer.header(HeaderName::WwwAuthenticate).is_some());
}

/// RFC 4475 §3.3.10: a response goes where the request came from, never where a Via points.
#[test]
fn a_response_with_a_broadcast_via_goes_nowhere() {
    let mut door = Door::new();
    let text = "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 192.0.2.198;branch=z9hG4bK1324923\r\n\
                Via: SIP/2.0/UDP 255.255.255.255;branch=z9hG4bK1saber23\r\n\
                Call-ID: bcast\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:b@c>;tag=2\r\n\
                CSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n";
    assert!(door.phone_sends(text).is_empty());
}

/// RFC 4475 §3.3.11.
#[test]
fn max_forwards_of_zero_gets_483() {
    let mut door = Door::new();
    let text = door.request(&format!("OPTIONS {TO_BOB} SIP/2.0"), &["Max-Forwards: 0"]);
    assert_eq!(status(&door.answer(&text)), 483);
}

/// RFC 4475 §3.3.12 and §3.3.13: within angle brackets a parameter is the URI's, outside of them
/// it is the contact's.
#[test]
fn contact_parameters_and_url_parameters() {
    for (contact, echoed) in [
        (
            "<sip:+19725552222@gw1.example.net;unknownparam>",
            "<sip:+19725552222@gw1.example.net;unknownparam>;expires=3600",
        ),
        (
            "sip:+19725552222@gw1.example.net;unknownparam",
            "<sip:+19725552222@gw1.example.net>;unknownparam;expires=3600",
        ),
        // RFC 4475 §3.3.14: a header field of the URI stays in the URI.
        (
            "<sip:user@example.com?Route=%3Csip:sip.example.com%3E>",
            "<sip:user@example.com?Route=%3Csip:sip.example.com%3E>;expires=3600",
        ),
    ] {
        let mut door = Door::new();
        let contact = format!("Contact: {contact}");
        let text = door.request(
            "REGISTER sip:ims.example.com SIP/2.0",
            &[
                "To: <sip:alice@ims.example.com>",
                &contact,
                "Authorization: Digest username=\"alice@ims.example.com\", realm=\"x\", \
                 nonce=\"\", uri=\"sip:x\", response=\"\", integrity-protected=\"auth-done\"",
            ],
        );
        let answer = door.answer(&text);
        assert_eq!(status(&answer), 200, "{contact}");
        let stored = values(&answer, HeaderName::Contact);
        assert!(stored.contains(&echoed), "{stored:?}");
    }
}
