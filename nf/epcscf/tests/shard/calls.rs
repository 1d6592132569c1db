//! TS 24.371 §7.4.2 and §7.4.3 — calls through one shard.

use std::time::Duration;

use core_iq::Command;
use wire_sip::{HeaderName, Message, StatusCode};

use super::support::*;

#[test]
fn a_call_goes_out_is_answered_and_ends() {
    let mut bench = Bench::new();
    bench.register();
    bench.wic_says(&invite("sip:bob@home.example", &wic_sdp()));
    let request = bench.at_core();
    let body = String::from_utf8_lossy(request.body()).into_owned();
    assert!(body.contains("RTP/AVP") && !body.contains("fingerprint") && !body.contains("ice"));
    assert_eq!(
        request.header(HeaderName::PAssertedIdentity),
        Some("<tel:+15550100>")
    );
    assert_eq!(request.header(HeaderName::PPreferredIdentity), None);
    assert_eq!(
        request.header(HeaderName::Route),
        Some("<sip:orig@192.0.2.10:5060;lr>")
    );
    assert_eq!(request.header_named("X-Service"), Some("kept"));
    assert_eq!(request.values(HeaderName::RecordRoute).count(), 2);
    assert!(
        request
            .header(HeaderName::Contact)
            .unwrap()
            .contains("alice.invalid")
    );

    bench.core_says(&answer(&request, StatusCode::RINGING, "bob", None));
    assert_eq!(bench.at_wic().status(), Some(StatusCode::RINGING));
    bench.core_says(&answer(&request, StatusCode::OK, "bob", Some(&core_sdp())));
    let ok = bench.at_wic();
    let body = String::from_utf8_lossy(ok.body()).into_owned();
    assert!(
        body.contains("UDP/TLS/RTP/SAVPF") && body.contains("a=ice-lite"),
        "{body}"
    );
    assert!(
        body.contains("a=setup:passive") && body.contains("a=rtcp-mux"),
        "{body}"
    );

    bench.wic_says(&in_dialog("ACK", 1, &ok));
    let ack = bench.at_core();
    assert_eq!(ack.request_uri(), Some("sip:bob@192.0.2.99:5060"));
    assert_eq!(ack.header(HeaderName::Route), None);

    bench.wic_says(&in_dialog("BYE", 2, &ok));
    let bye = bench.at_core();
    bench.core_says(&Message::response_to(&bye, StatusCode::OK, None));
    assert_eq!(bench.at_wic().status(), Some(StatusCode::OK));
    assert!(matches!(
        bench.commands.last(),
        Some(Command::Release { .. })
    ));
    assert_eq!(bench.shard.counters().sessions, 0);
}

#[test]
fn a_call_comes_in_by_path_and_its_answer_says_who_was_called() {
    let mut bench = Bench::new();
    bench.register();
    let path = bench.path();
    let sdp = core_sdp();
    let request = message(&format!(
        "INVITE sip:alice@alice.invalid;transport=ws SIP/2.0\r\n\
         Via: SIP/2.0/UDP {CORE};branch=z9hG4bKcore\r\nMax-Forwards: 60\r\nRoute: {path}\r\n\
         Record-Route: <sip:scscf@{CORE};lr>\r\nFrom: <sip:bob@{HOME}>;tag=bob\r\n\
         To: <tel:+15550100>\r\nCall-ID: incoming\r\nCSeq: 7 INVITE\r\n\
         Contact: <sip:bob@192.0.2.99:5060>\r\nP-Called-Party-ID: <tel:+15550100>\r\n\
         P-Asserted-Identity: <sip:bob@{HOME}>\r\nP-Charging-Vector: icid-value=xyz\r\n\
         Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{sdp}",
        sdp.len()
    ));
    bench.core_says(&request);
    let at_wic = bench.at_wic();
    let body = String::from_utf8_lossy(at_wic.body()).into_owned();
    assert!(
        body.contains("a=setup:actpass") && body.contains("a=3ge2ae:applied"),
        "{body}"
    );
    assert_eq!(at_wic.header(HeaderName::Route), None);
    assert_eq!(at_wic.header(HeaderName::PChargingVector), None);
    assert_eq!(
        at_wic.header(HeaderName::PAssertedIdentity),
        Some("<sip:bob@home.example>")
    );

    let sdp = wic_sdp().replace("actpass", "active");
    bench.wic_says(&answer(&at_wic, StatusCode::OK, "alice", Some(&sdp)));
    let ok = bench.at_core();
    assert_eq!(
        ok.header(HeaderName::PAssertedIdentity),
        Some("<tel:+15550100>")
    );
    let body = String::from_utf8_lossy(ok.body()).into_owned();
    assert!(
        body.contains("RTP/AVP") && !body.contains("fingerprint"),
        "{body}"
    );
}

