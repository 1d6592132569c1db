//! An application comes into calls that subscribers made themselves, through everything in one process.

mod process;

use std::time::{Duration, Instant};

use process::consumer::Consumer;
use process::ear::Ear;
use process::phone::Phone;
use process::{Folder, HOME, PATIENCE, Process};
use serde_json::{Value, json};

/// Waits until a phone has heard more.
#[track_caller]
fn hears_on(phone: &mut Phone, when: &str) {
    let before = phone.figures().packets;
    let begin = Instant::now();
    while phone.figures().packets <= before + 10 {
        assert!(begin.elapsed() < PATIENCE, "{when}: no sound any more");
        std::thread::sleep(Duration::from_millis(100));
    }
}

struct Scene {
    ear: Ear,
    consumer: Consumer,
    app: String,
    alice: Phone,
    bob: Phone,
    product: Process,
    _folder: Folder,
}

/// Alice and Bob, of whom this one's calls applications may change.
fn scene(subscriber: &str) -> Scene {
    let ear = Ear::open();
    let folder = Folder::new();
    let notify = ear.events();
    let text = format!(
        "[[mmtel_es.calls.events]]\nsubscribers = [\"sip:{subscriber}@{HOME}\"]\n\
         notify = \"{notify}\"\napplications = [\"games\"]\n"
    );
    let file = folder.write("events.toml", &text);
    let words = ["--config", file.to_str().expect("a plain name")];
    let product = Process::all_in_one(&folder, &words);
    let consumer = Consumer::of(&product);
    let app = consumer.application("games");
    let [_, ws] = product.w2();
    let takes = ["--answer", "--accept-channel", "any", "--echo-video"];
    let start = |name| Phone::start(&ws, name, &product.password(name), &takes);
    let (alice, bob) = (start("alice"), start("bob"));
    Scene {
        ear,
        consumer,
        app,
        alice,
        bob,
        product,
        _folder: folder,
    }
}

impl Scene {
    fn asks(&self, session: &str, what: &Value) -> Value {
        self.consumer.says(&self.app, session, &self.ear, what)
    }
}

#[test]
fn an_application_comes_into_a_call_and_the_other_party_notices_nothing() {
    let mut scene = scene("bob");
    scene.alice.told(&format!("call sip:bob@{HOME}"));
    for phone in [&mut scene.alice, &mut scene.bob] {
        phone.hears("media_connected");
    }
    let session = scene.ear.event("SESSION_ESTABLISHMENT_SUCCESS");
    let session = session.as_str();
    hears_on(&mut scene.alice, "at first");
    hears_on(&mut scene.bob, "at first");

    let answer = scene.asks(session, &json!({ "question": 1 }));
    assert_eq!(answer["result"], "SUCCESS", "{answer}");
    let open = scene.bob.hears("channel_open");
    assert_eq!(open["label"], *scene.app);
    scene.ear.learns(session, &scene.app, "OPENED");
    assert_eq!(scene.bob.hears("line")["text"], "{\"question\":1}");
    let say = format!("say {} ", open["channel"]);
    let Scene {
        ear, alice, bob, ..
    } = &mut scene;
    bob.told(&format!("{say}{{\"choice\":2}}"));
    ear.hears(session, &json!({ "choice": 2 }));
    hears_on(alice, "with a channel");
    hears_on(bob, "with a channel");

    // What a call does, both ways, with the channel in it.
    for round in 0..2 {
        let (who, whom) = if round == 0 {
            (&mut *alice, &mut *bob)
        } else {
            (&mut *bob, &mut *alice)
        };
        who.told("hold");
        who.hears("held");
        assert_eq!(whom.hears("remote_hold")["held"], true);
        who.told("resume");
        who.hears("held");
        assert_eq!(whom.hears("remote_hold")["held"], false);
        who.told("reinvite");
        who.hears("refreshed");
        who.told("update");
        who.hears("refreshed");
        who.told("video off");
        assert_eq!(who.hears("video")["video"], false);
        assert_eq!(whom.hears("remote_video")["video"], false);
        who.told("video on echo");
        assert_eq!(who.hears("video")["video"], true);
        assert_eq!(whom.hears("remote_video")["video"], true);
        hears_on(who, "after changes");
        hears_on(whom, "after changes");
        // Without pictures, and with them again.
        for _ in 0..2 {
            ear.event("MEDIA_CHANGE_SUCCESS");
        }
        bob.told(&format!("{say}round {round}"));
        ear.hears(session, &json!({ "text": format!("round {round}") }));
    }
    let other = Ear::open();
    let status = scene.consumer.update_status(&json!({
        "dcAppId": scene.app, "sessionId": "another", "notificationInfo": other.url(),
    }));
    assert_eq!(status, 404);

    scene.alice.told("hangup");
    assert_eq!(scene.bob.hears("ended")["status"], 200);
    let mut last = [scene.ear.next(), scene.ear.next()];
    last.sort_by_key(|told| told["eventType"].is_string());
    assert_eq!(last[0]["mediaResourceInfo"]["channel"], "CLOSED");
    assert_eq!(last[1]["eventType"], "SESSION_TERMINATION");
    scene.product.wait_for_figure("isthmus_agw_contexts", 0);
}

