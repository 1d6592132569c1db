//! TS 29.392 §6.3.5 — enabler, how session events are told: to the configured URI, by POST, and on to where a
//! redirection leads.

use conformance::Calling;
use testbed::{Target, response};

use super::s5_4_2_2_session_event::{EVENTS, shown, within};

/// TS 29.392 §6.3.5.2.3.1: a 307 is for this one notification; the next goes to the configured URI again.
#[test]
fn a_temporary_redirection_is_followed_once() {
    let there = Target::good();
    let place = format!("Location: {}/there\r\n", there.url);
    let mut calling = Calling::answered(EVENTS, move |_, before| match before {
        0 => response(307, &place),
        _ => response(204, ""),
    });
    let back = shown(&mut calling, "bob", "moved");
    calling.picks_up(&back, Calling::audio());
    calling.core.response();
    let (path, here) = calling.told();
    assert_eq!(path, "/events");
    let told = there.wait_for(1).remove(0);
    assert_eq!(told.path, "/there");
    let moved: serde_json::Value = serde_json::from_str(&told.body).expect("JSON");
    assert_eq!(moved, here);
    assert_eq!(moved["eventType"], "SESSION_ESTABLISHMENT_SUCCESS");
    ends(&mut calling, &back);
    let (path, told) = calling.told();
    assert_eq!(path, "/events");
    assert_eq!(told["eventType"], "SESSION_TERMINATION");
    assert_eq!(there.told().len(), 1);
}

/// TS 29.392 §6.3.5.2.3.1, TS 29.122 §5.2.10: after a 308 what follows in the session goes to the new place.
#[test]
fn a_permanent_redirection_is_remembered() {
    let there = Target::good();
    let place = format!("Location: {}/there\r\n", there.url);
    let mut calling = Calling::answered(EVENTS, move |_, _| response(308, &place));
    let back = shown(&mut calling, "bob", "gone");
    calling.picks_up(&back, Calling::audio());
    calling.core.response();
    calling.told();
    there.wait_for(1);
    ends(&mut calling, &back);
    let told = there.wait_for(2).remove(1);
    assert!(told.body.contains("SESSION_TERMINATION"), "{told:?}");
    calling.tells_nothing();
}

/// TS 29.392 §6.3.5.1, TS 29.122 §5.2.5: what is not acknowledged is told again, and the next waits for it.
#[test]
fn an_event_is_told_until_it_is_taken_and_in_order() {
    let mut calling = Calling::answered(EVENTS, |_, before| match before {
        0 => response(503, "Retry-After: 1\r\n"),
        _ => response(204, ""),
    });
    let back = shown(&mut calling, "bob", "again");
    calling.picks_up(&back, Calling::audio());
    calling.core.response();
    let (_, first) = calling.told();
    ends(&mut calling, &back);
    let (_, again) = calling.told();
    assert_eq!(again, first);
    let (_, last) = calling.told();
    assert_eq!(last["eventType"], "SESSION_TERMINATION");
}

/// Alice hangs up.
fn ends(calling: &mut Calling, back: &wire_sip::Message) {
    within(calling, "ACK", back, 1, "");
    calling.acknowledged();
    within(calling, "BYE", back, 2, "");
    let bye = calling.core.request("BYE");
    calling.core.answer(&bye, 200, "");
    calling.core.response();
}
