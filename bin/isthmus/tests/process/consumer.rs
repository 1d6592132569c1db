//! An application server: a consumer of the enabler's APIs, by hand.

use std::time::Duration;

use reqwest::StatusCode;
use serde_json::{Value, json};

use super::ear::Ear;
use super::{HOME, Process};

/// One.
pub(crate) struct Consumer {
    runtime: tokio::runtime::Runtime,
    client: reqwest::Client,
    root: String,
}

impl Consumer {
    /// Of an all-in-one, on its port without TLS.
    pub(crate) fn of(product: &Process) -> Self {
        let address = product.wait_for("\n  http://");
        Self::at(&format!("http://{}", address.trim_end_matches('/')))
    }

    pub(crate) fn at(root: &str) -> Self {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let client = reqwest::Client::builder()
            .no_proxy()
            .timeout(Duration::from_mins(1))
            .build();
        Self {
            runtime: runtime.expect("a runtime"),
            client: client.expect("a client"),
            root: root.to_owned(),
        }
    }

    /// Any request; the body is null where there is none.
    pub(crate) fn ask(
        &self,
        method: reqwest::Method,
        path: &str,
        kind: &str,
        body: &str,
    ) -> (StatusCode, Value) {
        let request = self.client.request(method, format!("{}{path}", self.root));
        let request = request.header("Content-Type", kind).body(body.to_owned());
        self.runtime.block_on(async {
            let response = request.send().await.expect("an answer");
            let status = response.status();
            let text = response.text().await.expect("a body");
            let value = if text.is_empty() {
                Value::Null
            } else {
                serde_json::from_str(&text).expect("JSON")
            };
            (status, value)
        })
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> (StatusCode, Value) {
        let json = "application/json";
        self.ask(reqwest::Method::POST, path, json, &body.to_string())
    }

    pub(crate) fn put(&self, path: &str, body: &Value) -> (StatusCode, Value) {
        let json = "application/json";
        self.ask(reqwest::Method::PUT, path, json, &body.to_string())
    }

    pub(crate) fn patch(&self, path: &str, body: &Value) -> (StatusCode, Value) {
        let kind = "application/json-patch+json";
        self.ask(reqwest::Method::PATCH, path, kind, &body.to_string())
    }

    pub(crate) fn delete(&self, path: &str) -> StatusCode {
        let request = self.client.delete(format!("{}{path}", self.root));
        self.runtime
            .block_on(async { request.send().await.expect("an answer").status() })
    }

    /// An application of a provider; its identifier.
    pub(crate) fn application(&self, provider: &str) -> String {
        let body = json!({
            "reqId": provider, "dcAppNum": 1,
            "dcAppConfigParamList": [{ "appIndex": "1", "appName": "Choice", "appVer": "1" }],
        });
        let (status, answer) = self.post("/mmtel-dcappmgmt/v1/dcapps/configure", &body);
        assert_eq!(status, StatusCode::OK, "{answer}");
        let one = &answer["dcAppConfigRespList"][0];
        one["appId"].as_str().expect("an appId").to_owned()
    }

    pub(crate) fn call(&self, body: &Value) -> (StatusCode, Value) {
        self.post("/mmtel-dcappcall/v1/dccall", body)
    }

    /// A call that is answered; its session.
    #[track_caller]
    pub(crate) fn answered(&self, body: &Value) -> String {
        let (status, answer) = self.call(body);
        assert_eq!(status, StatusCode::OK, "{answer}");
        assert_eq!(answer["callResult"], "SUCCESS", "{answer}");
        answer["sessionId"].as_str().expect("a session").to_owned()
    }

    /// An application says something, in a call that stands; what is answered.
    pub(crate) fn says(&self, app: &str, session: &str, ear: &Ear, what: &Value) -> Value {
        self.update(&json!({
            "dcAppId": app, "sessionId": session, "notificationInfo": ear.url(),
            "mediaResourceInfo": what,
        }))
    }

    /// Which status `/update-dc-media` has.
    pub(crate) fn update_status(&self, body: &Value) -> u16 {
        let (status, _) = self.post("/mmtel-dcappcall/v1/update-dc-media", body);
        status.as_u16()
    }

    /// `/update-dc-media`: its result, or what there is in its place.
    pub(crate) fn update(&self, body: &Value) -> Value {
        let (status, answer) = self.post("/mmtel-dcappcall/v1/update-dc-media", body);
        assert_eq!(status, StatusCode::OK, "{answer}");
        answer
    }
}

/// The body of a call to one subscriber.
pub(crate) fn call_of(name: &str, target: &str) -> Value {
    json!({
        "terminatingId": format!("sip:{name}@{HOME}"), "mediaInfo": ["audio"],
        "notificationInfo": target, "callType": "A2P",
    })
}
