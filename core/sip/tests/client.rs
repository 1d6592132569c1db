//! RFC 3261 §17.1: what a client transaction does, and when, to the millisecond.
mod common;

use std::time::Duration;

use common::*;
use core_sip::{ConnectionId, Output, Target, TimerSet, Transport};
use testbed::Clock;
use wire_sip::HeaderName;

const A_LONG_TIME: Duration = Duration::from_mins(10);

#[test]
fn timer_a_doubles_until_timer_b() {
    let (mut clock, mut a) = (Clock::new(), transactions(alice(), 1));
    a.send_request(clock.now(), udp(bob()), request("INVITE"), TimerSet::core());
    let log = run(&mut a, &mut clock, A_LONG_TIME);
    assert_eq!(
        times(&log, "send INVITE"),
        [0, 500, 1500, 3500, 7500, 15500, 31500]
    );
    assert_eq!(times(&log, "timeout"), [32_000]);
    assert!(a.is_empty());
}

#[test]
fn timer_e_doubles_up_to_t2_until_timer_f() {
    let (mut clock, mut a) = (Clock::new(), transactions(alice(), 1));
    a.send_request(
        clock.now(),
        udp(bob()),
        request("OPTIONS"),
        TimerSet::core(),
    );
    let log = run(&mut a, &mut clock, A_LONG_TIME);
    assert_eq!(
        times(&log, "send OPTIONS"),
        [
            0, 500, 1500, 3500, 7500, 11500, 15500, 19500, 23500, 27500, 31500
        ]
    );
    assert_eq!(times(&log, "timeout"), [32_000]);
}

/// TS 24.229 §7.7, towards a UE.
#[test]
fn the_access_timers_are_slower() {
    let (mut clock, mut a) = (Clock::new(), transactions(alice(), 1));
    a.send_request(
        clock.now(),
        udp(bob()),
        request("MESSAGE"),
        TimerSet::access(),
    );
    let log = run(&mut a, &mut clock, A_LONG_TIME);
    assert_eq!(
        times(&log, "send MESSAGE"),
        [
            0, 2000, 6000, 14000, 30000, 46000, 62000, 78000, 94000, 110_000, 126_000
        ]
    );
    assert_eq!(times(&log, "timeout"), [128_000]);
}

#[test]
fn over_a_reliable_transport_nothing_is_sent_again() {
    for method in ["INVITE", "OPTIONS"] {
        let (mut clock, mut a) = (Clock::new(), transactions(alice(), 1));
        let target = Target::Address {
            transport: Transport::Tcp,
            addr: bob(),
        };
        a.send_request(clock.now(), target, request(method), TimerSet::core());
        let log = run(&mut a, &mut clock, A_LONG_TIME);
        assert_eq!(log.len(), 2);
        assert_eq!(times(&log, "timeout"), [32_000]);
    }
}

#[test]
fn after_a_provisional_response_an_invite_waits_for_ever() {
    let (mut clock, mut a) = (Clock::new(), transactions(alice(), 1));
    let sent = start(&mut a, &clock, "INVITE", udp(bob()));
    clock.advance(Duration::from_millis(600));
    receive(&mut a, &clock, &response(&sent, 180));
    receive(&mut a, &clock, &response(&sent, 183));
    assert_eq!(said(&mut a), ["response 180 INVITE", "response 183 INVITE"]);
    assert!(run(&mut a, &mut clock, A_LONG_TIME).is_empty());
    assert_eq!(a.len(), 1);
}

#[test]
fn after_a_provisional_response_timer_e_is_t2() {
    let (mut clock, mut a) = (Clock::new(), transactions(alice(), 1));
    let sent = start(&mut a, &clock, "OPTIONS", udp(bob()));
    clock.advance(Duration::from_millis(600));
    receive(&mut a, &clock, &response(&sent, 100));
    let log = run(&mut a, &mut clock, A_LONG_TIME);
    assert_eq!(
        times(&log, "send OPTIONS"),
        [4600, 8600, 12600, 16600, 20600, 24600, 28600]
    );
    assert_eq!(times(&log, "timeout"), [32_000]);
}

