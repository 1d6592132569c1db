//! Somebody tries to be somebody else: what each attempt gets, and that its victim is unharmed.

use core_sip::ConnectionId;
use wire_sip::{HeaderName, Message, StatusCode};

use super::bearer::{Waf, authorized, register_with, with_token};
use super::support::*;

const MALLORY: ConnectionId = ConnectionId(66);

fn to_alice(path: &str) -> Message {
    message(&format!(
        "MESSAGE sip:alice@alice.invalid;transport=ws SIP/2.0\r\n\
         Via: SIP/2.0/UDP {CORE};branch=z9hG4bKm\r\nMax-Forwards: 60\r\nRoute: {path}\r\n\
         From: <sip:bob@{HOME}>;tag=bob\r\nTo: <sip:alice@{HOME}>\r\nCall-ID: m\r\n\
         CSeq: 7 MESSAGE\r\nContent-Length: 0\r\n\r\n"
    ))
}

fn a_message(from: &str) -> Message {
    message(&format!(
        "MESSAGE sip:bob@{HOME} SIP/2.0\r\nVia: SIP/2.0/WSS m.invalid;branch=z9hG4bKmsg\r\n\
         Max-Forwards: 70\r\nFrom: <sip:{from}@{HOME}>;tag=m\r\nTo: <sip:bob@{HOME}>\r\nCall-ID: m\r\n\
         CSeq: 1 MESSAGE\r\nP-Asserted-Identity: <sip:ceo@{HOME}>\r\n\
         P-Preferred-Identity: <sip:ceo@{HOME}>\r\nContent-Length: 0\r\n\r\n"
    ))
}

/// What the core says of alice still reaches alice's WebSocket, and no other.
fn alice_is_unharmed(bench: &mut Bench, path: &str) {
    bench.to_wic.clear();
    let number = bench.messages;
    bench.messages += 1;
    bench.core_says(&with(&to_alice(path), |text| {
        text.replace("z9hG4bKm", &format!("z9hG4bKm{number}"))
    }));
    assert_eq!(bench.at_wic_on(WIC).method().as_str(), "MESSAGE");
    assert!(bench.to_wic.iter().all(|(on, _)| *on == WIC));
}

/// TS 33.203 §O.2.3 — everything of alice's but her password, on another connection.
#[test]
fn a_flow_is_not_taken_over_without_authenticating() {
    let mut bench = Bench::new();
    bench.register();
    let path = bench.path();
    bench.open(MALLORY);
    for credentials in [
        "response=\"\"",
        "response=\"guess\", integrity-protected=\"tls-yes\"",
    ] {
        let attempt = again(&register(50 + credentials.len() as u32, credentials));
        bench.wic_says_on(MALLORY, attempt.to_bytes());
        let request = bench.at_core();
        let told = request.header(HeaderName::Authorization).unwrap();
        assert!(!told.contains("tls-yes"), "no association there: {told}");
        let refused = Message::response_to(&request, StatusCode::FORBIDDEN, None);
        bench.core_says(&refused);
        assert_eq!(
            bench.at_wic_on(MALLORY).status(),
            Some(StatusCode::FORBIDDEN)
        );
        alice_is_unharmed(&mut bench, &path);
    }
    bench.wic_says_on(MALLORY, a_message("alice").to_bytes());
    assert_eq!(
        bench.at_wic_on(MALLORY).status(),
        Some(StatusCode::FORBIDDEN)
    );
}

/// A name and nothing else ends nobody's registration either.
#[test]
fn nobody_deregisters_another() {
    let mut bench = Bench::new();
    bench.register();
    let path = bench.path();
    bench.open(MALLORY);
    let away = with(&register(60, "response=\"\""), |text| {
        text.replace("Expires: 600", "Expires: 0")
    });
    bench.wic_says_on(MALLORY, again(&away).to_bytes());
    let request = bench.at_core();
    let told = request.header(HeaderName::Authorization).unwrap();
    assert!(!told.contains("integrity-protected"), "{told}");
    let challenge = Message::response_to(&request, StatusCode::UNAUTHORIZED, None);
    bench.core_says(&challenge);
    assert_eq!(bench.shard.counters().bindings, 1);
    alice_is_unharmed(&mut bench, &path);
}

