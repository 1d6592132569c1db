//! TS 24.371 §6.4.2 — eP-CSCF, WIC registration using web credentials.

use conformance::{Core, HOME, Subject, Waf, Wic, unsigned};
use wire_sip::{HeaderName, Message, params};

fn with_token(wic: &mut Wic, token: &str, lines: &str) -> Message {
    wic.register(&format!("Authorization: Bearer {token}\r\n{lines}"))
}

/// A WIC with its token, registered.
fn registered(subject: &Subject, core: &mut Core, waf: &Waf, name: &str) -> Wic {
    let mut wic = subject.wic(name);
    let register = with_token(&mut wic, &waf.token(name), "");
    wic.send(&register);
    let seen = core.request("REGISTER");
    core.accept(&seen, &format!("<{}>", wic.identity()));
    wic.status(200);
    wic
}

/// "The eP-CSCF inserts the obtained private user identity and public user identity …, where the
/// Authorization header field … contains the private user identity, and the To and From header
/// fields … the public user identity. … will overwrite the To header field and From header field
/// values received".
#[test]
fn from_and_to_are_the_tokens_towards_the_core_and_the_wics_own_towards_the_wic() {
    let waf = Waf::start();
    let mut subject = Subject::trusting(&waf);
    let (mut core, mut wic) = (subject.core(), subject.wic("alice"));
    let token = waf.token("alice");
    let lines = "From: \"Any\" <sip:anonymous@anonymous.invalid>;tag=own\r\n\
                 To: <sip:bob@elsewhere.example>\r\n";
    let register = with_token(&mut wic, &token, lines);
    wic.send(&register);
    let seen = core.request("REGISTER");
    let from = seen.header(HeaderName::From).expect("From");
    assert_eq!(from, format!("\"Any\" <sip:alice@{HOME}>;tag=own"));
    let to = seen.header(HeaderName::To).expect("To");
    assert_eq!(to, format!("<sip:alice@{HOME}>"));
    core.accept(&seen, &format!("<sip:alice@{HOME}>"));
    let answer = wic.status(200);
    assert_eq!(
        answer.header(HeaderName::From),
        Some("\"Any\" <sip:anonymous@anonymous.invalid>;tag=own")
    );
    let to = answer.header(HeaderName::To).expect("To");
    assert_eq!(to, "<sip:bob@elsewhere.example>;tag=core");
}

/// "… performs as the trusted node in TNA scheme …: contains the user's private user identity, an
/// "integrity-protected" header field set to "auth-done", and an empty "response" header field".
#[test]
fn the_core_is_told_that_authentication_is_done() {
    let waf = Waf::start();
    let mut subject = Subject::trusting(&waf);
    let (mut core, mut wic) = (subject.core(), subject.wic("alice"));
    let token = waf.token("alice");
    // The first, a refresh, and the end: each is the trusted node's.
    for expires in ["600", "300", "0"] {
        let register = with_token(&mut wic, &token, &format!("Expires: {expires}\r\n"));
        wic.send(&register);
        let seen = core.request("REGISTER");
        let says: Vec<&str> = seen.lines(HeaderName::Authorization).collect();
        assert_eq!(
            says,
            [format!(
                "Digest username=\"alice@{HOME}\", realm=\"{HOME}\", nonce=\"\", \
                 uri=\"sip:{HOME}\", response=\"\", integrity-protected=\"auth-done\""
            )]
        );
        let wire = String::from_utf8_lossy(&seen.to_bytes()).into_owned();
        assert!(!wire.contains(&token) && !wire.contains("Bearer"), "{wire}");
        let contact = seen.header(HeaderName::Contact).expect("there").to_owned();
        core.answer(
            &seen,
            200,
            &format!(
                "Contact: {contact};expires={expires}\r\n\
                 P-Associated-URI: <sip:alice@{HOME}>\r\n"
            ),
        );
        wic.status(200);
    }
}

