//! Calls through the IMS-ALG, offer and answer, with the SDP that browsers and phones write.

use core_iq::{Command, DtlsRole, Gate, PayloadMapping};
use nf_epcscf::ims_alg::Leg;

use crate::edge::{
    AUDIO_VIDEO_ANSWER, CHROMIUM, Edge, FIREFOX_MAX_BUNDLE, PHONE, assert_nothing_of_the_access,
    media_text, phone, text,
};

#[test]
fn a_browser_calls_and_the_core_sees_plain_rtp() {
    let mut edge = Edge::new();
    let offer = edge.offer(Leg::Wic, CHROMIUM).expect("served");
    assert_nothing_of_the_access(&offer);
    assert_eq!(
        text(&offer).lines().nth(1),
        Some("o=- 2002 1 IN IP4 203.0.113.5")
    );
    assert_eq!(
        media_text(&offer, 0),
        "m=audio 20000 RTP/AVP 111 9 0 8 13 110 126\n\
         c=IN IP4 203.0.113.5\nb=AS:80\na=sendrecv\na=rtcp-xr:rcvr-rtt=all\n\
         a=rtpmap:111 opus/48000/2\na=fmtp:111 minptime=10;useinbandfec=1\na=rtpmap:9 G722/8000\n\
         a=rtpmap:0 PCMU/8000\na=rtpmap:8 PCMA/8000\na=rtpmap:13 CN/8000\n\
         a=rtpmap:110 telephone-event/48000\na=rtpmap:126 telephone-event/8000\na=rtcp:20001\n"
    );
    let video = media_text(&offer, 1);
    assert!(
        video.starts_with("m=video 20002 RTP/AVP 96 102 98 45\n"),
        "{video}"
    );
    for gone in ["rtx", "red", "ulpfec", "apt=", "transport-cc", "goog-remb"] {
        assert!(!video.contains(gone), "{gone} in {video}");
    }
    for kept in [
        "a=rtcp-fb:96 nack\n",
        "a=rtcp-fb:96 nack pli\n",
        "a=rtcp-fb:96 ccm fir\n",
        "b=AS:2048\n",
    ] {
        assert!(video.contains(kept), "no {kept} in {video}");
    }
    let reserved = edge.gateway.last(0).w3.expect("W3");
    assert_eq!(reserved.remote_ice.expect("ICE").ufrag, "Qx7p");
    assert_eq!(reserved.dtls_role, Some(DtlsRole::Server));
    assert_eq!(reserved.gate, Some(Gate::CLOSED));

    let answer = edge
        .answer(Leg::Core, &phone(1, AUDIO_VIDEO_ANSWER))
        .expect("served");
    assert_eq!(
        text(&answer),
        "v=0\r\no=- 1001 1 IN IP4 198.51.100.7\r\ns=-\r\nt=0 0\r\na=ice-lite\r\n\
         m=audio 40000 UDP/TLS/RTP/SAVPF 0 126\r\nc=IN IP4 198.51.100.7\r\n\
         a=rtpmap:126 telephone-event/8000\r\na=ptime:20\r\na=sendrecv\r\na=mid:0\r\na=rtcp-mux\r\n\
         a=ice-ufrag:gw0g0\r\na=ice-pwd:gatewaypassword0000000\r\n\
         a=candidate:1 1 UDP 2130706431 198.51.100.7 40000 typ host\r\n\
         a=candidate:2 1 UDP 2130706175 127.0.0.1 40000 typ host\r\na=end-of-candidates\r\n\
         a=fingerprint:sha-256 AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB\r\n\
         a=setup:passive\r\n\
         m=video 40000 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 198.51.100.7\r\na=rtpmap:96 VP8/90000\r\n\
         a=rtcp-fb:96 nack\r\na=rtcp-fb:96 nack pli\r\na=rtcp-fb:96 ccm fir\r\na=sendrecv\r\na=mid:1\r\na=rtcp-mux\r\n\
         a=ice-ufrag:gw1g0\r\na=ice-pwd:gatewaypassword0000000\r\n\
         a=candidate:1 1 UDP 2130706431 198.51.100.7 40000 typ host\r\n\
         a=candidate:2 1 UDP 2130706175 127.0.0.1 40000 typ host\r\na=end-of-candidates\r\n\
         a=fingerprint:sha-256 AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB\r\n\
         a=setup:passive\r\n"
    );
    let audio = edge.gateway.last(0);
    assert_eq!(audio.w3.expect("W3").gate, Some(Gate::OPEN));
    let core = audio.core.expect("core");
    assert_eq!(core.gate, Some(Gate::OPEN));
    assert_eq!(
        core.remote_rtp,
        Some("192.0.2.99:50000".parse().expect("an address"))
    );
    assert_eq!(
        core.remote_rtcp,
        Some("192.0.2.99:50001".parse().expect("an address"))
    );
    let feedback = edge.gateway.last(1).feedback.expect("feedback");
    assert!(
        feedback.w3_pli
            && feedback.w3_fir
            && feedback.core_pli
            && !feedback.core_fir
            && !feedback.core_nack
    );
}

