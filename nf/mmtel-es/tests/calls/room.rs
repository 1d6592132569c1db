//! Room at the gateway, in a subscriber's own call: what comes while it is being asked for, and what there was none for.

use std::time::Duration;

use api_mmtel_es::dc_app_management::Status;
use core_iq::{Command, Refusal, StreamEnd};
use wire_sip::{Message, Method};

use super::anchor::{bed, cseq, established};
use super::bed::{Bed, Gateway, audio, audio_and_data};
use super::observer::{respond, within};
use super::steps::{data_of, lines, opens, text, wants, with_offer};

const VIDEO: &str = "m=video 4010 RTP/AVP 120\r\na=rtpmap:120 VP8/90000\r\n";

/// Alice offers this.
fn alice_offers(bed: &mut Bed, forwarded: &Message, number: u32, sdp: &str) {
    let offer = within(forwarded, Method::Update, number);
    bed.say(&with_offer(offer, sdp));
}

/// How many streams the gateway was asked for since then.
fn reserved(bed: &Bed, since: usize) -> usize {
    let asked = bed.asked[since..].iter().map(|command| match command {
        Command::Reserve { streams, .. } => streams.len(),
        _ => 0,
    });
    asked.sum()
}

/// One room is asked for at a time: what a UE adds while an application gets its channels waits, and is at the gateway
/// then; a hold does not wait.
#[test]
fn an_offer_waits_for_the_room_of_an_application() {
    for (more, room) in [
        (VIDEO.to_owned(), true),
        (VIDEO.to_owned(), false),
        (data_of(&audio_and_data("")).to_owned(), true),
    ] {
        let mut bed = bed();
        let app = bed.application();
        let (forwarded, _, session) = established(&mut bed);
        bed.gateway = Gateway::Thinks;
        let before = bed.asked.len();
        wants(&mut bed, &app, &session);
        assert_eq!(bed.unanswered.len(), 1);
        if room {
            let held = audio() + "a=sendonly\r\n";
            alice_offers(&mut bed, &forwarded, 2, &held);
            let hold = bed.request(Method::Update);
            let answer = audio() + "a=recvonly\r\n";
            respond(&mut bed, &hold, 200, Some(&answer));
        }
        let sdp = audio() + &more;
        alice_offers(&mut bed, &forwarded, 3, &sdp);
        bed.nothing_more();
        // A second one is not kept.
        alice_offers(&mut bed, &forwarded, 4, &sdp);
        bed.response(491);
        if !room {
            bed.gateway_refuses();
            assert_eq!(bed.updated().result, Status::Failed);
        }
        bed.gateway_answers(Gateway::Agrees);
        let at_bob = bed.request(Method::Update);
        assert_eq!(cseq(&at_bob), "3 UPDATE");
        let line = &lines(&at_bob)[1];
        assert!(line.contains(" 200"), "the gateway's: {line}");
        let at_alice = respond(&mut bed, &at_bob, 200, Some(&sdp));
        assert_eq!(lines(&at_alice).len(), 2, "{}", text(&at_alice));
        if !room {
            continue;
        }
        if more == VIDEO {
            assert_eq!(reserved(&bed, before), 2);
            // And then the application's.
            bed.pass(Duration::from_secs(3));
            let ours = bed.request(Method::Invite);
            bed.sip.clear();
            let both = sdp.clone() + data_of(&audio_and_data(""));
            assert_eq!(lines(&ours).len(), 3, "{}", text(&ours));
            bed.answer(&ours, 200, Some(&both));
            bed.request(Method::Ack);
        } else {
            // There is one association for both.
            assert_eq!(reserved(&bed, before), 1);
            bed.pass(Duration::from_secs(3));
            bed.nothing_more();
        }
        opens(&mut bed, 1, StreamEnd::W3);
    }
}

/// What waits is answered when the call ends.
#[test]
fn an_offer_that_waits_for_room_ends_with_the_call() {
    let mut bed = bed();
    let app = bed.application();
    let (forwarded, _, session) = established(&mut bed);
    bed.gateway = Gateway::Thinks;
    wants(&mut bed, &app, &session);
    alice_offers(&mut bed, &forwarded, 2, &(audio() + VIDEO));
    bed.say(&within(&forwarded, Method::Bye, 3));
    let bye = bed.request(Method::Bye);
    respond(&mut bed, &bye, 200, None);
    bed.response(503);
    bed.gateway_answers(Gateway::Agrees);
    bed.nothing_more();
    assert!(bed.calls.is_empty());
}

/// What there was no room for passes as it is, and is no line of what comes later.
#[test]
fn what_passed_for_want_of_room_stays_one_line() {
    let mut bed = bed();
    let (forwarded, _, _) = established(&mut bed);
    bed.gateway = Gateway::Refuses(Refusal::UnknownStream);
    let sdp = audio() + VIDEO;
    alice_offers(&mut bed, &forwarded, 2, &sdp);
    let at_bob = bed.request(Method::Update);
    assert!(text(&at_bob).contains("m=video 4010 "), "{}", text(&at_bob));
    respond(&mut bed, &at_bob, 200, Some(&sdp));
    bed.gateway = Gateway::Agrees;
    let sdp = sdp + "m=audio 4020 RTP/AVP 0\r\n";
    alice_offers(&mut bed, &forwarded, 3, &sdp);
    let at_bob = bed.request(Method::Update);
    assert_eq!(lines(&at_bob).len(), 3, "{}", text(&at_bob));
    assert!(
        !text(&at_bob).contains("m=audio 4020 "),
        "{}",
        text(&at_bob)
    );
    let at_alice = respond(&mut bed, &at_bob, 200, Some(&sdp));
    assert_eq!(lines(&at_alice).len(), 3, "{}", text(&at_alice));
    // What is new after that is at the gateway as well.
    let sdp = sdp + "m=audio 4030 RTP/AVP 0\r\n";
    alice_offers(&mut bed, &forwarded, 4, &sdp);
    let at_bob = bed.request(Method::Update);
    assert_eq!(lines(&at_bob).len(), 4, "{}", text(&at_bob));
    assert!(
        !text(&at_bob).contains("m=audio 4030 "),
        "{}",
        text(&at_bob)
    );
}

/// Who offers again and again what the other one refuses takes no more room than once.
#[test]
fn what_is_refused_again_and_again_takes_room_once() {
    let mut bed = bed();
    let (forwarded, _, _) = established(&mut bed);
    let before = bed.asked.len();
    for number in 2..8 {
        alice_offers(&mut bed, &forwarded, number, &(audio() + VIDEO));
        let at_bob = bed.request(Method::Update);
        assert_eq!(lines(&at_bob).len(), 2, "{}", text(&at_bob));
        assert!(!text(&at_bob).contains("m=video 4010 "));
        respond(&mut bed, &at_bob, 488, None);
    }
    assert_eq!(reserved(&bed, before), 1);
    alice_offers(&mut bed, &forwarded, 8, &(audio() + VIDEO));
    let at_bob = bed.request(Method::Update);
    let at_alice = respond(&mut bed, &at_bob, 200, Some(&(audio() + VIDEO)));
    assert!(
        text(&at_alice).contains("m=video 2000"),
        "{}",
        text(&at_alice)
    );
}
