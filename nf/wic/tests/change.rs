//! TS 24.371 §9 — a call that stands is changed: video, hold, another network, nothing at all.

mod common;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use common::{DOMAIN, Lab, config};
use nf_wic::media::{MediaPart, VideoFrame, VideoSource};
use nf_wic::{Config, Event, NotDone};
use wire_sdp::Session;
use wire_sip::{HeaderName, Message, Method};

const SECOND: Duration = Duration::from_secs(1);

/// Ten frames, 25 a second; the first is a key frame.
fn film() -> Arc<[VideoFrame]> {
    let frame = |at: u32| {
        let mut data = vec![u8::from(at > 0), 0, 0, 0x9d, 0x01, 0x2a, 64, 0, 48, 0];
        data.resize(300 + at as usize, at as u8);
        VideoFrame {
            time: 3600 * at,
            data: Bytes::from(data),
        }
    };
    (0..10).map(frame).collect()
}

/// Takes video when it is offered, and shows its own.
fn with_video(name: &str) -> Config {
    Config {
        video: Some(VideoSource::Frames(film())),
        ..config(name)
    }
}

fn talking(alice: Config, bob: Config) -> Lab {
    let mut lab = Lab::registered(alice, bob);
    let now = lab.now();
    let to = format!("sip:bob@{DOMAIN}");
    lab.wic("alice").call(now, &to).expect("it can be done");
    lab.run(SECOND);
    let now = lab.now();
    lab.wic("bob").answer(now).expect("it can be done");
    lab.run(SECOND * 2);
    lab.events.clear();
    lab
}

/// Alice called without video, bob would take it.
fn plain() -> Lab {
    talking(config("alice"), with_video("bob"))
}

/// How many packets of audio and frames of video each has got: alice's, bob's.
fn heard(lab: &mut Lab) -> [(u64, u64); 2] {
    ["alice", "bob"].map(|name| {
        let wic = lab.wic(name);
        let audio = wic.media_report().expect("a call").packets;
        (audio, wic.video_report().map_or(0, |video| video.frames))
    })
}

#[track_caller]
fn both_hear(lab: &mut Lab) {
    let before = heard(lab);
    lab.run(SECOND);
    let after = heard(lab);
    for (before, after) in before.iter().zip(after) {
        assert!(after.0 > before.0 + 40, "{before:?} {after:?}");
    }
}

#[track_caller]
fn both_see(lab: &mut Lab, yes: bool) {
    let before = heard(lab);
    lab.run(SECOND);
    let after = heard(lab);
    for (before, after) in before.iter().zip(after) {
        let more = after.1 - before.1;
        assert!(
            if yes { more > 15 } else { more == 0 },
            "{before:?} {after:?}"
        );
    }
}

fn has(lab: &Lab, name: &str, event: &Event) -> bool {
    lab.events_of(name).contains(&event)
}

/// The last description that was sent by one of them, as offer or answer.
fn offers(lab: &Lab) -> Vec<Message> {
    let is_offer =
        |m: &&Message| m.is_request() && m.method() == Method::Invite && !m.body().is_empty();
    lab.seen.iter().filter(is_offer).cloned().collect()
}

fn lines(message: &Message) -> Vec<(String, bool)> {
    let session = Session::parse(message.body()).expect("SDP");
    let medias = session.medias().iter();
    medias
        .map(|media| (media.line().media.to_owned(), media.line().port != 0))
        .collect()
}

fn origin(message: &Message) -> (String, u64) {
    let text = std::str::from_utf8(message.body()).expect("text");
    let line = text
        .lines()
        .find(|line| line.starts_with("o="))
        .expect("o=");
    let words: Vec<&str> = line.split(' ').collect();
    (words[1].to_owned(), words[2].parse().expect("a version"))
}

