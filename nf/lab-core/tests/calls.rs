//! Requests between subscribers: TS 24.229 §5.4.3, RFC 3261 §16.
mod common;

use std::time::Duration;

use common::*;
use core_sip::{ConnectionId, Target, Transport};
use nf_lab_core::Output;
use wire_sip::{HeaderName, Message};

const ALICE: &str = "127.0.0.1:5091";
const BOB: &str = "127.0.0.1:5092";
const TO_BOB: &str = "sip:bob@ims.example.com";

fn two_phones() -> Lab {
    let mut lab = Lab::new();
    lab.register("alice", phone(ALICE));
    lab.register("bob", phone(BOB));
    lab
}

/// The INVITE as bob gets it.
fn ring(lab: &mut Lab, invite: &Message) -> Message {
    let sent = lab.receive(phone(ALICE), invite);
    assert_eq!(names(&sent), ["INVITE"]);
    assert_eq!(sent[0].target, udp(BOB));
    sent[0].message.clone()
}

#[test]
fn a_call_from_phone_to_phone() {
    let mut lab = two_phones();
    let invite = request("INVITE", "alice", TO_BOB);
    let at_bob = ring(&mut lab, &invite);
    assert_eq!(at_bob.request_uri(), Some("sip:bob@127.0.0.1:5092"));
    assert_eq!(at_bob.header(HeaderName::MaxForwards), Some("69"));
    assert_eq!(
        values(&at_bob, HeaderName::PAssertedIdentity),
        ["<sip:alice@ims.example.com>", "<tel:+15550100>"]
    );
    assert_eq!(
        at_bob.header(HeaderName::PCalledPartyId),
        Some("<sip:bob@ims.example.com>")
    );
    assert_eq!(
        values(&at_bob, HeaderName::RecordRoute),
        ["<sip:127.0.0.1:5060;lr>"]
    );

    for (status, expected) in [
        (100, vec![]),
        (180, vec!["180 INVITE"]),
        (200, vec!["200 INVITE"]),
    ] {
        let sent = lab.receive(phone(BOB), &respond(&at_bob, status));
        assert_eq!(names(&sent), expected);
        for sent in sent {
            assert_eq!(sent.target, udp(ALICE));
            assert_eq!(sent.message.values(HeaderName::Via).count(), 1);
        }
    }

    let mut ack = request("ACK", "alice", TO_BOB);
    in_dialog(&mut ack, "sip:bob@127.0.0.1:5092");
    let sent = lab.receive(phone(ALICE), &ack);
    assert_eq!(names(&sent), ["ACK"]);
    assert_eq!(sent[0].target, udp(BOB));
    assert_eq!(sent[0].message.header(HeaderName::Route), None);

    // Bob hangs up: From and To change places.
    let mut bye = request("BYE", "bob", "sip:alice@ims.example.com");
    in_dialog(&mut bye, "sip:alice@127.0.0.1:5091");
    let sent = lab.receive(phone(BOB), &bye);
    assert_eq!(names(&sent), ["BYE"]);
    assert_eq!(sent[0].target, udp(ALICE));
    let sent = lab.receive(phone(ALICE), &respond(&sent[0].message, 200));
    assert_eq!(names(&sent), ["200 BYE"]);
    assert_eq!(sent[0].target, udp(BOB));
}

#[test]
fn numbers_and_addresses_are_the_same_person() {
    for uri in [
        "tel:+1-555-0101",
        "sip:+15550101@ims.example.com;user=phone",
        "sip:bob@127.0.0.1",
    ] {
        let mut lab = two_phones();
        let at_bob = ring(&mut lab, &request("INVITE", "alice", uri));
        let called = at_bob.header(HeaderName::PCalledPartyId).unwrap();
        let expected = if uri.contains("555") {
            "<tel:+15550101>"
        } else {
            "<sip:bob@ims.example.com>"
        };
        assert_eq!(called, expected, "{uri}");
    }
}

