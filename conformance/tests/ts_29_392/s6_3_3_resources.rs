//! TS 29.392 §6.3.3 — enabler, MMTel_CallEvent has no resource; its document is there for what is told.

use conformance::{Calling, Enabler};
use serde_json::json;

use super::apis::document;
use super::s5_4_2_2_session_event::{EVENTS, shown};

/// TS 29.392 §6.3.3: the document says what application servers are told, and nothing that can be asked.
#[test]
fn the_document_has_the_callback() {
    let shared = Enabler::shared();
    let document = shared.send("GET", "/openapi/mmtel-callevent", "", "").ok();
    let paths = document["paths"].as_object().expect("paths");
    assert_eq!(
        paths.keys().collect::<Vec<_>>(),
        ["/session-event-subscriptions"]
    );
    let callbacks = &paths["/session-event-subscriptions"]["post"]["callbacks"];
    let callback =
        &callbacks["ImsSessionEventNotification"]["{sessionEventNotificationUri}"]["post"];
    let schema = &callback["requestBody"]["content"]["application/json"]["schema"];
    assert_eq!(
        schema,
        &json!({ "$ref": "#/components/schemas/ImsSessionEventNotification" })
    );
    assert!(callback["responses"]["204"].is_object(), "{callback}");
}

/// TS 29.392 §6.3.3: what the callback of the document says is what an application server gets, without anything having
/// been asked: a POST, of that type, which a 204 ends.
#[test]
fn what_is_told_is_the_callback() {
    let mut calling = Calling::with(EVENTS);
    let document = document(&calling.enabler, "mmtel-callevent");
    let callbacks = &document["paths"]["/session-event-subscriptions"]["post"]["callbacks"];
    let callback = &callbacks["ImsSessionEventNotification"]["{sessionEventNotificationUri}"];
    let methods = callback.as_object().expect("methods").keys();
    let methods: Vec<String> = methods.map(|method| method.to_uppercase()).collect();
    let kinds = callback["post"]["requestBody"]["content"].as_object();
    let kinds: Vec<&String> = kinds.expect("types").keys().collect();
    let back = shown(&mut calling, "bob", "callback");
    calling.core.answer(&back, 486, "");
    calling.acknowledged();
    calling.core.response();
    let told = calling.told_by();
    assert_eq!(methods, [told.head.split(' ').next().unwrap_or_default()]);
    let kind = told.head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-type")
            .then(|| value.trim())
    });
    assert_eq!(kinds, [kind.expect("its type")]);
    // It was answered as the document says.
    calling.tells_nothing();
}
