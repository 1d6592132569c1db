//! RFC 3262 §3 — a core that requires 100rel calls a WIC that has never heard of it.

use std::time::Duration;

use wire_sip::{HeaderName, Message, StatusCode};

use super::support::*;

/// The core's INVITE; with an offer or without.
fn asks(bench: &mut Bench, offer: bool) -> Message {
    bench.register();
    let path = bench.path();
    let mut request = message(&format!(
        "INVITE sip:alice@alice.invalid;transport=ws SIP/2.0\r\n\
         Via: SIP/2.0/UDP {CORE};branch=z9hG4bKcore\r\nMax-Forwards: 60\r\nRoute: {path}\r\n\
         Record-Route: <sip:scscf@{CORE};lr>\r\nFrom: <sip:bob@{HOME}>;tag=bob\r\n\
         To: <sip:alice@{HOME}>\r\nCall-ID: incoming\r\nCSeq: 7 INVITE\r\n\
         Contact: <sip:bob@192.0.2.99:5060>\r\nRequire: 100rel\r\nSupported: timer\r\nContent-Length: 0\r\n\r\n"
    ));
    if offer {
        request.set_body(Some("application/sdp"), core_sdp().into_bytes());
    }
    bench.core_says(&request);
    bench.at_wic()
}

/// A request of the core's in the dialog that a response made.
fn bobs(method: &str, cseq: u32, of: &Message) -> Message {
    let mut routes: Vec<&str> = of.values(HeaderName::RecordRoute).collect();
    routes.reverse();
    routes.retain(|route| !route.contains("scscf"));
    message(&format!(
        "{method} sip:alice@alice.invalid;transport=ws SIP/2.0\r\nVia: SIP/2.0/UDP {CORE};branch=z9hG4bK{method}{cseq}\r\n\
         Max-Forwards: 60\r\nRoute: {}\r\nFrom: <sip:bob@{HOME}>;tag=bob\r\nTo: {}\r\n\
         Call-ID: incoming\r\nCSeq: {cseq} {method}\r\nContact: <sip:bob@192.0.2.99:5060>\r\nContent-Length: 0\r\n\r\n",
        routes.join(", "),
        of.header(HeaderName::To).unwrap(),
    ))
}

fn prack(cseq: u32, of: &Message) -> Message {
    let mut prack = bobs("PRACK", cseq, of);
    let rseq = of.header(HeaderName::RSeq).expect("an RSeq");
    prack.push_back(HeaderName::RAck, format_args!("{rseq} 7 INVITE"));
    prack
}

fn ringing(bench: &mut Bench, request: &Message) -> Message {
    bench.wic_says(&answer(request, StatusCode::RINGING, "alice", None));
    bench.at_core()
}

fn plays(request: &Message) -> Message {
    let progress = StatusCode::new(183).unwrap();
    let sdp = wic_sdp().replace("actpass", "active");
    answer(request, progress, "alice", Some(&sdp))
}

fn answers(request: &Message) -> Message {
    let sdp = wic_sdp().replace("actpass", "active");
    answer(request, StatusCode::OK, "alice", Some(&sdp))
}

