//! TS 29.392 §6.3.3 — enabler, MMTel_CallEvent has no resource; its document is there for what is told.

use conformance::Enabler;
use serde_json::json;

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