/// "forwards the SIP REGISTER request to the S-CSCF as specified in 3GPP TS 24.229".
#[test]
fn the_request_is_completed_as_by_digest() {
    let waf = Waf::start();
    let mut subject = Subject::trusting(&waf);
    let (mut core, mut wic) = (subject.core(), subject.wic("alice"));
    let register = with_token(&mut wic, &waf.token("alice"), "");
    wic.send(&register);
    let seen = core.request("REGISTER");
    let path = seen.header(HeaderName::Path).expect("Path");
    assert!(
        path.ends_with(&format!("@{};lr;ob>", core.subject())),
        "{path}"
    );
    assert!(seen.lists(HeaderName::Require, "path"));
    assert!(seen.has(HeaderName::PChargingVector));
    let network = seen.header(HeaderName::PVisitedNetworkId);
    assert_eq!(network, Some("\"visited.example.net\""));
    assert_eq!(seen.request_uri(), Some(&format!("sip:{HOME}")[..]));
}

/// What the WIC wrote may choose among the token's identities, and no other.
#[test]
fn a_token_with_two_identities_registers_the_one_that_is_asked_for() {
    let waf = Waf::start();
    let mut subject = Subject::trusting(&waf);
    let mut core = subject.core();
    let mut claims = waf.claims("alice");
    claims.impu.push(format!("sip:alice.work@{HOME}"));
    let token = waf.issue(&claims);
    for (asked, wanted) in [("alice.work", "alice.work"), ("bob", "alice")] {
        let mut wic = subject.wic("alice");
        let lines = format!("Call-ID: {asked}\r\nTo: <sip:{asked}@{HOME}>\r\n");
        let register = with_token(&mut wic, &token, &lines);
        wic.send(&register);
        let seen = core.request("REGISTER");
        let to = seen.header(HeaderName::To).expect("To");
        assert_eq!(to, format!("<sip:{wanted}@{HOME}>"));
        core.answer(&seen, 403, "");
        wic.status(403);
    }
}

/// "extract from the Authorization header field the access token and validate it": what is wrong is
/// challenged, and the core never hears of it.
#[test]
fn a_token_that_is_not_good_is_challenged() {
    let waf = Waf::start();
    let mut subject = Subject::trusting(&waf);
    let mut core = subject.core();
    let changed = |change: fn(&mut core_credentials::token::Claims)| {
        let mut claims = waf.claims("alice");
        change(&mut claims);
        waf.issue(&claims)
    };
    let stranger = Waf::start();
    let rows = [
        ("no token", "no.token.atall".to_owned(), false),
        ("expired", changed(|c| c.exp = c.iat - 60), false),
        (
            "not yet valid",
            changed(|c| c.nbf = Some(c.iat + 600)),
            false,
        ),
        ("scope", changed(|c| c.scope = "openid".into()), false),
        ("no identity", changed(|c| c.impu.clear()), false),
        ("another issuer", stranger.token("alice"), false),
        ("alg none", unsigned(&waf.token("alice")), true),
        ("signature", waf.forged("alice"), true),
        (
            "audience",
            changed(|c| c.aud = vec!["another".into()]),
            true,
        ),
    ];
    for (what, token, closes) in rows {
        let mut wic = subject.wic("alice");
        let lines = format!("Call-ID: {}\r\n", what.replace(' ', "-"));
        let register = with_token(&mut wic, &token, &lines);
        wic.send(&register);
        let answer = wic.status(401);
        let challenge = answer.header(HeaderName::WwwAuthenticate).expect(what);
        assert!(challenge.starts_with("Bearer "), "{what}: {challenge}");
        if closes {
            assert_eq!(wic.close_code(), 1008, "{what}");
        } else {
            wic.send_raw(b"\r\n\r\n");
            wic.frame();
        }
    }
    core.hears_nothing();
}

