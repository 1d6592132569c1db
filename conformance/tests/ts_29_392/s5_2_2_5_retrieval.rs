//! TS 29.392 §5.2.2.5 — enabler, MMTel_DCAppManagement_Retrieve.

use conformance::Enabler;
use serde_json::json;

use super::zip::{archive, base64};
use super::{DCAPPS, configured, ids, retrieved};

/// TS 29.392 §5.2.2.5: the profiles come back as they were configured, without the package
/// (NOTE of table 6.1.6.2.11-1).
#[test]
fn profiles_come_back_without_packages() {
    let shared = Enabler::shared();
    let enabler = &*shared;
    let profile = json!({
        "appName": "Chess", "svcType": "GAMES", "appIconUrl": "https://games.example/icon.png",
        "appVer": "1", "appVal": "2099-12-31T23:59:59Z", "appLoadPh": "PRECALL_AND_INCALL",
        "autoload": false, "autolaunch": true, "peerDcReq": true, "suppScnr": "A_LATER_VALUE",
        "cond": "CONDTY", "qosReq": "low delay", "persDataColl": false,
        "persDataCollInfoUrl": "http://games.example/privacy", "vendorSpecific-009999": { "a": [1] },
    });
    let mut sent = profile.clone();
    sent["appPkg"] = base64(&archive(&[("index.html", b"<p>")])).into();
    sent["unknown"] = "ignored".into();
    let app_id = configured(enabler, "retrieval", sent);
    let mut expected = profile;
    expected["appId"] = app_id.as_str().into();
    assert_eq!(retrieved(enabler, "retrieval", &app_id), Some(expected));
}

/// TS 29.392 §5.2.2.5: all or none.
#[test]
fn one_that_is_not_there_fails_the_retrieval() {
    let shared = Enabler::shared();
    let enabler = &*shared;
    let app_id = configured(enabler, "retrieval-none", json!({ "appName": "Chess" }));
    let path = format!("{DCAPPS}/retrieval");
    let answer = enabler
        .post(&path, &ids("retrieval-none", &[&app_id, "nobody"]))
        .ok();
    assert_eq!(answer["status"], "FAILED");
    assert!(answer.get("dcAppInfoList").is_none());
    assert!(
        answer["failureCause"]
            .as_str()
            .expect("a cause")
            .contains("nobody")
    );
    // Another provider's is not there.
    assert_eq!(retrieved(enabler, "retrieval-other", &app_id), None);
}
