//! TS 29.392 §5.4: calls that pass by are told of.

use api_mmtel_es::Cause;
use api_mmtel_es::common::Uri;
use nf_mmtel_es::calls::CallEvents;
use serde_json::Value;
use wire_sip::{HeaderName, Message, Method, StatusCode};

use super::bed::{Bed, CORE, ENABLER, TARGET, audio};

const BOB: &str = "sip:bob@ims.example.com";

pub(crate) fn bed() -> Bed {
    Bed::with(|config| {
        config.call_events.push(CallEvents {
            subscribers: vec![BOB.to_owned()],
            target: Uri::new(TARGET).unwrap(),
            applications: Vec::new(),
        });
    })
}

/// Alice's INVITE to Bob as the core shows it to the servers of Bob.
pub(crate) fn invite(served: &str) -> Message {
    let mut invite = Message::request(Method::Invite, BOB);
    let via = format!("SIP/2.0/UDP {CORE};branch=z9hG4bKcore1");
    invite.push_back(HeaderName::Via, via);
    invite.push_back(
        HeaderName::Via,
        "SIP/2.0/UDP 192.0.2.40;branch=z9hG4bKalice",
    );
    invite.push_back(HeaderName::MaxForwards, 69);
    invite.push_back(
        HeaderName::Route,
        format_args!("<sip:observer@{ENABLER};lr>"),
    );
    invite.push_back(HeaderName::Route, format_args!("<sip:token@{CORE};lr>"));
    invite.push_back(HeaderName::RecordRoute, format_args!("<sip:{CORE};lr>"));
    invite.push_back(HeaderName::From, "\"A\" <sip:alice@ims.example.com>;tag=a");
    invite.push_back(HeaderName::To, format_args!("<{BOB}>"));
    invite.push_back(HeaderName::CallId, "call-1");
    invite.push_back(HeaderName::CSeq, "1 INVITE");
    invite.push_back(HeaderName::Contact, "<sip:alice@192.0.2.40>");
    invite.push_back(HeaderName::PAssertedIdentity, "<sip:alice@ims.example.com>");
    let served = format!("<{served}>;sescase=term;regstate=reg");
    invite.push_back(HeaderName::PServedUser, served);
    invite.push_named("X-Nobody-Knows", " kept   as it is ");
    invite.set_body(Some("application/sdp"), audio());
    invite
}

pub(crate) fn respond(bed: &mut Bed, to: &Message, status: u16, sdp: Option<&str>) -> Message {
    let status = StatusCode::new(status).unwrap();
    let mut response = core_sip::reply(to, status, "b");
    response.push_back(HeaderName::Contact, "<sip:bob@192.0.2.30>");
    if let Some(sdp) = sdp {
        response.set_body(Some("application/sdp"), sdp.to_owned());
    }
    bed.say(&response);
    bed.response(status.as_u16())
}

/// A request within the call, as the core sends it by our Record-Route.
pub(crate) fn within(at_core: &Message, method: Method<'_>, number: u32) -> Message {
    let mut request = Message::request(method, "sip:bob@192.0.2.30");
    let branch = format!("SIP/2.0/UDP {CORE};branch=z9hG4bK{method}{number}");
    request.push_back(HeaderName::Via, branch);
    request.push_back(
        HeaderName::Via,
        format_args!("SIP/2.0/UDP 192.0.2.40;branch=z9hG4bK{number}"),
    );
    request.push_back(HeaderName::MaxForwards, 69);
    let ours = at_core.values(HeaderName::RecordRoute).next().unwrap();
    request.push_back(HeaderName::Route, ours);
    request.push_back(HeaderName::Route, format_args!("<sip:{CORE};lr>"));
    request.push_back(HeaderName::From, "\"A\" <sip:alice@ims.example.com>;tag=a");
    request.push_back(HeaderName::To, format_args!("<{BOB}>;tag=b"));
    request.push_back(HeaderName::CallId, "call-1");
    request.push_back(HeaderName::CSeq, format_args!("{number} {method}"));
    request.set_body(None, "");
    request
}

