//! TS 24.371 §8.4.2 — eP-CSCF, WIC originating call with data channels.

use nf_epcscf::ims_alg::Leg;

use crate::data_calls::{BackToBack, browser, call, data};

const ANSWER: &str = "v=0\r\no=- 5 1 IN IP4 192.0.2.80\r\ns=-\r\nc=IN IP4 192.0.2.80\r\nt=0 0\r\nm=audio 6000 RTP/AVP 0\r\n";

#[test]
fn the_m_line_is_removed_from_the_offer_when_nothing_can_interwork_it() {
    for proto in ["UDP/DTLS/SCTP", "TCP/DTLS/SCTP"] {
        let mut call = call(false);
        let offer = call.offer(Leg::Wic, &browser(proto, "")).expect("served");
        assert!(data(&offer).is_none());
        assert_eq!(offer.medias().len(), 1);
        let answer = call.answer(Leg::Core, ANSWER).expect("served");
        let refused = data(&answer).expect("the WIC's m-line is answered");
        assert_eq!(refused.line().port, 0);
        assert_eq!(refused.line().proto, proto);
    }
}

#[test]
fn the_m_line_of_the_gateway_takes_its_place_when_the_core_knows_data_channels() {
    for proto in ["UDP/DTLS/SCTP", "TCP/DTLS/SCTP"] {
        let mut call = call(true);
        let offer = call.offer(Leg::Wic, &browser(proto, "")).expect("served");
        let media = data(&offer).expect("the gateway's");
        assert_eq!(media.line().proto, "UDP/DTLS/SCTP");
        assert_eq!(media.line().port, call.gateway_side(1).core.rtp.port());
        assert_ne!(media.value("ice-ufrag"), Some("Qx7p"));
    }
}

#[test]
fn the_answer_has_an_m_line_of_webrtc_datachannel_and_an_sctp_port() {
    for proto in ["UDP/DTLS/SCTP", "TCP/DTLS/SCTP"] {
        let offer = browser(proto, "");
        let answer = offer.replace("actpass", "active");
        let calls = BackToBack::new(&offer, &answer);
        let media = data(&calls.answers[1]).expect("an m-line");
        assert_eq!(media.line().proto, proto);
        assert_eq!(media.line().formats, "webrtc-datachannel");
        assert_eq!(media.value("sctp-port"), Some("5000"));
        assert_ne!(media.line().port, 0);
    }
}
