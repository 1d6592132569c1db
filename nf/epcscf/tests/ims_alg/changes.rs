//! Changes of a call that stands, from either side.

use core_iq::{Command, DtlsRole, Gate, MediaKind, StreamId};
use nf_epcscf::ims_alg::Leg;
use wire_sdp::Session;
use wire_sdp::attribute::Direction;

use crate::edge::{
    AUDIO_VIDEO_ANSWER, CHROMIUM, Edge, assert_nothing_of_the_access, audio_of, media_text, phone,
    text,
};

/// A browser's audio call that a phone took with PCMU.
fn audio_call() -> Edge {
    let mut edge = Edge::new();
    edge.offer(Leg::Wic, &audio_of(CHROMIUM)).expect("served");
    edge.answer(Leg::Core, &phone(1, "m=audio 50000 RTP/AVP 0\r\n"))
        .expect("served");
    edge
}

fn version(session: &Session) -> u64 {
    session.origin().version
}

#[test]
fn the_browser_holds_and_resumes() {
    let mut edge = audio_call();
    let hold = audio_of(CHROMIUM).replace("a=sendrecv", "a=sendonly");
    let offer = edge.offer(Leg::Wic, &hold).expect("served");
    assert_eq!(offer.media_direction(0), Direction::SendOnly);
    assert_eq!(version(&offer), 2);
    let answer = edge
        .answer(
            Leg::Core,
            &phone(2, "m=audio 50000 RTP/AVP 0\r\na=recvonly\r\n"),
        )
        .expect("served");
    assert_eq!(answer.media_direction(0), Direction::RecvOnly);
    let settings = edge.gateway.last(0);
    assert_eq!(
        settings.w3.expect("W3").gate,
        Some(Gate {
            receive: true,
            send: false
        })
    );
    assert_eq!(
        settings.core.expect("core").gate,
        Some(Gate {
            receive: false,
            send: true
        })
    );

    let offer = edge.offer(Leg::Wic, &audio_of(CHROMIUM)).expect("served");
    assert_eq!(
        (offer.media_direction(0), version(&offer)),
        (Direction::SendRecv, 3)
    );
    edge.answer(Leg::Core, &phone(3, "m=audio 50000 RTP/AVP 0\r\n"))
        .expect("served");
    assert_eq!(edge.gateway.last(0).w3.expect("W3").gate, Some(Gate::OPEN));
    let reserves = edge
        .gateway
        .commands
        .iter()
        .filter(|c| matches!(c, Command::Reserve { .. }));
    assert_eq!(reserves.count(), 1, "a held stream is not made again");
}

#[test]
fn the_far_end_holds_by_direction_or_by_an_address_of_zeros() {
    let mut edge = audio_call();
    for held in [
        "m=audio 50000 RTP/AVP 0\r\na=sendonly\r\n",
        "m=audio 50000 RTP/AVP 0\r\nc=IN IP4 0.0.0.0\r\n",
    ] {
        let offer = edge.offer(Leg::Core, &phone(2, held)).expect("served");
        assert_eq!(offer.media_direction(0), Direction::SendOnly);
        assert!(media_text(&offer, 0).contains("a=setup:actpass\n"));
        let browser = audio_of(CHROMIUM)
            .replace("sendrecv", "recvonly")
            .replace("actpass", "active");
        let browser = browser.replace("SAVPF 111 63 9 0", "SAVPF 0");
        let answer = edge.answer(Leg::Wic, &browser).expect("served");
        assert_eq!(answer.media_direction(0), Direction::RecvOnly);
        let gate = edge.gateway.last(0).core.expect("core").gate;
        assert_eq!(
            gate,
            Some(Gate {
                receive: true,
                send: false
            })
        );
    }
}

