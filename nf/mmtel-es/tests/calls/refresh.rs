//! RFC 4028: sessions that are refreshed by INVITE, while something else is wanted of the same UE.

use std::time::Duration;

use core_iq::StreamEnd;
use nf_mmtel_es::calls::Ask;
use wire_sip::{HeaderName, Message, Method, StatusCode};

use super::anchor::cseq;
use super::bed::{Bed, Gateway, audio, audio_and_data, call_bob, consumer};
use super::session::{changed, create, read, session, with_video};
use super::steps::{lines, opens, wants, with_offer};

/// A second before a session of half an hour is refreshed: what is wanted then is not given up meanwhile.
const ALMOST: Duration = Duration::from_secs(15 * 60 - 1);

/// A call with Bob, who knows no UPDATE, and the INVITE that refreshes it; an application that asks for its channel
/// before or after that has left.
fn refreshed(before: bool) -> (Bed, Message) {
    let mut bed = Bed::new();
    let app = bed.application();
    bed.ask(&call_bob(&["audio"], false));
    let invite = bed.request(Method::Invite);
    bed.answer_without_update(&invite, &audio());
    bed.request(Method::Ack);
    let session = bed.called().session_id.expect("answered");
    bed.gateway = Gateway::Thinks;
    bed.pass(ALMOST);
    if before {
        wants(&mut bed, &app, &session);
    }
    bed.pass(Duration::from_secs(1));
    let refresh = bed.request(Method::Invite);
    assert_eq!(lines(&refresh)[0], "m=audio 20002 RTP/AVP 0 101");
    if !before {
        wants(&mut bed, &app, &session);
    }
    (bed, refresh)
}

/// Bob is offered the data channels that the application waits for, and takes them.
fn gets_its_channel(bed: &mut Bed) {
    assert!(bed.replies.is_empty(), "{:?}", bed.replies);
    let offer = bed.request(Method::Invite);
    let lines = lines(&offer);
    assert!(lines[1].starts_with("m=application 20004 "), "{lines:?}");
    bed.answer_without_update(&offer, &audio_and_data(""));
    bed.request(Method::Ack);
    opens(bed, 1, StreamEnd::Core);
}

/// RFC 3261 §14.1: one INVITE at a time; what is wanted meanwhile goes when it has its answer.
#[test]
fn an_offer_that_is_wanted_during_a_refresh_goes_after_it() {
    for (before, status) in [(false, 200), (true, 200), (false, 500), (false, 491)] {
        let (mut bed, refresh) = refreshed(before);
        bed.gateway_answers(Gateway::Agrees);
        bed.nothing_more();
        if status == 200 {
            let refused = "m=application 0 UDP/DTLS/SCTP webrtc-datachannel\r\n";
            let refused = if before { refused } else { "" };
            bed.answer_without_update(&refresh, &(audio() + refused));
        } else {
            bed.answer(&refresh, status, None);
        }
        bed.request(Method::Ack);
        if status == 491 {
            bed.pass(Duration::from_millis(4_100));
        }
        gets_its_channel(&mut bed);
    }
}

/// The answer to a refresh says nothing about what was not in it.
#[test]
fn a_refresh_is_no_answer_to_an_application() {
    for status in [200, 500] {
        let (mut bed, refresh) = refreshed(true);
        if status == 200 {
            let refused = "m=application 0 UDP/DTLS/SCTP webrtc-datachannel\r\n";
            bed.answer_without_update(&refresh, &(audio() + refused));
        } else {
            bed.answer(&refresh, status, None);
        }
        bed.request(Method::Ack);
        bed.nothing_more();
        bed.gateway_answers(Gateway::Agrees);
        gets_its_channel(&mut bed);
    }
}

