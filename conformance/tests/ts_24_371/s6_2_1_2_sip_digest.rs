//! TS 24.371 §6.2.1.2 — WIC, W2 using SIP Digest credentials.

use conformance::{Edge, HOME};
use core_credentials::digest::{Credentials, Hash, HashedPassword};
use wire_sip::{HeaderName, Message};

fn credentials(request: &Message) -> Credentials {
    let says = request.header(HeaderName::Authorization).expect("it");
    Credentials::parse(says).expect("credentials")
}

fn knows(request: &Message, hash: Hash) -> bool {
    let password = HashedPassword::new(hash, &format!("alice@{HOME}"), HOME, b"secret");
    credentials(request).verify(&password, "REGISTER", b"")
}

fn ask(edge: &mut Edge, request: &Message, nonce: &str, more: &str) {
    let line = format!(
        "WWW-Authenticate: Digest realm=\"{HOME}\", nonce=\"{nonce}\", qop=\"auth\"{more}\r\n"
    );
    edge.answer(request, 401, &line);
}

/// TS 24.229 §5.1.1.2.3, §5.1.1.5.4: the first REGISTER names the private identity and answers nothing,
/// the next one answers the challenge; a refresh counts on (§5.1.1.4.4).
#[test]
fn a_challenge_is_answered_and_serves_the_refresh_too() {
    let mut edge = Edge::listen();
    let wic = edge.wic(&["--password", "secret", "--stay", "20"]);
    let first = edge.request("REGISTER");
    let says = first.header(HeaderName::Authorization).expect("who it is");
    for word in [
        &format!("username=\"alice@{HOME}\"")[..],
        &format!("realm=\"{HOME}\""),
        "nonce=\"\"",
        "response=\"\"",
    ] {
        assert!(says.contains(word), "{word}: {says}");
    }
    assert_eq!(first.header_named("Security-Client"), None);
    ask(&mut edge, &first, "abc", ", algorithm=SHA-256");
    let second = edge.request("REGISTER");
    assert!(knows(&second, Hash::Sha256));
    edge.accept_registration(&second, 4);
    wic.says("registered");
    let refresh = edge.request("REGISTER");
    assert!(knows(&refresh, Hash::Sha256));
    let count = |request| credentials(request).protection.expect("qop").nc;
    assert_eq!((count(&second), count(&refresh)), (1, 2));
    assert_eq!(refresh.call_id(), second.call_id());
}

/// RFC 7616 §3.3: a nonce that was only too old is no wrong password.
#[test]
fn a_stale_nonce_is_answered_anew() {
    let mut edge = Edge::listen();
    let wic = edge.wic(&["--password", "secret", "--stay", "20"]);
    let first = edge.request("REGISTER");
    ask(&mut edge, &first, "old", "");
    let second = edge.request("REGISTER");
    assert!(knows(&second, Hash::Md5));
    ask(&mut edge, &second, "new", ", stale=true");
    let third = edge.request("REGISTER");
    assert_eq!(credentials(&third).nonce, "new");
    assert!(knows(&third, Hash::Md5));
    edge.accept_registration(&third, 600);
    wic.says("registered");
}

/// A second challenge without that says that the password is wrong: it is not guessed on.
#[test]
fn a_wrong_password_is_tried_once() {
    let mut edge = Edge::listen();
    let wic = edge.wic(&["--password", "secret", "--stay", "20"]);
    let first = edge.request("REGISTER");
    ask(&mut edge, &first, "one", "");
    let second = edge.request("REGISTER");
    ask(&mut edge, &second, "two", "");
    wic.says("registration_failed");
}