/// RFC 3261 §17.1.1.3, and Timer D.
#[test]
fn a_failure_is_acknowledged_each_time_it_comes_and_told_once() {
    let (mut clock, mut a) = (Clock::new(), transactions(alice(), 1));
    let mut invite = request("INVITE");
    invite.push_front(HeaderName::Route, "<sip:edge.example.com;lr>");
    a.send_request(clock.now(), udp(bob()), invite, TimerSet::core());
    let sent = sent_message(&mut a);
    receive(&mut a, &clock, &response(&sent, 486));
    let outputs = drain(&mut a);
    let said: Vec<_> = outputs.iter().map(describe).collect();
    assert_eq!(said, ["send ACK", "response 486 INVITE"]);
    let Output::Send { message, target } = &outputs[0] else {
        panic!("the ACK comes first")
    };
    assert_eq!(*target, udp(bob()));
    let ack = parse(message);
    assert_eq!(ack.request_uri(), sent.request_uri());
    for name in [
        HeaderName::Via,
        HeaderName::From,
        HeaderName::CallId,
        HeaderName::Route,
    ] {
        assert_eq!(ack.header(name), sent.header(name), "{name:?}");
    }
    assert_eq!(ack.header(HeaderName::CSeq), Some("1 ACK"));
    let to = ack.header(HeaderName::To).unwrap();
    assert!(to.ends_with(";tag=b1"), "{to}");

    clock.advance(Duration::from_secs(31));
    receive(&mut a, &clock, &response(&sent, 486));
    assert_eq!(common::said(&mut a), ["send ACK"]);
    clock.advance(Duration::from_secs(1));
    a.handle_timeout(clock.now());
    assert!(a.is_empty(), "Timer D is 32 s");
    receive(&mut a, &clock, &response(&sent, 486));
    assert_eq!(a.counters().stray, 1);
}

#[test]
fn over_a_reliable_transport_a_failure_ends_it_at_once() {
    let (clock, mut a) = (Clock::new(), transactions(alice(), 1));
    let target = Target::Connection {
        id: ConnectionId(1),
        transport: Transport::Wss,
    };
    let sent = start(&mut a, &clock, "INVITE", target);
    receive(&mut a, &clock, &response(&sent, 603));
    assert_eq!(said(&mut a), ["send ACK", "response 603 INVITE"]);
    assert!(a.is_empty());
}

#[test]
fn a_machine_that_slept_does_not_send_all_that_it_missed() {
    let (mut clock, mut a) = (Clock::new(), transactions(alice(), 1));
    start(&mut a, &clock, "INVITE", udp(bob()));
    clock.advance(Duration::from_millis(520));
    a.handle_timeout(clock.now());
    assert_eq!(said(&mut a), ["send INVITE"]);
    let next = a.poll_timeout().map(|at| clock.since_start(at));
    assert_eq!(
        next,
        Some(Duration::from_millis(1500)),
        "as if it had been in time"
    );
    clock.advance(Duration::from_secs(20));
    a.handle_timeout(clock.now());
    assert_eq!(said(&mut a), ["send INVITE"]);
}

/// RFC 6026 §8.4.
#[test]
fn every_2xx_goes_up_for_64_t1_and_strays_after() {
    let (mut clock, mut a) = (Clock::new(), transactions(alice(), 1));
    let sent = start(&mut a, &clock, "INVITE", udp(bob()));
    receive(&mut a, &clock, &response(&sent, 200));
    receive(&mut a, &clock, &response(&sent, 486));
    receive(&mut a, &clock, &response(&sent, 180));
    clock.advance(Duration::from_millis(31_999));
    a.handle_timeout(clock.now());
    receive(&mut a, &clock, &response(&sent, 200));
    assert_eq!(said(&mut a), ["response 200 INVITE", "response 200 INVITE"]);
    clock.advance(Duration::from_millis(1));
    a.handle_timeout(clock.now());
    receive(&mut a, &clock, &response(&sent, 200));
    assert_eq!(said(&mut a), ["stray 200 INVITE"]);
}

