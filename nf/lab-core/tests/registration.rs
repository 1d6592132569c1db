//! REGISTER: RFC 3261 §10.3, TS 24.229 §5.4.1, TS 33.203 Annexes N and U.
mod common;

use std::time::Duration;

use common::*;
use core_credentials::digest::{
    Algorithm, AuthenticationInfo, Challenge, Credentials, HashedPassword,
};
use core_credentials::token::Entities;
use wire_sip::{HeaderName, Message};

const PHONE: &str = "127.0.0.1:5091";

#[test]
fn a_phone_proves_its_password_and_is_granted_what_it_needs() {
    let mut lab = Lab::new();
    let request = lab.register_request("alice", "<sip:alice@127.0.0.1:5091>;expires=600");
    let challenge = lab.ask(phone(PHONE), &request);
    assert_eq!(status(&challenge), 401);
    let offered: Vec<_> = challenges(&challenge).collect();
    assert_eq!(offered.len(), 1, "an old phone knows MD5 only");
    let parsed = Challenge::parse(offered[0]).unwrap();
    assert_eq!((parsed.algorithm, parsed.qop.auth), (Algorithm::MD5, true));
    assert_eq!(parsed.realm, DOMAIN);

    let authorization = answer(&challenge, "alice", "alice-password", 1);
    let mut again = lab.register_request("alice", "<sip:alice@127.0.0.1:5091>;expires=600");
    again.push_back(HeaderName::Authorization, &authorization);
    let granted = lab.ask(phone(PHONE), &again);
    assert_eq!(status(&granted), 200);
    assert_eq!(
        granted.header(HeaderName::Contact),
        Some("<sip:alice@127.0.0.1:5091>;expires=600")
    );
    assert_eq!(
        granted.header(HeaderName::ServiceRoute),
        Some("<sip:orig@127.0.0.1:5060;lr>")
    );
    assert_eq!(
        granted.header(HeaderName::FeatureCaps),
        Some("*;+g.3gpp.datachannel")
    );
    assert_eq!(
        values(&granted, HeaderName::PAssociatedUri),
        ["<sip:alice@ims.example.com>", "<tel:+15550100>"]
    );
    let proof = granted.header(HeaderName::AuthenticationInfo).unwrap();
    let proof = AuthenticationInfo::parse(proof).unwrap();
    let ours = Credentials::parse(&authorization).unwrap();
    let username = format!("alice@{DOMAIN}");
    let password = HashedPassword::new(ours.algorithm.hash, &username, DOMAIN, b"alice-password");
    assert!(proof.rspauth.is_some());
    assert!(ours.confirms(&proof, &password, b""));
    assert_eq!(lab.core.contacts(&username), Some(1));
}

/// RFC 8760 §2.3: those that come by a P-CSCF choose.
#[test]
fn sha_256_is_offered_where_it_is_understood() {
    let mut lab = Lab::new();
    let request = lab.register_request("alice", "<sip:alice@abc.invalid;transport=ws>");
    let challenge = lab.ask(edge(), &request);
    let offered: Vec<_> = challenges(&challenge)
        .map(|value| Challenge::parse(value).unwrap().algorithm)
        .collect();
    assert_eq!(offered, [Algorithm::SHA_256, Algorithm::MD5]);
    let sha = challenges(&challenge).nth(1).unwrap();
    let mut again = lab.register_request("alice", "<sip:alice@abc.invalid;transport=ws>");
    let value = answer_to(sha, "REGISTER", "alice", "alice-password", 1);
    again.push_back(HeaderName::Authorization, value);
    assert_eq!(status(&lab.ask(edge(), &again)), 200);
}

#[test]
fn a_wrong_password_gets_403() {
    let mut lab = Lab::new();
    let request = lab.register_request("alice", "<sip:alice@127.0.0.1:5091>");
    let challenge = lab.ask(phone(PHONE), &request);
    let mut again = lab.register_request("alice", "<sip:alice@127.0.0.1:5091>");
    again.push_back(
        HeaderName::Authorization,
        answer(&challenge, "alice", "guess", 1),
    );
    assert_eq!(status(&lab.ask(phone(PHONE), &again)), 403);
    assert_eq!(lab.core.contacts(&format!("alice@{DOMAIN}")), Some(0));
}

