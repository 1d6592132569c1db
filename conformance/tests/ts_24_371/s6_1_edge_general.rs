//! TS 24.371 §6.1 — eP-CSCF, registration and authentication, general.

use conformance::{HOME, Subject, Waf};
use wire_sip::HeaderName;

/// "There are the following IMS registration scenarios": one edge serves all of them, side by side.
#[test]
fn every_scenario_registers_at_one_edge() {
    let waf = Waf::start();
    let mut subject = Subject::trusting(&waf);
    let mut core = subject.core();
    let bearer = |name: &str| format!("Authorization: Bearer {}\r\n", waf.token(name));
    let digest = |name: &str, more: &str| {
        format!(
            "Authorization: Digest username=\"{name}@{HOME}\", realm=\"{HOME}\", nonce=\"n\", \
             uri=\"sip:{HOME}\", response=\"00\"{more}\r\n"
        )
    };
    let rows = [
        ("alice", digest("alice", "")),
        ("bob", digest("bob", ", algorithm=AKAv2-SHA-256")),
        ("carol", bearer("carol")),
        ("visitor-1", bearer("visitor-1")),
    ];
    let mut wics = Vec::new();
    for (name, credentials) in rows {
        let mut wic = subject.wic(name);
        let register = wic.register(&credentials);
        wic.send(&register);
        let seen = core.request("REGISTER");
        core.accept(&seen, &format!("<sip:{name}@{HOME}>"));
        wic.status(200);
        wics.push(wic);
    }
    subject.wait_for_figure("epcscf_bindings", 4);
    for mut wic in wics {
        wic.authorization = Some(format!("Bearer {}", waf.token(&wic.name)));
        let request = wic.request("OPTIONS", &format!("sip:far@{HOME}"), "", "");
        wic.send(&request);
        let seen = core.request("OPTIONS");
        let asserted = seen.header(HeaderName::PAssertedIdentity);
        assert_eq!(asserted, Some(&format!("<{}>", wic.identity())[..]));
        core.answer(&seen, 200, "");
        wic.status(200);
    }
}

/// "there is no need to indicate the media plane security mechanisms … in the Security-Server header
/// field of the 200 (OK) response".
#[test]
fn no_security_server_is_sent() {
    let mut subject = Subject::start();
    let (mut core, mut wic) = (subject.core(), subject.wic("alice"));
    let register = wic.register("Security-Client: sdes-srtp;mediasec\r\n");
    wic.send(&register);
    let seen = core.request("REGISTER");
    assert!(!seen.has(HeaderName::SecurityClient));
    core.accept(&seen, &format!("<{}>", wic.identity()));
    let answer = wic.status(200);
    assert_eq!(answer.header_named("Security-Server"), None);
}