#[test]
fn a_200_waits_behind_the_183_that_the_gateway_has() {
    let mut bench = Bench::new();
    bench.register();
    bench.wic_says(&invite("sip:bob@home.example", &wic_sdp()));
    let request = bench.at_core();
    bench.gateway_holds = true;
    let progress = StatusCode::new(183).unwrap();
    bench.core_says(&answer(&request, progress, "bob", Some(&core_sdp())));
    bench.core_says(&answer(&request, StatusCode::OK, "bob", Some(&core_sdp())));
    assert!(bench.quiet(), "nothing passes while the gateway is asked");
    bench.gateway_goes_on();
    assert_eq!(bench.at_wic().status(), Some(progress));
    assert_eq!(bench.at_wic().status(), Some(StatusCode::OK));
}

#[test]
fn a_dead_gateway_is_503() {
    let mut bench = Bench::new();
    bench.register();
    bench.gateway_holds = true;
    bench.wic_says(&invite("sip:bob@home.example", &wic_sdp()));
    bench.wait(Duration::from_secs(6));
    let answer = bench.at_wic();
    assert_eq!(answer.status(), Some(StatusCode::SERVICE_UNAVAILABLE));
    assert!(answer.header(HeaderName::RetryAfter).is_some());
    assert_eq!(bench.shard.counters().sessions, 0);
    // What it made when it was given up already is not kept.
    bench.gateway_goes_on();
    let last = bench.commands.last();
    assert!(matches!(last, Some(Command::Release { .. })), "{last:?}");
}

#[test]
fn plain_rtp_is_488_with_a_warning() {
    let mut bench = Bench::new();
    bench.register();
    bench.wic_says(&invite("sip:bob@home.example", &core_sdp()));
    let answer = bench.at_wic();
    assert_eq!(answer.status(), Some(StatusCode::NOT_ACCEPTABLE_HERE));
    assert!(answer.header(HeaderName::Warning).is_some());
}

#[test]
fn who_is_not_registered_may_not_call() {
    let mut bench = Bench::new();
    bench.wic_says(&invite("sip:bob@home.example", &wic_sdp()));
    assert_eq!(bench.at_wic().status(), Some(StatusCode::FORBIDDEN));
}

#[test]
fn an_emergency_number_gets_380() {
    let mut bench = Bench::new();
    bench.wic_says(&invite("tel:112", &wic_sdp()));
    let answer = bench.at_wic();
    assert_eq!(answer.status().map(StatusCode::as_u16), Some(380));
    assert!(String::from_utf8_lossy(answer.body()).contains("<type>emergency</type>"));
    assert_eq!(
        answer.header(HeaderName::PAssertedIdentity),
        Some("<sip:198.51.100.1:5070>")
    );
    // TS 24.229 §5.2.10.4: registered, by what Path said of us.
    bench.register();
    let path = bench.path();
    bench.wic_says(&again(&invite("tel:112", &wic_sdp())));
    let answer = bench.at_wic();
    assert_eq!(answer.status().map(StatusCode::as_u16), Some(380));
    assert_eq!(
        answer.header(HeaderName::PAssertedIdentity),
        Some(path.as_str())
    );
}

#[test]
fn a_wic_that_stays_away_is_hung_up_towards_the_core() {
    let mut bench = Bench::new();
    bench.talks();
    bench.shard.handle_w2_closed(bench.now, WIC);
    bench.wait(Duration::from_secs(29));
    assert_eq!(bench.shard.counters().sessions, 1, "it may still come back");
    bench.wait(Duration::from_secs(2));
    let bye = bench.at_core();
    assert_eq!(bye.method().as_str(), "BYE");
    assert_eq!(bye.request_uri(), Some("sip:bob@192.0.2.99:5060"));
    assert_eq!(bye.header(HeaderName::CSeq), Some("2 BYE"));
    assert_eq!(bench.shard.counters().sessions, 0);
}