#[test]
fn video_is_added_dropped_and_added_again_by_either_end() {
    let mut lab = plain();
    for who in ["alice", "bob"] {
        let other = if who == "alice" { "bob" } else { "alice" };
        for round in 0..2 {
            let now = lab.now();
            let source = VideoSource::Frames(film());
            lab.wic(who).add_video(now, source).unwrap();
            lab.run(SECOND);
            let connected = Event::MediaConnected(MediaPart::Video);
            for event in [Event::Video { video: true }, connected.clone()] {
                assert!(has(&lab, who, &event), "{who} {round}: {:?}", lab.events);
            }
            for event in [Event::RemoteVideo { video: true }, connected] {
                assert!(has(&lab, other, &event), "{who} {round}: {:?}", lab.events);
            }
            both_hear(&mut lab);
            both_see(&mut lab, true);
            let now = lab.now();
            lab.wic(who).drop_video(now).unwrap();
            lab.run(SECOND);
            assert!(has(&lab, who, &Event::Video { video: false }));
            assert!(has(&lab, other, &Event::RemoteVideo { video: false }));
            both_hear(&mut lab);
            both_see(&mut lab, false);
            lab.events.clear();
        }
        if who == "alice" {
            // She would take it, too, from now on: what she said last was that she wants none.
            lab = talking(with_video("alice"), with_video("bob"));
            let now = lab.now();
            lab.wic("bob").drop_video(now).unwrap();
            lab.run(SECOND);
            lab.events.clear();
        }
    }
}

#[test]
fn m_lines_keep_their_places_and_versions_go_up_by_one() {
    let mut lab = plain();
    for _ in 0..2 {
        let now = lab.now();
        let source = VideoSource::Frames(film());
        lab.wic("alice").add_video(now, source).unwrap();
        lab.wic("alice").drop_video(now).unwrap();
        lab.run(SECOND * 2);
    }
    let offers = offers(&lab);
    let audio = ("audio".to_owned(), true);
    let video = |on| ("video".to_owned(), on);
    let expected: Vec<Vec<_>> = vec![
        vec![audio.clone()],
        vec![audio.clone(), video(true)],
        vec![audio.clone(), video(false)],
        vec![audio.clone(), video(true)],
        vec![audio, video(false)],
    ];
    assert_eq!(offers.iter().map(lines).collect::<Vec<_>>(), expected);
    let origins: Vec<_> = offers.iter().map(origin).collect();
    assert!(origins.iter().all(|(id, _)| *id == origins[0].0));
    let versions: Vec<u64> = origins.iter().map(|(_, version)| *version).collect();
    assert_eq!(versions, [1, 2, 3, 4, 5]);
}

#[test]
fn video_that_the_other_end_does_not_take_is_not_there() {
    let mut lab = talking(config("alice"), config("bob"));
    let now = lab.now();
    let source = VideoSource::Frames(film());
    lab.wic("alice").add_video(now, source).unwrap();
    lab.run(SECOND);
    let refused = |event: &&Event| {
        matches!(
            event,
            Event::NotChanged {
                change: "video on",
                ..
            }
        )
    };
    assert_eq!(
        lab.events_of("alice").into_iter().filter(refused).count(),
        1
    );
    both_hear(&mut lab);
    let now = lab.now();
    let none = lab.wic("alice").drop_video(now);
    assert_eq!(none, Err(NotDone::Already));
}

#[test]
fn a_change_that_is_refused_leaves_the_call_as_it_was() {
    let mut lab = talking(with_video("alice"), with_video("bob"));
    both_see(&mut lab, true);
    lab.refuse_changes = true;
    let now = lab.now();
    let alice = lab.wic("alice");
    alice.hold(now, true).unwrap();
    alice.drop_video(now).unwrap();
    alice.restart_ice(now).unwrap();
    alice.refresh(now, false).unwrap();
    alice.refresh(now, true).unwrap();
    lab.run(SECOND);
    let words: Vec<&str> = lab
        .events_of("alice")
        .into_iter()
        .filter_map(|event| match event {
            Event::NotChanged {
                change,
                status: 488,
                ..
            } => Some(*change),
            _ => None,
        })
        .collect();
    assert_eq!(
        words,
        ["hold", "video off", "restart", "reinvite", "update"]
    );
    both_hear(&mut lab);
    both_see(&mut lab, true);
    lab.refuse_changes = false;
    let now = lab.now();
    lab.wic("alice").hold(now, true).unwrap();
    lab.run(SECOND);
    assert!(has(&lab, "alice", &Event::Held { held: true }));
    both_see(&mut lab, false);
}

