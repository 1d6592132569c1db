//! RFC 3264 §6 — generating the answer, as either side gets it from the edge.

use nf_epcscf::ims_alg::{Leg, PeerMisbehaved};
use wire_sdp::Session;

use crate::media_door::{BROWSER, Call, PHONE, browser_answers, phone_answers};

fn parsed(text: &str) -> Session {
    Session::parse(text.as_bytes()).expect("SDP")
}

#[test]
fn an_answer_has_as_many_m_lines_of_the_same_kinds_in_the_same_order() {
    let kinds = |s: &Session| -> Vec<String> {
        s.medias()
            .iter()
            .map(|m| m.line().media.to_owned())
            .collect()
    };
    let fax = format!("{PHONE}m=image 5000 udptl t38\nm=video 50020 RTP/AVP 31\n");
    let mut call = Call::new();
    let offer = call.offer(Leg::Core, &fax).expect("served");
    assert_eq!(
        kinds(&offer),
        ["audio", "video"],
        "what is not carried does not reach the WIC"
    );
    let answer = call
        .answer(Leg::Wic, &browser_answers(&offer))
        .expect("served");
    assert_eq!(kinds(&answer), kinds(&parsed(&fax)));
}

#[test]
fn a_rejected_stream_has_port_zero() {
    let mut call = Call::new();
    let offer = call.offer(Leg::Wic, BROWSER).expect("served");
    let refused = phone_answers(&offer).replace("m=video 6000", "m=video 0");
    let answer = call.answer(Leg::Core, &refused).expect("served");
    let ports: Vec<bool> = answer.medias().iter().map(|m| m.line().port == 0).collect();
    assert_eq!(ports, [false, true]);
}

#[test]
fn an_answer_uses_the_payload_types_of_its_offer() {
    let mut call = Call::new();
    let offer = call.offer(Leg::Wic, BROWSER).expect("served");
    let other = phone_answers(&offer)
        .replace("RTP/AVP 111", "RTP/AVP 96")
        .replace("a=rtpmap:111", "a=rtpmap:96");
    let answer = call.answer(Leg::Core, &other).expect("served");
    assert_eq!(answer.media(0).expect("audio").line().formats, "111");
    let map = call.settings(0).payloads.as_ref().expect("a map");
    assert_eq!((map.0[0].w3, map.0[0].core), (111, 96));
}

#[test]
fn an_answer_with_another_number_of_m_lines_is_refused() {
    let mut call = Call::new();
    call.offer(Leg::Wic, BROWSER).expect("served");
    let short = phone_answers(&parsed(PHONE));
    assert_eq!(
        call.answer(Leg::Core, &short).expect_err("one is missing"),
        PeerMisbehaved::AnswerMediaCount.into()
    );
}