/// An old WIC's way to write it (TS 24.371 Table A.3.2-1) is read as well.
#[test]
fn the_form_of_the_older_draft_is_understood() {
    let waf = Waf::start();
    let mut subject = Subject::trusting(&waf);
    let (mut core, mut wic) = (subject.core(), subject.wic("alice"));
    let token = waf.token("alice");
    let lines = format!("Authorization: Bearer access_token=\"{token}\"\r\n");
    let register = wic.register(&lines);
    wic.send(&register);
    let seen = core.request("REGISTER");
    let says = seen.header(HeaderName::Authorization).expect("there");
    assert_eq!(
        crate::integrity_protected(says).as_deref(),
        Some("auth-done")
    );
}

/// "shall additionally create an association between the UE and the TLS connection": requests with
/// the token are served on it, and on no other connection.
#[test]
fn a_good_token_on_another_connection_is_no_registration() {
    let waf = Waf::start();
    let mut subject = Subject::trusting(&waf);
    let mut core = subject.core();
    let mut alice = registered(&subject, &mut core, &waf, "alice");
    let token = waf.token("alice");
    let mut thief = subject.wic("alice");
    for (wic, served) in [(&mut thief, false), (&mut alice, true)] {
        let lines = format!("Authorization: Bearer {token}\r\n");
        let request = wic.request("OPTIONS", "sip:bob@ims.example.net", &lines, "");
        wic.send(&request);
        if served {
            let seen = core.request("OPTIONS");
            assert!(!seen.has(HeaderName::Authorization));
        } else {
            wic.status(403);
            core.hears_nothing();
        }
    }
}

/// Another subject's token does not take a connection over.
#[test]
fn the_connection_stays_its_owners() {
    let waf = Waf::start();
    let mut subject = Subject::trusting(&waf);
    let mut core = subject.core();
    let mut alice = registered(&subject, &mut core, &waf, "alice");
    let register = with_token(&mut alice, &waf.token("mallory"), "Call-ID: other\r\n");
    alice.send(&register);
    alice.status(401);
    core.hears_nothing();
    let again = with_token(&mut alice, &waf.token("alice"), "");
    alice.send(&again);
    core.request("REGISTER");
}

/// RFC 8898 §3: no registration outlives its token.
#[test]
fn the_registration_ends_with_its_token() {
    let waf = Waf::start();
    let mut subject = Subject::trusting(&waf);
    let (mut core, mut wic) = (subject.core(), subject.wic("alice"));
    let register = with_token(&mut wic, &waf.token("alice"), "Expires: 600000\r\n");
    wic.send(&register);
    let seen = core.request("REGISTER");
    let expires = seen.header(HeaderName::Expires).expect("Expires");
    let expires: u64 = expires.parse().expect("a number");
    assert!((250..=300).contains(&expires), "{expires}");
}

/// Nobody's token is in what the edge logs.
#[test]
fn neither_token_nor_identity_is_logged() {
    let waf = Waf::start();
    let mut subject = Subject::trusting(&waf);
    let mut core = subject.core();
    let wic = registered(&subject, &mut core, &waf, "alice");
    let mut thief = subject.wic("thief");
    let forged = waf.forged("alice");
    let register = with_token(&mut thief, &forged, "");
    thief.send(&register);
    thief.status(401);
    let log = subject.log();
    for word in [&forged[..], "alice@", "+15550100", &wic.name] {
        assert!(!log.contains(word), "{word}: {log}");
    }
}

/// A stranger's WAF, or a WWSF of a third party: see `conformance/uncovered.txt`. What is certain is
/// that no body is added for our own.
#[test]
fn without_a_third_party_no_json_web_token_is_added() {
    let waf = Waf::start();
    let mut subject = Subject::trusting(&waf);
    let (mut core, mut wic) = (subject.core(), subject.wic("alice"));
    let register = with_token(&mut wic, &waf.token("alice"), "");
    wic.send(&register);
    let seen = core.request("REGISTER");
    assert!(seen.body().is_empty() && !seen.has(HeaderName::ContentType));
    let via = seen.values(HeaderName::Via).nth(1).expect("the WIC's");
    assert_eq!(params::find(via, "received"), Some("127.0.0.1"));
}
