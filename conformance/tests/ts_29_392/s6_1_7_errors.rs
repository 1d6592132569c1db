//! TS 29.392 §6.1.7 — enabler, whose applications these are, and how others are refused.

use conformance::Enabler;
use serde_json::{Value, json};

use super::{DCAPPS, configuration, ids};

const CLOSED: &str = "[mmtel_es]\nclosed = true\n[[mmtel_es.providers]]\nid = \"games\"\n\
                      credential = \"a secret of theirs\"\n[[mmtel_es.providers]]\nid = \"open\"\n";

fn with_credential(credential: Option<&str>) -> Value {
    let mut body = configuration("games", &json!([{ "appIndex": "1", "appName": "Chess" }]));
    if let Some(credential) = credential {
        body["secCred"] = credential.into();
    }
    body
}

/// TS 29.392 §6.1.7: `reqId` and `secCred` decide, and say which of them was wrong.
#[test]
fn a_provider_proves_itself() {
    let enabler = Enabler::with(CLOSED);
    let configure = format!("{DCAPPS}/configure");
    let refused = |answer: conformance::Answer| {
        let problem = answer.problem(403);
        problem["invalidParams"][0]["param"]
            .as_str()
            .expect("a name")
            .to_owned()
    };
    for wrong in [None, Some(""), Some("a secret of theirs ")] {
        let answer = enabler.post(&configure, &with_credential(wrong));
        assert_eq!(refused(answer), "/secCred");
    }
    enabler
        .post(&configure, &with_credential(Some("a secret of theirs")))
        .ok();
    let stranger = configuration("stranger", &json!([{ "appIndex": "1" }]));
    assert_eq!(refused(enabler.post(&configure, &stranger)), "/reqId");
    // These carry no credential: without a token nobody proves that they are it.
    for operation in ["delete", "retrieval"] {
        let answer = enabler.post(&format!("{DCAPPS}/{operation}"), &ids("games", &["x"]));
        assert_eq!(refused(answer), "/reqId");
        enabler
            .post(&format!("{DCAPPS}/{operation}"), &ids("open", &["x"]))
            .ok();
    }
    assert!(!enabler.log().contains("a secret of theirs"));
}
