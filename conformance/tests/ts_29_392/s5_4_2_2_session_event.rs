//! TS 29.392 §5.4.2.2 — enabler, MMTel_CallEvent_Notify: nobody subscribes, the configuration says who is told.

use conformance::Calling;
use wire_sip::{Message, StatusCode};

/// Bob's calls are told of.
pub(super) const EVENTS: &str = "[[mmtel_es.calls.events]]\nsubscribers = [\"sip:bob@ims.example.net\"]\n\
                      notify = \"TARGET/events\"\n";

/// The core shows the enabler a call to somebody, and gets it back; the INVITE as it comes back.
pub(super) fn shown(calling: &mut Calling, name: &str, call: &str) -> Message {
    let (core, enabler) = (calling.core.address(), calling.core.subject());
    let served = Calling::identity(name);
    let lines = format!(
        "Route: <sip:observer@{enabler};lr>, <sip:back@{core};lr>\r\n\
         From: <sip:alice@ims.example.net>;tag=a\r\nTo: <{served}>\r\nCSeq: 1 INVITE\r\n\
         Contact: <sip:alice@{core}>\r\nP-Asserted-Identity: <sip:alice@ims.example.net>\r\n\
         P-Served-User: <{served}>;sescase=term;regstate=reg\r\nX-Unknown: kept\r\n\
         Content-Type: application/sdp\r\n"
    );
    calling
        .core
        .say("INVITE", &served, call, &lines, Calling::audio());
    let back = calling.core.request("INVITE");
    assert_eq!(back.header_named("X-Unknown"), Some("kept"));
    back
}

/// A request within the call, of who called.
pub(super) fn within(calling: &mut Calling, method: &str, back: &Message, number: u32, body: &str) {
    let core = calling.core.address();
    let route = back.header_named("Record-Route").unwrap_or_default();
    let kind = if body.is_empty() {
        ""
    } else {
        "Content-Type: application/sdp\r\n"
    };
    let lines = format!(
        "Route: {route}, <sip:back@{core};lr>\r\nFrom: <sip:alice@ims.example.net>;tag=a\r\n\
         To: <sip:bob@ims.example.net>;tag=core\r\nCSeq: {number} {method}\r\n\
         Contact: <sip:alice@{core}>\r\n{kind}"
    );
    let uri = format!("sip:phone@{core}");
    calling.core.say(method, &uri, back.call_id(), &lines, body);
}

/// TS 29.392 §5.4.2.2.2 step 1: the whole life of a session.
#[test]
fn the_life_of_a_session_is_told() {
    let mut calling = Calling::with(EVENTS);
    let back = shown(&mut calling, "bob", "life");
    calling.tells_nothing();
    calling.picks_up(&back, Calling::audio());
    calling.core.response();
    let (path, told) = calling.told();
    assert_eq!(path, "/events");
    assert_eq!(told["eventType"], "SESSION_ESTABLISHMENT_SUCCESS");
    assert_eq!(told["callingIdentity"], "sip:alice@ims.example.net");
    assert_eq!(told["calledIdentity"], "sip:bob@ims.example.net");
    assert_eq!(told["mediaInfoSet"][0]["mediaType"], "AUDIO");
    let session = told["sessionId"].clone();
    // Mandatory, and nobody gave one.
    assert!(told["notifCorrelationId"].is_string());
    within(&mut calling, "ACK", &back, 1, "");
    calling.acknowledged();

    let video = format!(
        "{}m=video 40002 RTP/AVP 96\r\na=rtpmap:96 VP8/90000\r\n",
        Calling::audio()
    );
    within(&mut calling, "INVITE", &back, 2, &video);
    let offer = calling.core.request("INVITE");
    calling.picks_up(&offer, &video);
    calling.core.response();
    let (_, told) = calling.told();
    assert_eq!(told["eventType"], "MEDIA_CHANGE_SUCCESS");
    assert_eq!(
        (&told["sessionId"], &told["mediaInfoSet"][1]["mediaType"]),
        (&session, &"VIDEO".into())
    );
    within(&mut calling, "ACK", &back, 2, "");
    calling.acknowledged();

    within(&mut calling, "BYE", &back, 3, "");
    let bye = calling.core.request("BYE");
    calling.core.answer(&bye, 200, "");
    calling.core.response();
    let (_, told) = calling.told();
    assert_eq!(
        (&told["eventType"], &told["sessionId"]),
        (&"SESSION_TERMINATION".into(), &session)
    );
    calling.tells_nothing();
}

/// A refusal is told with its reason; a call of nobody that is configured is not.
#[test]
fn a_refusal_is_told_and_others_calls_are_not() {
    let mut calling = Calling::with(EVENTS);
    let back = shown(&mut calling, "bob", "refused");
    calling.core.answer(&back, 486, "");
    calling.acknowledged();
    assert_eq!(
        calling.core.response().status().map(StatusCode::as_u16),
        Some(486)
    );
    let (_, told) = calling.told();
    assert_eq!(told["eventType"], "SESSION_ESTABLISHMENT_FAILURE");
    assert_eq!(told["failureReason"], "486 Busy Here");
    let back = shown(&mut calling, "carol", "others");
    calling.picks_up(&back, Calling::audio());
    calling.core.response();
    calling.tells_nothing();
}
