//! TS 24.371 §6.4.1.3 — eP-CSCF, W2 using IMS-AKA.

use conformance::{HOME, Subject, Wic};
use wire_sip::{HeaderName, Message, params};

use crate::integrity_protected;

fn register(wic: &mut Wic, more: &str) -> Message {
    let lines = format!(
        "Authorization: Digest username=\"alice@{HOME}\", realm=\"{HOME}\", nonce=\"\", \
         uri=\"sip:{HOME}\", algorithm=AKAv2-SHA-256{more}\r\n"
    );
    wic.register(&lines)
}

/// "include the "integrity-protected" header field parameter with the value set to "tls-connected"":
/// the first time, with the challenge response, and on the association.
#[test]
fn every_request_is_tls_connected() {
    let mut subject = Subject::start();
    let (mut core, mut wic) = (subject.core(), subject.wic("alice"));
    for (more, status) in [
        (", response=\"\"", 401),
        (", response=\"0bf78effba6ba081\"", 200),
        (", response=\"0bf78effba6ba081\"", 200),
    ] {
        let message = register(&mut wic, more);
        wic.send(&message);
        let seen = core.request("REGISTER");
        let says = seen.header(HeaderName::Authorization).expect("credentials");
        assert_eq!(integrity_protected(says).as_deref(), Some("tls-connected"));
        assert!(says.contains("algorithm=AKAv2-SHA-256"), "{says}");
        match status {
            200 => core.accept(&seen, &format!("<{}>", wic.identity())),
            other => core.answer(
                &seen,
                other,
                "WWW-Authenticate: Digest realm=\"r\", nonce=\"I1U8\", algorithm=AKAv2-SHA-256\r\n",
            ),
        }
        wic.status(status);
    }
}

/// "set the value of the "rport" header field parameter …"; "insert the "received" header field
/// parameter".
#[test]
fn via_says_where_the_request_came_from() {
    let mut subject = Subject::start();
    let (mut core, mut wic) = (subject.core(), subject.wic("alice"));
    let port = wic.address().port().to_string();
    let message = register(&mut wic, ", response=\"\"");
    wic.send(&message);
    let seen = core.request("REGISTER");
    let via = seen.values(HeaderName::Via).nth(1).expect("the WIC's");
    assert_eq!(params::find(via, "received"), Some("127.0.0.1"), "{via}");
    assert_eq!(params::find(via, "rport"), Some(&port[..]), "{via}");
}

/// "send the 401 (Unauthorized) response to the UE using the TLS session"; TS 33.203 §X.2.3.3: the
/// WIC never sees CK and IK.
#[test]
fn the_challenge_keeps_its_nonce_and_loses_its_keys() {
    let mut subject = Subject::start();
    let (mut core, mut wic) = (subject.core(), subject.wic("alice"));
    let message = register(&mut wic, ", response=\"\"");
    wic.send(&message);
    let seen = core.request("REGISTER");
    core.answer(
        &seen,
        401,
        "WWW-Authenticate: Digest realm=\"r\", nonce=\"I1U8vpY3qJ0=\", algorithm=AKAv2-SHA-256, \
         ik=\"00\", ck=\"11\", qop=\"auth\"\r\n",
    );
    let challenge = wic.status(401);
    assert_eq!(
        challenge.header(HeaderName::WwwAuthenticate),
        Some("Digest realm=\"r\", nonce=\"I1U8vpY3qJ0=\", algorithm=AKAv2-SHA-256, qop=\"auth\"")
    );
}

/// A resynchronisation passes (RFC 3310 §3.4).
#[test]
fn auts_passes() {
    let mut subject = Subject::start();
    let (mut core, mut wic) = (subject.core(), subject.wic("alice"));
    let message = register(&mut wic, ", response=\"00\", auts=\"uoU/PBI8z0TpNZbjVcY=\"");
    wic.send(&message);
    let seen = core.request("REGISTER");
    let says = seen.header(HeaderName::Authorization).expect("credentials");
    assert!(says.contains("auts=\"uoU/PBI8z0TpNZbjVcY=\""), "{says}");
}

/// "create an association by storing and associating the UEs IP address and port of the TLS
/// connection": requests are served on it, and on no other.
#[test]
fn what_was_registered_is_served_on_this_connection_alone() {
    let mut subject = Subject::start();
    let (mut core, mut wic) = (subject.core(), subject.wic("alice"));
    let message = register(&mut wic, ", response=\"00\"");
    wic.send(&message);
    let seen = core.request("REGISTER");
    core.accept(&seen, &format!("<{}>", wic.identity()));
    wic.status(200);
    let mut other = subject.wic("alice");
    let request = other.request("OPTIONS", "sip:bob@ims.example.net", "", "");
    other.send(&request);
    other.status(403);
    let request = wic.request("OPTIONS", "sip:bob@ims.example.net", "", "");
    wic.send(&request);
    core.request("OPTIONS");
}

/// "HTTP Digest AKAv2 … is used instead of HTTP Digest AKA defined in RFC 3310" (§6.2.1.3): what is
/// weaker is not let in unless the operator says so, whatever the core would do.
#[test]
fn version_1_is_refused_unless_it_is_configured() {
    let mut subject = Subject::start();
    let mut core = subject.core();
    let mut wic = subject.wic("alice");
    let line = format!(
        "Authorization: Digest username=\"alice@{HOME}\", realm=\"{HOME}\", nonce=\"\", \
         uri=\"sip:{HOME}\", response=\"\", algorithm=AKAv1-MD5\r\n"
    );
    let message = wic.register(&line);
    wic.send(&message);
    wic.status(403);
    core.hears_nothing();
}
