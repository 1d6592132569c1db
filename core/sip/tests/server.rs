//! RFC 3261 §17.2: what a server transaction does, and when, to the millisecond.
mod common;

use std::time::Duration;

use common::*;
use core_sip::{
    ConnectionId, Output, ServerTransactionId, Source, Target, TransactionConfig, Transactions,
    Transport,
};
use testbed::Clock;
use wire_sip::{HeaderName, Message};

const A_LONG_TIME: Duration = Duration::from_mins(10);

#[test]
fn an_invite_gets_100_after_200_ms() {
    let (mut clock, mut b) = (Clock::new(), transactions(bob(), 2));
    receive(&mut b, &clock, Transport::Udp, &invite());
    assert_eq!(said(&mut b), ["request INVITE"]);
    let log = run(&mut b, &mut clock, A_LONG_TIME);
    assert_eq!(log, [(200, "send 100 INVITE".to_owned())]);
}

#[test]
fn no_100_when_the_user_was_faster() {
    let (mut clock, mut b) = (Clock::new(), transactions(bob(), 2));
    let (id, request) = accept(&mut b, &clock, Transport::Udp, &invite());
    clock.advance(Duration::from_millis(199));
    b.respond(clock.now(), id, response(&request, 180));
    assert_eq!(said(&mut b), ["send 180 INVITE"]);
    assert!(run(&mut b, &mut clock, A_LONG_TIME).is_empty());
}

#[test]
fn an_invite_again_gets_the_last_provisional_response_again() {
    let (clock, mut b) = (Clock::new(), transactions(bob(), 2));
    let (id, request) = accept(&mut b, &clock, Transport::Udp, &invite());
    receive(&mut b, &clock, Transport::Udp, &invite());
    assert_eq!(said(&mut b), ["send 100 INVITE"], "now is the time for it");
    b.respond(clock.now(), id, response(&request, 183));
    receive(&mut b, &clock, Transport::Udp, &invite());
    assert_eq!(said(&mut b), ["send 183 INVITE", "send 183 INVITE"]);
    assert_eq!(b.counters().absorbed, 2);
}

#[test]
fn timer_g_doubles_up_to_t2_until_timer_h() {
    let (mut clock, mut b) = (Clock::new(), transactions(bob(), 2));
    let (id, request) = accept(&mut b, &clock, Transport::Udp, &invite());
    b.respond(clock.now(), id, response(&request, 486));
    let log = run(&mut b, &mut clock, A_LONG_TIME);
    assert_eq!(
        times(&log, "send 486 INVITE"),
        [
            0, 500, 1500, 3500, 7500, 11500, 15500, 19500, 23500, 27500, 31500
        ]
    );
    assert!(b.is_empty());
}

#[test]
fn an_ack_stops_timer_g_and_timer_i_absorbs_more() {
    let (mut clock, mut b) = (Clock::new(), transactions(bob(), 2));
    let (id, request) = accept(&mut b, &clock, Transport::Udp, &invite());
    b.respond(clock.now(), id, response(&request, 486));
    said(&mut b);
    let ack = ack_of(&request);
    receive(&mut b, &clock, Transport::Udp, &ack);
    receive(&mut b, &clock, Transport::Udp, &ack);
    receive(&mut b, &clock, Transport::Udp, &invite());
    assert!(run(&mut b, &mut clock, Duration::from_millis(4999)).is_empty());
    assert_eq!(b.len(), 1);
    run(&mut b, &mut clock, Duration::from_secs(5));
    assert!(b.is_empty());
}

#[test]
fn over_a_reliable_transport_the_ack_ends_it() {
    let (mut clock, mut b) = (Clock::new(), transactions(bob(), 2));
    let (id, request) = accept(&mut b, &clock, Transport::Tcp, &invite_over("TCP"));
    b.respond(clock.now(), id, response(&request, 486));
    let log = run(&mut b, &mut clock, Duration::from_secs(10));
    assert_eq!(times(&log, "send 486 INVITE"), [0]);
    receive(&mut b, &clock, Transport::Tcp, &ack_of(&request));
    assert!(b.is_empty());
}

