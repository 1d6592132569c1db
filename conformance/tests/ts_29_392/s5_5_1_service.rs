//! TS 29.392 §5.5.1, §5.5.2.1 — enabler, MMTel_CallControl: a session from its creation to its end.

use conformance::{Calling, Enabler};
use serde_json::json;

use super::apis::{document, serves};
use super::s5_5_2_2_create::{both_answer, both_are_hung_up_on, created, session};
use super::silent_core as bench;

/// TS 29.392 §5.5.1: a new session is created, changed and terminated, and the consumer is told what came of it.
#[test]
fn a_session_has_a_life() {
    let mut calling = Calling::with("");
    let path = created(&calling, &session(&calling, &["AUDIO"]));
    both_answer(&mut calling);
    let change =
        json!([{ "op": "replace", "path": "/imsSessionInfo/notifCorrelationId", "value": "new" }]);
    let changed = bench::patch(&calling.enabler, &path, &change.to_string()).ok();
    assert_eq!(changed["imsSessionInfo"]["notifCorrelationId"], "new");
    assert_eq!(calling.enabler.send("DELETE", &path, "", "").status, 204);
    both_are_hung_up_on(&mut calling);
    let (_, told) = calling.told();
    assert_eq!(told["eventType"], "SESSION_TERMINATION");
    assert_eq!(told["notifCorrelationId"], "new");
}

/// TS 29.392 §5.5.2.1: table 5.5.2.1-1; an update is by PUT or by PATCH.
#[test]
fn the_operations_of_the_table_are_there() {
    serves(
        "mmtel-callcontrol",
        &[
            "delete /ims-sessions/{sessionId}",
            "patch /ims-sessions/{sessionId}",
            "post /ims-sessions",
            "put /ims-sessions/{sessionId}",
        ],
    );
    let document = document(&Enabler::shared(), "mmtel-callcontrol");
    let callbacks = document["paths"]["/ims-sessions"]["post"]["callbacks"].as_object();
    assert_eq!(callbacks.map(serde_json::Map::len), Some(1));
}
