//! TS 29.392 §5.5.2.3 — enabler, MMTel_CallControl_Update, by PUT and by PATCH.

use conformance::{Answer, Calling};
use serde_json::{Value, json};

use super::SESSIONS;
use super::s5_3_2_2_dc_call::asking_by;
use super::s5_5_2_2_create::{both_answer, created, session};
use super::silent_core as bench;

fn with_video() -> String {
    let audio = Calling::audio();
    format!("{audio}m=video 40002 RTP/AVP 120\r\na=rtpmap:120 VP8/90000\r\n")
}

/// The next offer to a phone, and its answer.
#[track_caller]
fn offered(calling: &mut Calling, status: u16, sdp: &str) -> String {
    let offer = calling.core.request("INVITE");
    assert!(offer.to_tag().is_some(), "within the call");
    if status < 300 {
        calling.picks_up(&offer, sdp);
    } else {
        calling.core.answer(&offer, status, "");
    }
    calling.acknowledged();
    String::from_utf8_lossy(offer.body()).into_owned()
}

fn patch(calling: &Calling, path: &str, operations: &Value) -> Answer {
    bench::patch(&calling.enabler, path, &operations.to_string())
}

/// TS 29.392 §5.5.2.3.2: video is added by PUT and taken away by PATCH, for both.
#[test]
fn the_media_of_both_follow_the_resource() {
    let mut calling = Calling::with("");
    let path = created(&calling, &session(&calling, &["AUDIO"]));
    both_answer(&mut calling);
    let wanted = session(&calling, &["AUDIO", "VIDEO"]);
    let (answer, offers) = asking_by("PUT", &mut calling, &path, &wanted, |calling| {
        [(); 2].map(|()| offered(calling, 200, &with_video()))
    });
    for offer in offers {
        assert!(
            offer.contains("\r\nm=audio ") && offer.contains("\r\nm=video "),
            "{offer}"
        );
        assert!(!offer.contains("m=video 0 "), "{offer}");
    }
    let resource = answer.ok();
    let media = &resource["imsSessionInfo"]["mediaInfoSet"];
    assert_eq!(media[1]["mediaType"], "VIDEO");
    let (_, told) = calling.told();
    assert_eq!(told["eventType"], "MEDIA_CHANGE_SUCCESS");
    assert_eq!(told["notifCorrelationId"], "mine");

    let less = json!([
        { "op": "test", "path": "/imsSessionInfo/mediaInfoSet/1/mediaType", "value": "VIDEO" },
        { "op": "remove", "path": "/imsSessionInfo/mediaInfoSet/1" },
    ]);
    let refused = format!("{}m=video 0 RTP/AVP 120\r\n", Calling::audio());
    let (answer, offers) = asking_by("PATCH", &mut calling, &path, &less, |calling| {
        [(); 2].map(|()| offered(calling, 200, &refused))
    });
    for offer in offers {
        assert!(offer.contains("\r\nm=video 0 "), "{offer}");
    }
    let resource = answer.ok();
    let media = resource["imsSessionInfo"]["mediaInfoSet"]
        .as_array()
        .expect("a list")
        .len();
    assert_eq!(media, 1);
    assert_eq!(calling.told().1["eventType"], "MEDIA_CHANGE_SUCCESS");
}

/// What one of the two does not take is a conflict, is told, and leaves all as it was.
#[test]
fn what_one_refuses_neither_has() {
    let mut calling = Calling::with("");
    let path = created(&calling, &session(&calling, &["AUDIO"]));
    both_answer(&mut calling);
    let wanted = session(&calling, &["AUDIO", "VIDEO"]);
    let (answer, ()) = asking_by("PUT", &mut calling, &path, &wanted, |calling| {
        offered(calling, 488, "");
        // As before, once more.
        let before = offered(
            calling,
            200,
            &format!("{}m=video 0 RTP/AVP 120\r\n", Calling::audio()),
        );
        assert!(!before.contains("m=video 2"), "{before}");
    });
    let problem = answer.problem(409);
    assert_eq!(problem["cause"], "MODIFICATION_NOT_ALLOWED");
    assert_eq!(
        problem["invalidParams"][0]["param"],
        "/imsSessionInfo/mediaInfoSet"
    );
    let (_, told) = calling.told();
    assert_eq!(told["eventType"], "MEDIA_CHANGE_FAILURE");
    assert!(
        told["failureReason"]
            .as_str()
            .is_some_and(|words| words.contains("488")),
        "{told}"
    );
}

