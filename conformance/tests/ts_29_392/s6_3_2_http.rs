//! TS 29.392 §6.3.2 — enabler, HTTP at MMTel_CallEvent, where it is the enabler who asks (TS 29.122 §5.2.2).

use conformance::{Calling, Enabler};

use super::JSON;
use super::apis::{VERSIONS, document};
use super::s5_4_2_2_session_event::{EVENTS, shown};

/// TS 29.392 §6.3.2, TS 29.122 §5.2.2, §5.2.3: a POST of HTTP/1.1 to who has no other, of JSON, with its length.
#[test]
fn an_event_is_a_whole_request() {
    let mut calling = Calling::with(EVENTS);
    let back = shown(&mut calling, "bob", "http");
    calling.picks_up(&back, Calling::audio());
    calling.core.response();
    let told = calling.told_by();
    let mut lines = told.head.lines();
    assert_eq!(lines.next(), Some("POST /events HTTP/1.1"));
    let fields = lines.filter_map(|line| line.split_once(':'));
    let fields = fields.map(|(name, value)| (name.to_ascii_lowercase(), value.trim()));
    let fields: Vec<(String, &str)> = fields.collect();
    let of = |wanted: &str| {
        let found: Vec<&str> = fields
            .iter()
            .filter(|(name, _)| name == wanted)
            .map(|(_, value)| *value)
            .collect();
        assert_eq!(found.len(), 1, "{wanted}: {}", told.head);
        found[0].to_owned()
    };
    assert_eq!(of("content-type"), JSON);
    assert_eq!(of("content-length"), told.body.len().to_string());
    assert_eq!(format!("http://{}", of("host")), calling.url);
}

/// TS 29.392 §6.3.2: the document of what is told is read by both versions.
#[test]
fn both_versions_serve_the_document() {
    let shared = Enabler::shared();
    let plain = document(&shared, "mmtel-callevent");
    for version in VERSIONS {
        let answer = shared.over_tls(version, "GET", "/openapi/mmtel-callevent", JSON, "");
        assert_eq!(answer.status, 200, "{version}");
        let served: serde_json::Value = serde_json::from_str(&answer.body).expect("JSON");
        assert_eq!(served["paths"], plain["paths"], "{version}");
        assert_eq!(served["components"], plain["components"], "{version}");
    }
}