#[test]
fn after_a_network_change_the_media_come_over_the_new_sockets() {
    let mut lab = talking(with_video("alice"), with_video("bob"));
    for who in ["alice", "bob", "alice"] {
        let now = lab.now();
        lab.wic(who).restart_ice(now).unwrap();
        lab.run(SECOND * 2);
        assert!(has(&lab, who, &Event::Restarted), "{:?}", lab.events);
        assert_eq!(lab.closed.len(), 2, "audio and video have moved: {who}");
        lab.closed.clear();
        let part = |part| Event::MediaConnected(part);
        assert!(has(&lab, who, &part(MediaPart::Audio)));
        assert!(has(&lab, who, &part(MediaPart::Video)));
        lab.events.clear();
        both_hear(&mut lab);
        both_see(&mut lab, true);
    }
    // RFC 8839 §4.4.1.1.1: other credentials in each offer, and another port.
    let said: Vec<(String, String)> = offers(&lab)
        .iter()
        .map(|offer| {
            let session = Session::parse(offer.body()).expect("SDP");
            let ice = session.media_ice(0).expect("valid").expect("there");
            let port = session.medias()[0].line().port;
            (ice.ufrag.to_owned(), port.to_string())
        })
        .collect();
    assert_eq!(said.len(), 4);
    for (at, one) in said.iter().enumerate() {
        assert!(!said[at + 1..].iter().any(|other| other.0 == one.0));
    }
}

#[test]
fn what_changes_nothing_has_the_same_version() {
    let mut lab = plain();
    let now = lab.now();
    lab.wic("alice").refresh(now, false).unwrap();
    lab.wic("alice").refresh(now, false).unwrap();
    lab.wic("alice").refresh(now, true).unwrap();
    lab.run(SECOND);
    let refreshed = lab.events_of("alice").into_iter();
    assert_eq!(refreshed.filter(|e| **e == Event::Refreshed).count(), 3);
    let offers = offers(&lab);
    let origins: Vec<_> = offers.iter().map(origin).collect();
    assert_eq!(origins.len(), 3);
    assert!(
        origins.iter().all(|origin| *origin == origins[0]),
        "{origins:?}"
    );
    let update = lab.seen.iter().find(|m| m.method() == Method::Update);
    let update = update.expect("an UPDATE");
    assert!(update.body().is_empty());
    assert!(update.header(HeaderName::Contact).is_some());
    both_hear(&mut lab);
}

#[test]
fn the_answerer_keeps_its_part_in_the_handshake() {
    let mut lab = plain();
    let now = lab.now();
    lab.wic("bob").refresh(now, false).unwrap();
    lab.run(SECOND);
    let is_answer = |m: &&Message| m.status().is_some_and(|s| s.as_u16() == 200);
    let answers = lab.seen.iter().filter(is_answer);
    let setups: Vec<String> = answers
        .filter(|m| !m.body().is_empty())
        .map(|m| {
            let session = Session::parse(m.body()).expect("SDP");
            session.medias()[0]
                .value("setup")
                .expect("there")
                .to_owned()
        })
        .collect();
    // RFC 8842 §5.3: bob is the client, whoever offers.
    assert_eq!(setups, ["active", "passive"]);
    both_hear(&mut lab);
}

#[test]
fn changes_wait_for_one_another_and_for_a_lost_websocket() {
    let mut lab = plain();
    let now = lab.now();
    let alice = lab.wic("alice");
    alice.hold(now, true).unwrap();
    assert_eq!(alice.hold(now, true), Err(NotDone::Already));
    alice.hold(now, false).unwrap();
    alice.reconnect(now).unwrap();
    lab.run(SECOND * 20);
    let held: Vec<bool> = lab
        .events_of("alice")
        .into_iter()
        .filter_map(|event| match event {
            Event::Held { held } => Some(*held),
            _ => None,
        })
        .collect();
    assert_eq!(held, [true, false], "{:?}", lab.events);
    both_hear(&mut lab);
}

#[test]
fn both_ends_change_something_at_once_and_both_get_it() {
    let mut lab = talking(config("alice"), with_video("bob"));
    let now = lab.now();
    let source = VideoSource::Frames(film());
    lab.wic("alice").add_video(now, source).unwrap();
    lab.wic("bob").restart_ice(now).unwrap();
    lab.run(SECOND * 15);
    assert!(
        has(&lab, "alice", &Event::Video { video: true }),
        "{:?}",
        lab.events
    );
    assert!(has(&lab, "bob", &Event::Restarted), "{:?}", lab.events);
    both_hear(&mut lab);
    both_see(&mut lab, true);
}

#[test]
fn nobody_asks_for_more_than_can_wait() {
    let mut lab = plain();
    let now = lab.now();
    let alice = lab.wic("alice");
    let refused = (0..20).filter(|_| alice.refresh(now, false) == Err(NotDone::UnderWay));
    assert_eq!(refused.count(), 12);
    lab.run(SECOND * 3);
    both_hear(&mut lab);
}
