//! Two calls at once: one is talked in, the other one is held.

mod common;

use std::time::Duration;

use common::{DOMAIN, Lab, config};
use nf_wic::{Event, NotDone};
use wire_sip::StatusCode;

const SECOND: Duration = Duration::from_secs(1);

fn uri(name: &str) -> String {
    format!("sip:{name}@{DOMAIN}")
}

/// Alice talks to bob; carol is registered, too.
fn talking() -> Lab {
    let mut lab = Lab::new(vec![config("alice"), config("bob"), config("carol")]);
    lab.run(SECOND * 2);
    let now = lab.now();
    lab.wic("alice")
        .call(now, &uri("bob"))
        .expect("it can be done");
    lab.run(SECOND);
    let now = lab.now();
    lab.wic("bob").answer(now).expect("it can be done");
    lab.run(SECOND);
    lab.events.clear();
    lab
}

/// What bob and carol have heard of alice.
fn heard(lab: &mut Lab) -> [u64; 2] {
    ["bob", "carol"].map(|name| lab.wic(name).media_report().map_or(0, |r| r.packets))
}

#[track_caller]
fn hears(lab: &mut Lab, who: &str) {
    let before = heard(lab);
    lab.run(SECOND);
    let after = heard(lab);
    let more = [after[0] - before[0], after[1] - before[1]];
    let (loud, quiet) = if who == "bob" {
        (more[0], more[1])
    } else {
        (more[1], more[0])
    };
    assert!(loud > 40 && quiet == 0, "{who} of {more:?}");
}

#[test]
fn a_second_call_is_answered_with_the_first_one_held_and_they_are_swapped() {
    let mut lab = talking();
    let now = lab.now();
    lab.wic("carol").call(now, &uri("alice")).unwrap();
    lab.run(SECOND);
    let from = uri("carol");
    assert!(lab.events_of("alice").contains(&&Event::Incoming { from }));
    hears(&mut lab, "bob");
    let now = lab.now();
    lab.wic("alice").answer(now).unwrap();
    lab.run(SECOND);
    assert!(
        lab.events_of("alice")
            .contains(&&Event::Held { held: true })
    );
    assert!(
        lab.events_of("bob")
            .contains(&&Event::RemoteHold { held: true })
    );
    assert!(lab.events_of("carol").contains(&&Event::Answered));
    hears(&mut lab, "carol");
    for who in ["bob", "carol", "bob"] {
        let now = lab.now();
        lab.wic("alice").swap(now).unwrap();
        let again = lab.wic("alice").swap(now);
        assert_eq!(again, Err(NotDone::UnderWay));
        lab.run(SECOND);
        hears(&mut lab, who);
    }
    // Carol's is over, bob's goes on; then bob's is over, too.
    let now = lab.now();
    lab.wic("carol").hang_up(now).unwrap();
    lab.run(SECOND);
    hears(&mut lab, "bob");
    let now = lab.now();
    assert_eq!(lab.wic("alice").swap(now), Err(NotDone::OneCallOnly));
    lab.wic("alice").hang_up(now).unwrap();
    lab.run(SECOND);
    for name in ["alice", "bob", "carol"] {
        assert!(!lab.wic(name).in_call(), "{name}");
        assert_eq!(lab.ended(name).map(|ended| ended.status), Some(200));
    }
}

#[test]
fn a_second_call_is_made_with_the_first_one_held() {
    let mut lab = talking();
    let now = lab.now();
    lab.wic("alice").call(now, &uri("carol")).unwrap();
    lab.run(SECOND);
    let now = lab.now();
    lab.wic("carol").answer(now).unwrap();
    lab.run(SECOND);
    hears(&mut lab, "carol");
    let now = lab.now();
    let third = lab.wic("alice").call(now, &uri("bob"));
    assert_eq!(third, Err(NotDone::TooManyCalls));
    // When the one that is talked in is over, the other one is current, and still held.
    lab.wic("alice").hang_up(now).unwrap();
    lab.run(SECOND);
    let before = heard(&mut lab)[0];
    lab.run(SECOND);
    assert_eq!(heard(&mut lab)[0], before);
    let now = lab.now();
    lab.wic("alice").hold(now, false).unwrap();
    lab.run(SECOND);
    hears(&mut lab, "bob");
}

#[test]
fn a_third_one_is_told_that_it_is_busy() {
    let mut lab = talking();
    let now = lab.now();
    lab.wic("bob").call(now, &uri("carol")).unwrap();
    lab.run(SECOND);
    let now = lab.now();
    lab.wic("carol").call(now, &uri("bob")).unwrap();
    lab.run(SECOND);
    assert_eq!(lab.ended("carol").map(|ended| ended.status), Some(486));
}

#[test]
fn where_hold_is_refused_the_second_call_is_not_made_and_rings_on() {
    let mut lab = talking();
    lab.refuse_changes = true;
    let now = lab.now();
    lab.wic("alice").call(now, &uri("carol")).unwrap();
    lab.run(SECOND);
    assert_eq!(lab.ended("alice").map(|ended| ended.status), Some(0));
    assert!(lab.events_of("carol").is_empty());
    hears(&mut lab, "bob");
    let now = lab.now();
    lab.wic("carol").call(now, &uri("alice")).unwrap();
    lab.run(SECOND);
    let now = lab.now();
    lab.wic("alice").answer(now).unwrap();
    lab.run(SECOND);
    hears(&mut lab, "bob");
    // It can be answered when the first is over.
    let now = lab.now();
    lab.wic("alice").hang_up(now).unwrap();
    lab.run(SECOND);
    let now = lab.now();
    lab.wic("alice").answer(now).unwrap();
    lab.run(SECOND);
    hears(&mut lab, "carol");
}

#[test]
fn what_cannot_be_done_is_refused_and_nothing_changes() {
    let mut lab = talking();
    let now = lab.now();
    let carol = lab.wic("carol");
    assert_eq!(carol.hold(now, true), Err(NotDone::NoCall));
    assert_eq!(carol.hang_up(now), Err(NotDone::NoCall));
    assert_eq!(carol.swap(now), Err(NotDone::NoCall));
    assert_eq!(carol.answer(now), Err(NotDone::NothingRings));
    assert_eq!(
        carol.reject(now, StatusCode::BUSY_HERE),
        Err(NotDone::NothingRings)
    );
    assert_eq!(carol.send_dtmf("1"), Err(NotDone::NoCall));
    assert_eq!(
        carol.call(now, "tel:112").map(|_| ()),
        Err(NotDone::Emergency)
    );
    let alice = lab.wic("alice");
    assert_eq!(alice.hold(now, false), Err(NotDone::Already));
    assert_eq!(alice.swap(now), Err(NotDone::OneCallOnly));
    let seen = lab.seen.len();
    hears(&mut lab, "bob");
    assert_eq!(lab.seen.len(), seen, "nothing was said");
}
