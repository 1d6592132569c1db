//! TS 29.392 §6.1.5 — enabler, MMTel_DCAppManagement tells nobody anything.

use conformance::Calling;
use serde_json::json;

use super::apis::document;
use super::{DCAPPS, configured, ids};

/// TS 29.392 §6.1.5: no operation has a callback, and whoever names a place to be told at is not told there.
#[test]
fn nobody_is_told_of_applications() {
    let calling = Calling::with("");
    let enabler = &calling.enabler;
    let document = document(enabler, "mmtel-dcappmgmt");
    for (path, item) in document["paths"].as_object().expect("paths") {
        assert!(item["post"]["responses"].is_object(), "{path}");
        assert!(item["post"].get("callbacks").is_none(), "{path}");
    }
    let here = format!("{}/told", calling.url);
    let profile = json!({ "appName": "Chess", "notificationInfo": here, "notifUri": here });
    let id = configured(enabler, "quiet", profile);
    let mut delete = ids("quiet", &[&id]);
    delete["notificationInfo"] = here.into();
    enabler.post(&format!("{DCAPPS}/delete"), &delete).ok();
    calling.tells_nothing();
}
