//! Calls between browsers, and between a browser and a phone.

use std::time::Duration;

use nf_wic::Event;
use nf_wic::media::MediaPart;
use wire_sip::{HeaderName, Method, StatusCode};

use crate::world::{World, sip};

const SECOND: Duration = Duration::from_secs(1);
const AUTOMATIC: Option<Duration> = Some(SECOND);

/// TS 24.371 §7.4.2, §7.4.3.
#[test]
fn two_browsers_talk_and_hang_up() {
    let mut world = World::registered(AUTOMATIC);
    let now = world.now();
    world.wic("alice").call(now, &sip("bob")).unwrap();
    world.run(SECOND * 5);
    for name in ["alice", "bob"] {
        let events = world.events_of(name);
        assert!(events.contains(&&Event::Answered), "{name}: {events:?}");
        assert!(
            events.contains(&&Event::MediaConnected(MediaPart::Audio)),
            "{name}: {events:?}"
        );
        let report = world.wic(name).media_report().expect("media");
        assert!(report.packets > 100, "{name}: {}", report.packets);
        assert!(report.energy > 0.1, "{name}: {}", report.energy);
    }
    let from = Event::Incoming { from: sip("alice") };
    assert!(world.events_of("bob").contains(&&from));
    let now = world.now();
    world.wic("bob").hang_up(now).unwrap();
    world.run(SECOND * 2);
    assert_eq!(
        (world.ended("alice"), world.ended("bob")),
        (Some(200), Some(200))
    );
    assert_eq!(world.gateway.contexts(), 0, "every Context was released");
    assert_eq!(world.edge.counters().sessions, 0);
}

/// The phone hears plain RTP, the browser its echo.
#[test]
fn a_browser_calls_a_phone_by_its_number() {
    let mut world = World::registered(None);
    let now = world.now();
    world.wic("alice").call(now, "tel:+1-555-0102").unwrap();
    world.run(SECOND * 5);
    let events = world.events_of("alice");
    assert!(events.contains(&&Event::Ringing), "{events:?}");
    assert!(
        events.contains(&&Event::MediaConnected(MediaPart::Audio)),
        "{events:?}"
    );
    assert!(world.phone.heard > 100, "{}", world.phone.heard);
    let report = world.wic("alice").media_report().expect("media");
    assert!(report.packets > 100 && report.energy > 0.1);

    let invite = world.phone.invited.clone().expect("an INVITE");
    let asserted: Vec<_> = invite.values(HeaderName::PAssertedIdentity).collect();
    assert!(
        asserted.contains(&format!("<{}>", sip("alice")).as_str()),
        "{asserted:?}"
    );
    assert_eq!(invite.header(HeaderName::PChargingVector), None);
    let sdp = String::from_utf8(invite.body().to_vec()).unwrap();
    for gone in ["fingerprint", "ice-", "candidate", "SAVPF", "3ge2ae"] {
        assert!(!sdp.contains(gone), "{gone} in {sdp}");
    }
    let now = world.now();
    world.phone.hang_up(now);
    world.run(SECOND * 2);
    assert_eq!(world.ended("alice"), Some(200));
    assert_eq!(world.gateway.contexts(), 0);
}

#[test]
fn a_phone_calls_a_browser() {
    let mut world = World::registered(AUTOMATIC);
    let now = world.now();
    world.phone.call(now, "tel:+15550101");
    world.run(SECOND * 5);
    assert!(world.phone.in_call(), "{:?}", world.phone.log);
    let events = world.events_of("bob");
    assert!(
        events.contains(&&Event::MediaConnected(MediaPart::Audio)),
        "{events:?}"
    );
    assert!(world.phone.heard > 100, "{}", world.phone.heard);
    let now = world.now();
    world.wic("bob").hang_up(now).unwrap();
    world.run(SECOND * 2);
    assert!(world.phone.log.contains(&"BYE".to_owned()));
    assert_eq!(world.gateway.contexts(), 0);
}

#[test]
fn a_call_that_is_given_up() {
    let mut world = World::registered(None);
    let now = world.now();
    world.wic("alice").call(now, &sip("bob")).unwrap();
    world.run(SECOND);
    let now = world.now();
    world.wic("alice").hang_up(now).unwrap();
    world.run(SECOND * 2);
    assert_eq!(
        (world.ended("alice"), world.ended("bob")),
        (Some(487), Some(487))
    );

    let now = world.now();
    world.wic("alice").call(now, &sip("carol")).unwrap();
    world.run(SECOND / 2);
    let now = world.now();
    world.wic("alice").hang_up(now).unwrap();
    world.run(SECOND * 2);
    assert!(world.phone.log.contains(&"CANCEL".to_owned()));
    assert!(!world.phone.in_call());
    assert_eq!(world.gateway.contexts(), 0);
}

