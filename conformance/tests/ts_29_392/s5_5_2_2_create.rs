//! TS 29.392 §5.5.2.2 — enabler, MMTel_CallControl_Create.

use super::SESSIONS;
use super::silent_core as bench;
use conformance::Calling;
use serde_json::{Value, json};
use wire_sip::Message;

/// A session of two, with these media.
pub(crate) fn session(calling: &Calling, media: &[&str]) -> Value {
    let media = media
        .iter()
        .enumerate()
        .map(|(index, kind)| json!({ "mediaType": kind, "mediaCorrectionId": index.to_string() }));
    json!({
        "afId": "provider", "imsSessionInfo": {
            "sessionInfo": {
                "callingId": Calling::identity("alice"), "calledId": Calling::identity("bob"),
            },
            "mediaInfoSet": media.collect::<Value>(),
            "notifUri": format!("{}/session", calling.url), "notifCorrelationId": "mine",
        },
    })
}

/// Creates a session; its path.
#[track_caller]
pub(crate) fn created(calling: &Calling, body: &Value) -> String {
    bench::created(&calling.enabler, body)
}

/// Both answer; their INVITEs.
pub(crate) fn both_answer(calling: &mut Calling) -> [Message; 2] {
    let first = calling.answers();
    let mut both = [calling.core.any_request(), calling.core.any_request()];
    both.sort_by_key(|message| message.method().as_str() == "INVITE");
    let [_, second] = both;
    calling.picks_up(&second, Calling::audio());
    calling.acknowledged();
    let (_, told) = calling.told();
    assert_eq!(told["eventType"], "SESSION_ESTABLISHMENT_SUCCESS", "{told}");
    [first, second]
}

/// Both are hung up on.
pub(crate) fn both_are_hung_up_on(calling: &mut Calling) {
    for _ in 0..2 {
        let bye = calling.core.request("BYE");
        calling.core.answer(&bye, 200, "");
    }
}

/// TS 29.392 §5.5.2.2.2 step 2a: 201 with Location and the resource, and then the users are called.
#[test]
fn a_session_is_there_before_its_users_have_answered() {
    let mut calling = Calling::with("");
    let mut body = session(&calling, &["AUDIO"]);
    body["suppFeat"] = "F".into();
    body["vendorSpecific-000000"] = json!({ "kept": true });
    let answer = calling.enabler.post(SESSIONS, &body);
    assert_eq!(answer.status, 201);
    let resource: Value = serde_json::from_str(&answer.body).expect("JSON");
    let id = resource["imsSessionInfo"]["sessionId"]
        .as_str()
        .expect("its name");
    let location = answer.header("location").expect("a Location");
    // An absolute URI, whose last segment is the session.
    assert!(
        location.starts_with("http") && location.ends_with(&format!("{SESSIONS}/{id}")),
        "{location}"
    );
    assert_eq!(
        resource["imsSessionInfo"]["sessionInfo"],
        body["imsSessionInfo"]["sessionInfo"]
    );
    // TS 29.122 §5.2.7: no feature is defined, so none is had by both.
    assert_eq!(resource["suppFeat"], "0");
    assert_eq!(resource["vendorSpecific-000000"]["kept"], true);
    let [first, second] = both_answer(&mut calling);
    assert_eq!(first.request_uri(), Some("sip:alice@ims.example.net"));
    assert_eq!(second.request_uri(), Some("sip:bob@ims.example.net"));
}

/// The other name of `mediaCorrectionId` is understood, and the right one written.
#[test]
fn the_name_that_was_meant_is_understood() {
    let mut calling = Calling::with("");
    let mut body = session(&calling, &["AUDIO"]);
    body["imsSessionInfo"]["mediaInfoSet"] =
        json!([{ "mediaType": "AUDIO", "mediaCorrelationId": "x" }]);
    let answer = calling.enabler.post(SESSIONS, &body);
    assert_eq!(answer.status, 201, "{answer:?}");
    let resource: Value = serde_json::from_str(&answer.body).expect("JSON");
    assert_eq!(
        resource["imsSessionInfo"]["mediaInfoSet"][0]["mediaCorrectionId"],
        "x"
    );
    calling.rings();
}

/// TS 29.122 §5.2.6, TS 29.392 §6.4.7.3
#[test]
fn what_is_wrong_is_named_and_nobody_is_called() {
    let mut calling =
        Calling::with("[mmtel_es]\nclosed = true\n[[mmtel_es.providers]]\nid = \"provider\"\n");
    let good = session(&calling, &["AUDIO"]);
    let wrong = [
        (
            "/imsSessionInfo/sessionInfo/callingId",
            json!("sip:alice@localhost"),
        ),
        ("/imsSessionInfo/sessionInfo/calledId", json!("bob")),
        ("/imsSessionInfo/mediaInfoSet", json!([])),
        ("/imsSessionInfo/mediaInfoSet/0/mediaType", json!("SMELL")),
        (
            "/imsSessionInfo/notifUri",
            json!("http://user:secret@example.net/"),
        ),
        ("/suppFeat", json!("xyz")),
    ];
    for (pointer, value) in wrong {
        let mut body = good.clone();
        *body.pointer_mut(pointer).unwrap_or(&mut Value::Null) = value.clone();
        if pointer == "/suppFeat" {
            body["suppFeat"] = value;
        }
        assert_eq!(calling.enabler.post(SESSIONS, &body).invalid(), [pointer]);
    }
    let mut body = good.clone();
    body["imsSessionInfo"]["mediaInfoSet"] = json!([
        { "mediaType": "AUDIO", "mediaCorrectionId": "1" },
        { "mediaType": "VIDEO", "mediaCorrectionId": "1" },
    ]);
    let twice = "/imsSessionInfo/mediaInfoSet/1/mediaCorrectionId";
    assert_eq!(calling.enabler.post(SESSIONS, &body).invalid(), [twice]);
    let mut body = good;
    body["afId"] = "stranger".into();
    let problem = calling.enabler.post(SESSIONS, &body).problem(403);
    assert_eq!(problem["cause"], "AF_NOT_AUTHORIZED");
    assert_eq!(problem["invalidParams"][0]["param"], "/afId");
    calling.core.hears_nothing();
}

/// TS 29.392 §6.4.3.2.3: the collection takes POST alone; there is no way to read one.
#[test]
fn other_methods_are_named_that_there_are() {
    let calling = Calling::with("");
    for (method, path, allow) in [
        ("GET", SESSIONS.to_owned(), "POST"),
        ("DELETE", SESSIONS.to_owned(), "POST"),
        ("GET", format!("{SESSIONS}/x"), "PUT, PATCH, DELETE"),
        ("POST", format!("{SESSIONS}/x"), "PUT, PATCH, DELETE"),
    ] {
        let answer = calling.enabler.send(method, &path, "", "");
        answer.problem(405);
        let mut named: Vec<&str> = answer.header("allow").expect("Allow").split(", ").collect();
        let mut wanted: Vec<&str> = allow.split(", ").collect();
        named.sort_unstable();
        wanted.sort_unstable();
        assert_eq!(named, wanted, "{method} {path}");
    }
}

/// Who lost the answer asks again, and there is one session.
#[test]
fn the_same_session_again_is_the_same() {
    let mut calling = Calling::with("");
    let body = session(&calling, &["AUDIO"]);
    let path = created(&calling, &body);
    calling.rings();
    assert_eq!(created(&calling, &body), path);
    calling.core.hears_nothing();
}