/// RFC 6902, TS 29.571: the operation that fails is named by its index, and none is done.
#[test]
fn a_patch_is_done_whole_or_not_at_all() {
    let mut calling = Calling::with("");
    let path = created(&calling, &session(&calling, &["AUDIO"]));
    both_answer(&mut calling);
    let change = |path: &str| json!({ "op": "replace", "path": path, "value": "TARGET" });
    let uri = "/imsSessionInfo/notifUri";
    for (status, operations, index) in [
        (409, json!([change("/afId/none"), change(uri)]), 0),
        (409, json!([change(uri), change("/afId/none")]), 1),
        (
            409,
            json!([{ "op": "test", "path": uri, "value": "x" }, change(uri)]),
            0,
        ),
        (400, json!([{ "op": "remove", "path": "/afId" }]), 0),
        (
            400,
            json!([{ "op": "remove", "path": "/imsSessionInfo/mediaInfoSet" }]),
            0,
        ),
        (
            400,
            json!([{ "op": "replace", "path": uri, "value": 7 }]),
            0,
        ),
        (400, json!([{ "op": "jump", "path": uri }]), 0),
        (
            400,
            json!([{ "op": "add", "path": "no pointer", "value": 1 }]),
            0,
        ),
        (400, json!([{ "op": "move", "path": uri }]), 0),
    ] {
        let problem = patch(&calling, &path, &operations).problem(status);
        let reason = problem["invalidParams"][0]["reason"]
            .as_str()
            .unwrap_or_default();
        let wanted = format!("(failed operation index= {index})");
        // What is no operation at all is pointed at.
        let param = problem["invalidParams"][0]["param"].as_str();
        let place = format!("/{index}");
        let pointed = param.is_some_and(|param| param.starts_with(&place));
        assert!(
            reason.ends_with(&wanted) || pointed,
            "{operations}: {problem}"
        );
    }
    patch(&calling, &path, &json!([])).problem(400);
    patch(&calling, &path, &json!({})).problem(400);
    let json = "Content-Type: application/json\r\n";
    calling
        .enabler
        .send("PATCH", &path, json, "[]")
        .problem(415);
    calling.core.hears_nothing();
    calling.tells_nothing();
}

/// TS 29.392 §5.5.2.5.2: it is told where the last update said.
#[test]
fn the_notification_uri_changes() {
    let mut calling = Calling::with("");
    let path = created(&calling, &session(&calling, &["AUDIO"]));
    let [first, _] = both_answer(&mut calling);
    let uri = format!("{}/elsewhere", calling.url);
    let change = json!([{ "op": "replace", "path": "/imsSessionInfo/notifUri", "value": uri }]);
    let resource = patch(&calling, &path, &change).ok();
    assert_eq!(resource["imsSessionInfo"]["notifUri"], *uri);
    calling.hangs_up(&first);
    let (path, told) = calling.told();
    assert_eq!(
        (path.as_str(), &told["eventType"]),
        ("/elsewhere", &json!("SESSION_TERMINATION"))
    );
}

/// The parties are the session: others are another one.
#[test]
fn the_parties_do_not_change() {
    let mut calling = Calling::with("");
    let body = session(&calling, &["AUDIO"]);
    let path = created(&calling, &body);
    both_answer(&mut calling);
    let mut other = body.clone();
    other["imsSessionInfo"]["sessionInfo"]["calledId"] = Calling::identity("carol").into();
    let put = |body: &Value| {
        let kind = "Content-Type: application/json\r\n";
        calling.enabler.send("PUT", &path, kind, &body.to_string())
    };
    let problem = put(&other).problem(409);
    assert_eq!(
        problem["invalidParams"][0]["param"],
        "/imsSessionInfo/sessionInfo"
    );
    let mut other = body.clone();
    other["afId"] = "another".into();
    put(&other).problem(409);
    put(&body).ok();
    let nowhere = format!("{SESSIONS}/none");
    let kind = "Content-Type: application/json\r\n";
    let problem = calling
        .enabler
        .send("PUT", &nowhere, kind, &body.to_string());
    assert_eq!(
        problem.problem(404)["invalidParams"][0]["param"],
        "{sessionId}"
    );
}
