//! TS 24.371 §7.2.3 — WIC terminating call.

use nf_epcscf::ims_alg::Leg;

use crate::media_door::Call;
use crate::wic_calls::{far_end, phone, registered};
use crate::wire_calls::{sdp, status};

/// "Upon receiving an SDP offer … with the proto field … "UDP/TLS/RTP/SAVPF" … with the SDP
/// "a=3ge2ae:applied" attribute; and if the UE accepts … a) shall use RFC 5763, and provide the proto
/// field in the "m=" line containing the "UDP/TLS/RTP/SAVPF" value"; "shall: a) perform the ICE
/// procedures".
#[test]
fn its_answer_is_dtls_srtp_with_its_own_ice() {
    let (mut edge, wic) = registered(&["--answer", "--codec", "pcma"]);
    let mut call = Call::new();
    let offer = call
        .offer(Leg::Core, &phone())
        .expect("a phone's offer is served");
    let audio = offer.media(0).expect("audio");
    assert_eq!(audio.value("3ge2ae"), Some("applied"));
    edge.send(&far_end(None, "INVITE", 1, &offer));
    let ok = edge.response();
    assert_eq!(status(&ok), 200);
    wic.says("incoming");
    let answer = sdp(&ok);
    assert_eq!(answer.medias().len(), offer.medias().len());
    let audio = answer.media(0).expect("audio");
    assert_eq!(audio.line().proto, "UDP/TLS/RTP/SAVPF");
    assert!(audio.has("fingerprint") || answer.section().has("fingerprint"));
    assert!(matches!(audio.value("setup"), Some("active" | "passive")));
    assert!(audio.has("candidate"));
    let ours = offer.media_ice(0).expect("valid").expect("there");
    let theirs = answer.media_ice(0).expect("valid").expect("there");
    assert_ne!(theirs.ufrag, ours.ufrag);
    call.answer(Leg::Wic, std::str::from_utf8(ok.body()).expect("text"))
        .expect("an eP-CSCF takes it");
}

/// RFC 3264 §6: what it does not accept it refuses, in its place.
#[test]
fn what_it_does_not_take_is_refused_in_its_place() {
    let (mut edge, _wic) = registered(&["--answer"]);
    let more = format!(
        "{}m=video 50020 RTP/AVPF 99\r\na=rtpmap:99 VP8/90000\r\n",
        phone()
    );
    let offer = Call::new().offer(Leg::Core, &more).expect("served");
    edge.send(&far_end(None, "INVITE", 1, &offer));
    let answer = sdp(&edge.response());
    let ports: Vec<u16> = answer.medias().iter().map(|m| m.line().port).collect();
    assert!(ports[0] > 0 && ports[1] == 0, "{ports:?}");
    assert_eq!(answer.medias()[1].line().media, "video");
}

/// An offer that has no media of ours, or none that is protected, is refused: 488.
#[test]
fn an_offer_without_protection_is_not_accepted() {
    let (mut edge, wic) = registered(&["--answer"]);
    let plain = wire_sdp::Session::parse(phone().as_bytes()).expect("SDP");
    edge.send(&far_end(None, "INVITE", 1, &plain));
    assert_eq!(status(&edge.response()), 488);
    assert!(!wic.said().contains("incoming"));
}