/// Two who know no UPDATE; their session, and what they were called by.
fn two() -> (Bed, String, [Message; 2]) {
    let mut bed = Bed::new();
    let id = create(&mut bed, &session(&[("AUDIO", "1")]));
    let first = bed.request(Method::Invite);
    bed.answer_without_update(&first, &audio());
    bed.sip
        .make_contiguous()
        .sort_by_key(|one| one.method() != Method::Ack);
    bed.request(Method::Ack);
    let second = bed.request(Method::Invite);
    bed.answer_without_update(&second, &audio());
    bed.request(Method::Ack);
    bed.notified();
    (bed, id, [first, second])
}

/// A change of media is taken when both have answered what it offers, and nothing else.
#[test]
fn a_refresh_is_no_answer_to_a_change_of_media() {
    for (status, room) in [(200, true), (500, true), (200, false)] {
        let (mut bed, id, [first, second]) = two();
        bed.pass(ALMOST);
        let body = session(&[("AUDIO", "1"), ("VIDEO", "2")]);
        if !room {
            bed.gateway = Gateway::Thinks;
        }
        bed.ask_as(&consumer(), Ask::Replace(id, read(&body)));
        let mut offer = room.then(|| {
            let offer = bed.request(Method::Invite);
            assert_eq!(offer.call_id(), first.call_id());
            assert!(lines(&offer)[1].starts_with("m=video 2"));
            // It is trying.
            bed.answer(&offer, 100, None);
            offer
        });
        bed.pass(Duration::from_secs(1));
        let refresh = bed
            .sip
            .iter()
            .position(|one| one.call_id() == second.call_id());
        let refresh = bed.sip.remove(refresh.expect("it is refreshed")).unwrap();
        // Of the other one, as long as nothing is offered to it.
        let other = bed.sip.pop_front();
        assert_eq!(other.is_some(), !room);
        bed.nothing_more();
        // It hears of nothing that the first one may still refuse.
        assert_eq!(lines(&refresh).len(), 1, "{:?}", lines(&refresh));
        if status == 200 {
            bed.answer_without_update(&refresh, &audio());
        } else {
            bed.answer(&refresh, status, None);
        }
        bed.request(Method::Ack);
        bed.nothing_more();
        assert!(
            bed.replies.is_empty() && bed.told.is_empty(),
            "{:?}",
            bed.replies
        );
        if let Some(other) = other {
            assert_eq!(lines(&other).len(), 1, "{:?}", lines(&other));
            bed.answer_without_update(&other, &audio());
            bed.request(Method::Ack);
            bed.gateway_answers(Gateway::Agrees);
            offer = Some(bed.request(Method::Invite));
        }
        bed.answer_without_update(&offer.expect("an offer"), &with_video(4010));
        bed.request(Method::Ack);
        let offer = bed.request(Method::Invite);
        assert_eq!(offer.call_id(), second.call_id());
        assert!(lines(&offer)[1].starts_with("m=video 2"));
        assert!(bed.replies.is_empty() && bed.told.is_empty());
        bed.answer_without_update(&offer, &with_video(4010));
        bed.request(Method::Ack);
        changed(&mut bed);
        assert_eq!(bed.notified()["eventType"], "MEDIA_CHANGE_SUCCESS");
        bed.nothing_more();
    }
}

/// The turn of the second one comes while its session is being refreshed.
#[test]
fn a_change_of_media_waits_for_a_refresh() {
    let (mut bed, id, [_, second]) = two();
    bed.pass(ALMOST);
    let body = session(&[("AUDIO", "1"), ("VIDEO", "2")]);
    bed.ask_as(&consumer(), Ask::Replace(id, read(&body)));
    let offer = bed.request(Method::Invite);
    bed.answer(&offer, 100, None);
    bed.pass(Duration::from_secs(1));
    let refresh = bed.request(Method::Invite);
    assert_eq!(refresh.call_id(), second.call_id());
    bed.answer_without_update(&offer, &with_video(4010));
    bed.request(Method::Ack);
    bed.nothing_more();
    bed.answer_without_update(&refresh, &audio());
    bed.request(Method::Ack);
    let offer = bed.request(Method::Invite);
    assert_eq!(offer.call_id(), second.call_id());
    assert!(lines(&offer)[1].starts_with("m=video 2"));
    assert!(bed.replies.is_empty() && bed.told.is_empty());
    // It refuses: the first one goes back.
    bed.answer(&offer, 488, None);
    bed.request(Method::Ack);
    assert_eq!(bed.problem().status, Some(409));
    let back = [bed.request(Method::Invite), bed.request(Method::Invite)];
    for back in back {
        assert!(lines(&back)[1].starts_with("m=video 0 "));
    }
}

