//! TS 29.392 §6.1.8 — enabler, MMTel_DCAppManagement has no features.

use conformance::Enabler;
use serde_json::json;

use super::apis::{attributes, document};
use super::{DCAPPS, configuration, ids};

/// TS 29.392 §6.1.8: table 6.1.8-1 is empty, and no type has an attribute to negotiate by; who sends one sends an
/// attribute that nobody knows.
#[test]
fn there_is_nothing_to_negotiate() {
    let shared = Enabler::shared();
    let document = document(&shared, "mmtel-dcappmgmt");
    for schema in [
        "DcAppConfigReq",
        "DcAppConfigResp",
        "DcAppIdReq",
        "DcAppIdResp",
    ] {
        let known = attributes(&document, schema);
        assert!(!known.iter().any(|name| name.contains("Feat")), "{known:?}");
    }
    let asked = |features: serde_json::Value| {
        let mut body = configuration(
            "features",
            &json!([{ "appIndex": "1", "appName": "Chess" }]),
        );
        body["suppFeat"] = features.clone();
        let answer = shared.post(&format!("{DCAPPS}/configure"), &body).ok();
        let one = &answer["dcAppConfigRespList"][0];
        assert_eq!(one["status"], "SUCCESS", "{answer}");
        let mut retrieval = ids("features", &[one["appId"].as_str().expect("an appId")]);
        retrieval["suppFeat"] = features;
        let retrieved = shared.post(&format!("{DCAPPS}/retrieval"), &retrieval).ok();
        assert_eq!(retrieved["status"], "SUCCESS", "{retrieved}");
        for answer in [answer, retrieved] {
            assert!(answer.get("suppFeat").is_none(), "{answer}");
        }
    };
    for features in [
        json!("ffff"),
        json!("0"),
        json!("not hexadecimal"),
        json!(7),
    ] {
        asked(features);
    }
}
