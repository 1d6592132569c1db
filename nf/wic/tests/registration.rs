//! TS 24.371 §6.2 — a WIC registers, and stays registered.

mod common;

use std::time::Duration;

use common::{DOMAIN, Lab, address, config};
use nf_wic::{Credentials, Event};
use wire_sip::{HeaderName, Method};

fn token(token: &str) -> nf_wic::Config {
    let mut config = config("alice");
    config.credentials = Credentials::Token {
        token: token.into(),
    };
    config
}

#[test]
fn digest_is_answered_and_the_registration_refreshed() {
    let mut lab = Lab::new(vec![config("alice")]);
    lab.run(Duration::from_secs(1));
    let identities = vec![format!("sip:alice@{DOMAIN}")];
    let registered = Event::Registered {
        identities,
        expires: 3600,
    };
    assert_eq!(lab.events_of("alice"), [&registered]);
    assert_eq!(lab.seen.len(), 2, "one challenge");
    lab.run(Duration::from_mins(50));
    assert_eq!(
        lab.seen.len(),
        3,
        "the nonce is used again, 600 s before the end"
    );
    let cseqs: Vec<_> = lab
        .seen
        .iter()
        .map(|m| m.header(HeaderName::CSeq).unwrap())
        .collect();
    assert_eq!(cseqs, ["1 REGISTER", "2 REGISTER", "3 REGISTER"]);
    let call_ids: Vec<_> = lab
        .seen
        .iter()
        .map(|m| m.header(HeaderName::CallId))
        .collect();
    assert!(call_ids.windows(2).all(|pair| pair[0] == pair[1]));
}

#[test]
fn a_wrong_password_is_told_and_not_tried_again_at_once() {
    let mut wrong = config("alice");
    wrong.credentials = Credentials::Digest {
        password: "wrong".into(),
    };
    let mut lab = Lab::new(vec![wrong]);
    lab.run(Duration::from_secs(10));
    assert!(matches!(
        lab.events_of("alice")[..],
        [Event::RegistrationFailed { status: 401, .. }]
    ));
    assert_eq!(lab.seen.len(), 2);
}

#[test]
fn a_token_rides_in_every_request() {
    let mut lab = Lab::registered(token("good"), config("bob"));
    let now = lab.now();
    lab.wic("alice")
        .call(now, &format!("sip:bob@{DOMAIN}"))
        .unwrap();
    lab.run(Duration::from_secs(1));
    let now = lab.now();
    lab.wic("bob").answer(now).unwrap();
    lab.run(Duration::from_secs(1));
    let now = lab.now();
    lab.wic("alice").hang_up(now).unwrap();
    lab.run(Duration::from_secs(1));
    let mut methods = Vec::new();
    for message in lab.seen.iter().filter(|m| m.is_request()) {
        if message.header(HeaderName::From).unwrap().contains("alice") {
            let value = message.header(HeaderName::Authorization);
            assert_eq!(value, Some("Bearer good"), "{:?}", message.method());
            methods.push(message.method());
        }
    }
    methods.dedup();
    assert_eq!(
        methods,
        [Method::Register, Method::Invite, Method::Ack, Method::Bye]
    );
}

#[test]
fn a_refused_token_is_told_and_a_new_one_used() {
    let mut lab = Lab::new(vec![token("old")]);
    lab.run(Duration::from_secs(1));
    assert_eq!(lab.events_of("alice"), [&Event::TokenRefused]);
    let now = lab.now();
    lab.wic("alice").set_token(now, "good".into());
    lab.run(Duration::from_secs(1));
    assert!(lab.wic("alice").is_registered());
}

#[test]
fn a_lost_websocket_is_opened_again_and_the_same_binding_registered() {
    let mut lab = Lab::new(vec![config("alice")]);
    lab.run(Duration::from_secs(1));
    lab.unreachable.push(address("alice"));
    lab.cut("alice");
    lab.run(Duration::from_secs(20));
    assert!(lab.events_of("alice").contains(&&Event::ConnectionLost));
    lab.unreachable.clear();
    let before = lab.seen.len();
    lab.run(Duration::from_secs(40));
    let again = &lab.seen[before];
    assert_eq!(again.method(), Method::Register);
    assert_eq!(
        again.header(HeaderName::Contact),
        lab.seen[0].header(HeaderName::Contact)
    );
    assert!(lab.wic("alice").is_registered());
}

#[test]
fn it_ends_when_it_is_told_to() {
    let mut lab = Lab::new(vec![config("alice")]);
    lab.run(Duration::from_secs(1));
    let now = lab.now();
    lab.wic("alice").stop(now);
    lab.run(Duration::from_secs(1));
    assert_eq!(lab.events_of("alice").last(), Some(&&Event::Unregistered));
    let last = lab
        .seen
        .last()
        .unwrap()
        .header(HeaderName::Contact)
        .unwrap();
    assert!(last.ends_with("expires=0"), "{last}");
    assert!(!lab.wic("alice").is_registered());
}
