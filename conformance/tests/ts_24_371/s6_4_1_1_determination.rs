//! TS 24.371 §6.4.1.1 — eP-CSCF, determination of the IMS authentication mechanism (TS 33.203 annex P).

use conformance::{HOME, Subject, Waf};
use wire_sip::HeaderName;

/// One row for each thing that a first REGISTER over TLS may bring, and what the core is told of it.
#[test]
fn the_credentials_decide() {
    let waf = Waf::start();
    let mut subject = Subject::trusting(&waf);
    let mut core = subject.core();
    let digest = |more: &str| {
        format!(
            "Authorization: Digest username=\"alice@{HOME}\", realm=\"{HOME}\", nonce=\"\", \
             uri=\"sip:{HOME}\"{more}\r\n"
        )
    };
    let bearer = format!("Authorization: Bearer {}\r\n", waf.token("alice"));
    let rows = [
        (String::new(), None),
        (digest(", response=\"\""), Some(None)),
        (digest(", response=\"00\""), Some(Some("tls-pending"))),
        (
            digest(", response=\"\", algorithm=AKAv2-SHA-256"),
            Some(Some("tls-connected")),
        ),
        (digest(", response=\"\", algorithm=SHA-256"), Some(None)),
        (bearer, Some(Some("auth-done"))),
    ];
    for (number, (credentials, wanted)) in rows.into_iter().enumerate() {
        let mut wic = subject.wic("alice");
        let register = wic.register(&format!("Call-ID: row-{number}\r\n{credentials}"));
        wic.send(&register);
        let seen = core.request("REGISTER");
        let says = seen.header(HeaderName::Authorization);
        let says = says.map(crate::integrity_protected);
        assert_eq!(
            says,
            wanted.map(|says| says.map(str::to_owned)),
            "{credentials}"
        );
        core.answer(&seen, 403, "");
        wic.status(403);
    }
}

/// TS 33.203 §P.3: what the WIC says of its own protection is removed.
#[test]
fn what_the_wic_says_of_itself_does_not_count() {
    let mut subject = Subject::start();
    let mut core = subject.core();
    for claim in ["yes", "tls-yes", "auth-done", "ip-assoc-yes"] {
        let mut wic = subject.wic("alice");
        let register = wic.register(&format!(
            "Call-ID: {claim}\r\nAuthorization: Digest username=\"bob@{HOME}\", realm=\"{HOME}\", \
             nonce=\"\", uri=\"sip:{HOME}\", response=\"\", integrity-protected=\"{claim}\"\r\n"
        ));
        wic.send(&register);
        let seen = core.request("REGISTER");
        let says = seen.header(HeaderName::Authorization).expect("kept");
        assert_eq!(crate::integrity_protected(says), None, "{says}");
        core.answer(&seen, 403, "");
        wic.status(403);
    }
}

/// TS 33.203 §P.3: without credentials the core must not take it for a bundled access.
#[test]
fn without_credentials_the_access_is_named() {
    let mut subject = Subject::start();
    let (mut core, mut wic) = (subject.core(), subject.wic("alice"));
    let register = wic.register("");
    wic.send(&register);
    let seen = core.request("REGISTER");
    assert_eq!(seen.header(HeaderName::Authorization), None);
    let access = seen.header(HeaderName::PAccessNetworkInfo).expect("there");
    assert!(access.contains("network-provided"), "{access}");
}