#[test]
fn a_cancel_before_the_gateway_answers_ends_the_call() {
    let mut bench = Bench::new();
    bench.register();
    bench.gateway_holds = true;
    let request = invite("sip:bob@home.example", &wic_sdp());
    bench.wic_says(&request);
    let cancel = String::from_utf8(request.to_bytes().to_vec()).unwrap();
    let head = cancel.split("Content-Type").next().unwrap();
    let cancel = head
        .replace("INVITE sip", "CANCEL sip")
        .replace("1 INVITE", "1 CANCEL");
    bench.wic_says(&message(&format!("{cancel}Content-Length: 0\r\n\r\n")));
    let statuses = [bench.at_wic().status(), bench.at_wic().status()];
    assert!(statuses.contains(&Some(StatusCode::OK)), "{statuses:?}");
    assert!(
        statuses.contains(&Some(StatusCode::REQUEST_TERMINATED)),
        "{statuses:?}"
    );
    bench.gateway_goes_on();
    assert!(bench.core_is_quiet(), "the core never hears of it");
    assert!(matches!(
        bench.commands.last(),
        Some(Command::Release { .. })
    ));
}

#[test]
fn a_forged_token_is_403_and_one_whose_flow_is_gone_430() {
    let mut bench = Bench::new();
    bench.register();
    let path = bench.path();
    let call = |route: &str, id: &str| {
        message(&format!(
            "INVITE sip:alice@alice.invalid;transport=ws SIP/2.0\r\n\
             Via: SIP/2.0/UDP {CORE};branch=z9hG4bK{id}\r\nMax-Forwards: 60\r\nRoute: {route}\r\n\
             From: <sip:bob@{HOME}>;tag=bob\r\nTo: <sip:alice@{HOME}>\r\nCall-ID: {id}\r\n\
             CSeq: 7 INVITE\r\nContact: <sip:bob@192.0.2.99>\r\nContent-Length: 0\r\n\r\n"
        ))
    };
    let (token, rest) = path.split_once('@').unwrap();
    let mut forged = token.to_owned();
    let last = forged.pop().unwrap();
    forged.push(if last == 'A' { 'B' } else { 'A' });
    bench.core_says(&call(&format!("{forged}@{rest}"), "forged"));
    assert_eq!(bench.at_core().status(), Some(StatusCode::FORBIDDEN));
    bench.shard.handle_w2_closed(bench.now, WIC);
    bench.core_says(&call(&path, "gone"));
    assert_eq!(bench.at_core().status(), Some(StatusCode::FLOW_FAILED));
}

#[test]
fn a_bye_that_crosses_the_edges_own_is_answered_and_goes_no_further() {
    let mut bench = Bench::new();
    let ok = bench.talks();
    bench.shard.handle_gateway_lost(bench.now);
    bench.wic_says(&in_dialog("BYE", 2, &ok));
    assert_eq!(bench.at_wic().method().as_str(), "BYE", "the edge's own");
    assert_eq!(bench.at_wic().status(), Some(StatusCode::OK));
    assert_eq!(bench.at_core().method().as_str(), "BYE", "the edge's own");
    assert!(bench.quiet(), "the crossing one goes no further");
    bench.wait(Duration::from_secs(40));
    bench.wic_says(&in_dialog("BYE", 3, &ok));
    bench.to_wic.drain(..bench.to_wic.len() - 1);
    assert_eq!(
        bench.at_wic().status(),
        Some(StatusCode::CALL_DOES_NOT_EXIST)
    );
}

/// The calls of the other workers go on.
#[test]
fn a_worker_of_the_gateway_takes_its_own_calls_with_it_alone() {
    let mut bench = Bench::new();
    bench.talks();
    bench.shard.handle_gateway_worker_lost(bench.now, 1);
    bench.wait(Duration::from_secs(1));
    assert!(
        bench.core_is_quiet() && bench.to_wic.is_empty(),
        "the call has nothing of that worker"
    );
    bench.shard.handle_gateway_worker_lost(bench.now, 0);
    bench.wait(Duration::from_secs(1));
    assert_eq!(bench.at_wic().method().as_str(), "BYE");
    assert_eq!(bench.at_core().method().as_str(), "BYE");
}