#[test]
fn a_bundle_only_m_line_is_left_out_and_answered_with_port_0() {
    let mut edge = Edge::new();
    let offer = edge.offer(Leg::Wic, FIREFOX_MAX_BUNDLE).expect("served");
    assert_nothing_of_the_access(&offer);
    assert_eq!(offer.medias().len(), 1);
    let answer = phone(1, "m=audio 50000 RTP/AVP 8\r\na=recvonly\r\n");
    let answer = edge.answer(Leg::Core, &answer).expect("served");
    assert_eq!(answer.medias().len(), 2);
    assert!(media_text(&answer, 1).starts_with("m=video 0 UDP/TLS/RTP/SAVPF 120"));
    assert!(answer.media(1).expect("video").value("mid") == Some("1"));
    assert!(!text(&answer).contains("BUNDLE"));
    let gate = edge.gateway.last(0).w3.expect("W3").gate.expect("a gate");
    assert_eq!(
        gate,
        Gate {
            receive: true,
            send: false
        },
        "the far end only receives"
    );
}

#[test]
fn a_phone_calls_and_the_browser_is_offered_dtls() {
    let mut edge = Edge::new();
    let offer = edge.offer(Leg::Core, PHONE).expect("served");
    let media = media_text(&offer, 0);
    assert!(
        media.starts_with("m=audio 40000 UDP/TLS/RTP/SAVPF 104 110 102 108 105 100\n"),
        "{media}"
    );
    for there in [
        "a=setup:actpass\n",
        "a=3ge2ae:applied\n",
        "a=rtcp-mux\n",
        "a=mid:0\n",
        "b=AS:49\n",
        "a=ptime:20\n",
        "a=fingerprint:sha-256 AB:",
        "a=candidate:2 1 UDP",
    ] {
        assert!(media.contains(there), "no {there} in {media}");
    }
    for gone in ["curr", "des:", "BUNDLE", "RTP/AVP"] {
        assert!(!text(&offer).contains(gone), "{gone} in {media}");
    }
    assert!(offer.section().has("ice-lite"));

    let browser = CHROMIUM
        .split("m=video")
        .next()
        .expect("audio")
        .replace("actpass", "active")
        .replace("SAVPF 111 63 9 0 8 13 110 126", "SAVPF 100 102")
        .replace(
            "a=rtpmap:110 telephone-event/48000",
            "a=rtpmap:102 AMR/8000",
        )
        .replace("a=rtpmap:126", "a=rtpmap:100");
    let answer = edge.answer(Leg::Wic, &browser).expect("served");
    assert_nothing_of_the_access(&answer);
    let media = media_text(&answer, 0);
    assert!(
        media.starts_with("m=audio 20000 RTP/AVP 100 102\n"),
        "{media}"
    );
    for there in [
        "a=curr:qos local sendrecv\n",
        "a=des:qos mandatory remote sendrecv\n",
        "a=conf:qos remote sendrecv\n",
    ] {
        assert!(media.contains(there), "no {there} in {media}");
    }
    let w3 = edge.gateway.last(0).w3.expect("W3");
    assert_eq!(
        (w3.dtls_role, w3.gate),
        (Some(DtlsRole::Server), Some(Gate::OPEN))
    );
}

