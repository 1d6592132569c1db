//! Applications talk with UEs through data channels in calls, through everything in one process.

mod process;

use std::time::Duration;

use process::consumer::{Consumer, call_of};
use process::ear::Ear;
use process::phone::Phone;
use process::{Folder, HOME, Process};
use serde_json::{Value, json};

/// What a phone is told that takes calls and channels.
const TAKES: [&str; 3] = ["--answer", "--accept-channel", "any"];

/// The laboratory, with an application of a provider.
struct Scene {
    product: Process,
    consumer: Consumer,
    app: String,
    w2: String,
    _folder: Folder,
}

fn scene() -> Scene {
    let folder = Folder::new();
    let product = Process::all_in_one(&folder, &[]);
    let consumer = Consumer::of(&product);
    let [_, w2] = product.w2();
    Scene {
        app: consumer.application("games"),
        product,
        consumer,
        w2,
        _folder: folder,
    }
}

impl Scene {
    fn phone(&self, name: &'static str, words: &[&str]) -> Phone {
        Phone::start(&self.w2, name, &self.product.password(name), words)
    }
}

#[test]
fn an_application_asks_through_a_channel_and_is_answered() {
    let scene = scene();
    let (product, consumer, app) = (&scene.product, &scene.consumer, scene.app.clone());
    let mut bob = scene.phone("bob", &TAKES);
    let mut ear = Ear::open();

    // TS 26.114 §6.2.10: the offer of the call has the channel, and whose it is.
    let mut call = call_of("bob", &ear.url());
    call["dcMediaInfo"] = true.into();
    call["appProfileRequested"] = json!({ "appId": app });
    let (_, answer) = consumer.call(&call);
    assert_eq!(answer["callResult"], "SUCCESS", "{answer}");
    assert_eq!(answer["dcMediaInfo"], "true", "{answer}");
    let session = answer["sessionId"].as_str().expect("a session").to_owned();
    let session = session.as_str();
    let open = bob.hears("channel_open");
    assert_eq!(open["label"], *app);
    assert_eq!(open["stream"], 1000);
    assert_eq!(open["in_band"], false);
    ear.learns(session, &app, "OPENED");

    let question = json!({ "question": "which?", "of": [1, 2] });
    assert_eq!(
        consumer.says(&app, session, &ear, &question)["result"],
        "SUCCESS"
    );
    let heard = bob.hears("line")["text"].clone();
    let heard: Value = serde_json::from_str(heard.as_str().expect("text")).expect("JSON");
    assert_eq!(heard, question);
    let number = &open["channel"];
    for choice in 0..20 {
        bob.told(&format!("say {number} {{\"choice\":{choice}}}"));
    }
    bob.told(&format!("say {number} that is all"));
    for choice in 0..20 {
        ear.hears(session, &json!({ "choice": choice }));
    }
    ear.hears(session, &json!({ "text": "that is all" }));

    // The UE closes it, and the application opens it again, in band.
    bob.told(&format!("close {number}"));
    ear.learns(session, &app, "CLOSED");
    assert_eq!(
        consumer.says(&app, session, &ear, &json!({ "again": true }))["result"],
        "SUCCESS"
    );
    let open = bob.hears("channel_open");
    assert_eq!(
        (&open["label"], &open["in_band"]),
        (&json!(app), &json!(true))
    );
    ear.learns(session, &app, "OPENED");
    assert_eq!(bob.hears("line")["text"], "{\"again\":true}");

    // What the UE still has to say when it hangs up is told before that.
    bob.told(&format!("say {} goodbye", open["channel"]));
    ear.hears(session, &json!({ "text": "goodbye" }));
    bob.told("hangup");
    ear.learns(session, &app, "CLOSED");
    ear.learns_the_end(session);
    product.wait_for_figure("isthmus_agw_contexts", 0);
}