/// RFC 6026 §8.7.
#[test]
fn after_a_2xx_the_invite_is_absorbed_and_the_ack_passed_up() {
    let (mut clock, mut b) = (Clock::new(), transactions(bob(), 2));
    let (id, request) = accept(&mut b, &clock, Transport::Udp, &invite());
    b.respond(clock.now(), id, response(&request, 200));
    receive(&mut b, &clock, Transport::Udp, &invite());
    assert_eq!(said(&mut b), ["send 200 INVITE"]);
    b.respond(clock.now(), id, response(&request, 200));
    assert_eq!(said(&mut b), ["send 200 INVITE"], "the user sends it again");
    b.respond(clock.now(), id, response(&request, 486));
    receive(&mut b, &clock, Transport::Udp, &ack_of(&request));
    let mut other = request.clone();
    other.replace_first_value(HeaderName::Via, "SIP/2.0/UDP h;branch=z9hG4bKother");
    receive(&mut b, &clock, Transport::Udp, &ack_of(&other));
    assert_eq!(said(&mut b), ["ack", "ack"]);
    assert!(run(&mut b, &mut clock, Duration::from_millis(31_999)).is_empty());
    assert_eq!(b.len(), 1);
    run(&mut b, &mut clock, Duration::from_secs(32));
    assert!(b.is_empty(), "Timer L is 32 s");
}

/// RFC 4320 §4.1.
#[test]
fn other_requests_get_100_when_timer_e_has_reached_t2() {
    for transport in [Transport::Udp, Transport::Tcp] {
        let (mut clock, mut b) = (Clock::new(), transactions(bob(), 2));
        let (id, request) = accept(&mut b, &clock, transport, &options());
        b.respond(clock.now(), id, response(&request, 180));
        let log = run(&mut b, &mut clock, Duration::from_secs(20));
        assert_eq!(log, [(3500, "send 100 OPTIONS".to_owned())]);
        receive(&mut b, &clock, transport, &options());
        assert_eq!(said(&mut b), ["send 100 OPTIONS"]);
        b.respond(clock.now(), id, response(&request, 200));
        assert_eq!(said(&mut b), ["send 200 OPTIONS"]);
    }
}

/// RFC 4320 §4.1: over UDP a user that says 100 at once is not heard, over TCP it is.
#[test]
fn an_early_100_is_for_reliable_transports() {
    let (clock, mut b) = (Clock::new(), transactions(bob(), 2));
    let (id, request) = accept(&mut b, &clock, Transport::Udp, &options());
    b.respond(clock.now(), id, response(&request, 100));
    assert!(said(&mut b).is_empty());
    let mut b = transactions(bob(), 2);
    let (id, request) = accept(&mut b, &clock, Transport::Tcp, &options());
    b.respond(clock.now(), id, response(&request, 100));
    assert_eq!(said(&mut b), ["send 100 OPTIONS"]);
}

/// RFC 4320 §4.2.
#[test]
fn no_408_for_other_requests() {
    let (clock, mut b) = (Clock::new(), transactions(bob(), 2));
    let (id, request) = accept(&mut b, &clock, Transport::Udp, &options());
    b.respond(clock.now(), id, response(&request, 408));
    receive(&mut b, &clock, Transport::Udp, &options());
    assert!(said(&mut b).is_empty());
    let (id, request) = accept(&mut b, &clock, Transport::Udp, &invite());
    b.respond(clock.now(), id, response(&request, 408));
    assert_eq!(said(&mut b), ["send 408 INVITE"]);
}

/// RFC 3261 §17.2.2 Timer J.
#[test]
fn a_final_response_is_repeated_for_64_t1() {
    let (mut clock, mut b) = (Clock::new(), transactions(bob(), 2));
    let (id, request) = accept(&mut b, &clock, Transport::Udp, &options());
    receive(&mut b, &clock, Transport::Udp, &options());
    assert!(said(&mut b).is_empty(), "there is nothing to repeat yet");
    b.respond(clock.now(), id, response(&request, 200));
    b.respond(clock.now(), id, response(&request, 500));
    clock.advance(Duration::from_millis(31_999));
    b.handle_timeout(clock.now());
    receive(&mut b, &clock, Transport::Udp, &options());
    assert_eq!(said(&mut b), ["send 200 OPTIONS", "send 200 OPTIONS"]);
    run(&mut b, &mut clock, Duration::from_secs(32));
    assert!(b.is_empty());

    let (id, request) = accept(&mut b, &clock, Transport::Tcp, &options());
    b.respond(clock.now(), id, response(&request, 200));
    assert!(b.is_empty(), "over a reliable transport Timer J is zero");
}

