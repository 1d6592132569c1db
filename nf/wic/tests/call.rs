//! TS 24.371 §7.2 — two WICs call one another, with media.

mod common;

use std::time::Duration;

use common::{DOMAIN, Lab, address, config};
use nf_wic::media::MediaPart;
use nf_wic::{Config, Event, NotDone};
use wire_sdp::Session;
use wire_sip::{HeaderName, Method, StatusCode};

const SECOND: Duration = Duration::from_secs(1);

fn bob() -> String {
    format!("sip:bob@{DOMAIN}")
}

fn ringing() -> Lab {
    let mut lab = Lab::registered(config("alice"), config("bob"));
    let now = lab.now();
    lab.wic("alice").call(now, &bob()).expect("it can be done");
    lab.run(SECOND);
    lab
}

fn talking() -> Lab {
    let mut lab = ringing();
    let now = lab.now();
    lab.wic("bob").answer(now).expect("it can be done");
    lab.run(SECOND * 2);
    for name in ["alice", "bob"] {
        let events = lab.events_of(name);
        assert!(events.contains(&&Event::Answered), "{events:?}");
        assert!(
            events.contains(&&Event::MediaConnected(MediaPart::Audio)),
            "{events:?}"
        );
    }
    lab
}

fn packets(lab: &mut Lab, name: &str) -> u64 {
    lab.wic(name).media_report().expect("a call").packets
}

#[test]
fn both_hear_the_tone_and_the_call_ends_in_peace() {
    let mut lab = talking();
    let alice = lab.events_of("alice");
    assert_eq!(alice[..2], [&Event::Calling { to: bob() }, &Event::Ringing]);
    let from = format!("sip:alice@{DOMAIN}");
    assert_eq!(lab.events_of("bob")[0], &Event::Incoming { from });
    lab.run(SECOND * 3);
    let now = lab.now();
    lab.wic("alice").hang_up(now).unwrap();
    lab.run(SECOND);
    for name in ["alice", "bob"] {
        let ended = lab.ended(name).expect("ended");
        assert_eq!(ended.status, 200);
        let media = ended.media.as_ref().expect("media");
        assert!((150..=260).contains(&media.packets), "{}", media.packets);
        assert!((0.11..0.13).contains(&media.energy), "{}", media.energy);
        assert_eq!(media.recording.len(), 8000);
        assert!(!lab.wic(name).in_call());
    }
}

#[test]
fn the_offer_is_a_wics() {
    let mut lab = ringing();
    let invite = lab
        .seen
        .iter()
        .find(|m| m.method() == Method::Invite && m.is_request());
    let invite = invite.expect("an INVITE");
    assert_eq!(
        invite.header(HeaderName::Route),
        Some("<sip:orig@scscf.ims.example;lr>")
    );
    let offer = Session::parse(invite.body()).unwrap();
    let [media] = offer.medias() else {
        panic!("one m-line");
    };
    assert_eq!(media.line().proto, "UDP/TLS/RTP/SAVPF");
    assert_eq!(media.line().port, address("alice").port());
    for name in [
        "rtcp-mux",
        "ice-ufrag",
        "ice-pwd",
        "fingerprint",
        "candidate",
    ] {
        assert!(media.has(name), "{name}");
    }
    assert_eq!(media.value("3ge2ae"), Some("requested"));
    assert_eq!(media.value("setup"), Some("actpass"));
    assert!(!offer.section().has("group"));
    assert!(lab.wic("alice").in_call());
}

#[test]
fn digits_are_heard_in_order() {
    let mut lab = talking();
    lab.wic("alice").send_dtmf("12#").unwrap();
    lab.run(SECOND * 2);
    let events = lab.events_of("bob");
    let digits: String = events
        .into_iter()
        .filter_map(|event| match event {
            Event::Digit(digit) => Some(*digit),
            _ => None,
        })
        .collect();
    assert_eq!(digits, "12#");
}

#[test]
fn on_hold_nothing_is_said_and_afterwards_it_is_again() {
    let mut lab = talking();
    let now = lab.now();
    lab.wic("alice").hold(now, true).unwrap();
    lab.run(SECOND);
    assert!(
        lab.events_of("alice")
            .contains(&&Event::Held { held: true })
    );
    assert!(
        lab.events_of("bob")
            .contains(&&Event::RemoteHold { held: true })
    );
    let before = (packets(&mut lab, "alice"), packets(&mut lab, "bob"));
    lab.run(SECOND * 2);
    assert_eq!(
        (packets(&mut lab, "alice"), packets(&mut lab, "bob")),
        before
    );
    let now = lab.now();
    lab.wic("alice").hold(now, false).unwrap();
    lab.run(SECOND * 2);
    assert!(
        lab.events_of("bob")
            .contains(&&Event::RemoteHold { held: false })
    );
    assert!(packets(&mut lab, "alice") > before.0 + 60);
    assert!(packets(&mut lab, "bob") > before.1 + 60);
}

