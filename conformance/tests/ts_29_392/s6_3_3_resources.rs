//! TS 29.392 §6.3.3, §6.3.4 — enabler, MMTel_CallEvent has no resource and no operation; its document is there for
//! what is told.

use conformance::Enabler;
use serde_json::json;

/// TS 29.392 §6.3.3, TS 29.392 §6.3.4: the resource of the annex is a dummy that nobody is to use.
#[test]
fn the_dummy_is_not_served() {
    let shared = Enabler::shared();
    let path = "/mmtel-callevent/v1/session-event-subscriptions";
    for method in ["POST", "GET", "PUT", "DELETE", "PATCH"] {
        let problem = shared.send(method, path, "", "").problem(404);
        assert_eq!(
            problem["cause"], "RESOURCE_URI_STRUCTURE_NOT_FOUND",
            "{method}"
        );
    }
    // Nor under the name that the subclause has by mistake.
    let other = shared.post_text("/mmtel-callevnt/v1/session-event-subscriptions", "{}");
    assert_eq!(other.status, 404);
}

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
    let index = shared.send("GET", "/openapi", "", "").ok();
    let names = index["apis"].as_array().expect("a list").iter();
    let names: Vec<_> = names
        .map(|api| api["name"].as_str().expect("a name"))
        .collect();
    let all = [
        "mmtel-dcappmgmt",
        "mmtel-dcappcall",
        "mmtel-callevent",
        "mmtel-callcontrol",
    ];
    assert_eq!(names, all);
}
