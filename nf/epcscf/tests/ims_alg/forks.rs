//! More than one answer to one offer of a WIC, which takes one.

use core_iq::{Command, Gate};
use nf_epcscf::ims_alg::{Finality, Leg};
use wire_sdp::attribute::Direction;

use crate::edge::{AUDIO_VIDEO_ANSWER, CHROMIUM, Edge, audio_of, media_text, phone, text};

#[test]
fn an_answer_that_comes_again_is_given_again_and_the_gateway_is_left_alone() {
    let mut edge = Edge::new();
    edge.offer(Leg::Wic, &audio_of(CHROMIUM)).expect("served");
    let answer = phone(1, "m=audio 50000 RTP/AVP 0\r\n");
    let first = edge
        .answer_with(Leg::Core, &answer, Finality::Provisional)
        .expect("served");
    edge.answer_with(Leg::Core, &answer, Finality::Provisional)
        .expect("served");
    let commands = edge.gateway.commands.len();
    let last = edge
        .answer_with(Leg::Core, &answer, Finality::Provisional)
        .expect("served");
    assert_eq!(text(&first), text(&last));
    assert_eq!(edge.gateway.commands.len(), commands);
    let last = edge.answer(Leg::Core, &answer).expect("served");
    assert_eq!(text(&first), text(&last));
    assert!(!edge.negotiation.diverged());
}

#[test]
fn another_fork_moves_the_core_leg_and_the_wic_does_not_notice() {
    let mut edge = Edge::new();
    edge.offer(Leg::Wic, &audio_of(CHROMIUM)).expect("served");
    let one = phone(
        1,
        "m=audio 50000 RTP/AVP 96\r\na=rtpmap:96 opus/48000/2\r\n",
    );
    let two = phone(
        1,
        "m=audio 61000 RTP/AVP 100\r\na=rtpmap:100 opus/48000/2\r\n",
    );
    let first = edge
        .answer_with(Leg::Core, &one, Finality::Provisional)
        .expect("served");
    let last = edge.answer(Leg::Core, &two).expect("served");
    assert_eq!(text(&first), text(&last));
    assert!(!edge.negotiation.diverged());
    let settings = edge.gateway.last(0);
    assert_eq!(
        settings.core.expect("core").remote_rtp.map(|a| a.port()),
        Some(61000)
    );
    assert_eq!(settings.payloads.expect("a map").0[0].core, 100);
}

#[test]
fn what_one_fork_refuses_is_inactive_until_another_takes_it() {
    let mut edge = Edge::new();
    edge.offer(Leg::Wic, CHROMIUM).expect("served");
    let refused = AUDIO_VIDEO_ANSWER.replace("m=video 50002", "m=video 0");
    let first = edge
        .answer_with(Leg::Core, &phone(1, &refused), Finality::Provisional)
        .expect("served");
    assert_eq!(first.media_direction(1), Direction::Inactive);
    let video = media_text(&first, 1);
    assert!(
        video.starts_with("m=video 40000 UDP/TLS/RTP/SAVPF 96 102 98 45\n"),
        "{video}"
    );
    assert_eq!(
        edge.gateway.last(1).w3.expect("W3").gate,
        Some(Gate::CLOSED)
    );

    let last = edge
        .answer(Leg::Core, &phone(1, AUDIO_VIDEO_ANSWER))
        .expect("served");
    assert_eq!(text(&first), text(&last), "the WIC is answered once");
    assert!(edge.negotiation.diverged());

    let offer = edge.reoffer(Leg::Wic).expect("served");
    assert!(media_text(&offer, 1).starts_with("m=video 40000 UDP/TLS/RTP/SAVPF 96\n"));
    assert_eq!(offer.media_direction(1), Direction::SendRecv);
    let browser = CHROMIUM.replace("actpass", "active");
    edge.settle(Leg::Wic, &browser).expect("served");
    assert_eq!(edge.gateway.last(1).w3.expect("W3").gate, Some(Gate::OPEN));

    // The core has seen one description of ours, and the next is the second.
    let offer = edge
        .offer(Leg::Wic, &CHROMIUM.replace("sendrecv", "sendonly"))
        .expect("served");
    assert_eq!(offer.origin().version, 2);
}

#[test]
fn what_every_fork_refused_stays_inactive_with_its_transport() {
    let mut edge = Edge::new();
    edge.offer(Leg::Wic, CHROMIUM).expect("served");
    let refused = phone(1, &AUDIO_VIDEO_ANSWER.replace("m=video 50002", "m=video 0"));
    edge.answer_with(Leg::Core, &refused, Finality::Provisional)
        .expect("served");
    let last = edge.answer(Leg::Core, &refused).expect("served");
    assert_eq!(last.media_direction(1), Direction::Inactive);
    assert!(!edge.negotiation.diverged());
    assert!(
        !edge
            .gateway
            .commands
            .iter()
            .any(|c| matches!(c, Command::Subtract { .. }))
    );
}

#[test]
fn a_late_offer_is_answered_in_the_other_direction() {
    // An INVITE without SDP: the browser offers in its 200, the core answers in ACK.
    let mut edge = Edge::new();
    let offer = edge.offer(Leg::Wic, &audio_of(CHROMIUM)).expect("served");
    let numbers = offer.media(0).expect("audio").line().formats.to_owned();
    assert_eq!(numbers, "111 9 0 8 13 110 126");
    let answer = edge
        .answer(Leg::Core, &phone(1, "m=audio 50000 RTP/AVP 8\r\n"))
        .expect("served");
    assert!(media_text(&answer, 0).contains("a=setup:passive\n"));
}

#[test]
fn a_late_offer_that_cannot_be_served_is_answered_with_port_0_everywhere() {
    let mut edge = Edge::new();
    let offer = phone(
        1,
        "m=audio 50000 RTP/SAVP 0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:secret\r\nm=image 5000 udptl t38\r\n",
    );
    edge.offer(Leg::Core, &offer).expect_err("SDES");
    let answer = edge
        .negotiation
        .refusing_answer(Leg::Core, offer.as_bytes())
        .expect("SDP");
    let answer = wire_sdp::Session::parse(&answer).expect("SDP");
    let lines: Vec<String> = answer
        .medias()
        .iter()
        .map(|m| m.line().to_string())
        .collect();
    assert_eq!(lines, ["audio 0 RTP/SAVP 0", "image 0 udptl t38"]);
    assert!(!text(&answer).contains("secret"));
}
