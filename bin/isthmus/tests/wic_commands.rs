//! Two phones do to one another all that can be done to a call, through everything in one process.

mod process;

use std::time::Duration;

use nf_wic::media::{VideoFrame, write_ivf};
use process::phone::{Figures, Phone};
use process::{Folder, Process, run};

/// Two seconds of a film, 20 frames a second; the first is a key frame.
fn film(folder: &Folder) -> String {
    let frame = |at: u32| {
        let mut data = vec![u8::from(at > 0), 0, 0, 0x9d, 0x01, 0x2a, 64, 0, 48, 0];
        data.resize(400, at as u8);
        VideoFrame {
            time: 4500 * at,
            data: data.into(),
        }
    };
    let frames: Vec<VideoFrame> = (0..40).map(frame).collect();
    let file = folder.path().join("film.ivf");
    std::fs::write(&file, write_ivf(&frames)).expect("the folder is ours");
    file.to_str().expect("a plain name").to_owned()
}

/// What comes at both ends in a second.
fn second(phones: &mut [&mut Phone]) -> Vec<Figures> {
    let before: Vec<Figures> = phones.iter_mut().map(|phone| phone.figures()).collect();
    std::thread::sleep(Duration::from_secs(1));
    let after = phones.iter_mut().map(|phone| phone.figures());
    let more = after.zip(before).map(|(after, before)| Figures {
        packets: after.packets - before.packets,
        sent: after.sent - before.sent,
        energy: after.energy,
        frames: after.frames - before.frames,
    });
    more.collect()
}

/// Whether both hear a tone, and whether both see a film. After a change a picture may wait for its next
/// key frame.
#[track_caller]
fn come(alice: &mut Phone, bob: &mut Phone, audio: bool, video: bool, when: &str) {
    let is_so = |came: &Figures| {
        let heard = came.packets > 30 && came.energy > 0.1;
        let seen = came.frames > 8;
        heard == audio && seen == video && (audio || came.packets == 0)
    };
    let mut came = Vec::new();
    for _ in 0..4 {
        came = second(&mut [alice, bob]);
        if came.iter().all(is_so) {
            return;
        }
    }
    panic!("{when}: {came:?}");
}

#[test]
fn all_that_can_be_done_to_a_call_is_done_to_one_another() {
    let folder = Folder::new();
    let product = Process::all_in_one(&folder, &["--shards", "2"]);
    let [wss, ws] = product.w2();
    let film = film(&folder);
    let shows = ["--play-video", film.as_str(), "--answer"];
    let mut alice = Phone::start(&wss, "alice", &product.password("alice"), &[]);
    let mut bob = Phone::start(&ws, "bob", &product.password("bob"), &shows);
    alice.told("call bob");
    for phone in [&mut alice, &mut bob] {
        phone.hears("answered");
        phone.hears("media_connected");
    }
    come(&mut alice, &mut bob, true, false, "at first");

    for round in 0..2 {
        alice.told(&format!("video on {film}"));
        assert_eq!(alice.hears("video")["video"], true);
        assert_eq!(bob.hears("remote_video")["video"], true);
        bob.hears("video_connected");
        let when = format!("with video, {round}");
        come(&mut alice, &mut bob, true, true, &when);
        alice.told("video off");
        assert_eq!(alice.hears("video")["video"], false);
        assert_eq!(bob.hears("remote_video")["video"], false);
        let when = format!("without video again, {round}");
        come(&mut alice, &mut bob, true, false, &when);
    }
    alice.told(&format!("video on {film}"));
    bob.hears("video_connected");

    for (one, other) in [(true, false), (false, true)] {
        let (who, whom) = if one {
            (&mut alice, &mut bob)
        } else {
            (&mut bob, &mut alice)
        };
        who.told("hold");
        who.hears("held");
        assert_eq!(whom.hears("remote_hold")["held"], true);
        come(who, whom, false, false, "on hold");
        who.told("resume");
        who.hears("held");
        assert_eq!(whom.hears("remote_hold")["held"], false);
        come(who, whom, true, true, "resumed");

        who.told("reinvite");
        who.hears("refreshed");
        who.told("update");
        who.hears("refreshed");
        come(who, whom, true, true, "refreshed");

        // Another network: its media come from elsewhere, and the association goes on.
        let network = if other {
            "restart 127.0.0.3"
        } else {
            "restart 127.0.0.2"
        };
        who.told(network);
        who.hears("restarted");
        who.hears("media_connected");
        come(who, whom, true, true, "on another network");

        who.told("reconnect");
        who.hears("connection_lost");
        who.hears("registered");
        who.told("hold");
        assert_eq!(whom.hears("remote_hold")["held"], true);
        who.told("resume");
        assert_eq!(whom.hears("remote_hold")["held"], false);
        come(who, whom, true, true, "after another WebSocket");
    }

    alice.told("digits 12#");
    for digit in ["1", "2", "#"] {
        assert_eq!(bob.hears("digit")["digit"], digit);
    }
    alice.told("dance");
    assert!(alice.hears("not_done")["reason"].is_string());
    bob.told("hangup");
    for phone in [&mut alice, &mut bob] {
        assert_eq!(phone.hears("ended")["status"], 200);
        assert_eq!(phone.ends(), Some(0));
    }
    product.wait_for_figure("isthmus_epcscf_sessions", 0);
    product.wait_for_figure("isthmus_agw_contexts", 0);
}

