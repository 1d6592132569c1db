//! RFC 4028: who refreshes, and what becomes of a call of which nobody hears anything any more.

use std::time::Duration;

use wire_sip::{HeaderName, Message, StatusCode};

use super::support::*;

const HALF: Duration = Duration::from_secs(901);

fn calls(bench: &mut Bench, headers: &[(HeaderName, &str)]) -> Message {
    bench.register();
    let mut call = invite("sip:bob@home.example", &wic_sdp());
    for (name, value) in headers {
        call.push_back(*name, value);
    }
    bench.wic_says(&call);
    bench.at_core()
}

fn answers(bench: &mut Bench, request: &Message, headers: &[(HeaderName, &str)]) -> Message {
    let mut ok = answer(request, StatusCode::OK, "bob", Some(&core_sdp()));
    for (name, value) in headers {
        ok.push_back(*name, value);
    }
    bench.core_says(&ok);
    let ok = bench.at_wic();
    bench.wic_says(&in_dialog("ACK", 1, &ok));
    assert_eq!(bench.at_core().method().as_str(), "ACK");
    ok
}

/// The registration would end before the call does.
fn stays(bench: &mut Bench, span: Duration) {
    let end = bench.now + span;
    while bench.now < end {
        let step = Duration::from_mins(5).min(end - bench.now);
        bench.wait(step);
        let (wic, core) = (bench.to_wic.clone(), bench.to_core.clone());
        bench.to_core.clear();
        bench.wic_says(&register(
            100 + (end - bench.now).as_secs() as u32,
            "response=\"1\"",
        ));
        let at = bench
            .to_core
            .iter()
            .position(|(_, m)| m.method().as_str() == "REGISTER");
        let request = bench.to_core.remove(at.unwrap()).unwrap().1;
        bench.core_says(&registered(&request));
        (bench.to_wic, bench.to_core) = (wic, core);
    }
}

#[test]
fn the_edge_asks_for_a_timer_where_nobody_does() {
    let mut bench = Bench::new();
    let request = calls(&mut bench, &[]);
    assert_eq!(request.header(HeaderName::SessionExpires), Some("1800"));
    assert!(request.lists(HeaderName::Supported, "timer"));
}

#[test]
fn an_interval_that_is_too_small_gets_422_or_is_raised() {
    let mut bench = Bench::new();
    bench.register();
    let mut call = invite("sip:bob@home.example", &wic_sdp());
    call.push_back(HeaderName::SessionExpires, "30");
    call.push_back(HeaderName::Supported, "timer");
    bench.wic_says(&call);
    let refused = bench.at_wic();
    assert_eq!(refused.status().map(StatusCode::as_u16), Some(422));
    assert_eq!(refused.header(HeaderName::MinSe), Some("90"));
    assert_eq!(bench.shard.counters().sessions, 0);

    let request = calls(&mut Bench::new(), &[(HeaderName::SessionExpires, "30")]);
    assert_eq!(request.header(HeaderName::SessionExpires), Some("90"));
    assert_eq!(request.header(HeaderName::MinSe), Some("90"));
}

#[test]
fn a_422_for_a_wic_that_knows_no_timers_is_taken_by_the_edge() {
    let mut bench = Bench::new();
    let request = calls(&mut bench, &[]);
    let small = StatusCode::SESSION_INTERVAL_TOO_SMALL;
    let mut refusal = answer(&request, small, "bob", None);
    refusal.push_back(HeaderName::MinSe, "3600");
    bench.core_says(&refusal);
    assert_eq!(bench.at_core().method().as_str(), "ACK");
    let again = bench.at_core();
    assert_eq!(again.header(HeaderName::CSeq), Some("2 INVITE"));
    assert_eq!(again.header(HeaderName::SessionExpires), Some("3600"));
    assert_eq!(again.header(HeaderName::MinSe), Some("3600"));
    assert!(bench.quiet());
}