#[test]
fn the_browser_adds_video_and_takes_it_away_again() {
    let mut edge = audio_call();
    let offer = edge.offer(Leg::Wic, CHROMIUM).expect("served");
    assert_nothing_of_the_access(&offer);
    assert_eq!(offer.medias().len(), 2);
    let Some(Command::Reserve {
        context: Some(_),
        streams,
    }) = edge.gateway.commands.last()
    else {
        panic!(
            "the stream is added to the Context: {:?}",
            edge.gateway.commands
        )
    };
    assert_eq!(
        (streams.len(), streams[0].stream, streams[0].media),
        (1, StreamId(1), MediaKind::Video)
    );
    edge.answer(Leg::Core, &phone(2, AUDIO_VIDEO_ANSWER))
        .expect("served");
    assert_eq!(edge.gateway.streams(), [0, 1]);

    let without = CHROMIUM.replace("m=video 40172", "m=video 0");
    let offer = edge.offer(Leg::Wic, &without).expect("served");
    assert!(media_text(&offer, 1).starts_with("m=video 0 RTP/AVP "));
    let answer = AUDIO_VIDEO_ANSWER.replace("m=video 50002", "m=video 0");
    let answer = edge.answer(Leg::Core, &phone(3, &answer)).expect("served");
    assert!(media_text(&answer, 1).starts_with("m=video 0 UDP/TLS/RTP/SAVPF "));
    assert_eq!(edge.gateway.streams(), [0]);

    edge.offer(Leg::Wic, CHROMIUM).expect("served");
    edge.answer(Leg::Core, &phone(4, AUDIO_VIDEO_ANSWER))
        .expect("served");
    assert_eq!(edge.gateway.streams(), [0, 1], "the m-line lives again");
}

#[test]
fn the_far_end_adds_video_and_the_browser_refuses_it() {
    let mut edge = audio_call();
    let more = "m=audio 50000 RTP/AVP 0\r\nm=video 50002 RTP/AVP 97\r\na=rtpmap:97 H264/90000\r\n\
        a=fmtp:97 profile-level-id=42e01f;packetization-mode=1\r\n";
    let offer = edge.offer(Leg::Core, &phone(2, more)).expect("served");
    let video = media_text(&offer, 1);
    for there in [
        "a=mid:1\n",
        "a=rtcp-fb:97 nack pli\n",
        "a=rtcp-fb:97 ccm fir\n",
        "a=3ge2ae:applied\n",
    ] {
        assert!(video.contains(there), "no {there} in {video}");
    }
    let browser = CHROMIUM
        .replace("actpass", "active")
        .replace("m=video 40172", "m=video 0");
    let answer = edge.answer(Leg::Wic, &browser).expect("served");
    assert!(media_text(&answer, 1).starts_with("m=video 0 RTP/AVP 97\n"));
    assert_eq!(edge.gateway.streams(), [0]);
}

#[test]
fn m_lines_keep_their_places_when_one_leg_has_more() {
    // The browser's second m-line is a data channel, which the core does not get.
    let with_data = format!("{}{}", audio_of(CHROMIUM), data_channel());
    let mut edge = Edge::new();
    let offer = edge.offer(Leg::Wic, &with_data).expect("served");
    assert_eq!(offer.medias().len(), 1);
    let answer = edge
        .answer(Leg::Core, &phone(1, "m=audio 50000 RTP/AVP 0\r\n"))
        .expect("served");
    assert!(
        media_text(&answer, 1).starts_with("m=application 0 UDP/DTLS/SCTP webrtc-datachannel\n")
    );

    // The far end adds an m-line that the browser does not get, and a video that it gets in its third place.
    let more = "m=audio 50000 RTP/AVP 0\r\nm=message 2855 TCP/MSRP *\r\nm=video 50002 RTP/AVP 96\r\na=rtpmap:96 VP8/90000\r\n";
    let offer = edge.offer(Leg::Core, &phone(2, more)).expect("served");
    let lines: Vec<&str> = offer.medias().iter().map(|m| m.line().media).collect();
    assert_eq!(lines, ["audio", "application", "video"]);
    assert_eq!(offer.media(1).expect("application").line().port, 0);
    assert_eq!(edge.gateway.streams(), [0, 2]);
    let video = CHROMIUM
        .split_once("m=video")
        .expect("a video")
        .1
        .replace("a=mid:1", "a=mid:2");
    let browser = format!("{with_data}m=video{video}")
        .replace("actpass", "active")
        .replace("m=application 40174", "m=application 0");
    let answer = edge.answer(Leg::Wic, &browser).expect("served");
    let lines: Vec<(String, u16)> = answer
        .medias()
        .iter()
        .map(|m| (m.line().media.to_owned(), m.line().port))
        .collect();
    assert_eq!(
        lines,
        [
            ("audio".into(), 20000),
            ("message".into(), 0),
            ("video".into(), 20004)
        ]
    );
    assert!(media_text(&answer, 1).starts_with("m=message 0 TCP/MSRP *\n"));
}