#[test]
fn a_plain_180_reaches_the_core_reliably_and_its_prack_ends_here() {
    let mut bench = Bench::new();
    let request = asks(&mut bench, true);
    assert!(
        request.lists(HeaderName::Require, "100rel"),
        "it may know it"
    );
    let early = ringing(&mut bench, &request);
    assert_eq!(early.status(), Some(StatusCode::RINGING));
    assert!(early.lists(HeaderName::Require, "100rel"));
    assert_eq!(early.header(HeaderName::RSeq), Some("1"));

    // T1, 2 T1, 4 T1.
    bench.wait(Duration::from_millis(3600));
    for _ in 0..3 {
        assert_eq!(bench.at_core().header(HeaderName::RSeq), Some("1"));
    }
    assert!(bench.core_is_quiet());

    bench.core_says(&prack(8, &early));
    let ok = bench.at_core();
    assert_eq!(ok.status(), Some(StatusCode::OK));
    assert_eq!(ok.header(HeaderName::CSeq), Some("8 PRACK"));
    bench.wait(Duration::from_secs(20));
    assert!(bench.core_is_quiet(), "nothing is said again");
    assert!(bench.to_wic.is_empty(), "the WIC hears nothing of it");

    bench.wic_says(&answers(&request));
    let ok = bench.at_core();
    assert!(String::from_utf8_lossy(ok.body()).contains("RTP/AVP"));
    bench.core_says(&bobs("ACK", 7, &ok));
    assert_eq!(bench.at_wic().method().as_str(), "ACK");
    bench.core_says(&bobs("BYE", 9, &ok));
    assert_eq!(bench.at_wic().header(HeaderName::CSeq), Some("9 BYE"));
    assert_eq!(bench.shard.counters().sessions, 0);
}

#[test]
fn a_wic_that_answers_420_is_asked_again_without_it() {
    let mut bench = Bench::new();
    let request = asks(&mut bench, true);
    let mut refusal = answer(&request, StatusCode::BAD_EXTENSION, "alice", None);
    refusal.push_back(HeaderName::Unsupported, "100rel");
    bench.wic_says(&refusal);
    assert_eq!(bench.at_wic().method().as_str(), "ACK");
    let again = bench.at_wic();
    assert_eq!(again.header(HeaderName::CSeq), Some("8 INVITE"));
    assert!(!again.lists(HeaderName::Require, "100rel"));
    assert!(again.lists(HeaderName::Supported, "timer"));
    assert!(!again.body().is_empty());
    assert!(bench.core_is_quiet(), "the core hears nothing of it");

    let early = ringing(&mut bench, &again);
    assert_eq!(early.header(HeaderName::CSeq), Some("7 INVITE"));
    bench.core_says(&prack(8, &early));
    assert_eq!(bench.at_core().status(), Some(StatusCode::OK));
    bench.wic_says(&answers(&again));
    let ok = bench.at_core();
    bench.core_says(&bobs("ACK", 7, &ok));
    assert_eq!(bench.at_wic().header(HeaderName::CSeq), Some("8 ACK"));

    // It is not asked for it in the call either.
    let mut change = bobs("INVITE", 9, &ok);
    change.push_back(HeaderName::Require, "100rel");
    change.set_body(Some("application/sdp"), moved("30600").into_bytes());
    bench.core_says(&change);
    let change = bench.at_wic();
    assert_eq!(change.header(HeaderName::CSeq), Some("10 INVITE"));
    assert!(!change.lists(HeaderName::Require, "100rel"));
    bench.wic_says(&answer(&change, StatusCode::RINGING, "alice", None));
    assert!(bench.core_is_quiet(), "not reliably, so not at all");
    bench.wic_says(&answers(&change));
    assert_eq!(bench.at_core().status(), Some(StatusCode::OK));
}

#[test]
fn a_420_for_more_than_that_is_the_cores_to_hear() {
    let mut bench = Bench::new();
    let request = asks(&mut bench, true);
    let mut refusal = answer(&request, StatusCode::BAD_EXTENSION, "alice", None);
    refusal.push_back(HeaderName::Unsupported, "100rel, precondition");
    bench.wic_says(&refusal);
    assert_eq!(bench.at_core().status(), Some(StatusCode::BAD_EXTENSION));
    assert_eq!(bench.shard.counters().sessions, 0);
}