/// TS 24.371 §6.4.2 with TS 33.203 §X.3: a token lets its bearer register, and nothing else before that.
#[test]
fn a_token_is_worth_nothing_on_another_connection() {
    let mut bench = Bench::new();
    let waf = Waf::new(&mut bench);
    let token = waf.token(300, |_| {});
    register_with(&mut bench, &token);
    let path = {
        bench.wic_says(&again(&with_token(2, &token)));
        let request = bench.at_core();
        bench.core_says(&registered(&request));
        bench.at_wic();
        request.header(HeaderName::Path).unwrap().to_owned()
    };
    bench.wic_says(&authorized(
        &invite("sip:bob@home.example", &wic_sdp()),
        &token,
    ));
    let request = bench.at_core();
    bench.core_says(&answer(&request, StatusCode::OK, "bob", Some(&core_sdp())));
    let ok = bench.at_wic();
    bench.wic_says(&in_dialog("ACK", 1, &ok));
    bench.to_core.clear();
    bench.open(MALLORY);
    for stolen in [
        a_message("alice"),
        invite("sip:bob@home.example", &wic_sdp()),
        in_dialog("UPDATE", 2, &ok),
        in_dialog("BYE", 3, &ok),
    ] {
        let stolen = authorized(&again(&stolen), &token);
        bench.wic_says_on(MALLORY, stolen.to_bytes());
        assert_eq!(
            bench.at_wic_on(MALLORY).status(),
            Some(StatusCode::FORBIDDEN)
        );
    }
    assert!(bench.core_is_quiet());
    assert_eq!(bench.shard.counters().sessions, 1);
    alice_is_unharmed(&mut bench, &path);
}

/// Registered as herself, she is herself in alice's dialog too.
#[test]
fn another_registration_has_no_part_in_a_dialog() {
    let mut bench = Bench::new();
    let ok = bench.talks();
    bench.open(MALLORY);
    bench.register_as(MALLORY, "mallory");
    bench.to_core.clear();
    bench.wic_says_on(MALLORY, again(&in_dialog("BYE", 9, &ok)).to_bytes());
    let status = bench.at_wic_on(MALLORY).status();
    assert_eq!(status, Some(StatusCode::CALL_DOES_NOT_EXIST));
    assert!(bench.core_is_quiet());
    assert_eq!(bench.shard.counters().sessions, 1);
}

/// TS 33.203 §X.3.2 — To and From are the token's, whatever the WIC makes of them.
#[test]
fn a_good_token_registers_nobody_else() {
    for (from, to) in [
        ("<sip:ceo@home.example>;tag=reg", "<sip:ceo@home.example>"),
        (
            "\"<sip:ceo@home.example>\" <sip:ceo@home.example>;tag=reg",
            "\"<sip:ceo@home.example>\" <sip:ceo@home.example>",
        ),
        ("sip:ceo@home.example;tag=reg", "sip:ceo@home.example"),
        (
            "\"a\\\" <sip:alice@home.example>\" <sip:ceo@home.example>;tag=reg",
            "<sip:ceo@home.example>;x=\"<sip:ceo@home.example>\"",
        ),
        ("<tel:+15550199>;tag=reg", "<tel:+15550199>"),
    ] {
        let mut bench = Bench::new();
        let waf = Waf::new(&mut bench);
        let mut request = with_token(1, &waf.token(300, |_| {}));
        request.set(HeaderName::From, from);
        request.set(HeaderName::To, to);
        bench.wic_says(&request);
        let request = bench.at_core();
        for name in [HeaderName::From, HeaderName::To] {
            let told = request.header(name).unwrap();
            let uri = core_sip::address::uri_of(told);
            assert_eq!(uri, Some("sip:alice@home.example"), "{told}");
        }
        let told = request.header(HeaderName::Authorization).unwrap();
        assert!(told.contains("username=\"alice@home.example\""));
    }
}

/// TS 24.229 §5.2.6.3.3.
#[test]
fn an_asserted_identity_is_ours_to_write() {
    let mut bench = Bench::new();
    bench.register();
    bench.wic_says(&a_message("ceo"));
    let request = bench.at_core();
    let told: Vec<&str> = request.values(HeaderName::PAssertedIdentity).collect();
    assert_eq!(told, ["<sip:alice@home.example>"]);
    assert_eq!(request.header(HeaderName::PPreferredIdentity), None);
}

/// Nor in an answer.
#[test]
fn nor_is_it_in_an_answer() {
    let mut bench = Bench::new();
    bench.register();
    let path = bench.path();
    let mut call = to_alice(&path);
    call.push_back(HeaderName::PCalledPartyId, "<tel:+15550100>");
    bench.core_says(&call);
    let request = bench.at_wic();
    let mut forged = answer(&request, StatusCode::OK, "alice", None);
    forged.push_back(HeaderName::PAssertedIdentity, "<sip:ceo@home.example>");
    bench.wic_says(&forged);
    let told = bench.at_core();
    let told: Vec<&str> = told.values(HeaderName::PAssertedIdentity).collect();
    assert_eq!(told, ["<tel:+15550100>"]);
}

/// Scheme by scheme: who came by a token stays by a token, so that nobody outlives one.
#[test]
fn a_token_is_not_outlived_by_naming_another_scheme() {
    let mut bench = Bench::new();
    let waf = Waf::new(&mut bench);
    register_with(&mut bench, &waf.token(300, |_| {}));
    bench.wic_says(&register(
        2,
        "response=\"\", integrity-protected=\"tls-yes\"",
    ));
    let request = bench.at_core();
    let told = request.header(HeaderName::Authorization).unwrap();
    assert!(!told.contains("integrity-protected"), "{told}");
}