#[test]
fn who_cannot_be_called() {
    let mut lab = two_phones();
    for (uri, expected) in [
        ("sip:nobody@ims.example.com", 404),
        ("tel:+19999999", 404),
        ("sip:bob@elsewhere.example.com", 404),
        ("urn:service:sos", 404),
        ("sip:carol@ims.example.com", 480),
        ("fax:1", 416),
    ] {
        let mut invite = request("INVITE", "alice", uri);
        invite.set(HeaderName::CallId, uri);
        invite.replace_first_value(
            HeaderName::Via,
            format!(
                "SIP/2.0/UDP 127.0.0.1;rport;branch=z9hG4bK{expected}{}",
                uri.len()
            ),
        );
        assert_eq!(status(&lab.ask(phone(ALICE), &invite)), expected, "{uri}");
    }
    let mut hops = request("MESSAGE", "alice", TO_BOB);
    hops.set(HeaderName::MaxForwards, 0);
    assert_eq!(status(&lab.ask(phone(ALICE), &hops)), 483);
}

#[test]
fn who_cannot_call() {
    let mut lab = Lab::new();
    lab.register("bob", phone(BOB));
    let invite = request("INVITE", "alice", TO_BOB);
    assert_eq!(
        status(&lab.ask(phone(ALICE), &invite)),
        403,
        "alice is not here"
    );
    let mut stranger = request("MESSAGE", "sip:x@elsewhere.example.com", TO_BOB);
    stranger.push_back(HeaderName::PAssertedIdentity, "<sip:bob@ims.example.com>");
    assert_eq!(status(&lab.ask(phone("127.0.0.2:5099"), &stranger)), 403);
    let by_edge = request("OPTIONS", "alice", TO_BOB);
    assert_eq!(status(&lab.ask(edge(), &by_edge)), 403);
}

/// RFC 3261 §22.3.
#[test]
fn a_phone_that_moved_is_asked_for_its_password() {
    let mut lab = two_phones();
    let elsewhere = phone("127.0.0.9:5091");
    let message = request("MESSAGE", "alice", TO_BOB);
    let challenge = lab.ask(elsewhere, &message);
    assert_eq!(status(&challenge), 407);
    let value = challenge.header(HeaderName::ProxyAuthenticate).unwrap();
    let mut again = message.clone();
    again.replace_first_value(
        HeaderName::Via,
        "SIP/2.0/UDP 127.0.0.9;rport;branch=z9hG4bKagain",
    );
    let authorization = answer_to(value, "MESSAGE", "alice", "alice-password", 1);
    again.push_back(HeaderName::ProxyAuthorization, authorization);
    let sent = lab.receive(elsewhere, &again);
    assert_eq!(names(&sent), ["MESSAGE"]);
    let at_bob = &sent[0].message;
    assert_eq!(at_bob.header(HeaderName::ProxyAuthorization), None);
}

#[test]
fn what_an_edge_asserts_is_kept() {
    let mut lab = two_phones();
    lab.register_trusted(
        "carol",
        "<sip:carol@abc.invalid;transport=ws>",
        "<sip:token@127.0.0.1:5070;lr>",
    );
    let mut invite = request("INVITE", "sip:anonymous@anonymous.invalid", TO_BOB);
    invite.push_back(HeaderName::PAssertedIdentity, "<tel:+15550102>");
    invite.push_back(HeaderName::Route, "<sip:orig@127.0.0.1:5060;lr>");
    let sent = lab.receive(edge(), &invite);
    assert_eq!(names(&sent), ["INVITE"]);
    let at_bob = &sent[0].message;
    assert_eq!(
        values(at_bob, HeaderName::PAssertedIdentity),
        ["<tel:+15550102>"]
    );
    assert_eq!(at_bob.header(HeaderName::Route), None);
}

/// RFC 3325 §5, §7.
#[test]
fn what_a_phone_asserts_is_not_believed_and_what_it_hides_is_hidden() {
    let mut lab = two_phones();
    let mut invite = request("INVITE", "alice", TO_BOB);
    invite.push_back(HeaderName::PAssertedIdentity, "<sip:carol@ims.example.com>");
    invite.push_back(HeaderName::PPreferredIdentity, "<tel:+15550100>");
    let at_bob = ring(&mut lab, &invite);
    assert_eq!(
        values(&at_bob, HeaderName::PAssertedIdentity),
        ["<tel:+15550100>", "<sip:alice@ims.example.com>"]
    );
    let mut lab = two_phones();
    let mut private = request("INVITE", "alice", TO_BOB);
    private.push_back(HeaderName::Privacy, "header;id");
    let at_bob = ring(&mut lab, &private);
    assert_eq!(at_bob.header(HeaderName::PAssertedIdentity), None);
}

