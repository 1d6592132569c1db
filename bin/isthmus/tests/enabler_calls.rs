//! Applications call UEs through everything in one process.

mod process;

use process::consumer::{Consumer, call_of};
use process::phone::Phone;
use process::{Folder, HOME, Process};
use reqwest::StatusCode;
use serde_json::{Value, json};
use testbed::{Target, Told, response};

#[test]
fn an_application_calls_a_subscriber() {
    let folder = Folder::new();
    let product = Process::all_in_one(&folder, &[]);
    let consumer = Consumer::of(&product);
    let [_, ws] = product.w2();
    let password = product.password("bob");
    let (status, answer) = consumer.call(&call_of("bob", "http://127.0.0.1:9/"));
    assert_eq!(status, StatusCode::OK, "{answer}");
    assert_eq!(answer["callResult"], "FAILED");
    let cause = answer["failureCause"].as_str().expect("in words");
    assert!(cause.starts_with("480"), "{cause}");
    let (_, answer) = consumer.call(&call_of("nobody", "http://127.0.0.1:9/"));
    let cause = answer["failureCause"].as_str().expect("in words");
    assert!(cause.starts_with("404"), "{cause}");

    let mut bob = Phone::start(&ws, "bob", &password, &["--answer"]);
    let (status, answer) = consumer.call(&call_of("bob", "http://127.0.0.1:9/"));
    assert_eq!(status, StatusCode::OK, "{answer}");
    assert_eq!(answer["callResult"], "SUCCESS", "{answer}");
    assert_eq!(answer["mediaInfo"], json!(["audio"]));
    bob.hears("answered");
    bob.hears("media_connected");
    bob.told("hangup");
    bob.hears("ended");
    product.wait_for_figure("isthmus_agw_contexts", 0);

    // A session of two, as a resource.
    let password = product.password("alice");
    let mut alice = Phone::start(&ws, "alice", &password, &["--answer"]);
    let session = json!({
        "afId": "as", "imsSessionInfo": {
            "sessionInfo": {
                "callingId": format!("sip:alice@{HOME}"), "calledId": format!("sip:bob@{HOME}"),
            },
            "mediaInfoSet": [{ "mediaType": "AUDIO", "mediaCorrectionId": "1" }],
        },
    });
    let sessions = "/mmtel-callcontrol/v1/ims-sessions";
    let (status, created) = consumer.post(sessions, &session);
    assert_eq!(status, StatusCode::CREATED, "{created}");
    for phone in [&mut alice, &mut bob] {
        phone.hears("answered");
        phone.hears("media_connected");
    }
    let id = &created["imsSessionInfo"]["sessionId"];
    let id = id.as_str().expect("its identifier");
    let status = consumer.delete(&format!("{sessions}/{id}"));
    assert_eq!(status, StatusCode::NO_CONTENT);
    for phone in [&mut alice, &mut bob] {
        phone.hears("ended");
    }
    assert_eq!(
        consumer.delete(&format!("{sessions}/{id}")),
        StatusCode::NOT_FOUND
    );
    product.wait_for_figure("isthmus_agw_contexts", 0);
}

/// TS 29.392 §5.4, §6.3.7.3 — what happens in subscribers' calls is told, by the core's initial filter
/// criteria, until the other side says that it does not know who they are.
#[test]
fn what_happens_in_subscribers_calls_is_told_to_who_knows_them() {
    let target = Target::start(|path, _| {
        Some(if path == "/knows" {
            response(204, "")
        } else {
            let body = r#"{"status":404,"cause":"USER_NOT_FOUND"}"#;
            let length = body.len();
            let kind = "application/problem+json";
            format!(
                "HTTP/1.1 404 Status\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n{body}"
            )
        })
    });
    let events = |name: &str, path: &str| {
        let url = &target.url;
        format!(
            "[[mmtel_es.calls.events]]\nsubscribers = [\"sip:{name}@{HOME}\"]\nnotify = \"{url}/{path}\"\n"
        )
    };
    let folder = Folder::new();
    let text = events("alice", "knows") + &events("bob", "knows-not");
    let file = folder.write("events.toml", &text);
    let words = ["--config", file.to_str().expect("a plain name")];
    let product = Process::all_in_one(&folder, &words);
    let [_, ws] = product.w2();
    let mut alice = Phone::start(&ws, "alice", &product.password("alice"), &[]);
    let mut bob = Phone::start(&ws, "bob", &product.password("bob"), &["--answer"]);
    let told = |path: &str| {
        let all = target.told().into_iter();
        let of_it = all.filter(|told| told.path == path);
        let events = of_it.map(|Told { body, .. }| {
            let body: Value = serde_json::from_str(&body).expect("JSON");
            body["eventType"]
                .as_str()
                .expect("what happened")
                .to_owned()
        });
        events.collect::<Vec<String>>()
    };
    for calls in 1..3 {
        alice.told(&format!("call sip:bob@{HOME}"));
        alice.hears("answered");
        target.wait_for(calls * 3 - 1);
        product.wait_for_figure("isthmus_enabler_notifications_pending", 0);
        alice.told("hangup");
        bob.hears("ended");
        target.wait_for(calls * 3);
        product.wait_for_figure("isthmus_enabler_notifications_pending", 0);
        let both = ["SESSION_ESTABLISHMENT_SUCCESS", "SESSION_TERMINATION"];
        assert_eq!(told("/knows"), both.repeat(calls));
        assert_eq!(told("/knows-not"), [both[0]].repeat(calls));
    }
}
