//! TS 29.392 §6.2.6 — enabler, what a request for a call may say.

use serde_json::{Value, json};

use super::silent_core::{self as bench, Silent};
use super::{DCCALL, UPDATE};

#[track_caller]
fn refused(path: &str, body: &Value) -> (Value, Vec<String>) {
    let answer = Silent::shared().post(path, body);
    (answer.problem(400)["cause"].clone(), answer.invalid())
}

/// TS 29.392 §6.2.6: tables 6.2.6.2.2-1 and 6.2.6.2.4-1, what is mandatory.
#[test]
fn what_is_mandatory_is_there() {
    assert_eq!(
        refused(DCCALL, &json!({})),
        (
            "MANDATORY_IE_MISSING".into(),
            ["/terminatingId", "/notificationInfo", "/callType"]
                .map(str::to_owned)
                .to_vec()
        )
    );
    assert_eq!(
        refused(UPDATE, &json!({})),
        (
            "MANDATORY_IE_MISSING".into(),
            ["/dcAppId", "/sessionId", "/notificationInfo"]
                .map(str::to_owned)
                .to_vec()
        )
    );
}

/// TS 29.392 §6.2.6: the NOTE of table 6.2.6.2.2-1.
#[test]
fn a_call_of_two_says_who_calls() {
    let mut body = bench::call();
    body.as_object_mut()
        .expect("an object")
        .remove("originatingId");
    assert_eq!(
        refused(DCCALL, &body),
        (
            "MANDATORY_IE_MISSING".into(),
            vec!["/originatingId".to_owned()]
        )
    );
}

/// TS 29.392 §6.2.6: identities are URIs of somebody who can be called.
#[test]
fn identities_are_uris_that_are_served() {
    for (name, field) in [("caller", "originatingId"), ("called", "terminatingId")] {
        for wrong in [
            "bob",
            "",
            "sip:",
            "sip:@example.com",
            "sip:example.com",
            "sip:bob@example.com?Subject=x",
            "sip:bob@exam ple.com",
            "sip:bob@example.com>\r\nX: y",
            "tel:",
            "tel:911",
            "tel:+1555abc",
            "mailto:bob@example.com",
            "acr:bob",
            "http://example.com/",
            "urn:service:sos",
        ] {
            let mut body = bench::call();
            body[field] = wrong.into();
            let (cause, pointers) = refused(DCCALL, &body);
            let known = ["MANDATORY_IE_INCORRECT", "OPTIONAL_IE_INCORRECT"];
            assert!(
                known.iter().any(|one| cause == *one),
                "{name} {wrong}: {cause}"
            );
            assert_eq!(pointers, [format!("/{field}")], "{name} {wrong}");
        }
        let mut body = bench::call();
        body[field] = format!("sip:{}@example.com", "x".repeat(1000)).into();
        assert_eq!(refused(DCCALL, &body).1, [format!("/{field}")]);
    }
}

/// TS 29.392 §6.2.6: media that there are, and an enumeration that is open to the reader alone.
#[test]
fn media_and_types_are_those_that_there_are() {
    let with = |field: &str, value: Value| {
        let mut body = bench::call();
        body[field] = value;
        refused(DCCALL, &body).1
    };
    assert_eq!(
        with("mediaInfo", json!(["audio", "smell"])),
        ["/mediaInfo/1"]
    );
    assert_eq!(with("mediaInfo", json!(["audio", 7])), ["/mediaInfo/1"]);
    assert_eq!(with("callType", json!("P2A2P")), ["/callType"]);
    assert_eq!(with("dcMediaInfo", json!("true")), ["/dcMediaInfo"]);
    // No medium at all.
    let mut body = bench::call();
    body["mediaInfo"] = json!([]);
    body["dcMediaInfo"] = false.into();
    assert_eq!(refused(DCCALL, &body).1, ["/mediaInfo"]);
}

/// TS 29.392 §6.2.6: an application that is used is one of the consumer's.
#[test]
fn an_application_is_one_that_there_is() {
    assert_eq!(
        refused(DCCALL, &bench::call()),
        (
            "OPTIONAL_IE_INCORRECT".into(),
            vec!["/appProfileRequested/appId".to_owned()]
        )
    );
}