#[test]
fn payload_types_are_mapped_where_the_answer_has_others() {
    let mut edge = Edge::new();
    edge.offer(Leg::Wic, CHROMIUM).expect("served");
    let answer = phone(
        1,
        "m=audio 50000 RTP/AVP 96 101\r\na=rtpmap:96 opus/48000/2\r\na=fmtp:96 stereo=0\r\n\
        a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\nm=video 0 RTP/AVP 96\r\n",
    );
    let answer = edge.answer(Leg::Core, &answer).expect("served");
    let audio = media_text(&answer, 0);
    assert!(
        audio.starts_with("m=audio 40000 UDP/TLS/RTP/SAVPF 111 126\n"),
        "{audio}"
    );
    for there in [
        "a=rtpmap:111 opus/48000/2\n",
        "a=fmtp:111 stereo=0\n",
        "a=rtpmap:126 telephone-event/8000\n",
        "a=fmtp:126 0-15\n",
    ] {
        assert!(audio.contains(there), "no {there} in {audio}");
    }
    let map = edge.gateway.last(0).payloads.expect("a map").0;
    assert_eq!(
        map,
        [
            PayloadMapping { w3: 111, core: 96 },
            PayloadMapping { w3: 126, core: 101 }
        ]
    );
    assert!(
        matches!(edge.gateway.commands.last(), Some(Command::Subtract { streams, .. }) if streams.len() == 1)
    );
    assert!(media_text(&answer, 1).starts_with("m=video 0 "));
}

#[test]
fn a_browser_is_offered_no_payload_type_that_looks_like_rtcp() {
    let mut edge = Edge::new();
    let video = "m=video 50002 RTP/AVPF 73 96\r\na=rtpmap:73 VP8/90000\r\na=rtpmap:96 H264/90000\r\na=rtcp-fb:* nack\r\n";
    let offer = edge.offer(Leg::Core, &phone(1, video)).expect("served");
    let written = media_text(&offer, 0);
    assert!(
        written.starts_with("m=video 40000 UDP/TLS/RTP/SAVPF 97 96\n"),
        "{written}"
    );
    for there in [
        "a=rtpmap:97 VP8/90000\n",
        "a=rtcp-fb:97 nack\n",
        "a=rtcp-fb:96 nack pli\n",
    ] {
        assert!(written.contains(there), "no {there} in {written}");
    }
    let browser = CHROMIUM
        .split_once("m=video")
        .expect("a video")
        .1
        .replace("actpass", "active");
    let browser = browser.replace("SAVPF 96 97 102 103 98 99 45 46 118 119 120", "SAVPF 97");
    let browser = browser
        .replace("a=rtpmap:97 rtx", "a=rtpmap:97 VP8")
        .replace("a=rtcp-fb:96", "a=rtcp-fb:97");
    let answer = edge
        .answer(Leg::Wic, &phone(1, &format!("m=video{browser}")))
        .expect("served");
    let written = media_text(&answer, 0);
    assert!(
        written.starts_with("m=video 20000 RTP/AVPF 73\n"),
        "the profile is the offer's: {written}"
    );
    assert!(
        written.contains("a=rtcp-fb:73 nack\n") && !written.contains("pli"),
        "as it was offered: {written}"
    );
    assert_eq!(
        edge.gateway.last(0).payloads.expect("a map").0,
        [PayloadMapping { w3: 97, core: 73 }]
    );
}

#[test]
fn two_browsers_agree_through_two_edges() {
    let (mut near, mut far) = (Edge::new(), Edge::new());
    let core_offer = near.offer(Leg::Wic, CHROMIUM).expect("served");
    let offer = far.offer(Leg::Core, &text(&core_offer)).expect("served");
    let formats: Vec<&str> = offer.medias().iter().map(|m| m.line().formats).collect();
    assert_eq!(formats, ["111 9 0 8 13 110 126", "96 102 98 45"]);
    let callee = CHROMIUM.replace("actpass", "active").replace(
        "SAVPF 96 97 102 103 98 99 45 46 118 119 120",
        "SAVPF 96 102 98 45",
    );
    let core_answer = far.answer(Leg::Wic, &callee).expect("served");
    assert_nothing_of_the_access(&core_answer);
    let answer = near.answer(Leg::Core, &text(&core_answer)).expect("served");
    let formats: Vec<&str> = answer.medias().iter().map(|m| m.line().formats).collect();
    assert_eq!(formats, ["111 9 0 8 13 110 126", "96 102 98 45"]);
    for payload in [96, 102, 98, 45] {
        for words in ["nack", "nack pli", "ccm fir"] {
            let line = format!("a=rtcp-fb:{payload} {words}\n");
            assert!(media_text(&answer, 1).contains(&line), "no {line}");
        }
    }
    for edge in [near, far] {
        let map = edge.gateway.last(1).payloads.expect("a map");
        assert!(map.0.is_empty(), "the same numbers all the way: {map:?}");
    }
}
