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
    let mut product = Process::all_in_one(&folder, &[]);
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

    // `kill -9` in a call: the next life hangs up, once the phone can be reached again.
    let (_, answer) = consumer.call("bob");
    assert_eq!(answer["callResult"], "SUCCESS", "{answer}");
    product.kill();
}
