//! Patches of an IMS session.

use serde_json::json;

use super::*;
use crate::call_control::ImsSession;

fn session() -> ImsSession {
    read_value(json!({
        "afId": "as1",
        "imsSessionInfo": {
            "sessionInfo": {
                "callingId": "sip:alice@ims.example.com",
                "calledId": "sip:bob@ims.example.com",
            },
            "mediaInfoSet": [{ "mediaType": "AUDIO", "mediaCorrectionId": "1" }],
            "notifUri": "https://as.example.com/n",
        },
    }))
    .unwrap()
}

fn patch(items: Value) -> Result<ImsSession, Value> {
    let patch: Patch = read_value(items).expect("the patch is one");
    let patched = patch.apply(&session());
    patched.map_err(|unpatched| ProblemDetails::from(&unpatched).write().unwrap())
}

const MEDIA: &str = "/imsSessionInfo/mediaInfoSet";

/// RFC 6902 §4.
#[test]
fn every_operation_is_applied_in_order() {
    let video = json!({ "mediaType": "VIDEO", "mediaCorrectionId": "2" });
    let patched = patch(json!([
        { "op": "test", "path": "/afId", "value": "as1" },
        { "op": "add", "path": format!("{MEDIA}/-"), "value": video },
        { "op": "copy", "path": format!("{MEDIA}/0"), "from": format!("{MEDIA}/1") },
        { "op": "replace", "path": format!("{MEDIA}/0/mediaType"), "value": "DC" },
        { "op": "move", "path": format!("{MEDIA}/0"), "from": format!("{MEDIA}/1") },
        { "op": "remove", "path": "/imsSessionInfo/notifUri" },
    ]))
    .unwrap();
    assert_eq!(patched.ims_session_info.notif_uri, None);
    let media = patched.ims_session_info.media_info_set.iter();
    let media: Vec<_> = media
        .map(|medium| {
            (
                medium.media_type.as_str(),
                medium.media_correction_id.as_str(),
            )
        })
        .collect();
    assert_eq!(media, [("AUDIO", "1"), ("DC", "2"), ("VIDEO", "2")]);
}

/// RFC 6902 §5; the index stands in the reason.
#[test]
fn a_test_that_fails_is_a_conflict() {
    let problem = patch(json!([
        { "op": "replace", "path": "/afId", "value": "as2" },
        { "op": "test", "path": "/afId", "value": "as1" },
    ]))
    .unwrap_err();
    assert_eq!(problem["status"], 409);
    assert_eq!(
        problem["invalidParams"],
        json!([{ "param": "/afId", "reason": "has another value (failed operation index= 1)" }])
    );
}

#[test]
fn what_is_not_there_cannot_be_changed() {
    for item in [
        json!({ "op": "remove", "path": "/suppFeat" }),
        json!({ "op": "replace", "path": "/nowhere", "value": 1 }),
        json!({ "op": "add", "path": "/a/b", "value": 1 }),
        json!({ "op": "add", "path": format!("{MEDIA}/7"), "value": {} }),
        json!({ "op": "remove", "path": format!("{MEDIA}/01") }),
        json!({ "op": "copy", "path": "/a", "from": "/b" }),
        json!({ "op": "move", "path": "/a", "from": "/b" }),
    ] {
        let problem = patch(json!([item])).unwrap_err();
        assert_eq!(problem["status"], 409, "{problem}");
        let reason = problem["invalidParams"][0]["reason"].as_str().unwrap();
        assert!(reason.ends_with("(failed operation index= 0)"), "{reason}");
    }
    let into = json!([{ "op": "move", "from": "/imsSessionInfo", "path": MEDIA }]);
    assert_eq!(patch(into).unwrap_err()["status"], 400);
}

#[test]
fn what_is_mandatory_stays() {
    let problem = patch(json!([
        { "op": "replace", "path": "/suppFeat", "value": "1" },
    ]));
    assert_eq!(problem.unwrap_err()["status"], 409);
    let problem = patch(json!([
        { "op": "add", "path": "/suppFeat", "value": "1" },
        { "op": "remove", "path": format!("{MEDIA}/0/mediaCorrectionId") },
        { "op": "replace", "path": "/imsSessionInfo/sessionInfo", "value": { "callingId": 1 } },
    ]))
    .unwrap_err();
    assert_eq!(problem["status"], 400);
    let params = problem["invalidParams"].as_array().unwrap();
    let params: Vec<_> = params
        .iter()
        .map(|p| (p["param"].as_str().unwrap(), p["reason"].as_str().unwrap()))
        .collect();
    let party = "/imsSessionInfo/sessionInfo";
    assert_eq!(
        params,
        [
            (
                format!("{party}/callingId").as_str(),
                "must be a string (failed operation index= 2)"
            ),
            (
                format!("{party}/calledId").as_str(),
                "is missing (failed operation index= 2)"
            ),
            (
                format!("{MEDIA}/0/mediaCorrectionId").as_str(),
                "is missing (failed operation index= 1)"
            ),
        ]
    );
}

/// TS 29.571: `value` may be null, and absent is not null.
#[test]
fn every_item_is_checked_before_any_is_applied() {
    let items = json!([
        { "op": "add", "path": "/a" },
        { "op": "move", "path": "/a" },
        { "op": "swap", "path": "/a" },
        { "op": "remove", "path": "a" },
        { "op": "remove", "path": "/~2" },
        { "op": "test", "path": "/a", "value": null },
        { "path": 1 },
    ]);
    let faults = read_value::<Patch>(items).unwrap_err();
    let pointers: Vec<_> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
    let expected = [
        "/0/value", "/1/from", "/2/op", "/3/path", "/4/path", "/6/op", "/6/path",
    ];
    assert_eq!(pointers, expected);
    assert!(read_value::<Patch>(json!([])).is_err());
    assert!(read_value::<Patch>(json!({})).is_err());
    let many = vec![json!({ "op": "remove", "path": "/a" }); MAX_OPERATIONS + 1];
    assert!(read_value::<Patch>(many.into()).is_err());
}

#[test]
fn a_patch_that_doubles_is_stopped() {
    let mut items = vec![json!({ "op": "add", "path": "/a", "value": ["x".repeat(1000)] })];
    let double = json!({ "op": "copy", "from": "/a", "path": "/a/0" });
    items.extend(std::iter::repeat_n(double, 200));
    let problem = patch(items.into()).unwrap_err();
    assert_eq!(problem["status"], 400);
    let reason = problem["invalidParams"][0]["reason"].as_str().unwrap();
    assert!(reason.starts_with("makes the resource too large"));
}
