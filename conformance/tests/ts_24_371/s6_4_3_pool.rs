//! TS 24.371 §6.4.3 — eP-CSCF, registration of an identity from a pool.

use conformance::{HOME, Subject, Waf};
use wire_sip::{HeaderName, params};

/// "if the registration expiration interval … contains a value higher than the lifetime of the
/// authorization token, … the eP-CSCF may set a value for the registration expiration interval …
/// equal to the lifetime of the authorization token": in both places where it can stand.
#[test]
fn the_interval_is_the_tokens_lifetime_at_most() {
    let waf = Waf::start();
    let mut subject = Subject::trusting(&waf);
    let mut core = subject.core();
    let mut claims = waf.claims("visitor-7");
    claims.exp = claims.iat + 120;
    let token = waf.issue(&claims);
    let rows = [
        ("Expires: 3600\r\n", ""),
        ("", ";expires=3600"),
        ("", ""),
        ("Expires: 60\r\n", ""),
        ("", ";expires=60"),
    ];
    for (number, (expires, parameter)) in rows.into_iter().enumerate() {
        let mut wic = subject.wic("visitor-7");
        let lines = format!(
            "Call-ID: row-{number}\r\nAuthorization: Bearer {token}\r\n{expires}\
             Contact: <sip:v@v.invalid;transport=ws>;reg-id=1;+sip.instance=\"<urn:uuid:7>\"\
             {parameter}\r\n"
        );
        let register = wic.register(&lines);
        wic.send(&register);
        let seen = core.request("REGISTER");
        let contact = seen.header(HeaderName::Contact).expect("Contact");
        let asked = params::find(contact, "expires").or(seen.header(HeaderName::Expires));
        let asked: u64 = asked.expect("an interval").parse().expect("a number");
        if expires.contains("60\r") || parameter.ends_with("=60") {
            assert_eq!(asked, 60, "what is shorter stays");
        } else {
            assert!((100..=120).contains(&asked), "{asked}");
        }
        core.answer(&seen, 403, "");
        wic.status(403);
    }
}

/// "there is no linkage between the user's web identity … and the assigned IMS identities": the
/// identity comes from the token, whoever the token's subject is.
#[test]
fn the_assigned_identity_is_registered() {
    let waf = Waf::start();
    let mut subject = Subject::trusting(&waf);
    let (mut core, mut wic) = (subject.core(), subject.wic("anonymous"));
    let mut claims = waf.claims("visitor-7");
    claims.sub = "wwsf".to_owned();
    let lines = format!("Authorization: Bearer {}\r\n", waf.issue(&claims));
    let register = wic.register(&lines);
    wic.send(&register);
    let seen = core.request("REGISTER");
    let to = seen.header(HeaderName::To).expect("To");
    assert_eq!(to, format!("<sip:visitor-7@{HOME}>"));
    let says = seen.header(HeaderName::Authorization).expect("credentials");
    assert!(
        says.contains(&format!("username=\"visitor-7@{HOME}\"")),
        "{says}"
    );
}