#[test]
fn refused_unknown_and_away() {
    let mut world = World::registered(None);
    let now = world.now();
    world.wic("alice").call(now, &sip("bob")).unwrap();
    world.run(SECOND);
    let now = world.now();
    world.wic("bob").reject(now, StatusCode::BUSY_HERE).unwrap();
    world.run(SECOND);
    assert_eq!(world.ended("alice"), Some(486));
    for (uri, expected) in [(sip("nobody"), 404), ("tel:+19".into(), 404)] {
        world.events.clear();
        let now = world.now();
        world.wic("alice").call(now, &uri).unwrap();
        world.run(SECOND);
        assert_eq!(world.ended("alice"), Some(expected), "{uri}");
    }
    world.events.clear();
    let now = world.now();
    world.wic("bob").stop(now);
    world.run(SECOND);
    let now = world.now();
    world.wic("alice").call(now, &sip("bob")).unwrap();
    world.run(SECOND);
    assert_eq!(world.ended("alice"), Some(480));
    assert_eq!(world.gateway.contexts(), 0);
}

/// RFC 5626 §4.2.2, and the promise that a call outlives a reconnection.
#[test]
fn a_call_outlives_a_broken_websocket() {
    let mut world = World::registered(AUTOMATIC);
    let now = world.now();
    world.wic("alice").call(now, &sip("bob")).unwrap();
    world.run(SECOND * 4);
    world.cut("alice");
    world.run(SECOND * 10);
    assert!(world.wic("alice").is_registered(), "{:?}", world.events);
    assert!(world.wic("alice").in_call());
    let now = world.now();
    world.wic("bob").hang_up(now).unwrap();
    world.run(SECOND * 2);
    assert_eq!(
        world.ended("alice"),
        Some(200),
        "the BYE found the new flow"
    );
    assert_eq!(world.gateway.contexts(), 0);
}

/// RFC 3261 §18.1.1: an INVITE with a browser's SDP does not fit a datagram.
#[test]
fn what_is_long_goes_over_tcp() {
    let mut world = World::registered(AUTOMATIC);
    let now = world.now();
    world.wic("alice").call(now, &sip("bob")).unwrap();
    world.run(SECOND * 3);
    let long = world
        .mw
        .iter()
        .filter(|(_, message)| message.to_bytes().len() > 1300);
    for (_, message) in long {
        if message.is_request() {
            let via = message.header(HeaderName::Via).expect("Via");
            assert!(via.contains("/TCP "), "{via}");
        }
    }
    let invites = world
        .mw
        .iter()
        .filter(|(_, message)| message.is_request() && message.method() == Method::Invite);
    assert_eq!(invites.count(), 2, "one each way, and none again");
}

/// TS 24.229 §5.2.8.1: a browser that does not come back leaves nobody in the line.
#[test]
fn a_browser_that_is_gone_for_good_is_hung_up_for() {
    let mut world = World::registered(AUTOMATIC);
    let now = world.now();
    world.wic("alice").call(now, &sip("carol")).unwrap();
    world.run(SECOND * 4);
    assert!(world.phone.in_call());
    world.lose("alice");
    world.run(SECOND * 25);
    assert!(world.phone.in_call(), "it may still come back");
    world.run(SECOND * 10);
    assert!(!world.phone.in_call(), "{:?}", world.phone.log);
    assert_eq!(world.gateway.contexts(), 0);
}

#[test]
fn hold_resume_and_digits_cross_it_all() {
    let mut world = World::registered(AUTOMATIC);
    let now = world.now();
    world.wic("alice").call(now, &sip("bob")).unwrap();
    world.run(SECOND * 4);
    for held in [true, false] {
        let now = world.now();
        world.wic("alice").hold(now, held).unwrap();
        world.run(SECOND);
        let events = world.events_of("bob");
        assert!(events.contains(&&Event::RemoteHold { held }), "{events:?}");
    }
    world.wic("alice").send_dtmf("42#").unwrap();
    world.run(SECOND * 2);
    let digits: String = world
        .events_of("bob")
        .iter()
        .filter_map(|event| match event {
            Event::Digit(digit) => Some(*digit),
            _ => None,
        })
        .collect();
    assert_eq!(digits, "42#");
}

/// RFC 3261 §17: what the phone's network loses is sent again, and nobody notices.
#[test]
fn a_phone_on_a_bad_network_calls_a_browser() {
    for seed in 0..10 {
        let mut world = World::registered(AUTOMATIC);
        world.worsen_phone(seed);
        let now = world.now();
        world.phone.call(now, &sip("bob"));
        world.run(SECOND * 30);
        assert!(world.phone.in_call(), "{seed}: {:?}", world.phone.log);
        let now = world.now();
        world.wic("bob").hang_up(now).unwrap();
        world.run(SECOND * 33);
        assert!(!world.phone.in_call(), "{seed}: {:?}", world.phone.log);
        assert_eq!(world.ended("bob"), Some(200));
        assert_eq!(world.gateway.contexts(), 0);
    }
}
