//! RFC 3264 §8 — modifying the session, from either side, with the gateway behind it.

use core_iq::{Command, Gate};
use nf_epcscf::ims_alg::{Leg, PeerMisbehaved};
use wire_sdp::Session;
use wire_sdp::attribute::Direction;

use crate::media_door::{BROWSER, Call, browser_answers, phone_answers};

fn audio() -> String {
    BROWSER
        .split("m=video")
        .next()
        .expect("the part before")
        .to_owned()
}

/// A browser's call with a phone.
fn call(offer: &str) -> Call {
    let mut call = Call::new();
    let offered = call.offer(Leg::Wic, offer).expect("served");
    call.answer(Leg::Core, &phone_answers(&offered))
        .expect("served");
    call
}

fn change(call: &mut Call, offer: &str) -> (Session, Session) {
    let offered = call.offer(Leg::Wic, offer).expect("served");
    let answer = call
        .answer(Leg::Core, &phone_answers(&offered))
        .expect("served");
    (offered, answer)
}

#[test]
fn the_version_in_the_origin_goes_up_by_one_when_anything_changed_and_stays_when_nothing_did() {
    let mut call = call(&audio());
    let versions: Vec<u64> = [audio(), audio().replace("sendrecv", "sendonly"), audio()]
        .iter()
        .map(|offer| change(&mut call, offer).0.origin().version)
        .collect();
    assert_eq!(versions, [1, 2, 3]);
}

#[test]
fn a_stream_is_added_behind_the_others() {
    let mut call = call(&audio());
    let (offered, answer) = change(&mut call, BROWSER);
    assert_eq!((offered.medias().len(), answer.medias().len()), (2, 2));
    assert_eq!(
        offered.media(1).expect("video").line().port,
        call.gateway_side(1).core.rtp.port()
    );
}

#[test]
fn a_stream_is_removed_by_port_zero_and_keeps_its_place() {
    let mut call = call(BROWSER);
    let (offered, answer) = change(&mut call, &BROWSER.replace("m=audio 40170", "m=audio 0"));
    for session in [&offered, &answer] {
        let lines: Vec<(String, bool)> = session
            .medias()
            .iter()
            .map(|m| (m.line().media.to_owned(), m.line().port == 0))
            .collect();
        assert_eq!(
            lines,
            [("audio".to_owned(), true), ("video".to_owned(), false)]
        );
    }
    assert!(
        matches!(call.iq.last(), Some(Command::Subtract { streams, .. }) if streams.len() == 1)
    );
}

#[test]
fn the_place_of_a_removed_stream_may_be_used_again() {
    let mut call = call(BROWSER);
    change(&mut call, &BROWSER.replace("m=audio 40170", "m=audio 0"));
    let (offered, answer) = change(&mut call, BROWSER);
    assert!(
        offered
            .medias()
            .iter()
            .chain(answer.medias())
            .all(|m| m.line().port != 0)
    );
}

#[test]
fn an_offer_with_fewer_m_lines_is_refused() {
    let mut call = call(BROWSER);
    let refused = call.offer(Leg::Wic, &audio()).expect_err("one is missing");
    assert_eq!(refused, PeerMisbehaved::OfferLostMedia.into());
}

#[test]
fn the_far_end_may_move_to_another_address_and_port() {
    let mut call = call(&audio());
    let moved = "v=0\r\no=- 5 2 IN IP4 192.0.2.80\r\ns=-\r\nc=IN IP4 192.0.2.81\r\nt=0 0\r\nm=audio 7000 RTP/AVP 0\r\n";
    let offered = call.offer(Leg::Core, moved).expect("served");
    call.answer(Leg::Wic, &browser_answers(&offered))
        .expect("served");
    let core = call.settings(0).core.as_ref().expect("the core's end");
    assert_eq!(
        core.remote_rtp,
        Some("192.0.2.81:7000".parse().expect("an address"))
    );
    assert_eq!(
        core.remote_rtcp,
        Some("192.0.2.81:7001".parse().expect("an address"))
    );
}

#[test]
fn a_stream_is_put_on_hold_by_its_direction_or_by_an_address_of_zeros() {
    for held in ["a=sendonly\r\n", "c=IN IP4 0.0.0.0\r\n"] {
        let mut call = call(&audio());
        let hold = format!(
            "v=0\r\no=- 5 2 IN IP4 192.0.2.80\r\ns=-\r\nc=IN IP4 192.0.2.80\r\nt=0 0\r\nm=audio 6000 RTP/AVP 0\r\n{held}"
        );
        let offered = call.offer(Leg::Core, &hold).expect("served");
        assert_eq!(offered.media_direction(0), Direction::SendOnly);
        let answer =
            browser_answers(&offered).replace("a=rtcp-mux\r\n", "a=rtcp-mux\r\na=recvonly\r\n");
        call.answer(Leg::Wic, &answer).expect("served");
        let gate = call.settings(0).w3.as_ref().expect("the WIC's end").gate;
        assert_eq!(
            gate,
            Some(Gate {
                receive: false,
                send: true
            })
        );
    }
}

#[test]
fn a_refused_offer_leaves_the_session_as_it_was() {
    let mut call = call(&audio());
    call.offer(Leg::Wic, BROWSER).expect("served");
    call.refuse();
    let (offered, _) = change(&mut call, &audio());
    assert_eq!(offered.medias().len(), 1);
    assert_eq!(
        offered.origin().version,
        3,
        "the core has seen the refused one too"
    );
}