/// The call stands; the INVITE as it went on.
fn established(bed: &mut Bed) -> (Message, Value) {
    bed.say(&invite(BOB));
    let forwarded = bed.request(Method::Invite);
    respond(bed, &forwarded, 180, None);
    assert!(bed.told.is_empty());
    respond(bed, &forwarded, 200, Some(&audio()));
    (forwarded, bed.notified())
}

#[test]
fn what_passes_is_not_changed() {
    let mut bed = bed();
    let before = invite(BOB);
    bed.say(&before);
    let after = bed.request(Method::Invite);
    let lines = |message: &Message| -> Vec<String> {
        let text = String::from_utf8(message.to_bytes().to_vec()).unwrap();
        text.split("\r\n").map(str::to_owned).collect()
    };
    let (before, after) = (lines(&before), lines(&after));
    let new: Vec<&String> = after.iter().filter(|line| !before.contains(line)).collect();
    let gone: Vec<&String> = before.iter().filter(|line| !after.contains(line)).collect();
    // Our Via, whence it came in the one below (RFC 3261 §18.2.1), our Record-Route, one hop less.
    assert_eq!(new.len(), 4, "{new:?}");
    assert_eq!(gone.len(), 3, "{gone:?}");
    assert!(
        new.iter()
            .any(|line| line.starts_with("Record-Route: <sip:"))
    );
    assert!(new.iter().any(|line| line.starts_with("Max-Forwards: 68")));
    assert!(gone.iter().any(|line| line.contains("sip:observer@")));
}

#[test]
fn every_event_of_a_call_is_told() {
    let mut bed = bed();
    let (forwarded, told) = established(&mut bed);
    assert_eq!(told["eventType"], "SESSION_ESTABLISHMENT_SUCCESS");
    assert_eq!(told["callingIdentity"], "sip:alice@ims.example.com");
    assert_eq!(told["calledIdentity"], BOB);
    assert_eq!(told["mediaInfoSet"][0]["mediaType"], "AUDIO");
    let session = told["sessionId"].clone();
    assert_eq!(told["notifCorrelationId"], session);

    bed.say(&within(&forwarded, Method::Ack, 1));
    let ack = bed.request(Method::Ack);
    assert_eq!(ack.values(HeaderName::Route).count(), 1);

    let video = audio() + "m=video 4010 RTP/AVP 96\r\na=rtpmap:96 VP8/90000\r\n";
    let mut offer = within(&forwarded, Method::Invite, 2);
    offer.set_body(Some("application/sdp"), video.clone());
    bed.say(&offer);
    let at_bob = bed.request(Method::Invite);
    respond(&mut bed, &at_bob, 200, Some(&video));
    let told = bed.notified();
    assert_eq!(told["eventType"], "MEDIA_CHANGE_SUCCESS");
    assert_eq!(told["mediaInfoSet"][1]["mediaType"], "VIDEO");

    let mut offer = within(&forwarded, Method::Update, 3);
    offer.set_body(Some("application/sdp"), audio());
    bed.say(&offer);
    let at_bob = bed.request(Method::Update);
    respond(&mut bed, &at_bob, 488, None);
    let told = bed.notified();
    assert_eq!(told["eventType"], "MEDIA_CHANGE_FAILURE");
    assert_eq!(told["failureReason"], "488 Not Acceptable Here");

    bed.say(&within(&forwarded, Method::Bye, 4));
    let bye = bed.request(Method::Bye);
    respond(&mut bed, &bye, 200, None);
    let told = bed.notified();
    assert_eq!(told["eventType"], "SESSION_TERMINATION");
    assert_eq!(told["sessionId"], session);
    assert!(bed.sessions.is_empty() && bed.told.is_empty());
}