/// RFC 3261 §9.2.
#[test]
fn a_cancel_is_answered_and_told_once() {
    let (clock, mut b) = (Clock::new(), transactions(bob(), 2));
    let (id, request) = accept(&mut b, &clock, Transport::Udp, &invite());
    b.respond(clock.now(), id, response(&request, 180));
    said(&mut b);
    let mut cancel = incoming("CANCEL", "UDP", "z9hG4bK1");
    cancel.push_back(HeaderName::Reason, "SIP;cause=200");
    receive(&mut b, &clock, Transport::Udp, &cancel);
    let outputs = drain(&mut b);
    let said_now: Vec<_> = outputs.iter().map(describe).collect();
    assert_eq!(said_now, ["send 200 CANCEL", "cancel"]);
    let Output::Send { message, .. } = &outputs[0] else {
        panic!("the answer comes first")
    };
    let to = parse(message);
    let to = to.header(HeaderName::To).unwrap();
    assert!(to.ends_with(";tag=b1"), "the tag of the INVITE: {to}");
    match &outputs[1] {
        Output::Cancel { id: of, message } => {
            assert_eq!(*of, id);
            assert_eq!(message.header(HeaderName::Reason), Some("SIP;cause=200"));
        }
        other => panic!("{other:?}"),
    }
    receive(&mut b, &clock, Transport::Udp, &cancel);
    assert_eq!(said(&mut b), ["send 200 CANCEL"]);
    b.respond(clock.now(), id, response(&request, 487));
    assert_eq!(said(&mut b), ["send 487 INVITE"]);
    receive(&mut b, &clock, Transport::Udp, &cancel);
    assert_eq!(said(&mut b), ["send 200 CANCEL"], "too late, and harmless");
}

#[test]
fn a_cancel_for_nothing_gets_481() {
    let (clock, mut b) = (Clock::new(), transactions(bob(), 2));
    let cancel = incoming("CANCEL", "UDP", "z9hG4bK1");
    receive(&mut b, &clock, Transport::Udp, &cancel);
    assert_eq!(said(&mut b), ["send 481 CANCEL"]);
    assert!(b.is_empty());
}

/// RFC 3261 §17.2.3: sent-by is part of the match, and compares without case.
#[test]
fn one_branch_from_two_hosts_is_two_requests() {
    let (clock, mut b) = (Clock::new(), transactions(bob(), 2));
    for (sent_by, expected) in [
        ("a.example.com", vec!["request OPTIONS"]),
        ("b.example.com", vec!["request OPTIONS"]),
        ("A.Example.COM", vec![]),
    ] {
        let mut message = request("OPTIONS");
        message.push_front(
            HeaderName::Via,
            format!("SIP/2.0/UDP {sent_by};branch=z9hG4bK1"),
        );
        receive(&mut b, &clock, Transport::Udp, &message);
        assert_eq!(said(&mut b), expected, "{sent_by}");
    }
}

/// RFC 3261 §17.2.3: a branch without the magic cookie says nothing.
#[test]
fn rfc_2543_requests_match_by_everything_else() {
    let (clock, mut b) = (Clock::new(), transactions(bob(), 2));
    let old = incoming("INVITE", "UDP", "1");
    let (id, request) = accept(&mut b, &clock, Transport::Udp, &old);
    receive(&mut b, &clock, Transport::Udp, &old);
    assert_eq!(said(&mut b), ["send 100 INVITE"], "the same request");
    let mut other_call = old.clone();
    other_call.set(HeaderName::CallId, "call-2");
    receive(&mut b, &clock, Transport::Udp, &other_call);
    assert_eq!(
        said(&mut b),
        ["request INVITE"],
        "the same branch all the same"
    );
    b.respond(clock.now(), id, response(&request, 486));
    said(&mut b);

    let mut ack = incoming("ACK", "UDP", "1");
    ack.set(HeaderName::To, "<sip:bob@example.com>;tag=another");
    receive(&mut b, &clock, Transport::Udp, &ack);
    receive(&mut b, &clock, Transport::Udp, &old);
    assert_eq!(said(&mut b), ["send 486 INVITE"], "that was not our tag");
    ack.set(HeaderName::To, "<sip:bob@example.com>;tag=b1");
    receive(&mut b, &clock, Transport::Udp, &ack);
    receive(&mut b, &clock, Transport::Udp, &old);
    assert!(said(&mut b).is_empty());
}