/// RFC 3261 §14.2: who asks for an offer of ours during a change of media gets what was agreed on before.
#[test]
fn an_offer_that_is_asked_for_is_without_what_may_be_refused() {
    let (mut bed, id, [_, second]) = two();
    let body = session(&[("AUDIO", "1"), ("VIDEO", "2")]);
    bed.ask_as(&consumer(), Ask::Replace(id, read(&body)));
    let offer = bed.request(Method::Invite);
    bed.say(&Bed::within(&second, Method::Invite, 1));
    let ours = bed.response(200);
    assert_eq!(lines(&ours).len(), 1, "{:?}", lines(&ours));
    let ack = Bed::within(&second, Method::Ack, 1);
    bed.say(&with_offer(ack, audio()));
    bed.answer_without_update(&offer, &with_video(4010));
    bed.request(Method::Ack);
    let offer = bed.request(Method::Invite);
    bed.answer_without_update(&offer, &with_video(4010));
    bed.request(Method::Ack);
    changed(&mut bed);
}

/// RFC 3261 §13.2.2.4: a 2xx that comes again, since its ACK was lost, is acknowledged again; it is no answer to the offer
/// that has gone since.
#[test]
fn an_answer_that_comes_again_is_not_that_of_the_next_offer() {
    let (mut bed, refresh) = refreshed(false);
    bed.gateway_answers(Gateway::Agrees);
    bed.answer_without_update(&refresh, &audio());
    let first = bed.request(Method::Ack);
    let offer = bed.request(Method::Invite);
    bed.answer_without_update(&refresh, &audio());
    let again = bed.request(Method::Ack);
    assert_eq!(cseq(&again), cseq(&first));
    bed.nothing_more();
    assert!(bed.replies.is_empty(), "{:?}", bed.replies);
    bed.answer_without_update(&offer, &audio_and_data(""));
    let last = bed.request(Method::Ack);
    assert_eq!(
        cseq(&last).split(' ').next(),
        cseq(&offer).split(' ').next()
    );
    // And once more, when the next one is answered as well.
    bed.answer_without_update(&refresh, &audio());
    let again = bed.request(Method::Ack);
    assert_eq!(cseq(&again), cseq(&first));
    opens(&mut bed, 1, StreamEnd::Core);
}

/// What was asked of UEs is not remembered for ever.
#[test]
fn requests_are_forgotten() {
    let mut bed = Bed::new();
    for _ in 0..4 {
        bed.ask(&call_bob(&["audio"], false));
        let invite = bed.request(Method::Invite);
        bed.answer_without_update(&invite, &audio());
        bed.request(Method::Ack);
        for _ in 0..10 {
            bed.pass(Duration::from_mins(15));
            let refresh = bed.request(Method::Invite);
            bed.answer_without_update(&refresh, &audio());
            bed.request(Method::Ack);
            assert!(bed.calls.requests() <= 2, "{}", bed.calls.requests());
        }
        bed.say(&Bed::within(&invite, Method::Bye, 1));
        bed.response(200);
        bed.sip.clear();
        bed.replies.clear();
        assert_eq!(bed.calls.requests(), 0);
    }
}