#[test]
fn a_call_that_is_refused_or_taken_back_is_told() {
    let mut bed = bed();
    bed.say(&invite(BOB));
    let forwarded = bed.request(Method::Invite);
    let refused = core_sip::reply(&forwarded, StatusCode::BUSY_HERE, "b");
    bed.say(&refused);
    bed.request(Method::Ack);
    bed.response(486);
    let told = bed.notified();
    assert_eq!(told["eventType"], "SESSION_ESTABLISHMENT_FAILURE");
    assert_eq!(told["failureReason"], "486 Busy Here");

    let mut bed = self::bed();
    let original = invite(BOB);
    bed.say(&original);
    let forwarded = bed.request(Method::Invite);
    respond(&mut bed, &forwarded, 180, None);
    let mut cancel = Message::request(Method::Cancel, BOB);
    for name in [HeaderName::From, HeaderName::To, HeaderName::CallId] {
        cancel.push_back(name, original.header(name).unwrap());
    }
    let via = original.header(HeaderName::Via).unwrap();
    cancel.push_front(HeaderName::Via, via);
    cancel.push_back(HeaderName::CSeq, "1 CANCEL");
    cancel.set_body(None, "");
    bed.say(&cancel);
    bed.response(200);
    let onward = bed.request(Method::Cancel);
    bed.say(&core_sip::reply(&onward, StatusCode::OK, "b"));
    let ended = core_sip::reply(&forwarded, StatusCode::REQUEST_TERMINATED, "b");
    bed.say(&ended);
    bed.request(Method::Ack);
    bed.response(487);
    assert_eq!(bed.notified()["failureReason"], "487 Request Terminated");
}

#[test]
fn calls_of_others_pass_without_a_word() {
    let mut bed = bed();
    bed.say(&invite("sip:carol@ims.example.com"));
    let forwarded = bed.request(Method::Invite);
    assert_eq!(forwarded.values(HeaderName::RecordRoute).count(), 1);
    respond(&mut bed, &forwarded, 200, Some(&audio()));
    assert!(bed.told.is_empty() && bed.sessions.is_empty());
}

/// TS 29.392 §6.3.7.3
#[test]
fn who_does_not_want_to_be_told_is_told_no_more() {
    let mut bed = bed();
    let (forwarded, told) = established(&mut bed);
    let session = told["sessionId"].as_str().unwrap();
    bed.calls.handle_refused(session, &Cause::UserNotFound);
    bed.say(&within(&forwarded, Method::Bye, 2));
    let bye = bed.request(Method::Bye);
    respond(&mut bed, &bye, 200, None);
    assert!(bed.told.is_empty() && bed.sessions.is_empty());

    let mut bed = self::bed();
    let (_, told) = established(&mut bed);
    let session = told["sessionId"].as_str().unwrap();
    bed.calls
        .handle_refused(session, &Cause::NotificationUriNotFound);
    let mut another = invite(BOB);
    another.set(HeaderName::CallId, "call-2");
    another.set(
        HeaderName::Via,
        format_args!("SIP/2.0/UDP {CORE};branch=z9hG4bKanother"),
    );
    bed.say(&another);
    let forwarded = bed.request(Method::Invite);
    respond(&mut bed, &forwarded, 200, Some(&audio()));
    assert!(bed.told.is_empty());
}

/// After `kill -9`: the call goes on, and its end is told.
#[test]
fn a_call_is_watched_on_after_a_restart() {
    let mut before = bed();
    let (forwarded, told) = established(&mut before);
    let mut bed = bed();
    bed.sessions.clone_from(&before.sessions);
    bed.calls.resume(bed.clock.now(), before.sessions);
    bed.drain();
    bed.nothing_more();
    bed.say(&within(&forwarded, Method::Bye, 2));
    let bye = bed.request(Method::Bye);
    respond(&mut bed, &bye, 200, None);
    let end = bed.notified();
    assert_eq!(end["eventType"], "SESSION_TERMINATION");
    assert_eq!(end["sessionId"], told["sessionId"]);
    assert!(bed.sessions.is_empty());
}
