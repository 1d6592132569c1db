//! TS 29.392 §5.5.2.4 — enabler, MMTel_CallControl_Delete.

use conformance::Calling;

use super::SESSIONS;
use super::s5_5_2_2_create::{both_answer, both_are_hung_up_on, created, session};

/// TS 29.392 §5.5.2.4.2 step 2a: 204, and both are hung up on; the resource is gone.
#[test]
fn a_session_that_is_deleted_is_ended_for_both() {
    let mut calling = Calling::with("");
    let path = created(&calling, &session(&calling, &["AUDIO"]));
    both_answer(&mut calling);
    let answer = calling.enabler.send("DELETE", &path, "", "");
    assert_eq!((answer.status, answer.body.as_str()), (204, ""));
    both_are_hung_up_on(&mut calling);
    assert_eq!(calling.told().1["eventType"], "SESSION_TERMINATION");
    let problem = calling.enabler.send("DELETE", &path, "", "").problem(404);
    assert_eq!(problem["invalidParams"][0]["param"], "{sessionId}");
    calling.tells_nothing();
}

/// One that is not established yet is taken back from who rings.
#[test]
fn a_session_that_rings_is_taken_back() {
    let mut calling = Calling::with("");
    let path = created(&calling, &session(&calling, &["AUDIO"]));
    let invite = calling.rings();
    assert_eq!(calling.enabler.send("DELETE", &path, "", "").status, 204);
    let cancel = calling.core.request("CANCEL");
    calling.core.answer(&cancel, 200, "");
    calling.core.answer(&invite, 487, "");
    calling.acknowledged();
    let (_, told) = calling.told();
    assert_eq!(told["eventType"], "SESSION_ESTABLISHMENT_FAILURE");
}

/// A session of /dccall is none of this API, and neither is one that never was.
#[test]
fn what_is_no_session_of_this_api_is_not_found() {
    let mut calling = Calling::with("");
    let (invite, session) = super::s5_3_2_3_update_dc_media::standing(&mut calling);
    for id in [session.as_str(), "none", "a%2Fb"] {
        let path = format!("{SESSIONS}/{id}");
        calling.enabler.send("DELETE", &path, "", "").problem(404);
    }
    calling.hangs_up(&invite);
}
