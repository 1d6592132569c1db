//! TS 29.392 §6.3.4 — enabler, MMTel_CallEvent has nothing that can be asked.

use conformance::Enabler;

/// TS 29.392 §6.3.4, TS 29.392 §6.3.3: the resource of the annex is a dummy, whose operation nobody is to use: there
/// is nothing, whatever the method and the body are, nor under the name that the subclause has by mistake.
#[test]
fn the_dummy_is_not_served() {
    let shared = Enabler::shared();
    for (method, body) in [
        ("POST", "{}"),
        ("POST", "{"),
        ("GET", ""),
        ("PUT", "[]"),
        ("PATCH", "[]"),
        ("DELETE", ""),
    ] {
        for path in [
            "/mmtel-callevent/v1/session-event-subscriptions",
            "/mmtel-callevent/v1/session-event-subscriptions/1",
            "/mmtel-callevent/v1/",
            "/mmtel-callevnt/v1/session-event-subscriptions",
        ] {
            let kind = "Content-Type: application/json\r\n";
            let problem = shared.send(method, path, kind, body).problem(404);
            assert_eq!(
                problem["cause"], "RESOURCE_URI_STRUCTURE_NOT_FOUND",
                "{method} {path}"
            );
        }
    }
}