#[test]
fn other_credentials_in_an_offer_restart_ice() {
    let mut edge = audio_call();
    let restarted = audio_of(CHROMIUM)
        .replace("Qx7p", "Zz9q")
        .replace("kV0aZs81", "restart1");
    let offer = edge.offer(Leg::Wic, &restarted).expect("served");
    assert_eq!(version(&offer), 1, "the core sees nothing new");
    let answer = edge
        .answer(Leg::Core, &phone(1, "m=audio 50000 RTP/AVP 0\r\n"))
        .expect("served");
    assert_eq!(
        edge.gateway
            .last(0)
            .w3
            .expect("W3")
            .remote_ice
            .expect("ICE")
            .ufrag,
        "Zz9q"
    );
    assert!(
        media_text(&answer, 0).contains("a=ice-ufrag:gw0g1\n"),
        "the gateway has new ones too"
    );
}

#[test]
fn the_far_end_moves() {
    let mut edge = audio_call();
    let offer = edge.offer(
        Leg::Core,
        &phone(
            2,
            "m=audio 50010 RTP/AVP 0\r\nc=IN IP4 192.0.2.200\r\na=rtcp:50099\r\n",
        ),
    );
    assert_eq!(offer.expect("served").medias().len(), 1);
    let browser = audio_of(CHROMIUM).replace("actpass", "active");
    edge.answer(Leg::Wic, &browser).expect("served");
    let core = edge.gateway.last(0).core.expect("core");
    assert_eq!(
        core.remote_rtp,
        Some("192.0.2.200:50010".parse().expect("an address"))
    );
    assert_eq!(
        core.remote_rtcp,
        Some("192.0.2.200:50099".parse().expect("an address"))
    );
}

#[test]
fn a_refused_change_leaves_the_call_as_it_was() {
    let mut edge = audio_call();
    let streams = edge.gateway.streams();
    edge.offer(Leg::Wic, CHROMIUM).expect("served");
    assert_eq!(edge.negotiation.offered_by(), Some(Leg::Wic));
    assert_eq!(edge.gateway.streams(), [0, 1]);
    edge.rollback();
    assert_eq!(edge.negotiation.offered_by(), None);
    assert_eq!(edge.gateway.streams(), streams);

    let offer = edge.offer(Leg::Wic, &audio_of(CHROMIUM)).expect("served");
    assert_eq!(
        (offer.medias().len(), version(&offer)),
        (1, 3),
        "the core has seen versions 1 and 2"
    );
}

#[test]
fn a_change_that_fails_behind_a_preview_is_taken_back_at_the_gateway() {
    let mut edge = audio_call();
    let hold = audio_of(CHROMIUM).replace("a=sendrecv", "a=sendonly");
    edge.offer(Leg::Wic, &hold).expect("served");
    let held = phone(2, "m=audio 50000 RTP/AVP 0\r\na=recvonly\r\n");
    edge.answer_with(Leg::Core, &held, nf_epcscf::ims_alg::Finality::Provisional)
        .expect("served");
    assert_ne!(edge.gateway.last(0).w3.expect("W3").gate, Some(Gate::OPEN));
    edge.rollback();
    assert_eq!(edge.gateway.last(0).w3.expect("W3").gate, Some(Gate::OPEN));
}

#[test]
fn payload_types_stay_when_the_other_side_offers() {
    let mut edge = Edge::new();
    edge.offer(Leg::Wic, &audio_of(CHROMIUM)).expect("served");
    edge.answer(
        Leg::Core,
        &phone(
            1,
            "m=audio 50000 RTP/AVP 96\r\na=rtpmap:96 opus/48000/2\r\n",
        ),
    )
    .expect("served");
    let again =
        "m=audio 50000 RTP/AVP 96 111\r\na=rtpmap:96 opus/48000/2\r\na=rtpmap:111 AMR-WB/16000\r\n";
    let offer = edge.offer(Leg::Core, &phone(2, again)).expect("served");
    let audio = media_text(&offer, 0);
    assert!(
        audio.starts_with("m=audio 40000 UDP/TLS/RTP/SAVPF 111 96\n"),
        "{audio}"
    );
    assert!(
        audio.contains("a=rtpmap:111 opus/48000/2\n")
            && audio.contains("a=rtpmap:96 AMR-WB/16000\n"),
        "{audio}"
    );
    let browser = audio_of(CHROMIUM)
        .replace("actpass", "active")
        .replace("SAVPF 111 63 9 0 8 13 110 126", "SAVPF 111");
    let answer = edge.answer(Leg::Wic, &browser).expect("served");
    assert!(media_text(&answer, 0).starts_with("m=audio 20000 RTP/AVP 96\n"));
}

