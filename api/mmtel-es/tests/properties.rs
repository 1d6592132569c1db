//! Whatever comes is taken and told as it is, or refused without harm.
#![allow(missing_docs, clippy::unwrap_used)]

mod fuzz_body;

use api_mmtel_es::dc_app_management::{DcAppConfigReq, DcAppUpdateParameters};
use api_mmtel_es::{Attribute as _, read, read_value};
use fuzz_body::{fuzz, same};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

/// Names that the types have, and some that they have not.
fn name() -> impl Strategy<Value = String> {
    let known = prop::sample::select(vec![
        "reqId",
        "secCred",
        "dcAppNum",
        "dcAppConfigParamList",
        "dcAppUpdateParamList",
        "dcAppUpdateParametersList",
        "appIdList",
        "appIndex",
        "appId",
        "appName",
        "appVal",
        "appIconUrl",
        "appPkg",
        "autoload",
        "status",
        "failureCause",
        "dcAppInfoList",
        "dcAppConfigRespList",
        "dcAppStatRespList",
        "vendorSpecific-000001",
        "originatingId",
        "terminatingId",
        "mediaInfo",
        "dcMediaInfo",
        "appProfileRequested",
        "notificationInfo",
        "callType",
        "dcAppId",
        "sessionId",
        "mediaResourceInfo",
        "mediaDirection",
        "result",
        "callResult",
        "invalidParams",
    ]);
    prop_oneof![9 => known.prop_map(str::to_owned), 1 => ".*"]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (0_i64..4).prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".*".prop_map(Value::from),
        prop::sample::select(vec![
            "SUCCESS",
            "P2P",
            "A2P",
            "FAILED",
            "a",
            "INCALL",
            "2026-11-21T14:00:00Z",
            "https://a.example/",
            "AAEC",
            "sip:alice@ims.example.com",
            "tel:+15550100",
        ])
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 64, 5, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            btree_map(name(), inner, 0..8).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_bytes_do_no_harm(data in vec(any::<u8>(), 0..512)) {
        fuzz(&data);
    }

    #[test]
    fn any_json_does_no_harm(value in value()) {
        fuzz(value.to_string().as_bytes());
    }

    /// Every attribute that is wrong is told, and none that is right.
    #[test]
    fn exactly_what_is_wrong_is_told(wrong in prop::collection::btree_set(0_usize..6, 1..6)) {
        let good = [
            ("appId", json!("a")), ("appName", json!("b")), ("appVal", json!("2026-11-21T14:00:00Z")),
            ("autoload", json!(true)), ("appIconUrl", json!("https://a.example/")),
            ("appPkg", json!("AA==")),
        ];
        let mut body = Map::new();
        for (index, (name, value)) in good.iter().enumerate() {
            let value = if wrong.contains(&index) { json!(7) } else { value.clone() };
            body.insert((*name).to_owned(), value);
        }
        let faults = read_value::<DcAppUpdateParameters>(Value::Object(body)).unwrap_err();
        let told: std::collections::BTreeSet<_> =
            faults.iter().map(|fault| fault.pointer.clone()).collect();
        let expected = wrong.iter().map(|index| format!("/{}", good[*index].0)).collect();
        prop_assert_eq!(told, expected);
    }

    /// What a vendor adds comes back as it came, and what nobody knows does not.
    #[test]
    fn vendors_keep_their_own(vendor in 0_u32..1_000_000, kept in value(), unknown in value()) {
        let own = format!("vendorSpecific-{vendor:06}");
        let body = json!({ "appId": "a", &own: kept, "unknown": unknown });
        if let Ok(read) = read::<DcAppUpdateParameters>(body.to_string().as_bytes()) {
            let expected = json!({ "appId": "a", &own: body[&own].clone() });
            prop_assert!(same(&read.write().unwrap(), &expected));
        }
    }
}

/// A patch that is one does no harm to a session: it becomes another one, or stays and says why.
mod patches {
    use api_mmtel_es::ProblemDetails;
    use api_mmtel_es::call_control::ImsSession;
    use api_mmtel_es::patch::Patch;

    use super::*;

    fn pointer() -> impl Strategy<Value = String> {
        let segment = prop::sample::select(vec![
            "afId",
            "suppFeat",
            "imsSessionInfo",
            "sessionInfo",
            "mediaInfoSet",
            "notifUri",
            "0",
            "1",
            "-",
            "mediaType",
            "vendorSpecific-000001",
            "~01",
            "",
        ]);
        vec(segment, 0..4).prop_map(|path| {
            let path: Vec<_> = std::iter::once("").chain(path).collect();
            path.join("/")
        })
    }

    fn item() -> impl Strategy<Value = Value> {
        let op = prop::sample::select(vec!["add", "copy", "move", "remove", "replace", "test"]);
        (op, pointer(), pointer(), value()).prop_map(|(op, path, from, value)| {
            json!({ "op": op, "path": path, "from": from, "value": value })
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn a_patch_is_applied_or_explained(items in vec(item(), 1..6)) {
            let session: ImsSession = read_value(json!({
                "afId": "as1",
                "imsSessionInfo": {
                    "sessionInfo": { "callingId": "tel:+15550100", "calledId": "tel:+15550101" },
                    "mediaInfoSet": [{ "mediaType": "AUDIO", "mediaCorrectionId": "1" }],
                },
            }))
            .unwrap();
            let count = items.len();
            let patch: Patch = read_value(items.into()).unwrap();
            match patch.apply(&session) {
                Ok(patched) => {
                    let written = patched.write().unwrap();
                    prop_assert!(read_value::<ImsSession>(written).is_ok());
                }
                Err(unpatched) => {
                    let problem = ProblemDetails::from(&unpatched);
                    prop_assert!([400, 409].contains(&problem.status()));
                    if let api_mmtel_es::patch::Unpatched::Failed { index, .. } = unpatched {
                        prop_assert!(index < count);
                    }
                }
            }
        }
    }
}

/// A package of the size that is accepted is read without being held many times over.
#[test]
fn a_large_package_is_read() {
    let package = "A".repeat(4 * 1024 * 1024);
    let list = json!([{ "appIndex": "1", "appPkg": package }]);
    let body = json!({ "reqId": "p", "dcAppNum": 1, "dcAppConfigParamList": list });
    let request: DcAppConfigReq = read(body.to_string().as_bytes()).unwrap();
    assert_eq!(
        request.list[0].app_pkg.as_ref().unwrap().0.len(),
        3 * 1024 * 1024
    );
}
