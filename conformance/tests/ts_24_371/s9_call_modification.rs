//! TS 24.371 §9 — call modification: "WIC and eP-CSCF shall behave in accordance with the procedures specified in
//! subclause 7", in a call that stands as in one that begins.

use core_iq::Gate;
use nf_epcscf::ims_alg::Leg;
use wire_sdp::Session;

use crate::media_door::{BROWSER, Call, PHONE, browser_answers, phone_answers};

/// A call that the browser made.
fn stands() -> (Call, String) {
    let mut call = Call::new();
    let offer = call.offer(Leg::Wic, BROWSER).expect("served");
    let answer = phone_answers(&offer);
    call.answer(Leg::Core, &answer).expect("served");
    (call, answer)
}

fn text(session: &Session) -> String {
    String::from_utf8(session.to_bytes().to_vec()).expect("text")
}

/// The same description with another direction everywhere.
fn turned(sdp: &str, direction: &str) -> String {
    sdp.replace("a=sendrecv", &format!("a={direction}"))
}

#[test]
fn a_change_by_the_wic_is_the_gateways_on_mw() {
    let (mut call, _) = stands();
    let hold = turned(BROWSER, "sendonly")
        .replace("a=rtcp-mux\r\n", "a=rtcp-mux\r\na=3ge2ae:requested\r\n");
    let offer = call.offer(Leg::Wic, &hold).expect("a hold is served");
    let said = text(&offer);
    for word in [
        "fingerprint",
        "3ge2ae",
        "BUNDLE",
        "ice-",
        "candidate",
        "setup",
    ] {
        assert!(!said.contains(word), "{word}: {said}");
    }
    for (at, media) in offer.medias().iter().enumerate() {
        assert_eq!(
            media.line().port,
            call.gateway_side(at as u16).core.rtp.port()
        );
        assert!(media.line().proto.starts_with("RTP/AVP"));
    }
    assert!(said.contains("a=sendonly"));
}

#[test]
fn its_answer_to_the_wic_is_dtls_srtp_without_a_bundle_group() {
    let (mut call, _) = stands();
    let offer = call
        .offer(Leg::Wic, &turned(BROWSER, "sendonly"))
        .expect("served");
    let answer = call.answer(Leg::Core, &turned(&phone_answers(&offer), "recvonly"));
    let answer = answer.expect("served");
    assert!(!answer.section().has("group"));
    for media in answer
        .medias()
        .iter()
        .filter(|media| media.line().port != 0)
    {
        assert_eq!(media.line().proto, "UDP/TLS/RTP/SAVPF");
        assert!(media.has("fingerprint") && media.has("setup"));
    }
    let gate = call.settings(0).w3.as_ref().and_then(|w3| w3.gate);
    assert_eq!(
        gate,
        Some(Gate {
            receive: true,
            send: false
        }),
        "held: the WIC only sends"
    );
}

#[test]
fn a_change_by_the_core_is_offered_to_the_wic_as_a_new_call_is() {
    let mut call = Call::new();
    let offer = call.offer(Leg::Core, PHONE).expect("served");
    call.answer(Leg::Wic, &browser_answers(&offer))
        .expect("served");
    let more =
        format!("{PHONE}m=video 50020 RTP/AVPF 99\na=rtpmap:99 H264/90000\na=rtcp-fb:* nack pli\n");
    let offer = call.offer(Leg::Core, &more).expect("video is added");
    assert_eq!(offer.medias().len(), 2);
    for media in offer.medias() {
        assert_eq!(media.line().proto, "UDP/TLS/RTP/SAVPF");
        assert_eq!(media.value("3ge2ae"), Some("applied"));
        assert!(media.has("fingerprint") && media.has("ice-ufrag"));
    }
    let answer = call
        .answer(Leg::Wic, &browser_answers(&offer))
        .expect("served");
    assert!(!text(&answer).contains("fingerprint"));
}

#[test]
fn a_change_that_is_refused_leaves_the_call_as_it_was() {
    let (mut call, _) = stands();
    let before = call.settings(0).clone();
    call.offer(Leg::Wic, &turned(BROWSER, "inactive"))
        .expect("served");
    call.refuse();
    assert_eq!(call.settings(0).core, before.core);
    let again = call.offer(Leg::Wic, BROWSER).expect("the call goes on");
    assert!(!text(&again).contains("a=inactive"));
}
