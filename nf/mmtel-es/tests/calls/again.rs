//! The same request twice is one call: who lost an answer may ask again.

use std::time::Duration;

use api_mmtel_es::dc_app_management::Status;
use nf_mmtel_es::Consumer;
use nf_mmtel_es::calls::Ask;
use wire_sip::Method;

use super::bed::{Bed, audio, call_bob};
use super::session::{create, session};

#[test]
fn while_it_rings_both_wait_for_the_same_call() {
    let mut bed = Bed::new();
    bed.ask(&call_bob(&["audio"], false));
    let invite = bed.request(Method::Invite);
    bed.ask(&call_bob(&["audio"], false));
    bed.nothing_more();
    bed.answer(&invite, 200, Some(&audio()));
    bed.request(Method::Ack);
    let both = [bed.called(), bed.called()];
    assert_eq!(both[0].call_result, Status::Success);
    assert_eq!(both[0], both[1]);
    assert_eq!(bed.calls.len(), 1);
}

#[test]
fn a_refusal_is_for_all_who_wait_and_the_next_one_calls_again() {
    let mut bed = Bed::new();
    bed.ask(&call_bob(&["audio"], false));
    let invite = bed.request(Method::Invite);
    bed.ask(&call_bob(&["audio"], false));
    bed.answer(&invite, 486, None);
    bed.request(Method::Ack);
    for _ in 0..2 {
        assert_eq!(bed.called().call_result, Status::Failed);
    }
    bed.ask(&call_bob(&["audio"], false));
    bed.request(Method::Invite);
}

#[test]
fn who_asks_again_soon_gets_the_call_that_stands() {
    let mut bed = Bed::new();
    let (session, _) = bed.standing(&call_bob(&["audio"], false), &audio());
    bed.pass(Duration::from_secs(20));
    bed.ask(&call_bob(&["audio"], false));
    bed.nothing_more();
    assert_eq!(bed.called().session_id.as_deref(), Some(session.as_str()));

    // Another body, another consumer, and later: another call.
    bed.ask(&call_bob(&["video"], false));
    bed.request(Method::Invite);
    let body = call_bob(&["audio"], false).to_string();
    let request = api_mmtel_es::read(body.as_bytes()).unwrap();
    bed.ask_as(&Consumer::Client("other".into()), Ask::Call(request));
    bed.request(Method::Invite);
    bed.pass(Duration::from_secs(15));
    bed.sip.clear();
    bed.ask(&call_bob(&["audio"], false));
    bed.request(Method::Invite);
}

#[test]
fn a_session_that_is_created_twice_is_one() {
    let mut bed = Bed::new();
    let body = session(&[("AUDIO", "1")]);
    let first = create(&mut bed, &body);
    bed.request(Method::Invite);
    assert_eq!(create(&mut bed, &body), first);
    bed.nothing_more();
    assert_ne!(create(&mut bed, &session(&[("AUDIO", "2")])), first);
    bed.request(Method::Invite);
}

/// What is kept for it goes with the calls.
#[test]
fn a_consumer_whose_calls_are_over_may_have_new_ones() {
    let mut bed = Bed::with(|config| config.max_calls_of_consumer = 1);
    for _ in 0..3 {
        bed.ask(&call_bob(&["audio"], false));
        let invite = bed.request(Method::Invite);
        bed.answer(&invite, 486, None);
        bed.request(Method::Ack);
        assert_eq!(bed.called().call_result, Status::Failed);
        assert!(bed.calls.is_empty());
    }
}