/// RFC 3327 §5.3: to the edge that the contact is behind.
#[test]
fn the_path_is_the_way_to_a_web_client() {
    let mut lab = two_phones();
    let contact = "<sip:x@abc.invalid;transport=ws>";
    lab.register_trusted("carol", contact, "<sip:token@127.0.0.1:5070;lr;ob>");
    let invite = request("INVITE", "alice", "sip:carol@ims.example.com");
    let sent = lab.receive(phone(ALICE), &invite);
    assert_eq!(names(&sent), ["INVITE"]);
    assert_eq!(sent[0].target, udp(EDGE));
    let at_edge = &sent[0].message;
    assert_eq!(
        at_edge.request_uri(),
        Some("sip:x@abc.invalid;transport=ws")
    );
    assert_eq!(
        values(at_edge, HeaderName::Route),
        ["<sip:token@127.0.0.1:5070;lr;ob>"]
    );

    // RFC 5626 §5.3: the flow is gone, and so is the contact.
    let answer = respond(at_edge, 430);
    let sent = lab.receive(edge(), &answer);
    assert!(names(&sent).contains(&"480 INVITE".to_owned()), "{sent:?}");
    assert_eq!(lab.core.contacts(&format!("carol@{DOMAIN}")), Some(0));
}

#[test]
fn an_edge_may_be_a_name() {
    let mut lab = two_phones();
    lab.register_trusted(
        "carol",
        "<sip:x@abc.invalid;transport=ws>",
        "<sip:token@edge.example.com:5070;transport=tcp;lr>",
    );
    let invite = request("INVITE", "alice", "sip:carol@ims.example.com");
    let now = lab.clock.now();
    lab.core.handle_message(now, phone(ALICE), invite);
    let host = "edge.example.com".to_owned();
    assert_eq!(lab.core.poll_output(), Some(Output::Resolve { host }));
    let ip = "192.0.2.7".parse().unwrap();
    lab.core.handle_resolved(now, "edge.example.com", vec![ip]);
    let sent = lab.sent();
    let target = Target::Address {
        transport: Transport::Tcp,
        addr: addr("192.0.2.7:5070"),
    };
    assert_eq!(names(&sent), ["INVITE"]);
    assert_eq!(sent[0].target, target);
    assert_eq!(
        values(&sent[0].message, HeaderName::RecordRoute),
        [
            "<sip:127.0.0.1:5060;transport=tcp;lr>",
            "<sip:127.0.0.1:5060;lr>"
        ],
        "RFC 5658 §5: one for each side"
    );
}

#[test]
fn an_edge_that_is_not_there_leaves_its_people_unavailable() {
    let mut lab = two_phones();
    lab.register_trusted(
        "carol",
        "<sip:x@abc.invalid;transport=ws>",
        "<sip:token@edge.example.com;lr>",
    );
    let invite = request("INVITE", "alice", "sip:carol@ims.example.com");
    assert!(lab.receive(phone(ALICE), &invite).is_empty());
    let now = lab.clock.now();
    lab.core.handle_resolved(now, "edge.example.com", vec![]);
    assert_eq!(names(&lab.sent()), ["480 INVITE"]);
}

#[test]
fn all_phones_ring_and_one_answers() {
    let mut lab = two_phones();
    let second = "127.0.0.1:5093";
    lab.register("bob", phone(second));
    let invite = request("INVITE", "alice", TO_BOB);
    let sent = lab.receive(phone(ALICE), &invite);
    assert_eq!(names(&sent), ["INVITE", "INVITE"]);
    let (one, two) = (sent[0].message.clone(), sent[1].message.clone());
    lab.receive(phone(second), &respond(&two, 180));
    let sent = lab.receive(phone(BOB), &respond(&one, 200));
    assert_eq!(names(&sent), ["200 INVITE", "CANCEL"]);
    assert_eq!(sent[1].target, udp(second));
    let sent = lab.receive(phone(second), &respond(&two, 487));
    assert_eq!(names(&sent), ["ACK"], "and the caller hears nothing of it");
}

