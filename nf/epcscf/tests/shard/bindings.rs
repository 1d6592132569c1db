//! Whose a binding is, and what nobody else gets of it.

use core_sip::ConnectionId;
use wire_sip::{HeaderName, Message, StatusCode};

use super::support::*;

const MALLORY: ConnectionId = ConnectionId(66);

/// Mallory's own credentials with alice's instance.
fn with_alices_instance() -> Message {
    let text = String::from_utf8(register(1, "response=\"1\"").to_bytes().to_vec()).unwrap();
    message(
        &text
            .replace("alice@", "mallory@")
            .replace("z9hG4bKreg", "z9hG4bKmal"),
    )
}

#[test]
fn a_stranger_with_my_instance_gets_a_binding_of_its_own() {
    let mut bench = Bench::new();
    bench.register();
    let path = bench.path();
    bench.open(MALLORY);
    bench.wic_says_on(MALLORY, with_alices_instance().to_bytes());
    let request = bench.at_core();
    bench.core_says(&registered(&request));
    assert_eq!(bench.at_wic_on(MALLORY).status(), Some(StatusCode::OK));
    assert_eq!(bench.shard.counters().bindings, 2);
    let call = message(&format!(
        "MESSAGE sip:alice@alice.invalid;transport=ws SIP/2.0\r\n\
         Via: SIP/2.0/UDP {CORE};branch=z9hG4bKm\r\nMax-Forwards: 60\r\nRoute: {path}\r\n\
         From: <sip:bob@{HOME}>;tag=bob\r\nTo: <sip:alice@{HOME}>\r\nCall-ID: m\r\n\
         CSeq: 7 MESSAGE\r\nContent-Length: 0\r\n\r\n"
    ));
    bench.core_says(&call);
    assert_eq!(
        bench.at_wic_on(WIC).method().as_str(),
        "MESSAGE",
        "alice's is still alice's"
    );
}

#[test]
fn one_websocket_is_one_private_identitys() {
    let mut bench = Bench::new();
    bench.register();
    bench.wic_says(&with_alices_instance());
    assert_eq!(bench.at_wic().status(), Some(StatusCode::FORBIDDEN));
    assert!(bench.core_is_quiet());
}

/// RFC 3261 §10.2.2 — the star is no contact of its own: what ends is what this WebSocket carries.
#[test]
fn the_end_of_all_contacts_ends_it_too() {
    let mut bench = Bench::new();
    bench.register();
    let text = String::from_utf8(register(7, "response=\"1\"").to_bytes().to_vec()).unwrap();
    let (head, rest) = text.split_once("Contact: ").unwrap();
    let (_, rest) = rest.split_once("\r\n").unwrap();
    let all = format!("{head}Contact: *\r\n{rest}").replace("Expires: 600", "Expires: 0");
    bench.wic_says(&message(&all));
    let request = bench.at_core();
    assert_eq!(request.header(HeaderName::Contact), Some("*"));
    bench.core_says(&Message::response_to(&request, StatusCode::OK, None));
    assert_eq!(bench.at_wic().status(), Some(StatusCode::OK));
    assert_eq!(bench.shard.counters().bindings, 0);
}

#[test]
fn a_deregistration_ends_it() {
    let mut bench = Bench::new();
    bench.register();
    let text = String::from_utf8(register(7, "response=\"1\"").to_bytes().to_vec()).unwrap();
    bench.wic_says(&message(&text.replace("Expires: 600", "Expires: 0")));
    let request = bench.at_core();
    let says = request.header(HeaderName::Authorization).unwrap();
    assert!(says.contains("tls-yes"), "the association stands: {says}");
    bench.core_says(&Message::response_to(&request, StatusCode::OK, None));
    assert_eq!(bench.at_wic().status(), Some(StatusCode::OK));
    assert_eq!(bench.shard.counters().bindings, 0);
    bench.wic_says(&invite("sip:bob@home.example", &wic_sdp()));
    assert_eq!(bench.at_wic().status(), Some(StatusCode::FORBIDDEN));
    // TS 24.371 §6A.2: the WIC closes the WebSocket, and if it does not the edge does.
    bench.wait(std::time::Duration::from_secs(9));
    assert!(bench.closed.is_empty());
    bench.wait(std::time::Duration::from_secs(2));
    assert_eq!(bench.closed, [(WIC, 1000)]);
}

