//! Applications call UEs through everything in one process.

mod process;

use std::time::Duration;

use process::phone::Phone;
use process::{Folder, HOME, Process};
use reqwest::StatusCode;
use serde_json::{Value, json};

/// An application server.
struct Consumer {
    runtime: tokio::runtime::Runtime,
    client: reqwest::Client,
    root: String,
}

impl Consumer {
    fn of(product: &Process) -> Self {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let client = reqwest::Client::builder()
            .no_proxy()
            .timeout(Duration::from_mins(1))
            .build();
        let address = product.wait_for("\n  http://");
        Self {
            runtime: runtime.expect("a runtime"),
            client: client.expect("a client"),
            root: format!("http://{}", address.trim_end_matches('/')),
        }
    }

    fn post(&self, path: &str, body: &Value) -> (StatusCode, Value) {
        let request = self.client.post(format!("{}{path}", self.root)).json(body);
        self.runtime.block_on(async {
            let response = request.send().await.expect("an answer");
            (response.status(), response.json().await.expect("JSON"))
        })
    }

    fn delete(&self, path: &str) -> StatusCode {
        let request = self.client.delete(format!("{}{path}", self.root));
        self.runtime
            .block_on(async { request.send().await.expect("an answer").status() })
    }

    fn call(&self, name: &str) -> (StatusCode, Value) {
        let body = json!({
            "terminatingId": format!("sip:{name}@{HOME}"), "mediaInfo": ["audio"],
            "notificationInfo": "http://127.0.0.1:9/", "callType": "A2P",
        });
        self.post("/mmtel-dcappcall/v1/dccall", &body)
    }
}

#[test]
fn an_application_calls_a_subscriber() {
    let folder = Folder::new();
    let product = Process::all_in_one(&folder, &[]);
    let consumer = Consumer::of(&product);
    let [_, ws] = product.w2();
    let password = product.password("bob");
    let (status, answer) = consumer.call("bob");
    assert_eq!(status, StatusCode::OK, "{answer}");
    assert_eq!(answer["callResult"], "FAILED");
    let cause = answer["failureCause"].as_str().expect("in words");
    assert!(cause.starts_with("480"), "{cause}");
    let (_, answer) = consumer.call("nobody");
    let cause = answer["failureCause"].as_str().expect("in words");
    assert!(cause.starts_with("404"), "{cause}");

    let mut bob = Phone::start(&ws, "bob", &password, &["--answer"]);
    let (status, answer) = consumer.call("bob");
    assert_eq!(status, StatusCode::OK, "{answer}");
    assert_eq!(answer["callResult"], "SUCCESS", "{answer}");
    assert_eq!(answer["mediaInfo"], json!(["audio"]));
    bob.hears("answered");
    bob.hears("media_connected");
    bob.told("hangup");
    bob.hears("ended");
    product.wait_for_figure("gateway_contexts", 0);

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
    product.wait_for_figure("gateway_contexts", 0);
}
