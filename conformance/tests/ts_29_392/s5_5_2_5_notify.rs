//! TS 29.392 §5.5.2.5 — enabler, MMTel_CallControl_Notify.

use conformance::Calling;

use super::SESSIONS;
use super::s5_5_2_2_create::{both_answer, created, session};

/// TS 29.392 §5.5.2.5.2: to `notifUri`, with what is in the table of ImsSessionEventNotification.
#[test]
fn a_session_that_ends_by_itself_is_told_and_gone() {
    let mut calling = Calling::with("");
    let path = created(&calling, &session(&calling, &["AUDIO"]));
    let [first, _] = both_answer(&mut calling);
    calling.hangs_up(&first);
    let bye = calling.core.request("BYE");
    calling.core.answer(&bye, 200, "");
    let (to, told) = calling.told();
    assert_eq!(to, "/session");
    assert_eq!(told["eventType"], "SESSION_TERMINATION");
    assert_eq!(told["notifCorrelationId"], "mine");
    assert_eq!(
        Some(&told["sessionId"]),
        path.rsplit('/').next().map(Into::into).as_ref()
    );
    assert_eq!(told["callingIdentity"], Calling::identity("alice"));
    assert_eq!(told["calledIdentity"], Calling::identity("bob"));
    assert_eq!(told["mediaInfoSet"][0]["mediaType"], "AUDIO");
    calling.enabler.send("DELETE", &path, "", "").problem(404);
    calling.tells_nothing();
}

/// A session that cannot be is told with its reason, and gone.
#[test]
fn a_session_that_is_refused_is_told_and_gone() {
    let mut calling = Calling::with("");
    let path = created(&calling, &session(&calling, &["AUDIO"]));
    let invite = calling.rings();
    calling.core.answer(&invite, 603, "");
    calling.acknowledged();
    let (_, told) = calling.told();
    assert_eq!(told["eventType"], "SESSION_ESTABLISHMENT_FAILURE");
    assert_eq!(told["failureReason"], "603 Decline");
    calling.enabler.send("DELETE", &path, "", "").problem(404);
}

/// Without `notifUri` nobody is told; without a correlation the session is one.
#[test]
fn who_gave_no_uri_is_not_told() {
    let mut calling = Calling::with("");
    let mut body = session(&calling, &["AUDIO"]);
    let info = body["imsSessionInfo"].as_object_mut().expect("an object");
    info.remove("notifCorrelationId");
    let answer = calling.enabler.post(SESSIONS, &body);
    assert_eq!(answer.status, 201);
    let invite = calling.rings();
    calling.core.answer(&invite, 486, "");
    calling.acknowledged();
    let (_, told) = calling.told();
    assert_eq!(told["notifCorrelationId"], told["sessionId"]);
    let info = body["imsSessionInfo"].as_object_mut().expect("an object");
    info.remove("notifUri");
    assert_eq!(calling.enabler.post(SESSIONS, &body).status, 201);
    let invite = calling.rings();
    calling.core.answer(&invite, 486, "");
    calling.acknowledged();
    calling.tells_nothing();
}
