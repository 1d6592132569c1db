//! TS 24.229 §5.2.3 and §5.2.5.2 — the network ends a registration.

use std::time::Duration;

use wire_sip::{HeaderName, Message, StatusCode};

use super::support::*;

/// The core takes the subscription and tells the first state.
fn subscribed(bench: &mut Bench) -> Message {
    let subscribe = bench.subscription();
    let mut ok = answer(&subscribe, StatusCode::OK, "scscf", None);
    ok.push_back(HeaderName::Expires, 600_000);
    bench.core_says(&ok);
    subscribe
}

fn notify(
    bench: &mut Bench,
    subscribe: &Message,
    version: u32,
    identities: &[(&str, &str)],
    contact: &str,
) -> Message {
    let target = subscribe
        .header(HeaderName::Contact)
        .unwrap()
        .trim_matches(['<', '>']);
    let registrations: Vec<String> = identities
        .iter()
        .map(|(aor, state)| {
            format!(
                "<registration aor=\"{aor}\" id=\"{aor}\" state=\"{state}\"><contact id=\"1\" {contact}>\
                 <uri>sip:alice@alice.invalid;transport=ws</uri></contact></registration>"
            )
        })
        .collect();
    let registrations = registrations.concat();
    let body = format!(
        "<reginfo xmlns=\"urn:ietf:params:xml:ns:reginfo\" version=\"{version}\" state=\"full\">{registrations}</reginfo>"
    );
    let notify = message(&format!(
        "NOTIFY {target} SIP/2.0\r\nVia: SIP/2.0/UDP {CORE};branch=z9hG4bKn{version}\r\nMax-Forwards: 70\r\n\
         From: {};tag=scscf\r\nTo: {}\r\nCall-ID: {}\r\nCSeq: {} NOTIFY\r\nContact: <sip:scscf@{CORE}>\r\n\
         Event: reg\r\nSubscription-State: active;expires=600000\r\nContent-Type: application/reginfo+xml\r\n\
         Content-Length: {}\r\n\r\n{body}",
        subscribe.header(HeaderName::To).unwrap(),
        subscribe.header(HeaderName::From).unwrap(),
        subscribe.call_id(),
        version + 1,
        body.len()
    ));
    bench.core_says(&notify);
    bench.at_core()
}

const BOTH: &[(&str, &str)] = &[
    ("sip:alice@home.example", "active"),
    ("tel:+15550100", "active"),
];
const ACTIVE: &str = "state=\"active\" event=\"registered\"";

#[test]
fn a_registration_is_watched_once() {
    let mut bench = Bench::new();
    bench.register();
    let subscribe = bench.subscription();
    assert_eq!(subscribe.request_uri(), Some("sip:alice@home.example"));
    assert_eq!(
        subscribe.header(HeaderName::PAssertedIdentity),
        Some("<sip:198.51.100.1:5070>")
    );
    assert_eq!(subscribe.header(HeaderName::Event), Some("reg"));
    assert!(subscribe.header(HeaderName::PChargingVector).is_some());
    bench.path();
    assert!(
        bench
            .to_core
            .iter()
            .all(|(_, m)| m.method().as_str() != "SUBSCRIBE"),
        "a refresh needs no other"
    );
}

#[test]
fn the_network_ends_a_registration_and_its_calls() {
    let mut bench = Bench::new();
    bench.register();
    let subscribe = subscribed(&mut bench);
    let answer_to = notify(&mut bench, &subscribe, 0, BOTH, ACTIVE);
    assert_eq!(answer_to.status(), Some(StatusCode::OK));
    assert_eq!(bench.shard.counters().bindings, 1);
    bench.wic_says(&invite("sip:bob@home.example", &wic_sdp()));
    let request = bench.at_core();
    bench.core_says(&answer(&request, StatusCode::OK, "bob", Some(&core_sdp())));
    let ok = bench.at_wic();
    bench.wic_says(&in_dialog("ACK", 1, &ok));
    bench.to_core.clear();

    let ended = "state=\"terminated\" event=\"deactivated\"";
    notify(
        &mut bench,
        &subscribe,
        1,
        &[("sip:alice@home.example", "terminated")],
        ended,
    );
    assert_eq!(bench.shard.counters().bindings, 0);
    assert_eq!(bench.shard.counters().sessions, 0);
    assert_eq!(bench.at_core().method().as_str(), "BYE");
    assert_eq!(bench.at_wic().method().as_str(), "BYE");
}

#[test]
fn an_identity_that_ends_is_asserted_no_more() {
    let mut bench = Bench::new();
    bench.register();
    let subscribe = subscribed(&mut bench);
    let one = [
        ("sip:alice@home.example", "active"),
        ("tel:+15550100", "terminated"),
    ];
    notify(&mut bench, &subscribe, 0, &one, ACTIVE);
    bench.wic_says(&invite("sip:bob@home.example", &wic_sdp()));
    let request = bench.at_core();
    assert_eq!(
        request.header(HeaderName::PAssertedIdentity),
        Some("<sip:alice@home.example>")
    );
}

#[test]
fn a_registration_may_be_shortened() {
    let mut bench = Bench::new();
    bench.register();
    let subscribe = subscribed(&mut bench);
    notify(
        &mut bench,
        &subscribe,
        0,
        BOTH,
        "state=\"active\" event=\"shortened\" expires=\"20\"",
    );
    bench.wait(Duration::from_secs(19));
    assert_eq!(bench.shard.counters().bindings, 1);
    bench.wait(Duration::from_secs(2));
    assert_eq!(bench.shard.counters().bindings, 0);
}

#[test]
fn a_notify_of_nobodys_is_481() {
    let mut bench = Bench::new();
    bench.register();
    let subscribe = subscribed(&mut bench);
    let mut other = Message::parse(subscribe.to_bytes()).unwrap();
    other.set(HeaderName::CallId, "another");
    let answer = notify(
        &mut bench,
        &other,
        0,
        BOTH,
        "state=\"terminated\" event=\"rejected\"",
    );
    assert_eq!(answer.status(), Some(StatusCode::CALL_DOES_NOT_EXIST));
    assert_eq!(bench.shard.counters().bindings, 1);
}

#[test]
fn a_core_that_lets_nobody_watch_is_no_harm() {
    let mut bench = Bench::new();
    bench.register();
    let subscribe = bench.subscription();
    bench.core_says(&answer(&subscribe, StatusCode::FORBIDDEN, "scscf", None));
    assert_eq!(bench.shard.counters().bindings, 1);
}
