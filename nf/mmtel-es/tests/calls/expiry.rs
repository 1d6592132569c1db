//! RFC 4028: calls that pass by, and end without a word.

use std::time::Duration;

use wire_sip::{HeaderName, Message, Method, StatusCode};

use super::bed::{BOB, Bed, audio};
use super::observer::{bed, invite, within};
use super::steps::{anchoring, with_offer};

/// Bob answers; the session lives for so many seconds.
fn answers(bed: &mut Bed, request: &Message, seconds: Option<u32>) {
    let mut response = core_sip::reply(request, StatusCode::OK, "b");
    response.push_back(HeaderName::Contact, "<sip:bob@192.0.2.30>");
    if let Some(seconds) = seconds {
        let interval = format_args!("{seconds};refresher=uac");
        response.push_back(HeaderName::SessionExpires, interval);
    }
    if request.method() == Method::Invite {
        response = with_offer(response, audio());
    }
    bed.say(&response);
    bed.response(200);
}

/// A call of Alice's with Bob, as the core has it.
fn stands(bed: &mut Bed, seconds: Option<u32>) -> Message {
    bed.say(&invite(BOB));
    let forwarded = bed.request(Method::Invite);
    answers(bed, &forwarded, seconds);
    assert_eq!(bed.notified()["eventType"], "SESSION_ESTABLISHMENT_SUCCESS");
    bed.say(&within(&forwarded, Method::Ack, 1));
    bed.request(Method::Ack);
    forwarded
}

#[test]
fn a_call_whose_session_is_over_is_told_and_forgotten() {
    for anchored in [false, true] {
        let mut bed = if anchored { anchoring(BOB) } else { bed() };
        let forwarded = stands(&mut bed, Some(1800));
        bed.pass(Duration::from_mins(15));
        bed.say(&within(&forwarded, Method::Update, 2));
        let update = bed.request(Method::Update);
        answers(&mut bed, &update, Some(600));
        // It lives on, for less than before.
        bed.pass(Duration::from_secs(599));
        assert!(bed.told.is_empty() && !bed.sessions.is_empty());
        bed.nothing_more();
        bed.pass(Duration::from_secs(40));
        assert_eq!(bed.notified()["eventType"], "SESSION_TERMINATION");
        assert!(bed.told.is_empty() && bed.sessions.is_empty());
        assert!(bed.calls.sessions().is_empty());
        if anchored {
            // Both are told, should one of them still hear.
            let byes = [bed.request(Method::Bye), bed.request(Method::Bye)];
            assert!(byes.iter().all(|bye| bye.has(HeaderName::Reason)));
        } else {
            bed.nothing_more();
        }
    }
}

#[test]
fn a_call_without_an_interval_is_watched_until_its_bye() {
    for seconds in [None, Some(1800)] {
        let mut bed = bed();
        let forwarded = stands(&mut bed, seconds);
        if seconds.is_some() {
            // From here on nobody refreshes.
            bed.say(&within(&forwarded, Method::Update, 2));
            let update = bed.request(Method::Update);
            answers(&mut bed, &update, None);
        }
        bed.pass(Duration::from_secs(100_000));
        assert!(bed.told.is_empty() && !bed.sessions.is_empty());
        bed.say(&within(&forwarded, Method::Bye, 3));
        let bye = bed.request(Method::Bye);
        answers(&mut bed, &bye, None);
        assert_eq!(bed.notified()["eventType"], "SESSION_TERMINATION");
    }
}

#[test]
fn a_call_of_the_life_before_is_over_in_its_time() {
    let mut before = bed();
    let forwarded = stands(&mut before, Some(600));
    // What was agreed on last counts.
    before.say(&within(&forwarded, Method::Update, 2));
    let update = before.request(Method::Update);
    answers(&mut before, &update, Some(1200));
    let mut bed = bed();
    bed.sessions.clone_from(&before.sessions);
    bed.calls.resume(bed.clock.now(), before.sessions);
    bed.drain();
    bed.pass(Duration::from_secs(1199));
    assert!(bed.told.is_empty());
    bed.pass(Duration::from_secs(40));
    assert_eq!(bed.notified()["eventType"], "SESSION_TERMINATION");
    assert!(bed.sessions.is_empty());
}