#[test]
fn nobody_registers_the_identity_of_another() {
    let mut lab = Lab::new();
    let unknown = lab.register_request("mallory", "<sip:mallory@127.0.0.1:5091>");
    assert_eq!(status(&lab.ask(phone(PHONE), &unknown)), 403);

    let request = lab.register_request("bob", "<sip:bob@127.0.0.1:5091>");
    let challenge = lab.ask(phone(PHONE), &request);
    let mut again = lab.register_request("bob", "<sip:bob@127.0.0.1:5091>");
    again.push_back(
        HeaderName::Authorization,
        answer(&challenge, "alice", "alice-password", 1),
    );
    assert_eq!(status(&lab.ask(phone(PHONE), &again)), 403);
}

/// RFC 7616 §3.3, §5.12: a nonce lasts for a while, each count of it for one request.
#[test]
fn nonce_counts_go_up_and_nonces_go_stale() {
    let mut lab = Lab::new();
    let contact = "<sip:alice@127.0.0.1:5091>";
    let request = lab.register_request("alice", contact);
    let challenge = lab.ask(phone(PHONE), &request);
    let with = |lab: &mut Lab, nc| {
        let mut again = lab.register_request("alice", contact);
        again.push_back(
            HeaderName::Authorization,
            answer(&challenge, "alice", "alice-password", nc),
        );
        lab.ask(phone(PHONE), &again)
    };
    assert_eq!(status(&with(&mut lab, 1)), 200);
    assert_eq!(status(&with(&mut lab, 2)), 200);
    for late in [false, true] {
        if late {
            lab.pass(Duration::from_mins(4));
        }
        let answer = with(&mut lab, if late { 3 } else { 2 });
        assert_eq!(status(&answer), 401);
        let value = answer.header(HeaderName::WwwAuthenticate).unwrap();
        assert!(Challenge::parse(value).unwrap().stale, "{value}");
    }
}

/// TS 33.203 Annex U.
#[test]
fn auth_done_is_for_trusted_nodes() {
    let mut lab = Lab::new();
    let contact = "<sip:alice@abc.invalid;transport=ws>";
    let mut request = lab.register_request("alice", contact);
    request.push_back(HeaderName::Authorization, auth_done("alice"));
    assert_eq!(status(&lab.ask(phone("127.0.0.1:5091"), &request)), 403);
    let mut request = lab.register_request("alice", contact);
    request.push_back(HeaderName::Authorization, auth_done("alice"));
    let granted = lab.ask(edge(), &request);
    assert_eq!(status(&granted), 200);
    assert_eq!(granted.header(HeaderName::AuthenticationInfo), None);

    // The same node over a connection of its own, known by its Via.
    let mut request = lab.register_request("alice", contact);
    request.push_back(HeaderName::Authorization, auth_done("alice"));
    request.push_front(
        HeaderName::Via,
        "SIP/2.0/TCP 127.0.0.1:5070;branch=z9hG4bKedge",
    );
    let source = over_tcp("127.0.0.1:40000", 1);
    assert_eq!(status(&lab.ask(source, &request)), 200);
}

/// TS 24.229 §5.4.1.2.2E.
#[test]
fn an_association_is_proof_of_who_is_registered_already() {
    let mut lab = Lab::new();
    let contact = "<sip:alice@abc.invalid;transport=ws>";
    let bound = auth_done("alice").replace("auth-done", "tls-yes");
    let mut request = lab.register_request("alice", contact);
    request.push_back(HeaderName::Authorization, &bound);
    assert_eq!(status(&lab.ask(edge(), &request)), 401, "not registered");
    lab.register_with("alice", edge(), contact);
    let mut request = lab.register_request("alice", contact);
    request.push_back(HeaderName::Authorization, &bound);
    assert_eq!(status(&lab.ask(edge(), &request)), 200);
    let mut request = lab.register_request("alice", contact);
    request.push_back(HeaderName::Authorization, &bound);
    let answer = lab.ask(phone("127.0.0.1:5099"), &request);
    assert_eq!(status(&answer), 401, "anybody can write that");
}

