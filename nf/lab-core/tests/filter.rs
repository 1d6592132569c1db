//! Application servers behind initial filter criteria: TS 24.229 §5.4.3.2, §5.4.3.3, TS 23.218 §5.2.
mod common;

use std::time::Duration;

use common::*;
use nf_lab_core::FilterCriterion;
use wire_sip::{HeaderName, Message};

const ALICE: &str = "127.0.0.1:5091";
const BOB: &str = "127.0.0.1:5092";
const SERVER: &str = "127.0.0.1:5080";
const TO_BOB: &str = "sip:bob@ims.example.com";

fn criterion(who: &str, originating: bool, continues: bool) -> FilterCriterion {
    FilterCriterion {
        subscribers: vec![format!("{who}@{DOMAIN}")],
        server: format!("sip:observer@{SERVER};lr"),
        originating,
        terminating: !originating,
        continues,
    }
}

fn lab(criteria: Vec<FilterCriterion>) -> Lab {
    let mut lab = Lab::new();
    lab.core.serve_applications(addr(SERVER), criteria);
    lab.register("alice", phone(ALICE));
    lab.register("bob", phone(BOB));
    lab
}

/// What an observer makes of a request: its own Route is gone, its Via on top.
fn passed_on(at_server: &Message, branch: &str) -> Message {
    let mut message = at_server.clone();
    assert!(message.remove_first_value(HeaderName::Route));
    let via = format!("SIP/2.0/UDP {SERVER};branch=z9hG4bK{branch}");
    message.push_front(HeaderName::Via, via);
    message
}

#[test]
fn a_request_passes_the_servers_of_caller_and_callee() {
    let mut lab = lab(vec![
        criterion("alice", true, true),
        criterion("bob", false, true),
    ]);
    let sent = lab.receive(phone(ALICE), &request("INVITE", "alice", TO_BOB));
    assert_eq!(names(&sent), ["INVITE"]);
    assert_eq!(sent[0].target, udp(SERVER));
    let first = sent[0].message.clone();
    assert_eq!(first.request_uri(), Some(TO_BOB));
    let served = first.header(HeaderName::PServedUser);
    let expected = "<sip:alice@ims.example.com>;sescase=orig;regstate=reg";
    assert_eq!(served, Some(expected));
    let routes = values(&first, HeaderName::Route);
    assert_eq!(routes[0], format!("<sip:observer@{SERVER};lr>"));
    assert!(
        routes[1].ends_with("@127.0.0.1:5060;lr;orig>"),
        "{routes:?}"
    );

    let sent = lab.receive(phone(SERVER), &passed_on(&first, "a"));
    assert_eq!(names(&sent), ["INVITE"]);
    assert_eq!(sent[0].target, udp(SERVER));
    let second = sent[0].message.clone();
    let served = second.header(HeaderName::PServedUser);
    let expected = "<sip:bob@ims.example.com>;sescase=term;regstate=reg";
    assert_eq!(served, Some(expected));

    let sent = lab.receive(phone(SERVER), &passed_on(&second, "b"));
    assert_eq!(names(&sent), ["INVITE"]);
    assert_eq!(sent[0].target, udp(BOB));
    let at_bob = &sent[0].message;
    assert_eq!(at_bob.header(HeaderName::PServedUser), None);
    assert_eq!(
        values(at_bob, HeaderName::PAssertedIdentity),
        ["<sip:alice@ims.example.com>", "<tel:+15550100>"]
    );
    // Each passage is in the way of what follows.
    assert_eq!(values(at_bob, HeaderName::RecordRoute).len(), 3);
}

#[test]
fn a_server_that_fails_is_left_out_where_that_is_wanted() {
    let mut lab = lab(vec![criterion("alice", true, true)]);
    let sent = lab.receive(phone(ALICE), &request("INVITE", "alice", TO_BOB));
    let sent = lab.receive(phone(SERVER), &respond(&sent[0].message, 503));
    let to_bob = sent.iter().find(|sent| sent.target == udp(BOB));
    let at_bob = to_bob.expect("bob rings").message.clone();
    let sent = lab.receive(phone(BOB), &respond(&at_bob, 200));
    assert_eq!(names(&sent), ["200 INVITE"]);
    assert_eq!(sent[0].target, udp(ALICE));
}

#[test]
fn a_server_that_is_silent_is_left_out() {
    let mut lab = lab(vec![criterion("bob", false, true)]);
    lab.receive(phone(ALICE), &request("INVITE", "alice", TO_BOB));
    let sent = lab.pass(Duration::from_secs(33));
    assert!(sent.iter().any(|sent| sent.target == udp(BOB)));
}

#[test]
fn a_server_that_must_not_be_left_out_ends_the_request() {
    let mut lab = lab(vec![criterion("alice", true, false)]);
    let sent = lab.receive(phone(ALICE), &request("INVITE", "alice", TO_BOB));
    let sent = lab.receive(phone(SERVER), &respond(&sent[0].message, 503));
    assert!(sent.iter().all(|sent| sent.target != udp(BOB)));
    let to_alice = sent.iter().find(|sent| sent.target == udp(ALICE));
    assert_eq!(status(&to_alice.expect("alice is told").message), 503);
}

#[test]
fn a_server_may_refuse() {
    let mut lab = lab(vec![criterion("bob", false, true)]);
    let sent = lab.receive(phone(ALICE), &request("INVITE", "alice", TO_BOB));
    let sent = lab.receive(phone(SERVER), &respond(&sent[0].message, 403));
    assert!(sent.iter().all(|sent| sent.target != udp(BOB)));
    assert!(names(&sent).contains(&"403 INVITE".to_owned()));
}

/// TS 24.229 §5.7.3: a server calls of itself, under the identity of a service.
#[test]
fn a_server_may_call_and_others_may_not_in_its_name() {
    let mut lab = lab(Vec::new());
    let mut invite = request("INVITE", "service", TO_BOB);
    let service = "<sip:service@ims.example.com>";
    invite.set(HeaderName::PAssertedIdentity, service);
    let sent = lab.receive(phone("127.0.0.1:5099"), &invite);
    assert_eq!(names(&sent), ["403 INVITE"]);

    let mut again = request("INVITE", "service", TO_BOB);
    again.set(HeaderName::PAssertedIdentity, service);
    again.set(
        HeaderName::Via,
        format!("SIP/2.0/UDP {SERVER};branch=z9hG4bKx"),
    );
    let sent = lab.receive(phone(SERVER), &again);
    assert_eq!(names(&sent), ["INVITE"]);
    assert_eq!(sent[0].target, udp(BOB));
    let at_bob = &sent[0].message;
    assert_eq!(values(at_bob, HeaderName::PAssertedIdentity), [service]);
}

/// An identifier says where a request was in its chain. A phone that found one could leave out servers.
#[test]
fn the_identifier_is_for_servers_alone() {
    let mut lab = lab(vec![criterion("alice", true, true)]);
    let sent = lab.receive(phone(ALICE), &request("INVITE", "alice", TO_BOB));
    let routes = values(&sent[0].message, HeaderName::Route);
    let mut clever = request("INVITE", "alice", TO_BOB);
    clever.set(HeaderName::CallId, "another");
    clever.set(HeaderName::Route, &routes[1]);
    clever.set(
        HeaderName::Via,
        format!("SIP/2.0/UDP {ALICE};branch=z9hG4bKclever"),
    );
    let sent = lab.receive(phone(ALICE), &clever);
    assert_eq!(names(&sent), ["INVITE"]);
    assert_eq!(sent[0].target, udp(SERVER));
}
