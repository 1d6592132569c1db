//! TS 24.371 §8.4.3 — eP-CSCF, WIC terminating call with data channels.

use nf_epcscf::ims_alg::Leg;

use crate::data_calls::{BackToBack, browser, call, data, text};

#[test]
fn the_offer_to_the_wic_has_an_m_line_of_webrtc_datachannel_and_an_sctp_port() {
    let offer = browser("UDP/DTLS/SCTP", "");
    let calls = BackToBack::new(&offer, &offer.replace("actpass", "active"));
    let media = data(&calls.offers[1]).expect("an m-line");
    assert_eq!(media.line().proto, "UDP/DTLS/SCTP");
    assert_eq!(media.line().formats, "webrtc-datachannel");
    assert_eq!(media.value("sctp-port"), Some("5000"));
    let ours = calls.far.gateway_side(1);
    assert_eq!(media.value("ice-ufrag"), Some(ours.w3.ice.ufrag.as_str()));
}

#[test]
fn the_m_line_of_the_wic_is_removed_from_the_answer_and_the_gateways_put_in() {
    let offer = browser("UDP/DTLS/SCTP", "");
    let answer = offer.replace("actpass", "active").replace("Qx7p", "Zz9q");
    let calls = BackToBack::new(&offer, &answer);
    let media = data(&calls.answers[0]).expect("the gateway's");
    assert_eq!(media.line().port, calls.far.gateway_side(1).core.rtp.port());
    assert!(!text(&calls.answers[0]).contains("Zz9q"));
}

#[test]
fn a_core_that_knows_no_data_channels_offers_the_wic_none() {
    let offer = browser("UDP/DTLS/SCTP", "");
    let between = call(true).offer(Leg::Wic, &offer).expect("served");
    let to_wic = call(false)
        .offer(Leg::Core, &text(&between))
        .expect("audio is served");
    assert!(data(&to_wic).is_none());
}