#[test]
fn the_role_in_dtls_stays() {
    let mut edge = Edge::new();
    let passive = audio_of(CHROMIUM).replace("actpass", "passive");
    edge.offer(Leg::Wic, &passive).expect("served");
    let answer = edge
        .answer(Leg::Core, &phone(1, "m=audio 50000 RTP/AVP 0\r\n"))
        .expect("served");
    assert!(media_text(&answer, 0).contains("a=setup:active\n"));
    edge.offer(Leg::Wic, &audio_of(CHROMIUM)).expect("served");
    let answer = edge
        .answer(Leg::Core, &phone(1, "m=audio 50000 RTP/AVP 0\r\n"))
        .expect("served");
    assert!(
        media_text(&answer, 0).contains("a=setup:active\n"),
        "{}",
        text(&answer)
    );
    assert_eq!(
        edge.gateway.last(0).w3.expect("W3").dtls_role,
        Some(DtlsRole::Client)
    );
}

#[test]
fn every_m_line_may_end_and_the_call_goes_on() {
    let mut edge = audio_call();
    let ended = audio_of(CHROMIUM).replace("m=audio 40170", "m=audio 0");
    let offer = edge.offer(Leg::Wic, &ended).expect("served");
    assert_eq!(offer.media(0).expect("audio").line().port, 0);
    edge.answer(Leg::Core, &phone(2, "m=audio 0 RTP/AVP 0\r\n"))
        .expect("served");
    assert!(edge.gateway.streams().is_empty());
    assert!(matches!(
        edge.negotiation.release(),
        Some(Command::Release { .. })
    ));
    assert_eq!(edge.negotiation.release(), None);
}

#[test]
fn an_m_line_that_changes_its_kind_is_rejected_and_may_be_used_anew() {
    let mut edge = audio_call();
    let video = CHROMIUM
        .split_once("m=video")
        .expect("a video")
        .1
        .replace("a=mid:1", "a=mid:0");
    let changed = format!(
        "{}m=video{video}",
        CHROMIUM.split("m=audio").next().expect("the session")
    );
    let both = format!(
        "{changed}m=audio{}",
        audio_of(CHROMIUM)
            .split_once("m=audio")
            .expect("an audio")
            .1
    )
    .replace("a=rtpmap:111", "a=mid:9\r\na=rtpmap:111")
    .replacen("a=mid:0\r\na=extmap:1 ", "a=extmap:1 ", 1);
    let offer = edge
        .offer(Leg::Wic, &both)
        .expect("the new audio is served");
    let lines: Vec<(u16, &str)> = offer
        .medias()
        .iter()
        .map(|m| (m.line().port, m.line().media))
        .collect();
    assert_eq!(lines, [(0, "audio"), (20002, "audio")]);
    let answer = phone(2, "m=audio 0 RTP/AVP 0\r\nm=audio 50000 RTP/AVP 0\r\n");
    edge.answer(Leg::Core, &answer).expect("served");
    assert_eq!(edge.gateway.streams(), [1]);
    edge.offer(Leg::Wic, &both).expect("served");
    let answer = phone(
        3,
        "m=video 50002 RTP/AVP 96\r\na=rtpmap:96 VP8/90000\r\nm=audio 50000 RTP/AVP 0\r\n",
    );
    edge.answer(Leg::Core, &answer).expect("served");
    assert_eq!(edge.gateway.streams(), [1, 0]);
}

