//! The MMTel Enabler Server as a process: what it answers is written down, whatever ends it.

mod process;

use std::time::Duration;

use process::{Folder, Process};
use reqwest::StatusCode;
use serde_json::{Value, json};

/// A consumer of the APIs.
struct Consumer {
    runtime: tokio::runtime::Runtime,
    client: reqwest::Client,
    root: String,
}

impl Consumer {
    fn of(product: &Process) -> Self {
        let address = product.wait_for("\n  http://");
        let root = format!("http://{}", address.trim_end_matches('/'));
        Self::at(root)
    }

    fn at(root: String) -> Self {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let client = reqwest::Client::builder()
            .tls_danger_accept_invalid_certs(true)
            .no_proxy()
            .timeout(Duration::from_mins(1))
            .build();
        Self {
            runtime: runtime.expect("a runtime"),
            client: client.expect("a client"),
            root,
        }
    }

    fn post(&self, path: &str, body: &Value) -> (StatusCode, Value) {
        let url = format!("{}/mmtel-dcappmgmt/v1/dcapps/{path}", self.root);
        self.send(self.client.post(url).json(body))
    }

    fn send(&self, request: reqwest::RequestBuilder) -> (StatusCode, Value) {
        self.runtime.block_on(async {
            let response = request.send().await.expect("an answer");
            (response.status(), response.json().await.expect("JSON"))
        })
    }

    fn configure(&self, provider: &str, name: &str) -> String {
        let (status, answer) = self.post("configure", &configuration(provider, name));
        assert_eq!(status, StatusCode::OK, "{answer}");
        let one = &answer["dcAppConfigRespList"][0];
        one["appId"].as_str().expect("an appId").to_owned()
    }

    fn retrieve(&self, provider: &str, ids: &[String]) -> Value {
        let body = json!({ "reqId": provider, "dcAppNum": ids.len(), "appIdList": ids });
        let (status, answer) = self.post("retrieval", &body);
        assert_eq!(status, StatusCode::OK, "{answer}");
        answer
    }
}

fn configuration(provider: &str, name: &str) -> Value {
    json!({ "reqId": provider, "dcAppNum": 1, "dcAppConfigParamList": [
        { "appIndex": "1", "appName": name, "svcType": "GAMES" },
    ]})
}

#[test]
fn an_application_is_configured_and_outlives_the_process() {
    let folder = Folder::new();
    let mut product = Process::all_in_one(&folder, &[]);
    let consumer = Consumer::of(&product);
    let ids = [
        consumer.configure("p", "Chess"),
        consumer.configure("p", "Go"),
    ];
    product.kill();
    let product = Process::all_in_one(&folder, &[]);
    let consumer = Consumer::of(&product);
    let answer = consumer.retrieve("p", &ids);
    assert_eq!(answer["status"], "SUCCESS");
    assert_eq!(answer["dcAppInfoList"][1]["appName"], "Go");
    // Asked again in the same words, it is the same one.
    assert_eq!(consumer.configure("p", "Chess"), ids[0]);
    let (status, _) = consumer.post("configure", &json!({ "reqId": "p" }));
    assert_eq!(status, StatusCode::BAD_REQUEST);
}

#[test]
fn it_runs_alone_over_tls() {
    let folder = Folder::new();
    let product = Process::alone(&folder, "mmtel-es", "[http]\nlisten = \"127.0.0.1:0\"\n");
    let consumer = Consumer::at(format!("https://{}", product.logged("https")));
    let id = consumer.configure("p", "Chess");
    let answer = consumer.retrieve("p", &[id]);
    assert_eq!(answer["status"], "SUCCESS");
    let document = consumer
        .client
        .get(format!("{}/openapi/mmtel-dcappmgmt", consumer.root));
    let (_, document) = consumer.send(document);
    assert_eq!(document["info"]["title"], "MMTel_DCAppManagement");
}