/// TS 24.229 §5.2.2: as many contacts as there are WICs, each with its own end.
#[test]
fn two_wics_of_one_identity_are_two_bindings() {
    let mut bench = Bench::new();
    bench.register();
    let path = bench.path();
    let second = ConnectionId(40);
    bench.open(second);
    let other = |cseq, expires: &str| {
        with(&register(cseq, "response=\"1\""), |text| {
            text.replace("000000000001", "000000000002")
                .replace("alice.invalid", "second.invalid")
                .replace("z9hG4bKreg", "z9hG4bKtwo")
                .replace("Expires: 600", expires)
        })
    };
    bench.wic_says_on(second, other(1, "Expires: 600").to_bytes());
    let request = bench.at_core();
    // The core tells all contacts, as RFC 3261 §10.3 says.
    let both = with(&registered(&request), |text| {
        text.replacen(
            "Contact: ",
            "Contact: <sip:alice@alice.invalid;transport=ws>;reg-id=1;expires=599;\
             +sip.instance=\"<urn:uuid:00000000-0000-4000-8000-000000000001>\"\r\nContact: ",
            1,
        )
    });
    bench.core_says(&both);
    assert_eq!(bench.at_wic_on(second).status(), Some(StatusCode::OK));
    assert_eq!(bench.shard.counters().bindings, 2);
    bench.wic_says_on(second, other(2, "Expires: 0").to_bytes());
    let request = bench.at_core();
    let mut ok = Message::response_to(&request, StatusCode::OK, None);
    ok.push_back(
        HeaderName::Contact,
        "<sip:alice@alice.invalid;transport=ws>;reg-id=1;expires=590;\
         +sip.instance=\"<urn:uuid:00000000-0000-4000-8000-000000000001>\"",
    );
    bench.core_says(&ok);
    assert_eq!(bench.shard.counters().bindings, 1);
    bench.core_says(&message(&format!(
        "MESSAGE sip:alice@alice.invalid;transport=ws SIP/2.0\r\n\
         Via: SIP/2.0/UDP {CORE};branch=z9hG4bKmm\r\nMax-Forwards: 60\r\nRoute: {path}\r\n\
         From: <sip:bob@{HOME}>;tag=bob\r\nTo: <sip:alice@{HOME}>\r\nCall-ID: mm\r\n\
         CSeq: 7 MESSAGE\r\nContent-Length: 0\r\n\r\n"
    )));
    assert_eq!(bench.at_wic_on(WIC).method().as_str(), "MESSAGE");
}

#[test]
fn akav2_is_tls_connected_from_the_first_request_on() {
    let mut bench = Bench::new();
    bench.wic_says(&register(1, "algorithm=AKAv2-SHA-256, response=\"\""));
    let request = bench.at_core();
    let says = request.header(HeaderName::Authorization).unwrap();
    assert!(
        says.contains("integrity-protected=\"tls-connected\""),
        "{says}"
    );
    assert_eq!(says.matches("integrity-protected").count(), 1);
}

#[test]
fn a_call_outlives_the_websocket_that_began_it() {
    let mut bench = Bench::new();
    bench.register();
    bench.wic_says(&invite("sip:bob@home.example", &wic_sdp()));
    let request = bench.at_core();
    let route = request
        .values(HeaderName::RecordRoute)
        .next()
        .unwrap()
        .to_owned();
    bench.core_says(&answer(&request, StatusCode::OK, "bob", Some(&core_sdp())));
    let ok = bench.at_wic();
    bench.wic_says(&in_dialog("ACK", 1, &ok));
    bench.to_core.clear();
    bench.shard.handle_w2_closed(bench.now, WIC);
    let again = ConnectionId(31);
    bench.open(again);
    bench.wic_says_on(again, register(2, "response=\"1\"").to_bytes());
    let request = bench.at_core();
    bench.core_says(&registered(&request));
    bench.at_wic_on(again);
    let bye = message(&format!(
        "BYE sip:alice@alice.invalid;transport=ws;ob SIP/2.0\r\n\
         Via: SIP/2.0/UDP {CORE};branch=z9hG4bKbye\r\nMax-Forwards: 60\r\nRoute: {route}\r\n\
         From: {}\r\nTo: <sip:alice@{HOME}>;tag=alice\r\nCall-ID: call\r\nCSeq: 8 BYE\r\n\
         Content-Length: 0\r\n\r\n",
        ok.header(HeaderName::To).unwrap()
    ));
    bench.core_says(&bye);
    assert_eq!(bench.at_wic_on(again).method().as_str(), "BYE");
}