#[test]
fn two_changes_at_once_are_made_one_after_the_other() {
    let mut lab = talking();
    let now = lab.now();
    lab.wic("alice").hold(now, true).unwrap();
    lab.wic("bob").hold(now, true).unwrap();
    lab.run(SECOND * 12);
    for name in ["alice", "bob"] {
        assert!(
            lab.events_of(name).contains(&&Event::Held { held: true }),
            "{name}"
        );
        assert!(lab.wic(name).in_call());
    }
}

#[test]
fn given_up_refused_or_busy() {
    let mut lab = ringing();
    let now = lab.now();
    lab.wic("alice").hang_up(now).unwrap();
    lab.run(SECOND);
    assert_eq!(lab.ended("alice").expect("ended").status, 487);
    assert_eq!(lab.ended("bob").expect("ended").status, 487);
    assert_eq!(lab.ended("bob").expect("ended").media, None);

    let one_call = |name| Config {
        calls: 1,
        ..config(name)
    };
    let mut lab = Lab::registered(one_call("alice"), one_call("bob"));
    let now = lab.now();
    lab.wic("alice").call(now, &bob()).unwrap();
    lab.run(SECOND);
    let now = lab.now();
    lab.wic("bob").reject(now, StatusCode::BUSY_HERE).unwrap();
    lab.run(SECOND);
    assert_eq!(lab.ended("alice").expect("ended").status, 486);
    let now = lab.now();
    lab.wic("bob")
        .call(now, &format!("sip:alice@{DOMAIN}"))
        .unwrap();
    lab.wic("alice").call(now, &bob()).unwrap();
    lab.events.clear();
    lab.run(SECOND);
    for name in ["alice", "bob"] {
        assert_eq!(
            lab.ended(name).expect("ended").status,
            486,
            "both were busy"
        );
    }
}

#[test]
fn where_100rel_is_required_the_ringing_is_acknowledged() {
    let mut lab = Lab::registered(config("alice"), config("bob"));
    lab.core.require_100rel = true;
    let now = lab.now();
    lab.wic("alice").call(now, &bob()).unwrap();
    lab.run(SECOND);
    let now = lab.now();
    lab.wic("bob").answer(now).unwrap();
    lab.run(SECOND * 20);
    let pracks = lab
        .seen
        .iter()
        .filter(|m| m.is_request() && m.method() == Method::Prack);
    assert_eq!(pracks.count(), 1);
    let ringings = lab
        .seen
        .iter()
        .filter(|m| m.status().is_some_and(|s| s.as_u16() == 180));
    assert_eq!(ringings.count(), 1, "not said again");
    assert!(
        lab.events_of("alice")
            .contains(&&Event::MediaConnected(MediaPart::Audio))
    );
    assert!(lab.wic("alice").in_call());
}

#[test]
fn it_answers_by_itself() {
    let mut answering = config("bob");
    answering.answer_after = Some(SECOND);
    let mut lab = Lab::registered(config("alice"), answering);
    let now = lab.now();
    lab.wic("alice").call(now, &bob()).unwrap();
    lab.run(SECOND * 3);
    assert!(
        lab.events_of("alice")
            .contains(&&Event::MediaConnected(MediaPart::Audio))
    );
}

#[test]
fn a_call_outlives_a_lost_websocket() {
    let mut lab = talking();
    lab.cut("alice");
    lab.run(SECOND * 3);
    assert!(lab.wic("alice").in_call() && lab.wic("alice").is_registered());
    let before = packets(&mut lab, "alice");
    lab.run(SECOND);
    assert!(packets(&mut lab, "alice") > before + 40);
    let now = lab.now();
    lab.wic("bob").hang_up(now).unwrap();
    lab.run(SECOND);
    assert_eq!(lab.ended("alice").expect("ended").status, 200);
}

#[test]
fn without_a_connection_a_call_ends_at_once() {
    let mut lab = Lab::registered(config("alice"), config("bob"));
    lab.unreachable.push(address("alice"));
    lab.cut("alice");
    let now = lab.now();
    let refused = lab.wic("alice").call(now, &bob());
    assert_eq!(refused, Err(NotDone::NoConnection));
    assert!(!lab.wic("alice").in_call());
}