/// RFC 3261 §17.1.2.2 Timer K.
#[test]
fn copies_of_a_final_response_are_absorbed_for_t4() {
    let (mut clock, mut a) = (Clock::new(), transactions(alice(), 1));
    let sent = start(&mut a, &clock, "BYE", udp(bob()));
    receive(&mut a, &clock, &response(&sent, 200));
    receive(&mut a, &clock, &response(&sent, 200));
    assert_eq!(said(&mut a), ["response 200 BYE"]);
    assert_eq!(a.counters().stray, 0);
    assert!(run(&mut a, &mut clock, Duration::from_millis(4999)).is_empty());
    assert_eq!(a.len(), 1);
    run(&mut a, &mut clock, Duration::from_secs(5));
    assert!(a.is_empty());
    receive(&mut a, &clock, &response(&sent, 200));
    assert!(said(&mut a).is_empty(), "RFC 4320 §4.3");
    assert_eq!(a.counters().stray, 1);
}

/// RFC 3261 §9.1.
#[test]
fn a_cancel_waits_for_the_first_provisional_response() {
    let (mut clock, mut a) = (Clock::new(), transactions(alice(), 1));
    let mut invite = request("INVITE");
    let credentials = ["Bearer t", "Digest username=\"a\", realm=\"r\""];
    for one in credentials {
        invite.push_back(HeaderName::Authorization, one);
    }
    let id = a.send_request(clock.now(), udp(bob()), invite, TimerSet::core());
    let sent = sent_message(&mut a);
    let reason = "SIP;cause=200;text=\"Call completed elsewhere\"";
    a.cancel(clock.now(), id, Some(reason));
    assert!(said(&mut a).is_empty());
    receive(&mut a, &clock, &response(&sent, 100));
    let outputs = drain(&mut a);
    assert_eq!(describe(&outputs[0]), "response 100 INVITE");
    let Output::Send { message, .. } = &outputs[1] else {
        panic!("then the CANCEL goes")
    };
    let cancel = parse(message);
    for name in [
        HeaderName::Via,
        HeaderName::From,
        HeaderName::To,
        HeaderName::CallId,
    ] {
        assert_eq!(cancel.header(name), sent.header(name), "{name:?}");
    }
    assert_eq!(cancel.header(HeaderName::CSeq), Some("1 CANCEL"));
    assert_eq!(cancel.header(HeaderName::Reason), Some(reason));
    let brought: Vec<&str> = cancel.lines(HeaderName::Authorization).collect();
    assert_eq!(brought, credentials, "RFC 3261 §22.1");
    // Its own response is nobody's business; that of the INVITE is told.
    receive(&mut a, &clock, &response(&cancel, 200));
    assert!(said(&mut a).is_empty());
    a.cancel(clock.now(), id, None);
    assert!(said(&mut a).is_empty(), "one CANCEL is enough");
    receive(&mut a, &clock, &response(&sent, 487));
    assert_eq!(said(&mut a), ["send ACK", "response 487 INVITE"]);
    run(&mut a, &mut clock, A_LONG_TIME);
    assert!(a.is_empty());
}

#[test]
fn a_cancelled_invite_is_over_after_64_t1() {
    let (mut clock, mut a) = (Clock::new(), transactions(alice(), 1));
    let id = a.send_request(clock.now(), udp(bob()), request("INVITE"), TimerSet::core());
    let sent = sent_message(&mut a);
    receive(&mut a, &clock, &response(&sent, 180));
    a.cancel(clock.now(), id, None);
    let log = run(&mut a, &mut clock, A_LONG_TIME);
    assert_eq!(times(&log, "timeout"), [32_000]);
    assert_eq!(times(&log, "send CANCEL").len(), 11);
    assert!(a.is_empty());
}

#[test]
fn an_answered_invite_cannot_be_cancelled() {
    let (clock, mut a) = (Clock::new(), transactions(alice(), 1));
    let id = a.send_request(clock.now(), udp(bob()), request("INVITE"), TimerSet::core());
    let sent = sent_message(&mut a);
    receive(&mut a, &clock, &response(&sent, 200));
    a.cancel(clock.now(), id, None);
    assert_eq!(said(&mut a), ["response 200 INVITE"]);
}

