//! TS 29.392 §6.4.6 — enabler, what a session may be, and what a patch may make of it.

use serde_json::{Value, json};

use super::SESSIONS;
use super::silent_core::{self as bench, Silent};

const INFO: &str = "/imsSessionInfo";

#[track_caller]
fn refused(change: impl FnOnce(&mut Value)) -> Vec<String> {
    let mut body = bench::session("model");
    change(&mut body);
    let answer = Silent::shared().post(SESSIONS, &body);
    answer.problem(400);
    answer.invalid()
}

/// TS 29.392 §6.4.6: what is mandatory in ImsSession, ImsSessionInfo, SessionInfoSM and MediaInfoExternal.
#[test]
fn what_is_mandatory_is_there() {
    for pointer in [
        "/afId",
        "/imsSessionInfo",
        "/imsSessionInfo/sessionInfo",
        "/imsSessionInfo/sessionInfo/callingId",
        "/imsSessionInfo/sessionInfo/calledId",
        "/imsSessionInfo/mediaInfoSet",
        "/imsSessionInfo/mediaInfoSet/0/mediaType",
        "/imsSessionInfo/mediaInfoSet/1/mediaCorrectionId",
        "/imsSessionInfo/mediaInfoSet/1/dcMediaParas/0/dcType",
        "/imsSessionInfo/mediaInfoSet/1/dcMediaParas/0/appBindingInfo/applicationId",
        "/imsSessionInfo/mediaInfoSet/1/dcMediaParas/0/appBindingInfo/appDcInfoList/0/streamId",
    ] {
        let (parent, name) = pointer.rsplit_once('/').expect("a pointer");
        let found = refused(|body| {
            let parent = body.pointer_mut(parent).and_then(Value::as_object_mut);
            parent.expect("it is there").remove(name);
        });
        assert_eq!(found, [pointer]);
    }
    assert_eq!(
        refused(|body| body["imsSessionInfo"]["mediaInfoSet"] = json!([])),
        [format!("{INFO}/mediaInfoSet")]
    );
}

/// TS 29.392 §6.4.6: identities have the form of TS 29.562.
#[test]
fn identities_are_those_of_the_ims() {
    for (field, side) in [("callingId", 0), ("calledId", 1)] {
        for wrong in [
            "bob",
            "sip:bob",
            "sip:bob@localhost",
            "sip:bob@192.0.2.1",
            "sip:bob@example.com:5060",
            "sip:bob@example.com;user=phone",
            "sips:bob@example.com",
            "tel:5551234567",
            "tel:+1",
            "http://example.com/",
            "",
        ] {
            let found = refused(|body| body["imsSessionInfo"]["sessionInfo"][field] = wrong.into());
            assert_eq!(
                found,
                [format!("{INFO}/sessionInfo/{field}")],
                "{side} {wrong}"
            );
        }
    }
}

/// TS 29.392 §6.4.6: media are told apart by their identifiers, and are of the types that there are.
#[test]
fn media_are_told_apart() {
    let found =
        refused(|body| body["imsSessionInfo"]["mediaInfoSet"][1]["mediaCorrectionId"] = "a".into());
    assert_eq!(found, [format!("{INFO}/mediaInfoSet/1/mediaCorrectionId")]);
    let found =
        refused(|body| body["imsSessionInfo"]["mediaInfoSet"][0]["mediaType"] = "SMELL".into());
    assert_eq!(found, [format!("{INFO}/mediaInfoSet/0/mediaType")]);
    // The word that was meant is taken for the one that is written; both at once are not.
    let both = refused(|body| {
        body["imsSessionInfo"]["mediaInfoSet"][0]["mediaCorrelationId"] = "b".into();
    });
    assert_eq!(both, [format!("{INFO}/mediaInfoSet/0/mediaCorrelationId")]);
    for stream in [json!(-1), json!(65_536), json!(1.5)] {
        let found = refused(|body| {
            let place = "/imsSessionInfo/mediaInfoSet/1/dcMediaParas/0/appBindingInfo/appDcInfoList/0/streamId";
            *body.pointer_mut(place).expect("it is there") = stream;
        });
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].ends_with("/appDcInfoList/0/streamId"), "{found:?}");
    }
}

