//! TS 29.392 §6.4.2 — enabler, HTTP at MMTel_CallControl: both versions, over TLS (TS 29.122 §5.2.2).

use serde_json::{Value, json};

use super::apis::VERSIONS;
use super::silent_core::{self as bench, Silent};
use super::{JSON, PATCH, SESSIONS};

/// TS 29.392 §6.4.2, TS 29.122 §5.2.2: a session is changed and ended by either version.
#[test]
fn both_versions_change_a_session() {
    let enabler = Silent::shared();
    for version in VERSIONS {
        let mut session = bench::session_of_its_own("versions");
        let path = bench::created(&enabler, &session);
        let ask = |method: &str, kind: &str, body: &str| {
            let answer = enabler.over_tls(version, method, &path, kind, body);
            let changed = serde_json::from_str::<Value>(&answer.body).unwrap_or_default();
            (
                answer.status,
                changed["imsSessionInfo"]["notifCorrelationId"].clone(),
            )
        };
        let change = json!([
            { "op": "replace", "path": "/imsSessionInfo/notifCorrelationId", "value": version },
        ]);
        let patched = ask("PATCH", PATCH, &change.to_string());
        assert_eq!(patched, (200, version.into()));
        session["imsSessionInfo"]["notifCorrelationId"] = "put".into();
        let replaced = ask("PUT", JSON, &session.to_string());
        assert_eq!(replaced, (200, "put".into()));
        assert_eq!(ask("DELETE", JSON, ""), (204, Value::Null));
        assert_eq!(ask("PUT", JSON, &session.to_string()).0, 404);
    }
}

/// TS 29.392 §6.4.2, TS 29.122 §5.2.2: and created, with an address that has TLS as well.
#[test]
fn a_session_is_created_over_tls() {
    let enabler = Silent::shared();
    let session = bench::session_of_its_own("versions");
    let answer = enabler.over_tls("http/1.1", "POST", SESSIONS, JSON, &session.to_string());
    assert_eq!(answer.status, 201, "{answer:?}");
    let location = answer.header("location").expect("where it is");
    assert!(location.starts_with("https://"), "{location}");
    let at = location.find(SESSIONS).expect("below the collection");
    let gone = enabler.send("DELETE", &location[at..], "", "");
    assert_eq!(gone.status, 204);
}
