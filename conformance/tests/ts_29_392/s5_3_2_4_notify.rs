//! TS 29.392 §5.3.2.4 — enabler, MMTel_DCAppCall_Notify. What comes through a channel needs one, and is
//! examined where there are two ends of one; here is what needs none.

use conformance::Calling;

use super::s5_3_2_3_update_dc_media::standing;

/// TS 29.392 §5.3.2.4.2, table 6.2.6.2.6-1: to the `notificationInfo` of the call, and what is there is what
/// the table has.
#[test]
fn the_end_of_a_call_is_told_where_the_call_said() {
    let mut calling = Calling::with("");
    let (invite, session) = standing(&mut calling);
    calling.tells_nothing();
    calling.hangs_up(&invite);
    let (path, told) = calling.told();
    assert_eq!(path, "/call");
    let names: Vec<&String> = told.as_object().expect("an object").keys().collect();
    assert_eq!(names, ["mediaResourceInfo", "sessionId"]);
    assert_eq!(told["sessionId"], session);
    assert_eq!(told["mediaResourceInfo"]["call"], "ENDED");
    calling.tells_nothing();
}

/// A UE that does not answer any more has hung up.
#[test]
fn a_call_that_is_lost_is_told_too() {
    let mut calling = Calling::with("");
    let (invite, session) = standing(&mut calling);
    let app = super::s5_3_2_3_update_dc_media::application(&calling);
    let body = super::s5_3_2_3_update_dc_media::update(&calling, &app, &session);
    let path = super::UPDATE;
    let (answer, ()) = super::s5_3_2_2_dc_call::asking(&mut calling, path, &body, |calling| {
        let offer = calling.core.request("INVITE");
        assert_eq!(offer.call_id(), invite.call_id());
        calling.core.answer(&offer, 481, "");
        calling.acknowledged();
    });
    assert_eq!(answer.ok()["result"], "FAILED");
    let mut told = [calling.told(), calling.told()];
    told.sort_by(|one, other| one.0.cmp(&other.0));
    assert_eq!(told[0].0, "/call");
    assert_eq!(told[0].1["mediaResourceInfo"]["call"], "ENDED");
    assert_eq!(told[1].0, "/dc");
    assert_eq!(told[1].1["mediaResourceInfo"]["channel"], "REFUSED");
}
