//! TS 29.392 §5.2.2.4 — enabler, MMTel_DCAppManagement_Delete.

use conformance::Enabler;
use serde_json::json;

use super::{DCAPPS, configured, ids, retrieved};

/// TS 29.392 §5.2.2.4: those that are there are deleted, and SUCCESS says that all were.
#[test]
fn success_is_said_when_all_were_deleted() {
    let shared = Enabler::shared();
    let enabler = &*shared;
    let [one, two] =
        ["Chess", "Go"].map(|name| configured(enabler, "delete", json!({ "appName": name })));
    let path = format!("{DCAPPS}/delete");
    let answer = enabler.post(&path, &ids("delete", &[&one, "nobody"])).ok();
    assert_eq!(answer["status"], "FAILED");
    let cause = answer["failureCause"].as_str().expect("a cause");
    assert!(cause.contains("nobody") && !cause.contains(&one), "{cause}");
    // The procedure asks for each; the annex has no place for it.
    assert_eq!(
        answer["dcAppStatRespList"][0],
        json!({ "appId": one, "status": "SUCCESS" })
    );
    assert_eq!(retrieved(enabler, "delete", &one), None);
    let answer = enabler.post(&path, &ids("delete", &[&two])).ok();
    assert_eq!(answer["status"], "SUCCESS");
    assert!(answer.get("failureCause").is_none());
    // What was deleted is configured anew, as another.
    let again = configured(enabler, "delete", json!({ "appName": "Go" }));
    assert_ne!(again, two);
}

/// TS 29.392 §5.2.2.4.
#[test]
fn nobody_deletes_what_is_anothers() {
    let shared = Enabler::shared();
    let enabler = &*shared;
    let app_id = configured(enabler, "delete-mine", json!({ "appName": "Chess" }));
    let answer = enabler.post(
        &format!("{DCAPPS}/delete"),
        &ids("delete-theirs", &[&app_id]),
    );
    assert_eq!(answer.ok()["status"], "FAILED");
    assert!(retrieved(enabler, "delete-mine", &app_id).is_some());
}
