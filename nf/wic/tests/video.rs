//! Video without a codec: frames of VP8 go through two WICs as they are.

mod common;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use common::{DOMAIN, Lab, config};
use nf_wic::media::{MediaPart, VideoFrame, VideoReport, VideoSource};
use nf_wic::{Config, Event};
use wire_sdp::Session;
use wire_sip::{Method, StatusCode};

const SECOND: Duration = Duration::from_secs(1);

/// Ten frames, 25 a second; the first is a key frame, and large.
fn film() -> Arc<[VideoFrame]> {
    let frame = |at: u32| {
        let mut data = vec![u8::from(at > 0), 0, 0, 0x9d, 0x01, 0x2a, 64, 0, 48, 0];
        data.resize(if at == 0 { 6000 } else { 300 + at as usize }, at as u8);
        VideoFrame {
            time: 3600 * at,
            data: Bytes::from(data),
        }
    };
    (0..10).map(frame).collect()
}

fn with_video(name: &str, source: VideoSource) -> Config {
    Config {
        video: Some(source),
        ..config(name)
    }
}

/// Alice calls bob, who answers.
fn talking(alice: Config, bob: Config) -> Lab {
    let mut lab = Lab::registered(alice, bob);
    let now = lab.now();
    lab.wic("alice")
        .call(now, &format!("sip:bob@{DOMAIN}"))
        .expect("it can be done");
    lab.run(SECOND);
    let now = lab.now();
    lab.wic("bob").answer(now).expect("it can be done");
    lab.run(SECOND);
    lab
}

fn seen(lab: &mut Lab, name: &str) -> VideoReport {
    let report = lab.wic(name).video_report();
    report.expect("a call with video").clone()
}

/// Media and port of the m-lines of a description.
fn lines(body: &[u8]) -> Vec<(String, u16)> {
    let session = Session::parse(body).expect("SDP");
    let medias = session.medias().iter();
    medias
        .map(|media| (media.line().media.to_owned(), media.line().port))
        .collect()
}

#[test]
fn a_film_is_seen_frame_by_frame_over_and_over() {
    let film = film();
    let alice = with_video("alice", VideoSource::Frames(Arc::clone(&film)));
    let mut lab = talking(alice, with_video("bob", VideoSource::Nothing));
    lab.run(SECOND * 2);
    let connected = Event::MediaConnected(MediaPart::Video);
    assert!(lab.events_of("bob").contains(&&connected));
    let report = seen(&mut lab, "bob");
    assert!((55..=80).contains(&report.frames), "{}", report.frames);
    for (at, frame) in report.recording.iter().enumerate() {
        assert_eq!(frame.data, film[at % film.len()].data, "frame {at}");
    }
    // 25 a second, also where the film begins again.
    let times = report.recording.windows(2);
    let steps: Vec<u32> = times.map(|pair| pair[1].time - pair[0].time).collect();
    assert!(
        steps.iter().all(|step| [3000, 3600].contains(step)),
        "{steps:?}"
    );
    assert_eq!(seen(&mut lab, "alice").frames, 0, "bob shows nothing");
    let now = lab.now();
    lab.wic("alice").hang_up(now).unwrap();
    lab.run(SECOND);
    let ended = lab.ended("bob").expect("ended");
    assert_eq!(
        ended.video.as_ref().map(|video| video.frames > 50),
        Some(true)
    );
    assert!(
        ended
            .media
            .as_ref()
            .is_some_and(|media| media.packets > 100)
    );
}

#[test]
fn what_is_echoed_comes_back() {
    let film = film();
    let alice = with_video("alice", VideoSource::Frames(Arc::clone(&film)));
    let mut lab = talking(alice, with_video("bob", VideoSource::Echo));
    lab.run(SECOND * 2);
    let report = seen(&mut lab, "alice");
    assert!(report.frames > 50, "{}", report.frames);
    for (at, frame) in report.recording.iter().enumerate() {
        assert_eq!(frame.data, film[at % film.len()].data, "frame {at}");
    }
}

#[test]
fn who_has_no_video_refuses_that_m_line_and_talks() {
    let alice = with_video("alice", VideoSource::Frames(film()));
    let mut lab = talking(alice, config("bob"));
    let answer = lab
        .seen
        .iter()
        .find(|m| m.status() == Some(StatusCode::OK) && !m.body().is_empty());
    let lines = lines(answer.expect("a 200").body());
    assert_eq!(
        lines,
        [("audio".to_owned(), 40_000), ("video".to_owned(), 0)]
    );
    assert_eq!(lab.wic("alice").video_report(), None);
    assert!(lab.wic("bob").media_report().expect("a call").packets > 20);
}

#[test]
fn on_hold_nothing_is_shown_and_the_m_lines_keep_their_places() {
    let alice = with_video("alice", VideoSource::Frames(film()));
    let mut lab = talking(alice, with_video("bob", VideoSource::Nothing));
    let now = lab.now();
    lab.wic("bob").hold(now, true).unwrap();
    lab.run(SECOND);
    let offers = lab.seen.iter().filter(|m| m.method() == Method::Invite);
    let offers: Vec<_> = offers
        .filter(|m| m.is_request())
        .map(|m| lines(m.body()))
        .collect();
    let both = [("audio".to_owned(), 40_000), ("video".to_owned(), 40_002)];
    assert_eq!(offers, [both.to_vec(), both.to_vec()]);
    let before = seen(&mut lab, "alice").sent;
    lab.run(SECOND);
    assert_eq!(seen(&mut lab, "alice").sent, before);
    let now = lab.now();
    lab.wic("bob").hold(now, false).unwrap();
    lab.run(SECOND);
    assert!(seen(&mut lab, "alice").sent > before + 15);
    assert!(
        seen(&mut lab, "bob").frames > before + 15,
        "from a key frame on"
    );
}