/// The caller is the one whose calls may be changed, and the two have a channel of their own before.
#[test]
fn an_application_joins_two_who_have_a_channel_of_their_own() {
    let mut scene = scene("alice");
    scene.alice.told("call bob");
    for phone in [&mut scene.alice, &mut scene.bob] {
        phone.hears("media_connected");
    }
    let session = scene.ear.event("SESSION_ESTABLISHMENT_SUCCESS");
    let mut own = Value::Null;
    for spec in ["chat,stream=1500", "chat,in-band"] {
        scene.bob.told(&format!("open {spec}"));
        own = scene.bob.hears("channel_open");
        let there = scene.alice.hears("channel_open");
        assert_eq!(there["label"], "chat", "{spec}");
        scene
            .alice
            .told(&format!("say {} to bob", there["channel"]));
        assert_eq!(scene.bob.hears("line")["text"], "to bob");
    }
    let _ = scene.ear.event("MEDIA_CHANGE_SUCCESS");

    let answer = scene.asks(&session, &json!({ "question": 1 }));
    assert_eq!(answer["result"], "SUCCESS", "{answer}");
    let open = scene.alice.hears("channel_open");
    assert_eq!(open["label"], *scene.app);
    scene.ear.learns(&session, &scene.app, "OPENED");
    assert_eq!(scene.alice.hears("line")["text"], "{\"question\":1}");
    scene.alice.told(&format!("say {} yes", open["channel"]));
    scene.ear.hears(&session, &json!({ "text": "yes" }));
    scene
        .bob
        .told(&format!("say {} still here", own["channel"]));
    assert_eq!(scene.alice.hears("line")["text"], "still here");

    // TS 29.392 §6.2.6.3.3: P2A, so the subscriber opens it; it is the application's, and not Bob's.
    scene.alice.told(&format!("close {}", open["channel"]));
    scene.ear.learns(&session, &scene.app, "CLOSED");
    let app = scene.app.clone();
    let Scene {
        ear,
        alice,
        bob,
        product,
        ..
    } = &mut scene;
    let product = &*product;
    let open = std::thread::scope(|scope| {
        let body = json!({
            "dcAppId": app, "sessionId": session, "notificationInfo": ear.url(),
            "mediaDirection": "P2A",
        });
        let asking = scope.spawn(move || Consumer::of(product).update(&body));
        // Until the application waits for it, it is one with Bob.
        let open = loop {
            alice.told(&format!("open {app},in-band"));
            let open = alice.hears("channel_open");
            let with_bob = loop {
                if asking.is_finished() {
                    break false;
                }
                let moment = Duration::from_millis(20);
                if bob.hears_within("channel_open", moment).is_some() {
                    break true;
                }
            };
            if !with_bob {
                break open;
            }
        };
        let result = asking.join().expect("no panic");
        assert_eq!(result["result"], "SUCCESS", "{result}");
        open
    });
    scene.ear.learns(&session, &scene.app, "OPENED");
    scene.alice.told(&format!("say {} mine", open["channel"]));
    scene.ear.hears(&session, &json!({ "text": "mine" }));
    scene.bob.told("hangup");
    assert_eq!(scene.alice.hears("ended")["status"], 200);
    scene.product.wait_for_figure("isthmus_agw_contexts", 0);
}