/// RFC 3261 §8.2.2.2.
#[test]
fn a_user_agent_refuses_a_request_that_came_by_two_ways() {
    let clock = Clock::new();
    let mut config = TransactionConfig::new("192.0.2.2");
    config.refuse_merged = true;
    let mut b = Transactions::new(config, [2; 32]);
    receive(&mut b, &clock, Transport::Udp, &invite());
    receive(
        &mut b,
        &clock,
        Transport::Udp,
        &incoming("INVITE", "UDP", "z9hG4bK2"),
    );
    assert_eq!(said(&mut b), ["request INVITE", "send 482 INVITE"]);
    let mut proxy = transactions(bob(), 2);
    receive(&mut proxy, &clock, Transport::Udp, &invite());
    receive(
        &mut proxy,
        &clock,
        Transport::Udp,
        &incoming("INVITE", "UDP", "z9hG4bK2"),
    );
    assert_eq!(said(&mut proxy), ["request INVITE", "request INVITE"]);
}

#[test]
fn too_many_transactions_get_503() {
    let clock = Clock::new();
    let mut config = TransactionConfig::new("192.0.2.2");
    config.max_transactions = 2;
    let mut b = Transactions::new(config, [2; 32]);
    for n in 0..3 {
        let message = incoming("OPTIONS", "UDP", &format!("z9hG4bK{n}"));
        receive(&mut b, &clock, Transport::Udp, &message);
    }
    let outputs = drain(&mut b);
    let last = outputs.last().unwrap();
    assert_eq!(describe(last), "send 503 OPTIONS");
    let Output::Send { message, .. } = last else {
        panic!("it is sent")
    };
    assert_eq!(parse(message).header(HeaderName::RetryAfter), Some("10"));
    assert_eq!(b.counters().refused, 1);
    assert_eq!(b.len(), 2);
}

/// RFC 3261 §18.2.2, RFC 3581 §4.
#[test]
fn responses_find_their_way_back() {
    let clock = Clock::new();
    let mut b = transactions(bob(), 2);
    let mut message = request("OPTIONS");
    message.push_front(
        HeaderName::Via,
        "SIP/2.0/UDP 10.0.0.1:5062;rport;branch=z9hG4bK1",
    );
    let source = Source {
        remote: "198.51.100.7:40000".parse().unwrap(),
        ..from(Transport::Udp, bob(), alice())
    };
    b.handle_message(clock.now(), source, message);
    let (id, request) = taken(&mut b);
    let via = request.header(HeaderName::Via).unwrap();
    assert!(
        via.contains(";received=198.51.100.7") && via.contains(";rport=40000"),
        "{via}"
    );
    b.respond(clock.now(), id, response(&request, 200));
    assert_eq!(sent_to(&mut b), udp("198.51.100.7:40000".parse().unwrap()));
}

#[test]
fn a_response_whose_connection_is_gone_opens_another_if_it_can() {
    let clock = Clock::new();
    for (transport, name) in [(Transport::Tcp, "TCP"), (Transport::Wss, "WSS")] {
        let mut b = transactions(bob(), 2);
        let (id, request) = accept(&mut b, &clock, transport, &invite_over(name));
        b.respond(clock.now(), id, response(&request, 180));
        let connection = Target::Connection {
            id: ConnectionId(1),
            transport,
        };
        assert_eq!(sent_to(&mut b), connection);
        b.handle_connection_closed(clock.now(), ConnectionId(1));
        b.respond(clock.now(), id, response(&request, 486));
        if transport == Transport::Tcp {
            let addr = alice();
            assert_eq!(sent_to(&mut b), Target::Address { transport, addr });
        } else {
            assert!(
                said(&mut b).is_empty(),
                "RFC 7118 §5: there is no other way"
            );
            assert_eq!(b.counters().unsent, 1);
        }
    }
}