#[test]
fn one_is_promised_at_a_time_and_the_last_word_counts() {
    let mut bench = Bench::new();
    let request = asks(&mut bench, true);
    let first = ringing(&mut bench, &request);
    let queued = StatusCode::new(182).unwrap();
    bench.wic_says(&answer(&request, queued, "alice", None));
    bench.wic_says(&plays(&request));
    assert!(bench.core_is_quiet());
    bench.core_says(&prack(8, &first));
    assert_eq!(bench.at_core().status(), Some(StatusCode::OK));
    let second = bench.at_core();
    assert_eq!(second.status().map(StatusCode::as_u16), Some(183));
    assert_eq!(second.header(HeaderName::RSeq), Some("2"));
    // One PRACK is for one response.
    bench.core_says(&prack(9, &first));
    assert_eq!(
        bench.at_core().status(),
        Some(StatusCode::CALL_DOES_NOT_EXIST)
    );
    bench.core_says(&prack(10, &second));
    assert_eq!(bench.at_core().status(), Some(StatusCode::OK));
    bench.wait(Duration::from_secs(40));
    assert!(bench.core_is_quiet());
}

#[test]
fn a_preview_is_no_answer_until_the_200() {
    let mut bench = Bench::new();
    let request = asks(&mut bench, true);
    bench.wic_says(&plays(&request));
    let early = bench.at_core();
    assert!(early.body().is_empty());
    let gated = bench.commands.len();
    assert!(gated >= 2, "but its media flow");
    bench.core_says(&prack(8, &early));
    bench.at_core();
    // A WIC that takes its preview for the answer.
    bench.wic_says(&answer(&request, StatusCode::OK, "alice", None));
    let ok = bench.at_core();
    assert!(String::from_utf8_lossy(ok.body()).contains("RTP/AVP"));
}

#[test]
fn a_200_waits_for_no_prack_and_ends_what_was_promised() {
    let mut bench = Bench::new();
    let request = asks(&mut bench, true);
    let early = ringing(&mut bench, &request);
    bench.wic_says(&answers(&request));
    let ok = bench.at_core();
    assert_eq!(ok.status(), Some(StatusCode::OK));
    bench.core_says(&bobs("ACK", 7, &ok));
    bench.wait(Duration::from_secs(10));
    assert!(bench.core_is_quiet());
    // RFC 3262 §3: its PRACK may still come.
    bench.core_says(&prack(8, &early));
    assert_eq!(bench.at_core().status(), Some(StatusCode::OK));
}

#[test]
fn without_a_prack_the_invite_is_rejected() {
    let mut bench = Bench::new();
    let request = asks(&mut bench, true);
    ringing(&mut bench, &request);
    bench.wait(Duration::from_secs(33));
    let last = loop {
        let message = bench.at_core();
        if message.status() != Some(StatusCode::RINGING) {
            break message;
        }
    };
    assert_eq!(last.status(), Some(StatusCode::SERVICE_UNAVAILABLE));
    assert_eq!(bench.at_wic().method().as_str(), "CANCEL");
    assert_eq!(bench.shard.counters().sessions, 0);
}

#[test]
fn a_180_to_an_invite_without_an_offer_stays_here() {
    let mut bench = Bench::new();
    let request = asks(&mut bench, false);
    bench.wic_says(&answer(&request, StatusCode::RINGING, "alice", None));
    assert!(bench.core_is_quiet());
    bench.wic_says(&answer(&request, StatusCode::OK, "alice", Some(&wic_sdp())));
    let ok = bench.at_core();
    assert!(String::from_utf8_lossy(ok.body()).contains("RTP/AVP"));
    let mut ack = bobs("ACK", 7, &ok);
    ack.set_body(Some("application/sdp"), core_sdp().into_bytes());
    bench.core_says(&ack);
    assert!(!bench.at_wic().body().is_empty());
}

#[test]
fn a_wic_that_knows_it_is_left_to_itself() {
    let mut bench = Bench::new();
    let request = asks(&mut bench, true);
    let mut early = plays(&request);
    early.push_back(HeaderName::Require, "100rel");
    early.push_back(HeaderName::RSeq, 4711);
    bench.wic_says(&early);
    let early = bench.at_core();
    assert_eq!(early.header(HeaderName::RSeq), Some("4711"));
    assert!(!early.body().is_empty());
    bench.core_says(&prack(8, &early));
    let prack = bench.at_wic();
    assert_eq!(prack.header(HeaderName::RAck), Some("4711 7 INVITE"));
}