#[test]
fn a_caller_who_gives_up() {
    let mut lab = two_phones();
    let invite = request("INVITE", "alice", TO_BOB);
    let at_bob = ring(&mut lab, &invite);
    lab.receive(phone(BOB), &respond(&at_bob, 180));
    let mut cancel = request("CANCEL", "alice", TO_BOB);
    let via = invite.header(HeaderName::Via).unwrap().to_owned();
    cancel.replace_first_value(HeaderName::Via, via);
    cancel.push_back(HeaderName::Reason, "SIP;cause=487");
    let sent = lab.receive(phone(ALICE), &cancel);
    assert_eq!(names(&sent), ["200 CANCEL", "CANCEL"]);
    assert_eq!(sent[1].target, udp(BOB));
    let reason = sent[1].message.header(HeaderName::Reason);
    assert_eq!(reason, Some("SIP;cause=487"));
    let sent = lab.receive(phone(BOB), &respond(&at_bob, 487));
    assert_eq!(names(&sent), ["ACK", "487 INVITE"]);
}

/// RFC 3261 §16.8.
#[test]
fn a_phone_that_rings_for_ever_is_cancelled_by_timer_c() {
    let mut lab = two_phones();
    let at_bob = ring(&mut lab, &request("INVITE", "alice", TO_BOB));
    lab.pass(Duration::from_secs(1));
    lab.receive(phone(BOB), &respond(&at_bob, 180));
    let quiet = lab.pass(Duration::from_secs(184));
    assert!(quiet.is_empty(), "{quiet:?}");
    let sent = lab.pass(Duration::from_secs(1));
    assert_eq!(names(&sent)[0], "CANCEL");
}

#[test]
fn a_phone_that_is_gone_is_a_timeout() {
    let mut lab = two_phones();
    ring(&mut lab, &request("INVITE", "alice", TO_BOB));
    let sent = lab.pass(Duration::from_secs(32));
    assert_eq!(names(&sent)[0], "100 INVITE");
    assert!(names(&sent).contains(&"408 INVITE".to_owned()));
}

/// A phone over TCP is reached over its own connection, whatever its Contact says.
#[test]
fn a_phone_over_tcp_is_reached_by_its_connection() {
    let mut lab = two_phones();
    let contact = "<sip:carol@127.0.0.1:45678;transport=tcp>";
    lab.register_with("carol", over_tcp("127.0.0.1:45678", 3), contact);
    let to_carol = request("MESSAGE", "alice", "sip:carol@ims.example.com");
    let sent = lab.receive(phone(ALICE), &to_carol);
    let connection = Target::Connection {
        id: ConnectionId(3),
        transport: Transport::Tcp,
    };
    assert_eq!(sent[0].target, connection);
    let now = lab.clock.now();
    lab.core.handle_connection_closed(now, ConnectionId(3));
    lab.sent();
    let mut again = request("MESSAGE", "alice", "sip:carol@ims.example.com");
    again.replace_first_value(
        HeaderName::Via,
        "SIP/2.0/UDP 127.0.0.1;rport;branch=z9hG4bKagain",
    );
    let sent = lab.receive(phone(ALICE), &again);
    let address = Target::Address {
        transport: Transport::Tcp,
        addr: addr("127.0.0.1:45678"),
    };
    assert_eq!(sent[0].target, address);
}

#[test]
fn what_is_in_a_dialog_comes_by_our_route() {
    let mut lab = two_phones();
    let mut info = request("INFO", "alice", TO_BOB);
    info.set(HeaderName::To, "<sip:bob@ims.example.com>;tag=t1");
    assert_eq!(status(&lab.ask(phone(ALICE), &info)), 481);
}

#[test]
fn keep_alives_are_answered() {
    let mut lab = Lab::new();
    let options = request("OPTIONS", "alice", "sip:ims.example.com");
    assert_eq!(status(&lab.ask(phone(ALICE), &options)), 200);
    lab.core.handle_ping(&over_tcp("127.0.0.1:40000", 4));
    let Some(Output::Send { target, message }) = lab.core.poll_output() else {
        panic!("a pong goes back")
    };
    let connection = Target::Connection {
        id: ConnectionId(4),
        transport: Transport::Tcp,
    };
    assert_eq!((target, &message[..]), (connection, &b"\r\n"[..]));
    lab.core.handle_ping(&phone(ALICE));
    assert!(lab.core.poll_output().is_none());
}

fn in_dialog(request: &mut Message, target: &str) {
    request.set_request_uri(target);
    let to = format!("{};tag=t1", request.header(HeaderName::To).expect("To"));
    request.set(HeaderName::To, to);
    request.push_back(HeaderName::Route, "<sip:127.0.0.1:5060;lr>");
}
