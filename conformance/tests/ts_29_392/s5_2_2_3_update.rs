//! TS 29.392 §5.2.2.3 — enabler, MMTel_DCAppManagement_Update.

use conformance::Enabler;
use serde_json::{Value, json};

use super::{DCAPPS, configured, retrieved};

fn update(provider: &str, list: &Value) -> Value {
    let count = list.as_array().map_or(0, Vec::len);
    json!({ "reqId": provider, "dcAppNum": count, "dcAppUpdateParamList": list })
}

/// TS 29.392 §5.2.2.3: what the update has takes the place of what was, the rest stays.
#[test]
fn what_is_named_is_updated() {
    let shared = Enabler::shared();
    let enabler = &*shared;
    let before = json!({ "appName": "Chess", "appVer": "1", "vendorSpecific-000001": 1 });
    let app_id = configured(enabler, "update", before);
    let list = json!([
        { "appId": app_id, "appVer": "2", "vendorSpecific-000002": [2] },
        { "appId": "nobody", "appVer": "2" },
    ]);
    let answer = enabler
        .post(&format!("{DCAPPS}/update"), &update("update", &list))
        .ok();
    let list = &answer["dcAppStatRespList"];
    assert_eq!(list[0], json!({ "appId": app_id, "status": "SUCCESS" }));
    assert_eq!(
        (&list[1]["appId"], &list[1]["status"]),
        (&json!("nobody"), &json!("FAILED"))
    );
    let profile = retrieved(enabler, "update", &app_id).expect("it is there");
    let expected = json!({
        "appId": app_id, "appName": "Chess", "appVer": "2",
        "vendorSpecific-000001": 1, "vendorSpecific-000002": [2],
    });
    assert_eq!(profile, expected);
}

/// TS 29.392 §5.2.2.3: the list has another name in table 6.1.6.2.6-1; either is read, both
/// at once are not.
#[test]
fn the_list_has_two_names() {
    let shared = Enabler::shared();
    let enabler = &*shared;
    let app_id = configured(enabler, "update-alias", json!({ "appName": "Chess" }));
    let mut body = update(
        "update-alias",
        &json!([{ "appId": app_id, "appName": "Go" }]),
    );
    let list = body["dcAppUpdateParamList"].take();
    body["dcAppUpdateParametersList"] = list.clone();
    body.as_object_mut()
        .expect("an object")
        .remove("dcAppUpdateParamList");
    let answer = enabler.post(&format!("{DCAPPS}/update"), &body).ok();
    assert_eq!(answer["dcAppStatRespList"][0]["status"], "SUCCESS");
    body["dcAppUpdateParamList"] = list;
    let answer = enabler.post(&format!("{DCAPPS}/update"), &body);
    assert!(!answer.invalid().is_empty());
}

/// TS 29.392 §5.2.2.3: what belongs to another is as good as not there.
#[test]
fn nobody_updates_what_is_anothers() {
    let shared = Enabler::shared();
    let enabler = &*shared;
    let app_id = configured(enabler, "update-mine", json!({ "appName": "Chess" }));
    let list = json!([{ "appId": app_id, "appName": "Mine now" }]);
    let answer = enabler.post(&format!("{DCAPPS}/update"), &update("update-theirs", &list));
    assert_eq!(answer.ok()["dcAppStatRespList"][0]["status"], "FAILED");
    let profile = retrieved(enabler, "update-mine", &app_id).expect("it is there");
    assert_eq!(profile["appName"], "Chess");
}