#[test]
fn a_wic_whose_far_end_knows_no_timers_is_the_refresher() {
    let mut bench = Bench::new();
    let request = calls(&mut bench, &[(HeaderName::Supported, "timer")]);
    let ok = answers(&mut bench, &request, &[]);
    assert_eq!(
        ok.header(HeaderName::SessionExpires),
        Some("1800;refresher=uac")
    );
    assert!(ok.lists(HeaderName::Require, "timer"));
    stays(&mut bench, HALF);
    assert!(
        bench.core_is_quiet() && bench.to_wic.is_empty(),
        "the edge only watches"
    );
    stays(&mut bench, HALF);
    assert_eq!(bench.at_core().method().as_str(), "BYE");
    assert_eq!(bench.shard.counters().sessions, 0);
}

#[test]
fn a_refresh_keeps_the_call() {
    let mut bench = Bench::new();
    let request = calls(&mut bench, &[(HeaderName::Supported, "timer")]);
    let ok = answers(&mut bench, &request, &[]);
    for round in 0..3 {
        stays(&mut bench, HALF);
        let mut update = in_dialog("UPDATE", 2 + round, &ok);
        update.push_back(HeaderName::Supported, "timer");
        update.push_back(HeaderName::SessionExpires, "1800;refresher=uac");
        bench.wic_says(&update);
        let update = bench.at_core();
        bench.core_says(&answer(&update, StatusCode::OK, "bob", None));
        assert_eq!(bench.at_wic().status(), Some(StatusCode::OK));
    }
    assert_eq!(bench.shard.counters().sessions, 1);
}

#[test]
fn a_core_that_wants_to_be_refreshed_is_refreshed_by_the_edge() {
    let mut bench = Bench::new();
    let request = calls(&mut bench, &[]);
    let ok = answers(
        &mut bench,
        &request,
        &[
            (HeaderName::SessionExpires, "1800;refresher=uac"),
            (HeaderName::Require, "timer"),
            (HeaderName::Allow, "INVITE, ACK, BYE, UPDATE"),
        ],
    );
    assert!(!ok.has(HeaderName::SessionExpires) && !ok.lists(HeaderName::Require, "timer"));
    stays(&mut bench, HALF);
    let update = bench.at_core();
    assert_eq!(update.header(HeaderName::CSeq), Some("2 UPDATE"));
    assert_eq!(
        update.header(HeaderName::SessionExpires),
        Some("1800;refresher=uac")
    );
    assert!(
        update
            .header(HeaderName::Contact)
            .unwrap()
            .contains("alice.invalid")
    );
    bench.core_says(&answer(&update, StatusCode::OK, "bob", None));
    // The WIC knows no timers: whether it lives is asked.
    let asked = bench.at_wic();
    assert_eq!(asked.method().as_str(), "OPTIONS");
    bench.wic_says(&answer(&asked, StatusCode::OK, "alice", None));
    stays(&mut bench, Duration::from_secs(890));
    assert_eq!(bench.shard.counters().sessions, 1);
}

#[test]
fn a_core_that_is_silently_dead_is_found_out() {
    let mut bench = Bench::new();
    let request = calls(&mut bench, &[]);
    answers(
        &mut bench,
        &request,
        &[(HeaderName::Allow, "INVITE, ACK, BYE, UPDATE")],
    );
    stays(&mut bench, HALF);
    assert_eq!(bench.at_core().method().as_str(), "UPDATE");
    bench.wait(Duration::from_secs(70));
    assert_eq!(bench.shard.counters().sessions, 0);
    let bye = |(_, m): &(_, Message)| m.method().as_str() == "BYE";
    assert!(bench.to_wic.iter().any(bye));
    assert!(
        bench
            .to_core
            .iter()
            .any(|(_, m)| m.method().as_str() == "BYE")
    );
}

#[test]
fn a_wic_that_answers_481_has_no_call_any_more() {
    let mut bench = Bench::new();
    let request = calls(&mut bench, &[]);
    answers(&mut bench, &request, &[]);
    stays(&mut bench, HALF);
    let asked = bench.at_core();
    assert_eq!(asked.method().as_str(), "OPTIONS");
    bench.core_says(&answer(&asked, StatusCode::OK, "bob", None));
    let asked = bench.at_wic();
    assert_eq!(asked.method().as_str(), "OPTIONS");
    let gone = StatusCode::CALL_DOES_NOT_EXIST;
    bench.wic_says(&answer(&asked, gone, "alice", None));
    assert_eq!(bench.shard.counters().sessions, 0);
}
