//! TS 24.371 §8.2.2 — WIC originating call with data channels.

use crate::data_calls::data;
use crate::wic_calls::registered;
use crate::wire_calls::sdp;

/// "the WIC shall insert an "m=" line with the proto value set to "UDP/DTLS/SCTP" or "TCP/DTLS/SCTP", and the fmt value
/// set to "webrtc-datachannel" …. In addition, the WIC shall insert an SDP sctp-port attribute".
#[test]
fn its_offer_has_an_m_line_of_webrtc_datachannel_and_an_sctp_port() {
    let (mut edge, mut wic) = registered(&["--channel", "chat"]);
    wic.types("call bob");
    let offer = sdp(&edge.request("INVITE"));
    let media = data(&offer).expect("an m-line");
    assert!(["UDP/DTLS/SCTP", "TCP/DTLS/SCTP"].contains(&media.line().proto));
    assert_eq!(media.line().formats, "webrtc-datachannel");
    assert_ne!(media.line().port, 0);
    let port = media.value("sctp-port").expect("a port of SCTP");
    assert!(port.parse::<u16>().is_ok_and(|port| port > 0), "{port}");
    // RFC 8841 §5.1: DTLS is negotiated with it.
    assert_eq!(media.value("setup"), Some("actpass"));
    assert!(media.has("fingerprint") || offer.section().has("fingerprint"));
}

/// Who wants no channels offers none.
#[test]
fn there_is_no_such_m_line_in_a_call_without_data_channels() {
    let (mut edge, mut wic) = registered(&[]);
    wic.types("call bob");
    assert!(data(&sdp(&edge.request("INVITE"))).is_none());
}