#[test]
fn path_is_kept_and_echoed() {
    let mut lab = Lab::new();
    let path = "<sip:token@127.0.0.1:5070;lr;ob>";
    let contact = "<sip:a@abc.invalid;transport=ws>;+sip.instance=\"<urn:uuid:1>\";reg-id=1";
    let mut request = lab.register_request("alice", contact);
    request.push_back(HeaderName::Path, path);
    request.push_back(HeaderName::Supported, "path, outbound");
    request.push_back(HeaderName::Require, "path");
    request.push_back(HeaderName::Authorization, auth_done("alice"));
    let granted = lab.ask(edge(), &request);
    assert_eq!(status(&granted), 200);
    assert_eq!(granted.header(HeaderName::Path), Some(path));
    assert_eq!(granted.header(HeaderName::Require), Some("outbound"));
    let value = granted.header(HeaderName::Contact).unwrap();
    assert!(
        value.contains("+sip.instance=\"<urn:uuid:1>\";reg-id=1;expires=3600"),
        "{value}"
    );
}

/// RFC 5626 §6.
#[test]
fn one_instance_and_reg_id_is_one_contact() {
    let mut lab = Lab::new();
    let register = |lab: &mut Lab, host: &str, reg_id: u32| {
        let contact =
            format!("<sip:a@{host};transport=ws>;+sip.instance=\"<urn:uuid:1>\";reg-id={reg_id}");
        let path = "<sip:token@127.0.0.1:5070;lr;ob>";
        let granted = lab.register_trusted("alice", &contact, path);
        granted.values(HeaderName::Contact).count()
    };
    assert_eq!(register(&mut lab, "one.invalid", 1), 1);
    assert_eq!(register(&mut lab, "two.invalid", 1), 1, "it moved");
    assert_eq!(register(&mut lab, "three.invalid", 2), 2, "a second flow");
}

#[test]
fn outbound_needs_an_edge_that_knows_it() {
    let mut lab = Lab::new();
    let contact = "<sip:a@abc.invalid;transport=ws>;+sip.instance=\"<urn:uuid:1>\";reg-id=1";
    let mut request = lab.register_request("alice", contact);
    request.push_back(HeaderName::Path, "<sip:token@127.0.0.1:5070;lr>");
    request.push_back(HeaderName::Supported, "path, outbound");
    request.push_back(HeaderName::Authorization, auth_done("alice"));
    assert_eq!(status(&lab.ask(edge(), &request)), 439);
}

#[test]
fn expiry_is_bounded_below_and_above() {
    let mut lab = Lab::new();
    let mut brief = lab.register_request("alice", "<sip:alice@abc.invalid>;expires=59");
    brief.push_back(HeaderName::Authorization, auth_done("alice"));
    let answer = lab.ask(edge(), &brief);
    assert_eq!(status(&answer), 423);
    assert_eq!(answer.header(HeaderName::MinExpires), Some("60"));

    let mut long = lab.register_request("alice", "<sip:alice@abc.invalid>");
    long.push_back(HeaderName::Expires, 9_999_999);
    long.push_back(HeaderName::Authorization, auth_done("alice"));
    let granted = lab.ask(edge(), &long);
    let contact = granted.header(HeaderName::Contact).unwrap();
    assert!(contact.ends_with(";expires=600000"), "{contact}");
}

#[test]
fn a_registration_ends_by_itself() {
    let mut lab = Lab::new();
    lab.register_trusted(
        "alice",
        "<sip:alice@abc.invalid>;expires=60",
        "<sip:t@127.0.0.1:5070;lr>",
    );
    let impi = format!("alice@{DOMAIN}");
    lab.pass(Duration::from_millis(59_999));
    assert_eq!(lab.core.contacts(&impi), Some(1));
    lab.pass(Duration::from_millis(1));
    assert_eq!(lab.core.contacts(&impi), Some(0));
}

