//! TS 24.371 §7.4.2 — eP-CSCF, WIC originating call: what happens to the SDP.

use core_iq::Command;
use nf_epcscf::ims_alg::{Leg, Policy, Unsupported};
use wire_sdp::Session;

use crate::media_door::{BROWSER, BROWSER_BUNDLE_ONLY, Call, phone_answers};

fn offered(wic: &str) -> (Call, Session) {
    let mut call = Call::new();
    let offer = call
        .offer(Leg::Wic, wic)
        .expect("a browser's offer is served");
    (call, offer)
}

fn answered(wic: &str) -> (Call, Session) {
    let (mut call, offer) = offered(wic);
    let answer = call
        .answer(Leg::Core, &phone_answers(&offer))
        .expect("a phone's answer is served");
    (call, answer)
}

fn requested() -> String {
    BROWSER.replace("a=rtcp-mux\r\n", "a=rtcp-mux\r\na=3ge2ae:requested\r\n")
}

#[test]
fn the_offer_on_mw_has_the_addresses_and_ports_of_the_gateway() {
    let (call, offer) = offered(BROWSER);
    for (at, media) in offer.medias().iter().enumerate() {
        let connection = offer.media_connection(at).expect("valid").expect("there");
        assert_eq!(connection.address, "203.0.113.20");
        let told = call.gateway_side(at as u16);
        assert_eq!(media.line().port, told.core.rtp.port());
        assert_eq!(
            media.value("rtcp"),
            Some(told.core.rtcp.port().to_string().as_str())
        );
    }
    let text = String::from_utf8(offer.to_bytes().to_vec()).expect("text");
    assert!(
        !text.contains("192.0.2.17"),
        "the WIC's own address is hidden"
    );
}

#[test]
fn the_gateway_gets_the_wics_ice_credentials_and_fingerprint() {
    let (call, _) = offered(BROWSER);
    let [
        Command::Reserve {
            context: None,
            streams,
        },
    ] = &call.iq[..]
    else {
        panic!("{:?}", call.iq)
    };
    for stream in streams {
        let w3 = stream.w3.as_ref().expect("a termination towards the WIC");
        assert_eq!(w3.remote_ice.as_ref().expect("ICE").ufrag, "Qx7p");
        let fingerprints = w3.remote_fingerprints.as_ref().expect("fingerprints");
        assert!(fingerprints[0].to_sdp().starts_with("sha-256 9B:0A:51"));
    }
}

#[test]
fn the_offer_on_mw_has_no_bundle_group() {
    let (_, offer) = offered(BROWSER);
    assert!(!offer.section().has("group"));
}

#[test]
fn an_m_line_with_bundle_only_is_removed_from_the_offer() {
    let (_, offer) = offered(BROWSER_BUNDLE_ONLY);
    let media: Vec<&str> = offer.medias().iter().map(|m| m.line().media).collect();
    assert_eq!(media, ["audio"]);
}

#[test]
fn the_3ge2ae_requested_attribute_is_removed() {
    let (_, offer) = offered(&requested());
    assert!(offer.medias().iter().all(|media| !media.has("3ge2ae")));
}

#[test]
fn without_3ge2ae_requested_it_is_the_operators_policy_that_decides() {
    let strict = Policy {
        without_3ge2ae: false,
        ..Policy::default()
    };
    let refused = Call::with(strict.clone())
        .offer(Leg::Wic, BROWSER)
        .expect_err("not permitted");
    assert_eq!(refused, Unsupported::NoEndToAccessEdge.into());
    Call::with(strict)
        .offer(Leg::Wic, &requested())
        .expect("requested");
    offered(BROWSER);
}

#[test]
fn the_fingerprint_is_removed_from_the_offer() {
    for wic in [BROWSER, BROWSER_BUNDLE_ONLY] {
        let (_, offer) = offered(wic);
        let text = String::from_utf8(offer.to_bytes().to_vec()).expect("text");
        assert!(!text.contains("fingerprint") && !text.contains("9B:0A:51"));
    }
}

#[test]
fn ice_ends_at_the_edge() {
    let (_, offer) = offered(BROWSER);
    let text = String::from_utf8(offer.to_bytes().to_vec()).expect("text");
    assert!(!text.contains("a=ice-") && !text.contains("a=candidate"));
    let (call, answer) = answered(BROWSER);
    assert!(answer.section().has("ice-lite"));
    for (at, media) in answer.medias().iter().enumerate() {
        let ufrag = &call.gateway_side(at as u16).w3.ice.ufrag;
        assert_eq!(
            answer.media_ice(at).expect("valid").expect("there").ufrag,
            ufrag
        );
        assert!(media.has("candidate"));
    }
}

#[test]
fn the_answer_to_the_wic_is_udp_tls_rtp_savpf_with_the_gateways_fingerprint() {
    let (call, answer) = answered(BROWSER);
    assert_eq!(answer.medias().len(), 2);
    for (at, media) in answer.medias().iter().enumerate() {
        assert_eq!(media.line().proto, "UDP/TLS/RTP/SAVPF");
        let fingerprint = call.gateway_side(at as u16).w3.fingerprint.to_sdp();
        assert_eq!(media.value("fingerprint"), Some(fingerprint.as_str()));
        assert_eq!(media.value("setup"), Some("passive"));
    }
}

#[test]
fn the_answer_to_the_wic_has_no_bundle_group() {
    for wic in [BROWSER, BROWSER_BUNDLE_ONLY] {
        assert!(!answered(wic).1.section().has("group"));
    }
}

#[test]
fn an_m_line_with_bundle_only_is_answered_with_a_zero_port() {
    let (_, answer) = answered(BROWSER_BUNDLE_ONLY);
    let ports: Vec<bool> = answer.medias().iter().map(|m| m.line().port == 0).collect();
    assert_eq!(ports, [false, true]);
    assert_eq!(answer.media(1).expect("video").line().media, "video");
}
