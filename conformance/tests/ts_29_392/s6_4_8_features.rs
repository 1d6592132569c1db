//! TS 29.392 §6.4.8 — enabler, features of MMTel_CallControl are negotiated, and there are none.

use serde_json::{Value, json};

use super::silent_core::{self as bench, Silent};
use super::{JSON, SESSIONS};

/// TS 29.392 §6.4.8, TS 29.122 §5.2.7: of the features that the consumer has, those that the enabler has, too: none,
/// as table 6.4.8-1 is empty; who names none is told of none; what is no set of features is refused.
#[test]
fn no_feature_is_agreed_on() {
    let enabler = Silent::shared();
    for (asked, told) in [
        (Some("0"), json!("0")),
        (Some("f"), json!("0")),
        (Some("FFFFFFFFFFFFFFFFFFFF"), json!("0")),
        (None, Value::Null),
    ] {
        let mut body = bench::session_of_its_own("features");
        let object = body.as_object_mut().expect("an object");
        match asked {
            Some(features) => object.insert("suppFeat".into(), features.into()),
            None => object.remove("suppFeat"),
        };
        let answer = enabler.post(SESSIONS, &body);
        assert_eq!(answer.status, 201, "{asked:?}: {answer:?}");
        let created: Value = serde_json::from_str(&answer.body).expect("JSON");
        assert_eq!(created["suppFeat"], told, "{asked:?}");
        let location = answer.header("location").expect("where it is");
        let at = location.find(SESSIONS).expect("below the collection");
        let path = &location[at..];
        // What was agreed on stays, whatever a replacement says.
        body["suppFeat"] = "ff".into();
        let kind = format!("Content-Type: {JSON}\r\n");
        let put = enabler.send("PUT", path, &kind, &body.to_string()).ok();
        assert_eq!(put["suppFeat"], told, "{asked:?}");
        assert_eq!(enabler.send("DELETE", path, "", "").status, 204);
    }
    for wrong in [json!("xyz"), json!("0x1"), json!("-1"), json!(1)] {
        let mut body = bench::session_of_its_own("features");
        body["suppFeat"] = wrong.clone();
        assert_eq!(
            enabler.post(SESSIONS, &body).invalid(),
            ["/suppFeat"],
            "{wrong}"
        );
    }
}
