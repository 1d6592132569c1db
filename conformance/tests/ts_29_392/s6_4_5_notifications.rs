//! TS 29.392 §6.4.5 — enabler, where it tells what becomes of a session.

use serde_json::json;

use super::SESSIONS;
use super::silent_core::{self as bench, Silent};
use super::targets::NO_TARGETS;

/// TS 29.392 §6.4.5: `notifUri` names an application server, at the creation and in each change.
#[test]
fn notifications_do_not_go_to_this_machine_or_into_its_network() {
    let enabler = Silent::shared();
    let path = bench::created(&enabler, &bench::session("targets"));
    let before = bench::now(&enabler, &path);
    for target in NO_TARGETS {
        let mut body = bench::session("targets");
        body["imsSessionInfo"]["notifUri"] = (*target).into();
        let patch =
            json!([{ "op": "replace", "path": "/imsSessionInfo/notifUri", "value": target }]);
        let kind = "Content-Type: application/json\r\n";
        for answer in [
            enabler.post(SESSIONS, &body),
            enabler.send("PUT", &path, kind, &body.to_string()),
            bench::patch(&enabler, &path, &patch.to_string()),
        ] {
            answer.problem(400);
            assert_eq!(
                answer.invalid(),
                ["/imsSessionInfo/notifUri"],
                "{target}: {answer:?}"
            );
        }
    }
    assert_eq!(bench::now(&enabler, &path), before);
    assert_eq!(enabler.send("DELETE", &path, "", "").status, 204);
}
