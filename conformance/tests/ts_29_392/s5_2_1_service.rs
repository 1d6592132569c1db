//! TS 29.392 §5.2.1, §5.2.2.1 — enabler, MMTel_DCAppManagement: what a Controlling Application Server can do
//! with an application, from its beginning to its end.

use conformance::Enabler;
use serde_json::json;

use super::apis::serves;
use super::{DCAPPS, configured, ids, retrieved};

/// TS 29.392 §5.2.1: configured, updated, obtained and deleted.
#[test]
fn an_application_has_a_life() {
    let shared = Enabler::shared();
    let id = configured(&shared, "life", json!({ "appName": "Chess" }));
    let first = retrieved(&shared, "life", &id).expect("it is there");
    assert_eq!(first["appName"], "Chess");
    let update = json!({ "reqId": "life", "dcAppNum": 1,
        "dcAppUpdateParamList": [{ "appId": id, "appName": "Go" }] });
    let answer = shared.post(&format!("{DCAPPS}/update"), &update).ok();
    assert_eq!(
        answer["dcAppStatRespList"][0]["status"], "SUCCESS",
        "{answer}"
    );
    let then = retrieved(&shared, "life", &id).expect("it is there");
    assert_eq!(then["appName"], "Go");
    let delete = ids("life", &[&id]);
    let answer = shared.post(&format!("{DCAPPS}/delete"), &delete).ok();
    assert_eq!(
        answer["dcAppStatRespList"][0]["status"], "SUCCESS",
        "{answer}"
    );
    assert_eq!(retrieved(&shared, "life", &id), None);
}

/// TS 29.392 §5.2.2.1: table 5.2.2.1-1 has four operations.
#[test]
fn the_operations_of_the_table_are_there() {
    serves(
        "mmtel-dcappmgmt",
        &[
            "post /dcapps/configure",
            "post /dcapps/delete",
            "post /dcapps/retrieval",
            "post /dcapps/update",
        ],
    );
}