/// TS 26.114 §6.2.10: P2A and P2P of one application in a call that the subscriber made, both by `dcmap`.
#[test]
fn a_subscriber_opens_the_channels_of_an_application() {
    let mut scene = scene("alice");
    scene.alice.told("call bob");
    for phone in [&mut scene.alice, &mut scene.bob] {
        phone.hears("media_connected");
    }
    let session = scene.ear.event("SESSION_ESTABLISHMENT_SUCCESS");
    let Scene {
        ear,
        app,
        alice,
        bob,
        product,
        ..
    } = &mut scene;
    let body = json!({
        "dcAppId": app, "sessionId": session, "notificationInfo": ear.url(),
        "mediaDirection": "P2A", "mediaResourceInfo": { "question": 1 },
    });
    let poll = format!("open poll,application={app},endpoint=server");
    // Nobody waits for it yet.
    alice.told(&poll);
    alice.hears("channel_closed");
    let open = std::thread::scope(|scope| {
        let asking = scope.spawn(|| Consumer::of(product).update(&body));
        let open = loop {
            alice.told(&poll);
            let heard = alice.hears_one(&["channel_open", "channel_closed"]);
            if heard["event"] == "channel_open" {
                break heard;
            }
            std::thread::sleep(Duration::from_millis(50));
        };
        let result = asking.join().expect("no panic");
        assert_eq!(result["result"], "SUCCESS", "{result}");
        open
    });
    assert_eq!(open["endpoint"], "server");
    ear.learns(&session, app, "OPENED");
    assert_eq!(alice.hears("line")["text"], "{\"question\":1}");
    alice.told(&format!("open moves,application={app}"));
    let there = bob.hears("channel_open");
    assert_eq!(
        (&there["label"], &there["application"]),
        (&json!("moves"), &json!(app))
    );
    let here = alice.hears("channel_open");
    let _ = ear.event("MEDIA_CHANGE_SUCCESS");
    alice.told(&format!("say {} e4", here["channel"]));
    assert_eq!(bob.hears("line")["text"], "e4");
    alice.told(&format!("say {} {{\"vote\":2}}", open["channel"]));
    ear.hears(&session, &json!({ "vote": 2 }));
    bob.told(&format!("say {} e5", there["channel"]));
    assert_eq!(alice.hears("line")["text"], "e5");
    alice.told(&format!("close {}", open["channel"]));
    ear.learns(&session, app, "CLOSED");
    bob.told(&format!("say {} Nf3", there["channel"]));
    assert_eq!(alice.hears("line")["text"], "Nf3");
    bob.told("hangup");
    assert_eq!(alice.hears("ended")["status"], 200);
    product.wait_for_figure("isthmus_agw_contexts", 0);
}

#[test]
fn calls_that_do_not_come_about_pass_as_they_are() {
    let mut scene = scene("bob");
    scene.alice.told("call bob");
    scene.alice.hears("answered");
    let [_, ws] = scene.product.w2();
    let password = scene.product.password("carol");
    let mut carol = Phone::start(&ws, "carol", &password, &[]);
    let _ = scene.ear.event("SESSION_ESTABLISHMENT_SUCCESS");
    scene.alice.told("hangup");
    scene.bob.hears("ended");
    let _ = scene.ear.event("SESSION_TERMINATION");
    // Refused, and taken back.
    drop(std::mem::replace(
        &mut scene.bob,
        Phone::start(&ws, "bob", &scene.product.password("bob"), &[]),
    ));
    carol.told("call bob");
    scene.bob.hears("incoming");
    scene.bob.told("reject 603");
    assert_eq!(carol.hears("ended")["status"], 603);
    let _ = scene.ear.event("SESSION_ESTABLISHMENT_FAILURE");
    carol.told("call bob");
    scene.bob.hears("incoming");
    carol.told("hangup");
    assert_eq!(carol.hears("ended")["status"], 487);
    scene.bob.hears("ended");
    let _ = scene.ear.event("SESSION_ESTABLISHMENT_FAILURE");
    scene.product.wait_for_figure("isthmus_agw_contexts", 0);
}