#[test]
fn deregistration_of_one_and_of_all() {
    let mut lab = Lab::new();
    let path = "<sip:t@127.0.0.1:5070;lr>";
    lab.register_trusted("alice", "<sip:a@one.invalid>", path);
    lab.register_trusted("alice", "<sip:a@two.invalid>", path);
    let left = lab.register_trusted("alice", "<sip:a@one.invalid>;expires=0", path);
    let contacts = values(&left, HeaderName::Contact);
    assert_eq!(contacts.len(), 1);
    assert!(contacts[0].contains("two.invalid"));
    let mut all = lab.register_request("alice", "*");
    all.push_back(HeaderName::Expires, 0);
    all.push_back(HeaderName::Authorization, auth_done("alice"));
    let none = lab.ask(edge(), &all);
    assert_eq!(status(&none), 200);
    assert_eq!(none.header(HeaderName::Contact), None);
    assert_eq!(none.header(HeaderName::PAssociatedUri), None);

    let mut senseless = lab.register_request("alice", "*");
    senseless.push_back(HeaderName::Authorization, auth_done("alice"));
    assert_eq!(status(&lab.ask(edge(), &senseless)), 400);
}

/// RFC 3261 §10.3 item 7.
#[test]
fn a_register_that_comes_late_changes_nothing() {
    let mut lab = Lab::new();
    let contact = "<sip:alice@abc.invalid>";
    let mut old = lab.register_request("alice", contact);
    old.push_back(HeaderName::Expires, 0);
    old.push_back(HeaderName::Authorization, auth_done("alice"));
    lab.register_trusted("alice", contact, "<sip:t@127.0.0.1:5070;lr>");
    assert_eq!(status(&lab.ask(edge(), &old)), 500);
    assert_eq!(lab.core.contacts(&format!("alice@{DOMAIN}")), Some(1));
}

#[test]
fn what_is_registered_can_be_asked() {
    let mut lab = Lab::new();
    lab.register("alice", phone(PHONE));
    let mut query = lab.register_request("alice", "");
    query.push_back(HeaderName::Authorization, auth_done("alice"));
    let answer = lab.ask(edge(), &query);
    assert_eq!(values(&answer, HeaderName::Contact).len(), 1);
}

#[test]
fn requests_that_are_not_for_this_registrar() {
    let mut lab = Lab::new();
    let mut extension = lab.register_request("alice", "<sip:a@b>");
    extension.push_back(HeaderName::Require, "path, magic");
    let answer = lab.ask(phone(PHONE), &extension);
    assert_eq!(status(&answer), 420);
    assert_eq!(answer.header(HeaderName::Unsupported), Some("magic"));
    let mut elsewhere = lab.register_request("alice", "<sip:a@b>");
    elsewhere.set_request_uri("sip:elsewhere.example.com");
    assert_eq!(status(&lab.ask(phone(PHONE), &elsewhere)), 404);
}

#[test]
fn the_oldest_contact_makes_room() {
    let mut lab = Lab::with(|config| config.max_contacts = 2);
    let path = "<sip:t@127.0.0.1:5070;lr>";
    for host in ["one", "two", "three"] {
        lab.register_trusted("alice", &format!("<sip:a@{host}.invalid>"), path);
    }
    let mut query = lab.register_request("alice", "");
    query.push_back(HeaderName::Authorization, auth_done("alice"));
    let contacts = values(&lab.ask(edge(), &query), HeaderName::Contact).join(" ");
    assert!(
        !contacts.contains("one.") && contacts.contains("three."),
        "{contacts}"
    );
}

fn challenges(message: &Message) -> impl Iterator<Item = &str> {
    let lines = message.headers();
    lines
        .filter(|line| line.id == HeaderName::WwwAuthenticate)
        .map(|line| line.value)
}