/// RFC 4028 §10: a UE that could not take a refresh is asked again in time, before it counts the session as over.
#[test]
fn a_refresh_that_fails_is_tried_again_in_time() {
    // By UPDATE, by INVITE; with the interval of the UE, and with ours.
    for (update, interval) in [(true, 120), (true, 1800), (false, 120), (false, 1800)] {
        let mut bed = Bed::new();
        bed.ask(&call_bob(&["audio"], false));
        let invite = bed.request(Method::Invite);
        let mut answer = core_sip::reply(&invite, StatusCode::OK, "ue-tag");
        answer.push_back(HeaderName::Contact, "<sip:bob@192.0.2.30:5060>");
        let allow = if update { "INVITE, UPDATE" } else { "INVITE" };
        answer.push_back(HeaderName::Allow, allow);
        answer.push_back(
            HeaderName::SessionExpires,
            format_args!("{interval};refresher=uac"),
        );
        bed.say(&with_offer(answer, audio()));
        bed.request(Method::Ack);
        let half = Duration::from_secs(interval) / 2;
        bed.pass(half);
        // It counts from the last one that it took, and hangs up half a minute before the end.
        let mut left = half.saturating_sub(Duration::from_secs(32));
        for _ in 0..2 {
            let refresh = bed.sip.pop_front();
            let refresh = refresh.unwrap_or_else(|| panic!("{update} {interval}: it is refreshed"));
            let expires = refresh.header(HeaderName::SessionExpires).unwrap_or("");
            assert!(expires.ends_with("refresher=uac"), "{expires}");
            bed.answer(&refresh, 500, None);
            bed.sip.retain(|one| one.method() != Method::Ack);
            bed.nothing_more();
            let next = bed.calls.poll_timeout().expect("it is tried again");
            let mut wait = next - bed.clock.now();
            while bed.sip.is_empty() {
                assert!(wait <= left, "{update} {interval}: {wait:?} of {left:?}");
                bed.pass(wait);
                left -= wait;
                let next = bed.calls.poll_timeout().expect("it is tried again");
                wait = next - bed.clock.now();
            }
        }
    }
}

/// Two minutes of a session are refreshed after one, which is when who is called meanwhile has rung for long enough: the end
/// of the one is not that of the other.
#[test]
fn what_is_due_at_the_same_time_is_all_done() {
    let mut bed = Bed::new();
    create(&mut bed, &session(&[("AUDIO", "1")]));
    let first = bed.request(Method::Invite);
    let mut answer = core_sip::reply(&first, StatusCode::OK, "ue-tag");
    answer.push_back(HeaderName::Contact, "<sip:alice@192.0.2.40:5060>");
    answer.push_back(HeaderName::SessionExpires, "120;refresher=uac");
    bed.say(&with_offer(answer, audio()));
    let sent = bed.sip.make_contiguous();
    sent.sort_by_key(|one| one.method() != Method::Ack);
    bed.request(Method::Ack);
    let second = bed.request(Method::Invite);
    bed.pass(Duration::from_secs(5));
    bed.sip.clear();
    bed.answer_without_update(&second, &audio());
    bed.request(Method::Ack);
    bed.pass(Duration::from_secs(55));
    let refresh = bed.request(Method::Invite);
    assert_eq!(refresh.call_id(), first.call_id());
}

/// RFC 4028 §10: whoever is never let refresh a session ends it before its time is over.
#[test]
fn a_session_that_is_never_refreshed_ends_with_its_time() {
    let mut bed = Bed::new();
    bed.ask(&call_bob(&["audio"], false));
    let invite = bed.request(Method::Invite);
    bed.answer(&invite, 200, Some(&audio()));
    bed.request(Method::Ack);
    let begun = bed.clock.now();
    let mut refreshes = 0;
    let bye = loop {
        let next = bed.calls.poll_timeout().expect("its time comes");
        bed.pass(next - bed.clock.now());
        match bed.sip.pop_front() {
            Some(bye) if bye.method() == Method::Bye => break bye,
            Some(refresh) => {
                refreshes += 1;
                assert!(refreshes < 20, "for ever");
                bed.answer(&refresh, 500, None);
            }
            None => {}
        }
    };
    let lived = bed.clock.now() - begun;
    assert!(
        refreshes > 1 && lived <= Duration::from_mins(30),
        "{lived:?}"
    );
    assert!(bye.header(HeaderName::Reason).is_some());
}
