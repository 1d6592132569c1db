//! TS 24.371 §8.4.1 — eP-CSCF, data channels: the gateway is their endpoint.

use core_iq::{DtlsRole, FarEnd, MediaKind};

use crate::data_calls::{BackToBack, browser, data};

const MAP: &str = "a=dcmap:1000 label=\"chat\"\r\n";

fn calls() -> BackToBack {
    let offer = browser("UDP/DTLS/SCTP", MAP);
    let answer = offer.replace("actpass", "active");
    BackToBack::new(&offer, &answer)
}

#[test]
fn the_gateway_acts_as_endpoint_of_all_data_channels_of_the_wic() {
    let calls = calls();
    let ours = calls.near.gateway_side(1);
    let answer = data(&calls.answers[1]).expect("an m-line");
    let fingerprint = ours.w3.fingerprint.to_sdp();
    assert_eq!(answer.value("fingerprint"), Some(fingerprint.as_str()));
    assert_eq!(answer.value("ice-ufrag"), Some(ours.w3.ice.ufrag.as_str()));
    let towards_core = data(&calls.offers[0]).expect("an m-line");
    let local = ours.data.as_ref().expect("data channels");
    let fingerprint = local.core_fingerprint.to_sdp();
    assert_eq!(
        towards_core.value("fingerprint"),
        Some(fingerprint.as_str())
    );
}

#[test]
fn the_ep_cscf_instructs_the_gateway_what_to_interwork() {
    let calls = calls();
    for call in [&calls.near, &calls.far] {
        let settings = call.settings(1);
        assert_eq!(settings.media, MediaKind::Data);
        let data = settings.data.as_ref().expect("data channels");
        // Who writes dcmap reads it: what is opened in band besides is announced to the core.
        assert_eq!(data.far_end, Some(FarEnd::Relay { announce: true }));
        let channels = data.channels.as_ref().expect("a list");
        assert_eq!(channels.len(), 1);
        assert_eq!(
            (channels[0].id, channels[0].channel.label.as_str()),
            (1000, "chat")
        );
    }
}

/// RFC 8842 §5: one end of each association begins.
#[test]
fn two_gateways_back_to_back_take_different_roles_and_know_each_other() {
    let calls = calls();
    let core = |call: &crate::media_door::Call| {
        let data = call.settings(1).data.clone().expect("data channels");
        data.core_dtls.expect("DTLS towards the core")
    };
    let (near, far) = (core(&calls.near), core(&calls.far));
    assert_eq!(near.dtls_role, Some(DtlsRole::Server));
    assert_eq!(far.dtls_role, Some(DtlsRole::Client));
    let of = |call: &crate::media_door::Call| {
        let local = call.gateway_side(1).data.clone().expect("data channels");
        vec![local.core_fingerprint]
    };
    assert_eq!(near.remote_fingerprints, Some(of(&calls.far)));
    assert_eq!(far.remote_fingerprints, Some(of(&calls.near)));
    let address = calls
        .near
        .settings(1)
        .core
        .as_ref()
        .expect("the core")
        .remote_rtp;
    assert_eq!(address, Some(calls.far.gateway_side(1).core.rtp));
}