/// RFC 7616 §3.5 — the proof gives the nonce of the next time, which needs no challenge even an hour later.
#[test]
fn the_next_nonce_is_given_with_the_proof() {
    let mut lab = Lab::new();
    let contact = "<sip:alice@127.0.0.1:5091>";
    let granted = lab.register_with("alice", phone(PHONE), contact);
    let proof = granted.header(HeaderName::AuthenticationInfo).unwrap();
    let next = AuthenticationInfo::parse(proof).unwrap().nextnonce.unwrap();
    lab.pass(Duration::from_mins(50));
    let challenge = Challenge::new(DOMAIN, &next, Algorithm::MD5).to_string();
    let mut again = lab.register_request("alice", contact);
    let value = answer_to(&challenge, "REGISTER", "alice", "alice-password", 1);
    again.push_back(HeaderName::Authorization, &value);
    assert_eq!(status(&lab.ask(phone(PHONE), &again)), 200);
    let mut replayed = lab.register_request("alice", contact);
    replayed.push_back(HeaderName::Authorization, &value);
    assert_eq!(status(&lab.ask(phone(PHONE), &replayed)), 401);
}

/// RFC 8760 §2.1, RFC 7616 §3.4.2 — every algorithm, with and without `-sess`, in the order configured.
#[test]
fn every_algorithm_registers() {
    let names = [
        "SHA-512-256",
        "SHA-512-256-sess",
        "SHA-256",
        "SHA-256-sess",
        "MD5",
        "MD5-sess",
    ];
    for at in 0..names.len() {
        let mut lab = Lab::with(|config| {
            config.algorithms = names
                .iter()
                .map(|name| Algorithm::parse(name).unwrap())
                .collect();
        });
        let contact = "<sip:alice@abc.invalid;transport=ws>";
        let request = lab.register_request("alice", contact);
        let challenge = lab.ask(edge(), &request);
        let offered: Vec<_> = challenges(&challenge).map(str::to_owned).collect();
        assert_eq!(offered.len(), names.len());
        let chosen = Challenge::parse(&offered[at]).unwrap();
        assert_eq!(chosen.algorithm.to_string(), names[at]);
        let mut again = lab.register_request("alice", contact);
        let value = answer_to(&offered[at], "REGISTER", "alice", "alice-password", 1);
        again.push_back(HeaderName::Authorization, value);
        assert_eq!(status(&lab.ask(edge(), &again)), 200, "{}", names[at]);
    }
}

/// TS 33.203 §X.3.2 — a third party's WAF and WWSF stand behind a registration only where the home says so.
#[test]
fn third_parties_are_looked_up() {
    let named = |waf: Option<&str>, wwsf: Option<&str>| {
        Entities {
            waf: waf.map(str::to_owned),
            wwsf: wwsf.map(str::to_owned),
        }
        .to_jwt()
    };
    for (body, expected) in [
        (named(Some("waf.x"), Some("shop")), 200),
        (named(None, Some("shop")), 200),
        (named(Some("waf.x"), Some("barred")), 403),
        (named(Some("waf.y"), None), 403),
        ("not.a.jwt".to_owned(), 400),
    ] {
        let mut lab = Lab::with(|config| {
            config.web_functions.allowed = ["waf.x", "shop", "barred"].map(str::to_owned).to_vec();
            config.web_functions.barred = vec!["barred".into()];
        });
        let mut request = lab.register_request("alice", "<sip:alice@abc.invalid;transport=ws>");
        request.push_back(HeaderName::Authorization, auth_done("alice"));
        request.set_body(Some("application/jwt"), body.clone().into_bytes());
        assert_eq!(status(&lab.ask(edge(), &request)), expected, "{body}");
    }
    for (waf, expected) in [("waf.x", 200), ("waf.y", 403)] {
        let mut lab = Lab::with(|config| config.web_functions.allowed = vec!["waf.x".into()]);
        let mut request = lab.register_request("alice", "<sip:alice@abc.invalid;transport=ws>");
        let value = format!("{}, authorization-entity=\"{waf}\"", auth_done("alice"));
        request.push_back(HeaderName::Authorization, value);
        assert_eq!(status(&lab.ask(edge(), &request)), expected, "{waf}");
    }
}
