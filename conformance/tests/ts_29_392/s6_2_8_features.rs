//! TS 29.392 §6.2.8 — enabler, MMTel_DCAppCall has no features.

use conformance::{Calling, Enabler};
use serde_json::json;

use super::DCCALL;
use super::apis::{attributes, document};
use super::s5_3_2_2_dc_call::asking;

/// TS 29.392 §6.2.8: table 6.2.8-1 is empty, and no type has an attribute to negotiate by; who sends one sends an
/// attribute that nobody knows, and gets its call.
#[test]
fn there_is_nothing_to_negotiate() {
    let document = document(&Enabler::shared(), "mmtel-dcappcall");
    for schema in [
        "DcCallReq",
        "DcCallResp",
        "DcMediaUpdateReq",
        "DcMediaUpdateResp",
        "DcMediaNotifyReq",
    ] {
        let known = attributes(&document, schema);
        assert!(!known.iter().any(|name| name.contains("Feat")), "{known:?}");
    }
    let mut calling = Calling::with("");
    let mut body = calling.call("bob");
    body["suppFeat"] = json!("ffff");
    let (answer, ()) = asking(&mut calling, DCCALL, &body, |calling| {
        let invite = calling.rings();
        calling.core.answer(&invite, 486, "");
        calling.acknowledged();
    });
    let answer = answer.ok();
    assert_eq!(answer["callResult"], "FAILED");
    assert!(answer.get("suppFeat").is_none(), "{answer}");
}
