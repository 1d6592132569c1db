//! TS 24.371 §8.2.3 — WIC terminating call with data channels.

use nf_epcscf::ims_alg::Leg;

use crate::data_calls::{browser, call, data};
use crate::wic_calls::{far_end, registered, text};
use crate::wire_calls::{sdp, status};

/// What an eP-CSCF offers a WIC for a far end's channels.
fn offered() -> wire_sdp::Session {
    let far = browser("UDP/DTLS/SCTP", "a=dcmap:1000 label=\"chat\"\r\n");
    let between = call(true).offer(Leg::Wic, &far).expect("served");
    call(true)
        .offer(Leg::Core, &text(&between))
        .expect("served")
}

/// "Upon receiving an SDP offer, with an "m=" line with the proto value set to "UDP/DTLS/SCTP" …, the WIC shall follow the
/// procedures in RFC 8841 for generating the associated SDP answer. In addition, the WIC shall insert an SDP sctp-port
/// attribute".
#[test]
fn its_answer_has_an_m_line_of_webrtc_datachannel_and_an_sctp_port() {
    let (mut edge, wic) = registered(&["--answer", "--accept-channel", "any"]);
    let offer = offered();
    edge.send(&far_end(None, "INVITE", 1, &offer));
    let ok = edge.response();
    assert_eq!(status(&ok), 200);
    wic.says("incoming");
    let answer = sdp(&ok);
    assert_eq!(answer.medias().len(), offer.medias().len());
    let media = data(&answer).expect("its place");
    assert_eq!(media.line().proto, "UDP/DTLS/SCTP");
    assert_eq!(media.line().formats, "webrtc-datachannel");
    assert_ne!(media.line().port, 0);
    assert!(media.value("sctp-port").is_some());
    // RFC 8841 §10.3 with RFC 8842 §5.3: the answer says who begins.
    assert!(matches!(media.value("setup"), Some("active" | "passive")));
}

/// RFC 3264 §6: who takes no channels refuses them in their place, and the call stands.
#[test]
fn channels_that_it_does_not_take_are_refused_in_their_place() {
    let (mut edge, _wic) = registered(&["--answer"]);
    edge.send(&far_end(None, "INVITE", 1, &offered()));
    let ok = edge.response();
    assert_eq!(status(&ok), 200);
    let answer = sdp(&ok);
    assert_ne!(answer.medias()[0].line().port, 0);
    assert_eq!(data(&answer).expect("its place").line().port, 0);
}