#[test]
fn channels_come_into_calls_that_stand_and_are_refused_in_others() {
    let scene = scene();
    let (product, consumer, app) = (&scene.product, &scene.consumer, scene.app.clone());
    let mut bob = scene.phone("bob", &TAKES);
    let mut carol = scene.phone("carol", &["--answer"]);
    let mut ear = Ear::open();

    // One call without data channels, to which one is added.
    let session = consumer.answered(&call_of("bob", &ear.url()));
    bob.hears("media_connected");
    let hello = json!({ "hello": "bob" });
    assert_eq!(
        consumer.says(&app, &session, &ear, &hello)["result"],
        "SUCCESS"
    );
    bob.hears("channel_open");
    ear.learns(&session, &app, "OPENED");
    assert_eq!(bob.hears("line")["text"], "{\"hello\":\"bob\"}");
    bob.told("hangup");
    ear.learns(&session, &app, "CLOSED");
    ear.learns_the_end(&session);

    // TS 29.392 §6.2.6.3.3: P2A, so the UE opens it. What is nobody's is refused.
    let mut call = call_of("bob", &ear.url());
    call["dcMediaInfo"] = true.into();
    let session = consumer.answered(&call);
    bob.hears("media_connected");
    bob.told("open nobody,in-band");
    bob.hears("channel_closed");
    // In band, and in SDP (RFC 8864).
    for spec in [format!("{app},in-band"), "poll,stream=1004".to_owned()] {
        let open = std::thread::scope(|scope| {
            let body = json!({
                "dcAppId": app, "sessionId": session, "notificationInfo": ear.url(),
                "mediaDirection": "P2A",
            });
            let own = &product;
            let asking = scope.spawn(move || Consumer::of(own).update(&body));
            // It is refused until the application waits for it.
            let open = loop {
                bob.told(&format!("open {spec}"));
                let heard = bob.hears_one(&["channel_open", "channel_closed"]);
                if heard["event"] == "channel_open" {
                    break heard;
                }
                std::thread::sleep(Duration::from_millis(50));
            };
            let result = asking.join().expect("no panic");
            assert_eq!(result["result"], "SUCCESS", "{result}");
            open
        });
        ear.learns(&session, &app, "OPENED");
        bob.told(&format!("say {} mine", open["channel"]));
        ear.hears(&session, &json!({ "text": "mine" }));
        let hello = json!({ "hello": spec });
        assert_eq!(
            consumer.says(&app, &session, &ear, &hello)["result"],
            "SUCCESS"
        );
        let heard = bob.hears("line")["text"].clone();
        assert_eq!(heard.as_str(), Some(hello.to_string().as_str()));
        if open["in_band"] == true {
            bob.told(&format!("close {}", open["channel"]));
            ear.learns(&session, &app, "CLOSED");
        }
    }
    bob.told("hangup");
    ear.learns(&session, &app, "CLOSED");
    ear.learns_the_end(&session);

    // A UE that takes no channels, whether SDP or DCEP asks.
    let mut call = call_of("carol", &ear.url());
    call["dcMediaInfo"] = true.into();
    call["appProfileRequested"] = json!({ "appId": app });
    let session = consumer.answered(&call);
    carol.hears("media_connected");
    ear.learns(&session, &app, "REFUSED");
    let result = consumer.says(&app, &session, &ear, &hello)["result"].clone();
    assert_eq!(result, "FAILED");
    ear.learns(&session, &app, "REFUSED");
    assert_eq!(carol.ends(), Some(0));
    ear.learns_the_end(&session);
}

#[test]
fn two_subscribers_and_an_application_share_a_call() {
    let scene = scene();
    let (product, consumer, app) = (&scene.product, &scene.consumer, scene.app.clone());
    let mut alice = scene.phone("alice", &TAKES);
    let mut bob = scene.phone("bob", &TAKES);
    let mut ear = Ear::open();
    let mut call = call_of("bob", &ear.url());
    call["callType"] = "P2P".into();
    call["originatingId"] = format!("sip:alice@{HOME}").into();
    call["dcMediaInfo"] = true.into();
    call["appProfileRequested"] = json!({ "appId": app });
    let session = consumer.answered(&call);
    // Sound and channels come on ways of their own, either first.
    let first = bob.hears_one(&["media_connected", "channel_open"]);
    let opened_first = first["event"] == "channel_open";
    let second = bob.hears(if opened_first {
        "media_connected"
    } else {
        "channel_open"
    });
    let open = if opened_first { first } else { second };
    assert_eq!(open["label"], *app);
    ear.learns(&session, &app, "OPENED");
    bob.told(&format!("say {} yes", open["channel"]));
    ear.hears(&session, &json!({ "text": "yes" }));
    alice.hears("media_connected");
    // Between the two of them the application is not asked.
    alice.told("open chat,in-band");
    let here = alice.hears("channel_open");
    assert_eq!(here["label"], "chat");
    let there = bob.hears("channel_open");
    assert_eq!(there["label"], "chat");
    alice.told(&format!("say {} hello", here["channel"]));
    assert_eq!(bob.hears("line")["text"], "hello");
    alice.told("hangup");
    bob.hears("ended");
    ear.learns(&session, &app, "CLOSED");
    ear.learns_the_end(&session);
    product.wait_for_figure("isthmus_agw_contexts", 0);
}