#[test]
fn two_calls_are_swapped_and_the_third_is_busy() {
    let folder = Folder::new();
    let product = Process::all_in_one(&folder, &[]);
    let [_, ws] = product.w2();
    let mut start = |name| Phone::start(&ws, name, &product.password(name), &[]);
    let [mut alice, mut bob, mut carol, mut dave] =
        ["alice", "bob", "carol", "dave"].map(&mut start);
    alice.told("call bob");
    bob.hears("incoming");
    bob.told("answer");
    alice.hears("media_connected");
    carol.told("call alice");
    alice.hears("incoming");
    alice.told("answer");
    assert_eq!(bob.hears("remote_hold")["held"], true);
    carol.hears("media_connected");
    let heard = |bob: &mut Phone, carol: &mut Phone| {
        let came = second(&mut [bob, carol]);
        came.iter()
            .map(|came| came.packets > 30)
            .collect::<Vec<_>>()
    };
    assert_eq!(heard(&mut bob, &mut carol), [false, true]);
    dave.told("call alice");
    assert_eq!(dave.hears("ended")["status"], 486);
    alice.told("swap");
    assert_eq!(carol.hears("remote_hold")["held"], true);
    assert_eq!(bob.hears("remote_hold")["held"], false);
    assert_eq!(heard(&mut bob, &mut carol), [true, false]);
    alice.told("hangup");
    assert_eq!(bob.hears("ended")["status"], 200);
    alice.told("resume");
    assert_eq!(carol.hears("remote_hold")["held"], false);
    alice.told("quit");
    assert_eq!(carol.hears("ended")["status"], 200);
    assert_eq!(alice.ends(), Some(0));
    // The goodbye to the registrar does not overtake the CANCEL.
    dave.told("call bob");
    dave.hears("ringing");
    dave.told("quit");
    assert_eq!(dave.hears("ended")["status"], 487);
    dave.hears("unregistered");
    assert_eq!(dave.ends(), Some(0));
}

#[test]
fn channels_carry_lines_and_files_through_the_gateway_and_are_opened_again() {
    let folder = Folder::new();
    let product = Process::all_in_one(&folder, &["--shards", "2"]);
    let [wss, ws] = product.w2();
    // Who does not know its certificate is told what helps.
    let nobody = ["wic", "--w2", &wss, "--user", "alice", "--password", "x"];
    let refused = run(&[&nobody[..], &["--timeout", "5"]].concat());
    let said = String::from_utf8_lossy(&refused.stdout);
    assert!(said.contains("--insecure"), "{refused:?}");
    let into = folder.path().join("into");
    let into = into.to_str().expect("a plain name");
    let takes = [
        "--answer",
        "--accept-channel",
        "label=chat",
        "--save-files",
        into,
    ];
    let mut alice = Phone::start(&wss, "alice", &product.password("alice"), &[]);
    let mut bob = Phone::start(&ws, "bob", &product.password("bob"), &takes);
    alice.told("call bob");
    for phone in [&mut alice, &mut bob] {
        phone.hears("media_connected");
    }

    // One that SDP negotiates under a stream of its own, and one that DCEP opens; each twice.
    for (round, spec) in ["chat,stream=1500", "chat,in-band"]
        .into_iter()
        .cycle()
        .take(4)
        .enumerate()
    {
        alice.told(&format!("open {spec}"));
        let here = alice.hears("channel_open");
        let there = bob.hears("channel_open");
        assert_eq!(here["label"], "chat", "{round}");
        if round % 2 == 0 {
            assert_eq!(
                (&here["stream"], &there["stream"]),
                (&1500.into(), &1500.into())
            );
        }
        alice.told(&format!("say {} hello, {round}", here["channel"]));
        assert_eq!(bob.hears("line")["text"], format!("hello, {round}"));
        bob.told(&format!("say {} and back", there["channel"]));
        assert_eq!(alice.hears("line")["text"], "and back");
        let (who, whom, number) = if round < 2 {
            (&mut alice, &mut bob, &here["channel"])
        } else {
            (&mut bob, &mut alice, &there["channel"])
        };
        who.told(&format!("close {number}"));
        who.hears("channel_closed");
        whom.hears("channel_closed");
    }
    alice.told("open other");
    let refused = alice.hears("channel_closed");
    assert_eq!(refused["reason"], "refused by the other end");

    let data: Vec<u8> = (0..5_000_000u32).map(|at| (at / 5) as u8).collect();
    let file = folder.path().join("sent.bin");
    std::fs::write(&file, &data).expect("the folder is ours");
    alice.told(&format!("send {}", file.display()));
    let received = bob.hears("file_received");
    let kept = received["file"].as_str().expect("a path");
    assert!(std::fs::read(kept).expect("it is there") == data);
    let sent = alice.hears("file_sent");
    assert_eq!(sent["sha256"], received["sha256"]);
    assert_eq!(sent["size"], data.len());

    alice.told("hangup");
    assert_eq!(bob.hears("ended")["status"], 200);
    product.wait_for_figure("isthmus_agw_contexts", 0);
}