/// RFC 5626 §4.4 — what came by a connection that is gone is answered over the one that came for it.
#[test]
fn a_peer_that_comes_back_hears_what_it_missed() {
    let clock = Clock::new();
    let mut b = transactions(bob(), 2);
    let (invited, invite) = accept(&mut b, &clock, Transport::Wss, &invite_over("WSS"));
    let ask = |b: &mut Transactions, branch| {
        accept(
            b,
            &clock,
            Transport::Wss,
            &incoming("OPTIONS", "WSS", branch),
        )
    };
    let (missed, options) = ask(&mut b, "z9hG4bK2");
    let (pending, other) = ask(&mut b, "z9hG4bK3");
    b.handle_connection_closed(clock.now(), ConnectionId(1));
    b.respond(clock.now(), invited, response(&invite, 200));
    b.respond(clock.now(), missed, response(&options, 200));
    assert!(said(&mut b).is_empty(), "there is no way to it");
    let by = |id| Source {
        connection: Some(ConnectionId(id)),
        ..from(Transport::Wss, bob(), alice())
    };
    let over = |id| Target::Connection {
        id: ConnectionId(id),
        transport: Transport::Wss,
    };
    b.handle_connection_replaced(ConnectionId(1), by(2));
    assert_eq!([sent_to(&mut b), sent_to(&mut b)], [over(2); 2]);
    assert!(said(&mut b).is_empty(), "one has no answer yet");
    b.respond(clock.now(), pending, response(&other, 200));
    assert_eq!(sent_to(&mut b), over(2));
    // And once more, from one to the next.
    b.handle_connection_closed(clock.now(), ConnectionId(2));
    b.handle_connection_replaced(ConnectionId(1), by(3));
    assert!(said(&mut b).is_empty(), "nothing is left of the first");
    b.handle_connection_replaced(ConnectionId(2), by(3));
    assert_eq!([sent_to(&mut b), sent_to(&mut b)], [over(3); 2]);
    // What was acknowledged has arrived.
    b.acknowledged(invited);
    b.handle_connection_replaced(ConnectionId(3), by(4));
    assert_eq!(sent_to(&mut b), over(4));
    assert!(said(&mut b).is_empty());
    // Nothing of it stays.
    let mut clock = clock;
    clock.advance(A_LONG_TIME);
    b.handle_timeout(clock.now());
    assert!(b.is_empty());
}

#[test]
fn what_cannot_be_answered_is_dropped_and_counted() {
    let clock = Clock::new();
    let mut b = transactions(bob(), 2);
    receive(&mut b, &clock, Transport::Udp, &request("OPTIONS"));
    let mut no_cseq = options();
    no_cseq.set(HeaderName::CSeq, "1 INVITE");
    receive(&mut b, &clock, Transport::Udp, &no_cseq);
    assert!(said(&mut b).is_empty());
    assert_eq!(b.counters().dropped, 2);
}

fn invite() -> Message {
    invite_over("UDP")
}

fn invite_over(transport: &str) -> Message {
    incoming("INVITE", transport, "z9hG4bK1")
}

fn options() -> Message {
    incoming("OPTIONS", "UDP", "z9hG4bK9")
}

fn ack_of(invite: &Message) -> Message {
    let mut ack = request("ACK");
    let via = invite.values(HeaderName::Via).next().expect("Via");
    ack.push_front(HeaderName::Via, via);
    ack.set(HeaderName::To, "<sip:bob@example.com>;tag=b1");
    ack
}

fn receive(b: &mut Transactions, clock: &Clock, transport: Transport, message: &Message) {
    let source = from(transport, bob(), alice());
    b.handle_message(clock.now(), source, message.clone());
}

fn accept(
    b: &mut Transactions,
    clock: &Clock,
    transport: Transport,
    message: &Message,
) -> (ServerTransactionId, Message) {
    receive(b, clock, transport, message);
    taken(b)
}

fn taken(b: &mut Transactions) -> (ServerTransactionId, Message) {
    match b.poll_output() {
        Some(Output::Request { id, message, .. }) => (id, message),
        other => panic!("a request comes up: {other:?}"),
    }
}

fn sent_to(b: &mut Transactions) -> Target {
    match b.poll_output() {
        Some(Output::Send { target, .. }) => target,
        other => panic!("something is sent: {other:?}"),
    }
}
