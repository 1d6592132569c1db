//! TS 29.392 §6.1.2 — enabler, HTTP at MMTel_DCAppManagement: both versions, over TLS (TS 29.122 §5.2.2).

use conformance::Enabler;
use serde_json::{Value, json};

use super::apis::VERSIONS;
use super::{DCAPPS, JSON, configuration, ids};

/// TS 29.392 §6.1.2, TS 29.122 §5.2.2: what is configured by one version is there for both, and without TLS, too.
#[test]
fn both_versions_serve_the_same() {
    let shared = Enabler::shared();
    for version in VERSIONS {
        let ask = |by: &str, operation: &str, body: &Value| {
            let path = format!("{DCAPPS}/{operation}");
            let answer = shared.over_tls(by, "POST", &path, JSON, &body.to_string());
            assert_eq!(answer.status, 200, "{answer:?}");
            serde_json::from_str::<Value>(&answer.body).expect("JSON")
        };
        let wanted = configuration("tls", &json!([{ "appIndex": "1", "appName": version }]));
        let answer = ask(version, "configure", &wanted);
        let id = answer["dcAppConfigRespList"][0]["appId"].as_str();
        let known = ids("tls", &[id.expect("an appId")]);
        let plain = shared.post(&format!("{DCAPPS}/retrieval"), &known).ok();
        assert_eq!(plain["dcAppInfoList"][0]["appName"], version, "{plain}");
        for by in VERSIONS {
            assert_eq!(ask(by, "retrieval", &known), plain, "{by}");
        }
    }
}