/// RFC 3261 §17.1.4; RFC 7118 §5: a WebSocket client has no second connection.
#[test]
fn a_closed_connection_fails_what_cannot_be_answered() {
    let (clock, mut a) = (Clock::new(), transactions(alice(), 1));
    let over = |transport| Target::Connection {
        id: ConnectionId(9),
        transport,
    };
    start(&mut a, &clock, "OPTIONS", over(Transport::Tcp));
    let ringing = start(&mut a, &clock, "INVITE", over(Transport::Tcp));
    receive(&mut a, &clock, &response(&ringing, 180));
    said(&mut a);
    a.handle_connection_closed(clock.now(), ConnectionId(9));
    assert_eq!(said(&mut a), ["failed"], "the INVITE may still be answered");
    receive(&mut a, &clock, &response(&ringing, 200));
    assert_eq!(said(&mut a), ["response 200 INVITE"]);

    let ringing = start(&mut a, &clock, "INVITE", over(Transport::Wss));
    receive(&mut a, &clock, &response(&ringing, 180));
    said(&mut a);
    a.handle_connection_closed(clock.now(), ConnectionId(9));
    assert_eq!(said(&mut a), ["failed"]);
}

/// RFC 3261 §18.1.1.
#[test]
fn a_long_request_goes_over_tcp_and_on_refusal_over_udp() {
    let (mut clock, mut a) = (Clock::new(), transactions(alice(), 1));
    let tcp = Target::Address {
        transport: Transport::Tcp,
        addr: bob(),
    };
    let long = || {
        let mut request = request("MESSAGE");
        request.set_body(Some("text/plain"), vec![b'x'; 1300]);
        request
    };
    let send = |a: &mut core_sip::Transactions, now, message| {
        a.send_request_by_size(now, bob(), message, TimerSet::core(), None);
        sent(a)
    };
    let (target, _) = send(&mut a, clock.now(), request("MESSAGE"));
    assert_eq!(target, udp(bob()), "a short one goes over UDP");
    let (target, first) = send(&mut a, clock.now(), long());
    assert_eq!(target, tcp);
    assert!(first.header(HeaderName::Via).unwrap().contains("/TCP "));

    a.handle_transport_error(clock.now(), tcp);
    let (target, again) = sent(&mut a);
    assert_eq!(target, udp(bob()));
    let via = again.header(HeaderName::Via).unwrap();
    assert!(via.contains("/UDP ") && via.contains(";rport"), "{via}");
    receive(&mut a, &clock, &response(&again, 200));
    assert_eq!(said(&mut a), ["response 200 MESSAGE"]);

    let (target, _) = send(&mut a, clock.now(), long());
    assert_eq!(target, udp(bob()), "the refusal is remembered");
    clock.advance(Duration::from_mins(10));
    let (target, _) = send(&mut a, clock.now(), long());
    assert_eq!(target, tcp, "but not for ever");
}

#[test]
fn branches_say_whose_they_are() {
    let clock = Clock::new();
    let mut config = core_sip::TransactionConfig::new("192.0.2.1");
    config.branch_label = "s3".into();
    config.via_params = ";keep".into();
    let mut a = core_sip::Transactions::new(config, [1; 32]);
    let sent = start(&mut a, &clock, "INVITE", udp(bob()));
    let via = sent.header(HeaderName::Via).unwrap();
    assert!(
        via.starts_with("SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKs3."),
        "{via}"
    );
    assert!(via.ends_with(";rport;keep"), "{via}");
}

fn start(
    a: &mut core_sip::Transactions,
    clock: &Clock,
    method: &str,
    target: Target,
) -> wire_sip::Message {
    a.send_request(clock.now(), target, request(method), TimerSet::core());
    sent_message(a)
}

fn sent(a: &mut core_sip::Transactions) -> (Target, wire_sip::Message) {
    match a.poll_output() {
        Some(Output::Send { target, message }) => (target, parse(&message)),
        other => panic!("something is sent: {other:?}"),
    }
}

fn sent_message(a: &mut core_sip::Transactions) -> wire_sip::Message {
    sent(a).1
}

fn receive(a: &mut core_sip::Transactions, clock: &Clock, message: &wire_sip::Message) {
    let source = from(Transport::Udp, alice(), bob());
    a.handle_message(clock.now(), source, message.clone());
}