#[test]
fn audio_has_no_key_frames_and_rtcp_no_look_alikes() {
    let mut edge = Edge::new();
    let odd = audio_of(CHROMIUM)
        .replace("SAVPF 111 63", "SAVPF 111 72")
        .replace(
            "a=rtpmap:63 red/48000/2",
            "a=rtpmap:72 L16/8000\r\na=rtcp-fb:111 nack pli\r\na=rtcp-fb:111 nack",
        );
    let offer = edge.offer(Leg::Wic, &odd).expect("served");
    assert!(
        offer
            .media(0)
            .expect("audio")
            .line()
            .formats
            .starts_with("111 9 ")
    );
    let answer = "m=audio 50000 RTP/AVP 96\r\na=rtpmap:96 opus/48000/2\r\na=rtcp-fb:* nack pli\r\na=rtcp-fb:* nack\r\n";
    let answer = edge.answer(Leg::Core, &phone(1, answer)).expect("served");
    assert!(media_text(&answer, 0).contains("a=rtcp-fb:111 nack\n"));
    let feedback = edge.gateway.last(0).feedback.expect("feedback");
    assert!(feedback.w3_nack && feedback.core_nack && !feedback.w3_pli && !feedback.core_pli);
}

fn data_channel() -> String {
    "m=application 40174 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 192.0.2.17\r\na=ice-ufrag:Qx7p\r\n\
     a=ice-pwd:kV0aZs81LrTq5oJmWc3dYb6e\r\na=setup:actpass\r\na=mid:1\r\na=sctp-port:5000\r\n\
     a=fingerprint:sha-256 9B:0A:51:7C:D2:44:18:EE:03:6F:B7:2C:A9:60:5D:F1:3E:88:07:C4:92:1B:DA:75:46:E0:2F:B3:6C:58:A1:D9\r\n"
        .to_owned()
}

/// A session refresh: browsers count `o=` up each time, and mean the same.
#[test]
fn an_offer_that_says_the_same_again_asks_the_gateway_nothing() {
    let mut edge = audio_call();
    let phone = |version| phone(version, "m=audio 50000 RTP/AVP 0\r\n");
    // The first of them is read.
    let first = edge.offer(Leg::Wic, &audio_of(CHROMIUM)).expect("served");
    let answered = edge.answer(Leg::Core, &phone(1)).expect("served");
    edge.negotiation.rest();
    let asked = edge.gateway.commands.len();
    let next = |count: u32| {
        let sdp = audio_of(CHROMIUM);
        let at = sdp.find("o=").expect("an o= line");
        let end = at + sdp[at..].find(" IN ").expect("its address");
        let start = at + sdp[at..end].rfind(' ').expect("a version") + 1;
        let version: u64 = sdp[start..end].parse().expect("a number");
        let version = version + u64::from(count);
        format!("{}{version}{}", &sdp[..start], &sdp[end..])
    };
    for count in 1..3 {
        let offer = edge.offer(Leg::Wic, &next(count)).expect("served");
        assert_eq!(text(&offer), text(&first));
        let busy = edge.negotiation.offer(Leg::Core, phone(2).as_bytes());
        assert!(busy.is_err(), "one offer at a time");
        let answer = edge.answer(Leg::Core, &phone(1)).expect("served");
        assert_eq!(text(&answer), text(&answered));
        edge.negotiation.rest();
    }
    assert_eq!(edge.gateway.commands.len(), asked);

    // It may be refused like any other, and answered otherwise.
    edge.offer(Leg::Wic, &next(3)).expect("served");
    assert!(edge.negotiation.rollback().is_empty());
    edge.offer(Leg::Wic, &next(4)).expect("served");
    let held = phone(2).replace("AVP 0\r\n", "AVP 0\r\na=inactive\r\n");
    let answer = edge.answer(Leg::Core, &held).expect("served");
    assert_eq!(answer.media_direction(0), Direction::Inactive);
    assert_eq!(version(&answer), version(&answered) + 1);
    assert_eq!(
        edge.gateway.last(0).w3.expect("W3").gate,
        Some(Gate {
            receive: false,
            send: false
        })
    );
    // What the browser was told has changed since: the same offer is read again.
    edge.negotiation.rest();
    edge.offer(Leg::Wic, &next(5)).expect("served");
    let answer = edge.answer(Leg::Core, &phone(3)).expect("served");
    assert_eq!(version(&answer), version(&answered) + 2);
    assert_eq!(edge.gateway.last(0).w3.expect("W3").gate, Some(Gate::OPEN));
}
