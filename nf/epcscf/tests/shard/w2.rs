//! RFC 7118 and what a peer gets that does not keep to it.

use std::time::Duration;

use core_sip::ConnectionId;
use wire_sip::{HeaderName, StatusCode};

use super::support::*;

#[test]
fn malformed_requests_are_answered_400_and_their_sender_is_closed_in_the_end() {
    let mut bench = Bench::new();
    let good = register(1, "response=\"\"").to_bytes();
    let bad = String::from_utf8(good.to_vec())
        .unwrap()
        .replace("1 REGISTER", "1 INVITE");
    for sent in 1..=9 {
        assert!(bench.closed.is_empty(), "{sent}");
        bench.wic_says_on(WIC, bad.clone().into());
        let answer = bench.at_wic();
        assert_eq!(answer.status(), Some(StatusCode::BAD_REQUEST));
        assert!(answer.to_tag().is_some());
        assert_eq!(answer.call_id(), "registration");
    }
    assert_eq!(bench.closed, [(WIC, 1007)]);
    assert!(bench.core_is_quiet());
    assert_eq!(bench.shard.counters().malformed, 9);
}

#[test]
fn a_header_that_parses_and_is_wrong_is_400_too() {
    let mut bench = Bench::new();
    let good = String::from_utf8(register(1, "response=\"\"").to_bytes().to_vec()).unwrap();
    bench.wic_says_on(
        WIC,
        good.replace("Max-Forwards: 70", "Max-Forwards: 300").into(),
    );
    assert_eq!(bench.at_wic().status(), Some(StatusCode::BAD_REQUEST));
}

#[test]
fn garbage_of_one_does_not_disturb_another() {
    let mut bench = Bench::new();
    bench.register();
    let other = ConnectionId(9);
    bench.open(other);
    for _ in 0..3 {
        bench.wic_says_on(other, "\u{1f4a9}".into());
    }
    assert_eq!(bench.closed, [(other, 1007)]);
    bench.wic_says(&invite("sip:bob@home.example", &wic_sdp()));
    assert_eq!(bench.at_core().method().as_str(), "INVITE");
}

#[test]
fn a_websocket_without_a_registration_goes_after_a_while() {
    let mut bench = Bench::new();
    let other = ConnectionId(9);
    bench.open(other);
    bench.register();
    bench.wait(Duration::from_secs(119));
    assert!(bench.closed.is_empty());
    bench.wait(Duration::from_secs(2));
    assert_eq!(bench.closed, [(other, 1000)]);
}

#[test]
fn who_floods_is_not_served_and_others_are() {
    let mut bench = Bench::new();
    bench.register();
    for _ in 0..1_000 {
        bench.wic_says(&invite("sip:bob@home.example", "no sdp"));
    }
    assert!(bench.shard.counters().flooded > 500);
    let other = ConnectionId(9);
    bench.open(other);
    bench.to_core.clear();
    bench.register_as(other, "bob");
}

#[test]
fn a_ping_gets_its_pong() {
    let mut bench = Bench::new();
    bench
        .shard
        .handle_w2_message(bench.now, WIC, "\r\n\r\n".into());
    match bench.shard.poll_output() {
        Some(nf_epcscf::Output::W2Send {
            connection,
            message,
        }) => {
            assert_eq!((connection, &message[..]), (WIC, &b"\r\n"[..]));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_wic_that_is_lost_twice_is_given_its_time_twice() {
    let mut bench = Bench::new();
    bench.talks();
    bench.shard.handle_w2_closed(bench.now, WIC);
    bench.wait(Duration::from_secs(10));
    let again = ConnectionId(30);
    bench.open(again);
    bench.wic_says_on(again, register(2, "response=\"1\"").to_bytes());
    let request = bench.at_core();
    bench.core_says(&registered(&request));
    bench.wait(Duration::from_secs(15));
    bench.shard.handle_w2_closed(bench.now, again);
    bench.wait(Duration::from_secs(29));
    assert_eq!(
        bench.shard.counters().sessions,
        1,
        "the first loss counts no more"
    );
    bench.wait(Duration::from_secs(2));
    assert_eq!(bench.at_core().header(HeaderName::CSeq), Some("2 BYE"));
    assert_eq!(bench.shard.counters().sessions, 0);
}
