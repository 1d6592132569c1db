//! TS 29.392 §6.3.7 — enabler, application servers that do not want to be told.

use conformance::Calling;
use testbed::response;

use super::s5_4_2_2_session_event::{EVENTS, shown, within};

/// An answer with that status and that cause.
fn problem(status: u16, cause: &str) -> String {
    let body = format!(r#"{{"status":{status},"cause":"{cause}"}}"#);
    let length = body.len();
    let kind = "Content-Type: application/problem+json";
    format!("HTTP/1.1 {status} No\r\n{kind}\r\nContent-Length: {length}\r\n\r\n{body}")
}

/// A call is established and ends; what is told of it, event by event, given what is answered,
/// and whether more than the first is.
fn events_of_a_call(
    more: bool,
    answer: impl Fn(&str, usize) -> String + Send + Sync + 'static,
) -> Vec<String> {
    let mut calling = Calling::answered(EVENTS, answer);
    let back = shown(&mut calling, "bob", "unwanted");
    calling.picks_up(&back, Calling::audio());
    calling.core.response();
    let (_, told) = calling.told();
    calling.heard_out();
    within(&mut calling, "ACK", &back, 1, "");
    calling.acknowledged();
    within(&mut calling, "BYE", &back, 2, "");
    let bye = calling.core.request("BYE");
    calling.core.answer(&bye, 200, "");
    calling.core.response();
    let mut events = vec![told];
    if more {
        events.push(calling.told().1);
    }
    calling.tells_nothing();
    let events = events.iter().map(|told| told["eventType"].to_string());
    events.collect()
}

/// TS 29.392 §6.3.7.3: USER_NOT_FOUND and NOTIFICATION_URI_NOT_FOUND end what is told about the session.
#[test]
fn who_does_not_know_the_user_or_the_uri_is_told_no_more() {
    for cause in ["USER_NOT_FOUND", "NOTIFICATION_URI_NOT_FOUND"] {
        let events = events_of_a_call(false, move |_, _| problem(404, cause));
        assert_eq!(events, ["\"SESSION_ESTABLISHMENT_SUCCESS\""], "{cause}");
    }
}

/// TS 29.392 §6.3.7.1: any other refusal is of that notification alone, which is not told again.
#[test]
fn any_other_refusal_is_of_one_notification() {
    let unknown = "RESOURCE_URI_STRUCTURE_NOT_FOUND";
    let both = [
        "\"SESSION_ESTABLISHMENT_SUCCESS\"",
        "\"SESSION_TERMINATION\"",
    ];
    assert_eq!(
        events_of_a_call(true, move |_, _| problem(404, unknown)),
        both
    );
    assert_eq!(events_of_a_call(true, |_, _| response(410, "")), both);
    // The table has both causes with 404 alone.
    for (status, cause) in [(403, "USER_NOT_FOUND"), (400, "NOTIFICATION_URI_NOT_FOUND")] {
        let told = events_of_a_call(true, move |_, _| problem(status, cause));
        assert_eq!(told, both, "{status} {cause}");
    }
}
