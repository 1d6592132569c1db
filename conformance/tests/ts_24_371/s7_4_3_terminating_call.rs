//! TS 24.371 §7.4.3 — eP-CSCF, WIC terminating call: what happens to the SDP.

use core_iq::{Command, DtlsRole, Gate};
use nf_epcscf::ims_alg::Leg;
use wire_sdp::Session;

use crate::media_door::{Call, PHONE, browser_answers};

fn offered(core: &str) -> (Call, Session) {
    let mut call = Call::new();
    let offer = call
        .offer(Leg::Core, core)
        .expect("a phone's offer is served");
    (call, offer)
}

fn answered(core: &str) -> (Call, Session) {
    let (mut call, offer) = offered(core);
    let answer = call
        .answer(Leg::Wic, &browser_answers(&offer))
        .expect("a browser's answer is served");
    (call, answer)
}

fn audio_and_video() -> String {
    format!("{PHONE}m=video 50020 RTP/AVPF 99\na=rtpmap:99 H264/90000\na=rtcp-fb:* nack pli\n")
}

#[test]
fn the_offer_to_the_wic_is_udp_tls_rtp_savpf() {
    let (call, offer) = offered(&audio_and_video());
    let protos: Vec<&str> = offer.medias().iter().map(|m| m.line().proto).collect();
    assert_eq!(protos, ["UDP/TLS/RTP/SAVPF", "UDP/TLS/RTP/SAVPF"]);
    for (at, media) in offer.medias().iter().enumerate() {
        let fingerprint = call.gateway_side(at as u16).w3.fingerprint.to_sdp();
        assert_eq!(media.value("fingerprint"), Some(fingerprint.as_str()));
        assert_eq!(media.value("setup"), Some("actpass"));
    }
}

#[test]
fn the_offer_to_the_wic_says_3ge2ae_applied() {
    let (_, offer) = offered(&audio_and_video());
    assert!(
        offer
            .medias()
            .iter()
            .all(|media| media.value("3ge2ae") == Some("applied"))
    );
}

#[test]
fn the_offer_to_the_wic_has_the_gateways_ice() {
    let (call, offer) = offered(PHONE);
    assert!(offer.section().has("ice-lite"));
    let ufrag = &call.gateway_side(0).w3.ice.ufrag;
    assert_eq!(
        offer.media_ice(0).expect("valid").expect("there").ufrag,
        ufrag
    );
    assert!(offer.media(0).expect("audio").has("candidate"));
}

#[test]
fn the_offer_to_the_wic_does_not_bundle() {
    let (_, offer) = offered(&audio_and_video());
    assert!(!offer.section().has("group"));
    assert!(offer.medias().iter().all(|media| !media.has("bundle-only")));
}

#[test]
fn the_fingerprint_is_removed_from_the_answer_of_the_wic() {
    let (_, answer) = answered(&audio_and_video());
    let text = String::from_utf8(answer.to_bytes().to_vec()).expect("text");
    assert!(!text.contains("fingerprint") && !text.contains("4A:AD:B9"));
    assert!(!text.contains("a=ice-") && !text.contains("a=setup") && !text.contains("a=rtcp-mux"));
}

#[test]
fn the_answer_on_mw_has_the_gateways_address_and_the_profile_of_the_offer() {
    let (call, answer) = answered(&audio_and_video());
    let ports = [0, 1].map(|stream| call.gateway_side(stream).core.rtp.port());
    let lines: Vec<(u16, &str)> = answer
        .medias()
        .iter()
        .map(|m| (m.line().port, m.line().proto))
        .collect();
    assert_eq!(lines, [(ports[0], "RTP/AVP"), (ports[1], "RTP/AVPF")]);
    assert_eq!(
        answer
            .media_connection(1)
            .expect("valid")
            .expect("there")
            .address,
        "203.0.113.20"
    );
}

#[test]
fn the_gateway_learns_both_ends_when_the_wic_has_answered() {
    let (call, _) = answered(PHONE);
    let [
        Command::Reserve {
            streams: reserved, ..
        },
        Command::Configure { streams, .. },
    ] = &call.iq[..]
    else {
        panic!("{:?}", call.iq)
    };
    let core = reserved[0]
        .core
        .as_ref()
        .expect("a termination towards the core");
    assert_eq!(
        core.remote_rtp,
        Some("[2001:db8:40::9]:50010".parse().expect("an address"))
    );
    assert_eq!(
        core.gate,
        Some(Gate::CLOSED),
        "nothing passes before there is an answer"
    );
    let w3 = streams[0]
        .w3
        .as_ref()
        .expect("a termination towards the WIC");
    assert_eq!(w3.remote_ice.as_ref().expect("ICE").ufrag, "EsAw");
    assert_eq!(
        (w3.dtls_role, w3.gate),
        (Some(DtlsRole::Server), Some(Gate::OPEN))
    );
}
