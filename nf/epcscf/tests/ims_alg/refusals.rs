//! What is not served, and the words that say so.

use core_iq::Refusal;
use nf_epcscf::ims_alg::{Leg, Negotiation, Next, PeerMisbehaved, Policy, Refused, Unsupported};

use crate::edge::{AUDIO_VIDEO_ANSWER, CHROMIUM, Edge, PHONE, audio_of, phone};

fn refusal(from: Leg, sdp: &str) -> (Refused, u16, Option<u16>) {
    let refused = Edge::new().offer(from, sdp).expect_err("not served");
    let (status, warning) = (refused.status(), refused.warning().map(|w| w.code));
    (refused, status, warning)
}

#[test]
fn a_wic_without_dtls_gets_488() {
    let plain = audio_of(CHROMIUM).replace("UDP/TLS/RTP/SAVPF", "RTP/AVP");
    assert_eq!(
        refusal(Leg::Wic, &plain),
        (Unsupported::PlainRtp.into(), 488, Some(302))
    );
    let sdes = phone(
        1,
        "m=audio 50000 RTP/SAVPF 0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:key\r\n",
    );
    assert_eq!(
        refusal(Leg::Wic, &sdes),
        (Unsupported::Sdes.into(), 488, Some(306))
    );
    let tcp = audio_of(CHROMIUM).replace("UDP/TLS", "TCP/TLS");
    assert_eq!(
        refusal(Leg::Wic, &tcp),
        (Unsupported::WicTransport.into(), 488, Some(302))
    );
}

#[test]
fn a_wic_without_the_means_of_dtls_and_ice_gets_488() {
    for (line, why) in [
        ("a=fingerprint", Unsupported::NoFingerprint),
        ("a=ice-ufrag", Unsupported::NoIce),
        ("a=rtcp-mux", Unsupported::NoRtcpMux),
    ] {
        let audio = audio_of(CHROMIUM);
        let without: String = audio
            .split_inclusive('\n')
            .filter(|l| !l.starts_with(line))
            .collect();
        assert_eq!(
            refusal(Leg::Wic, &without),
            (why.into(), 488, Some(306)),
            "{line}"
        );
    }
}

#[test]
fn a_damaged_fingerprint_is_a_bad_request() {
    let (refused, status, _) = refusal(Leg::Wic, &audio_of(CHROMIUM).replace("9B:0A", "9B0A"));
    assert!(matches!(refused, Refused::Malformed(_)));
    assert_eq!(status, 400);
    assert_eq!(refusal(Leg::Wic, "hello").1, 400);
}

#[test]
fn a_call_of_data_alone_gets_488_for_now() {
    let data = phone(1, "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n");
    assert_eq!(
        refusal(Leg::Wic, &data),
        (Unsupported::MediaType.into(), 488, Some(304))
    );
    assert_eq!(
        refusal(Leg::Wic, &phone(1, "")),
        (Unsupported::NoMedia.into(), 488, Some(304))
    );
}

#[test]
fn policy_may_insist_on_3ge2ae() {
    let policy = Policy {
        without_3ge2ae: false,
        ..Policy::default()
    };
    let refused = Edge::with(policy.clone())
        .offer(Leg::Wic, &audio_of(CHROMIUM))
        .expect_err("not served");
    assert_eq!(refused, Unsupported::NoEndToAccessEdge.into());
    let asking =
        audio_of(CHROMIUM).replace("a=rtcp-mux\r\n", "a=rtcp-mux\r\na=3ge2ae:requested\r\n");
    let offer = Edge::with(policy).offer(Leg::Wic, &asking).expect("served");
    assert!(!offer.media(0).expect("audio").has("3ge2ae"));
}

#[test]
fn the_core_offers_plain_rtp_at_an_address_or_gets_488() {
    for (media, why, code) in [
        (
            "m=audio 50000 RTP/SAVP 0\r\n",
            Unsupported::CoreTransport,
            302,
        ),
        ("m=image 50000 udptl t38\r\n", Unsupported::MediaType, 304),
        (
            "m=audio 50000 RTP/AVP 0\r\nc=IN IP4 media.example.com\r\n",
            Unsupported::Address,
            301,
        ),
        ("m=audio 50000 RTP/AVP 97\r\n", Unsupported::Formats, 305),
    ] {
        assert_eq!(
            refusal(Leg::Core, &phone(1, media)),
            (why.into(), 488, Some(code)),
            "{media}"
        );
    }
}

#[test]
fn m_lines_beyond_the_policy_are_rejected() {
    let mut edge = Edge::with(Policy {
        streams: 1,
        ..Policy::default()
    });
    let offer = edge.offer(Leg::Wic, CHROMIUM).expect("served");
    assert_eq!(offer.medias().len(), 1);
    let answer = edge
        .answer(Leg::Core, &phone(1, "m=audio 50000 RTP/AVP 0\r\n"))
        .expect("served");
    assert_eq!(answer.media(1).expect("video").line().port, 0);
}