/// TS 29.392 §6.4.6: a patch is applied whole or not at all, and says which of its operations failed.
#[test]
fn a_patch_leaves_a_session_or_nothing_has_changed() {
    let enabler = Silent::shared();
    let path = bench::created(&enabler, &bench::session("patch"));
    let before = bench::now(&enabler, &path);
    let first =
        json!({ "op": "replace", "path": "/imsSessionInfo/notifCorrelationId", "value": "other" });
    for (second, status, pointer) in [
        (json!({ "op": "remove", "path": "/afId" }), 400, "/afId"),
        (
            json!({ "op": "remove", "path": "/imsSessionInfo" }),
            400,
            "/imsSessionInfo",
        ),
        (
            json!({ "op": "remove", "path": "/imsSessionInfo/mediaInfoSet" }),
            400,
            "/imsSessionInfo/mediaInfoSet",
        ),
        (
            json!({ "op": "remove", "path": "/imsSessionInfo/sessionInfo/calledId" }),
            400,
            "/imsSessionInfo/sessionInfo/calledId",
        ),
        (
            json!({ "op": "replace", "path": "/imsSessionInfo/mediaInfoSet", "value": [] }),
            400,
            "/imsSessionInfo/mediaInfoSet",
        ),
        (
            json!({ "op": "replace", "path": "/imsSessionInfo/notifUri", "value": 7 }),
            400,
            "/imsSessionInfo/notifUri",
        ),
        (
            json!({ "op": "test", "path": "/afId", "value": "another" }),
            409,
            "/afId",
        ),
        (
            json!({ "op": "remove", "path": "/nothing" }),
            409,
            "/nothing",
        ),
        (
            json!({ "op": "move", "from": "/nothing", "path": "/afId" }),
            409,
            "/afId",
        ),
        (
            json!({ "op": "replace", "path": "/afId", "value": "another" }),
            409,
            "/afId",
        ),
    ] {
        let answer = bench::patch(&enabler, &path, &json!([first, second]).to_string());
        let problem = answer.problem(status);
        let one = &problem["invalidParams"][0];
        assert_eq!(one["param"], pointer, "{second}: {problem}");
        let reason = one["reason"].as_str().expect("a reason");
        let counted = reason.ends_with("(failed operation index= 1)");
        assert!(counted || reason == "cannot change", "{second}: {reason}");
        assert_eq!(bench::now(&enabler, &path), before, "{second}");
    }
    // The whole of it may be replaced by another session, and by nothing else.
    let whole = json!([{ "op": "replace", "path": "", "value": "text" }]);
    bench::patch(&enabler, &path, &whole.to_string()).problem(400);
    assert_eq!(bench::now(&enabler, &path), before);
    // What is no patch at all.
    for (body, pointers) in [
        // The body as a whole is wrong, and no part of it.
        (json!([]), &[][..]),
        (json!([{ "op": "fly", "path": "/afId" }]), &["/0/op"]),
        (json!([{ "op": "add", "path": "/afId" }]), &["/0/value"]),
        (json!([{ "op": "move", "path": "/afId" }]), &["/0/from"]),
        (json!([{ "op": "remove", "path": "afId" }]), &["/0/path"]),
        (json!([{ "op": "remove", "path": "/a~2" }]), &["/0/path"]),
    ] {
        let answer = bench::patch(&enabler, &path, &body.to_string());
        answer.problem(400);
        assert_eq!(answer.invalid(), pointers, "{body}");
    }
    // One that grows: each copy doubles what is there.
    let mut grow =
        vec![json!({ "op": "add", "path": "/vendorSpecific-000001", "value": ["x".repeat(1000)] })];
    grow.extend(
        (0..30).map(|_| json!({ "op": "copy", "from": "", "path": "/vendorSpecific-000001/-" })),
    );
    let answer = bench::patch(&enabler, &path, &Value::from(grow).to_string());
    answer.problem(400);
    assert_eq!(bench::now(&enabler, &path), before);
    assert_eq!(enabler.send("DELETE", &path, "", "").status, 204);
}
