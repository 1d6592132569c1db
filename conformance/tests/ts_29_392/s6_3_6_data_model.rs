//! TS 29.392 §6.3.6 — enabler, what an event of a session looks like.

use conformance::Calling;
use serde_json::Value;

use super::apis::document;
use super::s5_4_2_2_session_event::{EVENTS, shown};

/// TS 29.392 §6.3.6.1: table 6.3.6.1-2 has one type, ImsSessionEventNotification; what is told is one, as the
/// document describes it.
#[test]
fn what_is_told_is_of_the_one_type() {
    let mut calling = Calling::with(EVENTS);
    let document = document(&calling.enabler, "mmtel-callevent");
    let back = shown(&mut calling, "bob", "first");
    calling.picks_up(&back, Calling::audio());
    calling.core.response();
    let established = calling.told().1;
    let back = shown(&mut calling, "bob", "second");
    calling.core.answer(&back, 603, "");
    calling.acknowledged();
    calling.core.response();
    let refused = calling.told().1;
    let of = "ImsSessionEventNotification";
    for told in [&established, &refused] {
        conforms(&document, &document["components"]["schemas"][of], told, of);
    }
    assert_ne!(established["sessionId"], refused["sessionId"]);
    assert!(established.get("failureReason").is_none());
    assert_eq!(refused["failureReason"], "603 Decline");
}

/// Whether a value is as a schema of the document has it, and has nothing else.
#[track_caller]
fn conforms(document: &Value, schema: &Value, value: &Value, place: &str) {
    if let Some(name) = schema["$ref"].as_str() {
        let pointer = name.strip_prefix('#').expect("of this document");
        let schema = document.pointer(pointer).expect("it is there");
        return conforms(document, schema, value, place);
    }
    if let Some(any) = schema["anyOf"].as_array() {
        let listed = any.iter().filter_map(|one| one["enum"].as_array());
        // What is told has the values of the table, not others that may come.
        let known = listed.flatten().any(|one| one == value);
        assert!(known, "{place}: {value}");
        return;
    }
    match schema["type"].as_str() {
        Some("object") => {
            let object = value
                .as_object()
                .unwrap_or_else(|| panic!("{place}: {value}"));
            for name in schema["required"].as_array().into_iter().flatten() {
                let name = name.as_str().expect("a name");
                assert!(object.contains_key(name), "{place} has no {name}");
            }
            for (name, value) in object {
                let known = &schema["properties"][name];
                assert!(known.is_object(), "{place} has {name}");
                conforms(document, known, value, &format!("{place}/{name}"));
            }
        }
        Some("array") => {
            let list = value
                .as_array()
                .unwrap_or_else(|| panic!("{place}: {value}"));
            assert!(!list.is_empty(), "{place}");
            for one in list {
                conforms(document, &schema["items"], one, place);
            }
        }
        Some("string") => assert!(value.is_string(), "{place}: {value}"),
        Some("boolean") => assert!(value.is_boolean(), "{place}: {value}"),
        Some("integer") => assert!(value.is_i64(), "{place}: {value}"),
        other => panic!("{place}: a schema of {other:?} is not expected here: {schema}"),
    }
}