#[test]
fn offers_that_cross_get_491() {
    let mut edge = Edge::new();
    edge.offer(Leg::Wic, CHROMIUM).expect("served");
    let refused = edge.offer(Leg::Core, PHONE).expect_err("glare");
    assert_eq!(
        (refused.clone(), refused.status()),
        (PeerMisbehaved::OfferWhileOffered.into(), 491)
    );
    edge.answer(Leg::Core, &phone(1, AUDIO_VIDEO_ANSWER))
        .expect("the first offer still stands");
}

#[test]
fn a_second_offer_of_the_same_side_gets_500_and_a_time_to_wait() {
    let mut edge = Edge::new();
    edge.offer(Leg::Wic, CHROMIUM).expect("served");
    let refused = edge
        .offer(Leg::Wic, CHROMIUM)
        .expect_err("one is not answered");
    assert_eq!(refused, PeerMisbehaved::SecondOffer.into());
    assert_eq!((refused.status(), refused.retry_after()), (500, Some(5)));
}

#[test]
fn something_new_under_an_old_version_gets_488() {
    let mut edge = Edge::new();
    let hold = CHROMIUM.replace("sendrecv", "sendonly");
    edge.offer(Leg::Wic, CHROMIUM).expect("served");
    edge.answer(Leg::Core, &phone(1, AUDIO_VIDEO_ANSWER))
        .expect("served");
    let check = |sdp: &str| edge.negotiation.check_version(Leg::Wic, sdp.as_bytes());
    let refused = check(&hold).expect_err("the version is kept");
    assert_eq!(refused, PeerMisbehaved::VersionKept.into());
    assert_eq!(refused.status(), 488);
    check(CHROMIUM).expect("the same again is a refresh");
}

#[test]
fn an_answer_that_breaks_rfc_3264_is_refused_and_the_offer_still_waits() {
    let mut edge = Edge::new();
    let stray = edge
        .answer(Leg::Core, &phone(1, AUDIO_VIDEO_ANSWER))
        .expect_err("nothing was offered");
    assert_eq!(stray, PeerMisbehaved::AnswerWithoutOffer.into());
    edge.offer(Leg::Wic, CHROMIUM).expect("served");
    for (answer, why) in [
        (
            "m=audio 50000 RTP/AVP 0\r\n",
            PeerMisbehaved::AnswerMediaCount,
        ),
        (
            "m=video 50000 RTP/AVP 96\r\nm=audio 50002 RTP/AVP 0\r\n",
            PeerMisbehaved::AnswerMediaType,
        ),
    ] {
        assert_eq!(
            edge.answer(Leg::Core, &phone(1, answer))
                .expect_err("refused"),
            why.into()
        );
    }
    let foreign = edge.answer(
        Leg::Core,
        &phone(1, "m=audio 50000 RTP/AVP 18\r\nm=video 0 RTP/AVP 96\r\n"),
    );
    assert_eq!(
        foreign.expect_err("G.729 was not offered"),
        Unsupported::Formats.into()
    );
    edge.answer(Leg::Core, &phone(1, AUDIO_VIDEO_ANSWER))
        .expect("the offer still waits");
}

#[test]
fn an_offer_may_not_lose_an_m_line_nor_name_two_alike() {
    let mut edge = Edge::new();
    edge.offer(Leg::Wic, CHROMIUM).expect("served");
    edge.answer(Leg::Core, &phone(1, AUDIO_VIDEO_ANSWER))
        .expect("served");
    let lost = edge
        .offer(Leg::Wic, &audio_of(CHROMIUM))
        .expect_err("an m-line is missing");
    assert_eq!(lost, PeerMisbehaved::OfferLostMedia.into());
    let alike = edge
        .offer(Leg::Wic, &CHROMIUM.replace("a=mid:1", "a=mid:0"))
        .expect_err("a mid twice");
    assert_eq!(alike, PeerMisbehaved::DuplicateMid.into());
    edge.offer(Leg::Wic, CHROMIUM).expect("nothing has changed");
}

#[test]
fn an_answer_of_a_wic_must_choose_its_role() {
    let mut edge = Edge::new();
    edge.offer(Leg::Core, &phone(1, "m=audio 50000 RTP/AVP 0\r\n"))
        .expect("served");
    let refused = edge
        .answer(Leg::Wic, &audio_of(CHROMIUM))
        .expect_err("actpass");
    assert_eq!(refused, PeerMisbehaved::AnswerActPass.into());
}

#[test]
fn a_gateway_that_is_full_gets_503_and_nothing_has_happened() {
    let mut negotiation = Negotiation::new(Policy::default(), 1, 2);
    let next = negotiation
        .offer(Leg::Wic, CHROMIUM.as_bytes())
        .expect("a command");
    assert!(matches!(next, Next::Gateway(_)));
    let refused = negotiation
        .replied(Err(Refusal::NoResources("ports".into())))
        .expect_err("full");
    assert_eq!((refused.status(), refused.retry_after()), (503, Some(10)));
    assert_eq!(negotiation.offered_by(), None);
    assert_eq!(negotiation.offer(Leg::Wic, CHROMIUM.as_bytes()), Ok(next));
}
