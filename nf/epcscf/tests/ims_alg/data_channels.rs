//! Data channels across the edge (TS 24.371 §8.4.2, §8.4.3).

use core_iq::{
    ChannelAction, ChannelAt, ChannelDescription, ChannelPlace, ChannelReliability, Command,
    DataSettings, DtlsRole, FarEnd, MediaKind, NegotiatedChannel, SctpSettings, StreamEnd,
    StreamId,
};
use nf_epcscf::ims_alg::{DataChannels, Leg, Policy, Refused, Unsupported};
use wire_sdp::Session;

use crate::edge::{CHROMIUM, Edge, audio_of, media_text, phone, text};

const FINGERPRINT: &str = "a=fingerprint:sha-256 9B:0A:51:7C:D2:44:18:EE:03:6F:B7:2C:A9:60:5D:F1:3E:88:07:C4:92:1B:DA:75:46:E0:2F:B3:6C:58:A1:D9\r\n";
/// What passes byte for byte.
const OF_3GPP: &str = "a=3gpp-qos-hint:loss=0.01;latency=100\r\na=3gpp-req-app:x;adc-stream-id-endpoint=UE\r\n\
    a=3gpp-bdc-used-by:sender\r\n";
const MAPS: &str = "a=dcmap:1000 label=\"a%3Bb\";subprotocol=\"\";ordered=true\r\n\
    a=dcmap:1002 label=\"fast\";ordered=false;max-retr=0\r\na=dcsa:1000 accept-types:text/plain\r\n";

fn edge() -> Edge {
    Edge::with(Policy {
        data_channels: DataChannels::Always,
        ..Policy::default()
    })
}

fn wic_line(first: &str, setup: &str, more: &str) -> String {
    format!(
        "{first}\r\nc=IN IP4 192.0.2.17\r\na=ice-ufrag:Qx7p\r\na=ice-pwd:kV0aZs81LrTq5oJmWc3dYb6e\r\n\
         a=setup:{setup}\r\na=mid:1\r\n{FINGERPRINT}{more}"
    )
}

/// Chromium's, with a data channel m-line of this form.
fn browser(first: &str, more: &str) -> String {
    let audio = audio_of(CHROMIUM);
    format!("{audio}{}", wic_line(first, "actpass", more))
}

fn core_line(port: u16, setup: &str, more: &str) -> String {
    format!(
        "m=audio 50000 RTP/AVP 0\r\n\
         m=application {port} UDP/DTLS/SCTP webrtc-datachannel\r\na=sctp-port:5001\r\na=max-message-size:0\r\n\
         a=setup:{setup}\r\na=tls-id:mf-home1-00000000000001\r\n{FINGERPRINT}{more}"
    )
}

const UDP: &str = "m=application 40174 UDP/DTLS/SCTP webrtc-datachannel";
const SCTP: &str = "a=sctp-port:5000\r\na=max-message-size:262144\r\n";

fn data(edge: &Edge) -> Box<DataSettings> {
    edge.gateway.last(1).data.expect("data channels")
}

fn has(media: &str, lines: &[&str]) {
    for line in lines {
        assert!(
            media.lines().any(|one| one == line.trim_end()),
            "no {line} in {media}"
        );
    }
}

/// TS 24.371 §8.4.2
#[test]
fn a_wic_offers_channels_and_the_core_sees_those_of_the_gateway() {
    let mut edge = edge();
    let more = format!("{SCTP}{MAPS}{OF_3GPP}");
    let offer = edge.offer(Leg::Wic, &browser(UDP, &more)).expect("served");
    let line = media_text(&offer, 1);
    assert!(
        line.starts_with("m=application 20002 UDP/DTLS/SCTP webrtc-datachannel\n"),
        "{line}"
    );
    for passed in [MAPS, OF_3GPP] {
        has(&line, &passed.lines().collect::<Vec<_>>());
    }
    has(
        &line,
        &[
            "c=IN IP4 203.0.113.5",
            "a=sctp-port:5000",
            "a=max-message-size:262144",
            "a=setup:actpass",
            "a=ice-ufrag:gwcore1",
            "a=candidate:1 1 UDP 2130706431 203.0.113.5 20002 typ host",
        ],
    );
    assert!(line.contains("a=fingerprint:sha-256 CD:CD:") && !line.contains("9B:0A"));
    assert!(line.contains("a=tls-id:") && !line.contains("a=mid:") && !line.contains("sendrecv"));
    assert!(text(&offer).contains("a=ice-lite\r\n"));
    assert_eq!(edge.gateway.last(1).media, MediaKind::Data);

    let accepted = "a=dcmap:1000 label=\"a%3Bb\";ordered=true\r\n";
    let answer = phone(1, &core_line(50010, "passive", accepted));
    let answer = edge.answer(Leg::Core, &answer).expect("served");
    let line = media_text(&answer, 1);
    assert!(
        line.starts_with("m=application 40000 UDP/DTLS/SCTP webrtc-datachannel\n"),
        "{line}"
    );
    has(
        &line,
        &[
            "a=mid:1",
            "a=setup:passive",
            "a=sctp-port:5000",
            "a=max-message-size:262144",
            "a=ice-ufrag:gw1g0",
            accepted,
        ],
    );
    assert!(!line.contains("5001") && !line.contains("max-message-size:0"));

    let data = data(&edge);
    assert_eq!(
        data.w3,
        Some(SctpSettings {
            port: 5000,
            max_message_size: Some(262_144)
        })
    );
    assert_eq!(
        data.core,
        Some(SctpSettings {
            port: 5001,
            max_message_size: Some(0)
        })
    );
    assert_eq!(data.far_end, Some(FarEnd::Relay { announce: true }));
    let channels = data.channels.expect("a list");
    assert!(
        matches!(&channels[..], [NegotiatedChannel { id: 1000, channel, .. }] if channel.label == "a;b")
    );
    let dtls = data.core_dtls.expect("DTLS");
    assert_eq!(dtls.dtls_role, Some(DtlsRole::Client));
    assert_eq!(dtls.remote_ice, None);
    let core = edge.gateway.last(1).core.expect("the core");
    assert_eq!(
        core.remote_rtp,
        Some("192.0.2.99:50010".parse().expect("an address"))
    );
}

/// TS 24.371 §8.4.3
#[test]
fn the_core_offers_channels_and_the_wic_sees_those_of_the_gateway() {
    let mut edge = edge();
    let more =
        format!("{MAPS}{OF_3GPP}a=ice-ufrag:farEnd\r\na=ice-pwd:passwordofthefarendof22c\r\n");
    let offer = phone(1, &core_line(50010, "actpass", &more));
    let offer = edge.offer(Leg::Core, &offer).expect("served");
    let line = media_text(&offer, 1);
    for passed in [MAPS, OF_3GPP] {
        has(&line, &passed.lines().collect::<Vec<_>>());
    }
    has(
        &line,
        &[
            "a=setup:actpass",
            "a=mid:1",
            "a=ice-ufrag:gw1g0",
            "a=sctp-port:5000",
        ],
    );
    assert!(!line.contains("farEnd") && !line.contains("rtcp-mux") && !line.contains("3ge2ae"));

    let wic = browser(UDP, &format!("{SCTP}{MAPS}")).replace("actpass", "active");
    let answer = edge.answer(Leg::Wic, &wic).expect("served");
    let line = media_text(&answer, 1);
    has(
        &line,
        &[
            "a=setup:active",
            "a=ice-ufrag:gwcore1",
            "a=max-message-size:262144",
        ],
    );
    let data = data(&edge);
    let dtls = data.core_dtls.expect("DTLS");
    assert_eq!(dtls.dtls_role, Some(DtlsRole::Client));
    assert_eq!(dtls.remote_ice.expect("ICE").ufrag, "farEnd");
    let channels = data.channels.expect("a list");
    assert_eq!(channels.len(), 2);
    let fast = &channels[1].channel;
    assert!(!fast.ordered && fast.reliability == ChannelReliability::MaxRetransmits(0));
    let w3 = edge.gateway.last(1).w3.expect("W3");
    assert_eq!(w3.dtls_role, Some(DtlsRole::Server));
}

/// RFC 8841 §4.3, and the form before it.
#[test]
fn tcp_and_the_old_form_are_understood_and_answered_in_kind() {
    let forms = [
        ("m=application 9 TCP/DTLS/SCTP webrtc-datachannel", SCTP),
        (
            "m=application 9 DTLS/SCTP 5000",
            "a=sctpmap:5000 webrtc-datachannel 1024\r\n",
        ),
    ];
    for (first, more) in forms {
        let mut edge = edge();
        let offer = edge.offer(Leg::Wic, &browser(first, more)).expect("served");
        let line = media_text(&offer, 1);
        assert!(
            line.starts_with("m=application 20002 UDP/DTLS/SCTP webrtc-datachannel\n"),
            "{line}"
        );
        assert!(!line.contains("sctpmap"));
        let answer = phone(1, &core_line(50010, "active", ""));
        let answer = edge.answer(Leg::Core, &answer).expect("served");
        let line = media_text(&answer, 1);
        let same = first.replace(" 9 ", " 40000 ");
        assert_eq!(line.lines().next(), Some(same.as_str()));
        let old = first.contains(" DTLS");
        assert_eq!(
            line.contains("a=sctpmap:5000 webrtc-datachannel 65535\n"),
            old
        );
        assert_eq!(line.contains("a=sctp-port:5000\n"), !old);
        let dtls = data(&edge).core_dtls.expect("DTLS");
        assert_eq!(dtls.dtls_role, Some(DtlsRole::Server));
    }
}

fn ports(session: &Session) -> Vec<u16> {
    session.medias().iter().map(|m| m.line().port).collect()
}

#[test]
fn a_far_end_without_data_channels_answers_port_0_and_so_do_we() {
    let mut edge = edge();
    edge.offer(Leg::Wic, &browser(UDP, SCTP)).expect("served");
    let answer = "m=audio 50000 RTP/AVP 0\r\nm=application 0 UDP/DTLS/SCTP webrtc-datachannel\r\n";
    let answer = edge.answer(Leg::Core, &phone(1, answer)).expect("served");
    assert_eq!(ports(&answer), [40000, 0]);
    assert_eq!(edge.gateway.streams(), [0]);
    // It may accept them later, in the same place.
    let later = browser(UDP, SCTP).replace("o=- 4", "o=- 5");
    edge.offer(Leg::Wic, &later).expect("served");
    let answer = phone(2, &core_line(50010, "active", ""));
    let answer = edge.answer(Leg::Core, &answer).expect("served");
    assert_eq!(ports(&answer), [40000, 40000]);
    assert_eq!(edge.gateway.streams(), [0, 1]);
}

#[test]
fn a_re_offer_with_fewer_channels_closes_the_others() {
    let mut edge = edge();
    let both = format!("{SCTP}{MAPS}");
    edge.offer(Leg::Wic, &browser(UDP, &both)).expect("served");
    let answer = phone(1, &core_line(50010, "passive", MAPS));
    edge.answer(Leg::Core, &answer).expect("served");
    assert_eq!(data(&edge).channels.expect("a list").len(), 2);
    let fewer = format!("{SCTP}a=dcmap:1000\r\n");
    edge.offer(Leg::Wic, &browser(UDP, &fewer)).expect("served");
    let answer = phone(2, &core_line(50010, "passive", "a=dcmap:1000\r\n"));
    edge.answer(Leg::Core, &answer).expect("served");
    let ids: Vec<u16> = data(&edge)
        .channels
        .expect("a list")
        .iter()
        .map(|one| one.id)
        .collect();
    assert_eq!(ids, [1000]);
    assert_eq!(
        data(&edge).core_dtls.expect("DTLS").dtls_role,
        Some(DtlsRole::Client)
    );
}

#[test]
fn a_core_that_knows_no_data_channels_gets_none() {
    let never = Policy {
        data_channels: DataChannels::Never,
        ..Policy::default()
    };
    for policy in [never.clone(), Policy::default()] {
        let mut edge = Edge::with(policy);
        let offer = edge.offer(Leg::Wic, &browser(UDP, SCTP)).expect("served");
        assert_eq!(offer.medias().len(), 1);
        let answer = phone(1, "m=audio 50000 RTP/AVP 0\r\n");
        let answer = edge.answer(Leg::Core, &answer).expect("served");
        assert_eq!(ports(&answer), [40000, 0]);
    }
    let mut edge = Edge::with(never);
    let offer = phone(1, &core_line(50010, "actpass", MAPS));
    let offer = edge.offer(Leg::Core, &offer).expect("served");
    assert_eq!(offer.medias().len(), 1);
}

/// TS 24.186: by default a core that announces data channels gets them.
#[test]
fn a_core_that_announces_or_offers_data_channels_gets_them() {
    let mut edge = Edge::new();
    edge.negotiation.core_has_channels();
    let offer = edge.offer(Leg::Wic, &browser(UDP, SCTP)).expect("served");
    assert_eq!(offer.medias().len(), 2);

    let mut edge = Edge::new();
    let offer = phone(1, &core_line(50010, "actpass", MAPS));
    let offer = edge.offer(Leg::Core, &offer).expect("served");
    assert_eq!(offer.medias().len(), 2);
    let wic = browser(UDP, SCTP).replace("actpass", "active");
    edge.answer(Leg::Wic, &wic).expect("served");
    let again = wic.replace("o=- 4", "o=- 5").replace("active", "actpass");
    let offer = edge.offer(Leg::Wic, &again).expect("served");
    assert_eq!(ports(&offer), [20000, 20002]);
}

#[test]
fn channels_that_cannot_be_refuse_their_m_line_alone() {
    for bad in [
        "a=dcmap:0\r\na=dcmap:0\r\n",
        "a=dcmap:65535\r\n",
        "a=dcmap:x\r\n",
        "a=dcmap:0 max-retr=1;max-time=1\r\n",
        "a=sctp-port:0\r\n",
    ] {
        let mut edge = edge();
        let offer = edge
            .offer(Leg::Wic, &browser(UDP, bad))
            .expect("audio is served");
        assert_eq!(offer.medias().len(), 1, "{bad}");
        let alone = phone(1, &wic_line(UDP, "actpass", bad));
        let refused = edge_alone(&alone);
        assert_eq!(refused, Refused::from(Unsupported::DataChannels), "{bad}");
    }
}

fn edge_alone(offer: &str) -> Refused {
    edge().offer(Leg::Wic, offer).expect_err("nothing to serve")
}

/// RFC 8842 §5: one name a leg for the life of the association, whatever ICE does.
#[test]
fn names_of_dtls_associations_are_the_gateways_own() {
    let mut edge = edge();
    let name = "a=tls-id:wic-0000000000000001\r\n";
    let offer = edge.offer(Leg::Wic, &browser(UDP, &format!("{SCTP}{name}")));
    let before = tls_id(&offer.expect("served"));
    let answer = phone(1, &core_line(50010, "passive", ""));
    let answer = edge.answer(Leg::Core, &answer).expect("served");
    assert!(tls_id(&answer).is_some());
    let said = data(&edge);
    assert_eq!(said.w3_tls_id.as_deref(), Some("wic-0000000000000001"));
    assert_eq!(said.offered, Some(StreamEnd::W3));
    let dtls = said.core_dtls.expect("DTLS");
    assert_eq!(
        dtls.remote_tls_id.as_deref(),
        Some("mf-home1-00000000000001")
    );

    // An ICE restart of the WIC's: the core hears the same name.
    let restart = browser(UDP, &format!("{SCTP}{name}"))
        .replace("o=- 4", "o=- 5")
        .replace("Qx7p", "Qx8p");
    let offer = edge.offer(Leg::Wic, &restart).expect("served");
    assert_eq!(tls_id(&offer), before);
    let answer = phone(2, &core_line(50010, "passive", ""));
    edge.answer(Leg::Core, &answer).expect("served");

    // An offer of the core's says whose it is.
    let more = "a=ice-ufrag:farEnd\r\na=ice-pwd:passwordofthefarendof22c\r\n";
    let offer = phone(3, &core_line(50010, "actpass", more));
    edge.offer(Leg::Core, &offer).expect("served");
    let wic = browser(UDP, SCTP).replace("actpass", "active");
    let answer = edge.answer(Leg::Wic, &wic.replace("o=- 4", "o=- 6"));
    assert!(tls_id(&answer.expect("served")).is_some());
    assert_eq!(data(&edge).offered, Some(StreamEnd::Core));
}

fn tls_id(session: &Session) -> Option<String> {
    session.medias()[1].value("tls-id").map(str::to_owned)
}

#[test]
fn an_offer_without_a_name_is_answered_without() {
    let mut edge = edge();
    edge.offer(Leg::Wic, &browser(UDP, SCTP)).expect("served");
    let answer = phone(1, &core_line(50010, "passive", ""));
    let answer = edge.answer(Leg::Core, &answer).expect("served");
    assert_eq!(tls_id(&answer), None);
}

/// RFC 4145 §4.1: an offer without `a=setup` is active, an answer passive.
#[test]
fn who_begins_when_nobody_says() {
    let mut edge = edge();
    edge.offer(Leg::Wic, &browser(UDP, SCTP)).expect("served");
    let answer = phone(1, &core_line(50010, "x", "")).replace("a=setup:x\r\n", "");
    edge.answer(Leg::Core, &answer).expect("served");
    let dtls = data(&edge).core_dtls.expect("DTLS");
    assert_eq!(dtls.dtls_role, Some(DtlsRole::Client));

    let mut edge = self::edge();
    let offer = phone(1, &core_line(50010, "x", "")).replace("a=setup:x\r\n", "");
    edge.offer(Leg::Core, &offer).expect("served");
    let wic = browser(UDP, SCTP).replace("actpass", "active");
    edge.answer(Leg::Wic, &wic).expect("served");
    let dtls = data(&edge).core_dtls.expect("DTLS");
    assert_eq!(dtls.dtls_role, Some(DtlsRole::Server));
}

/// The gateway could not open it: then nobody is told that it is there.
#[test]
fn a_channel_with_a_label_too_long_is_left_out_on_either_leg() {
    let long = "x".repeat(1025);
    let maps = format!("a=dcmap:1000 label=\"{long}\"\r\na=dcsa:1000 x\r\na=dcmap:1002\r\n");
    let mut edge = edge();
    let offer = edge.offer(Leg::Wic, &browser(UDP, &format!("{SCTP}{maps}")));
    let line = media_text(&offer.expect("served"), 1);
    assert!(line.contains("a=dcmap:1002\n"), "{line}");
    assert!(!line.contains("dcmap:1000") && !line.contains("dcsa"));
    // One that takes it all the same is not heard.
    let answer = phone(1, &core_line(50010, "passive", &maps));
    let answer = edge.answer(Leg::Core, &answer).expect("served");
    let line = media_text(&answer, 1);
    assert!(line.contains("a=dcmap:1002\n") && !line.contains("dcmap:1000"));
    let channels = data(&edge).channels.expect("a list");
    assert_eq!(channels.len(), 1);
}

/// A `dcmap` for a channel that was opened in band before.
#[test]
fn a_channel_that_the_gateway_cannot_do_is_not_in_the_answer() {
    let mut edge = edge();
    edge.gateway.refused = vec![1000];
    edge.offer(Leg::Wic, &browser(UDP, &format!("{SCTP}{MAPS}")))
        .expect("served");
    let answer = phone(1, &core_line(50010, "passive", MAPS));
    let answer = edge.answer(Leg::Core, &answer).expect("served");
    let line = media_text(&answer, 1);
    assert!(
        line.contains("a=dcmap:1002") && !line.contains("dcmap:1000"),
        "{line}"
    );
}

/// What a client opened in band, as the gateway tells it.
fn request(edge: &mut Edge, id: u16, label: &str) {
    let at = ChannelAt {
        end: StreamEnd::W3,
        id,
    };
    let channel = ChannelDescription {
        label: label.to_owned(),
        protocol: "chat".to_owned(),
        ordered: false,
        reliability: ChannelReliability::MaxRetransmits(3),
        priority: 512,
    };
    edge.negotiation.requested(StreamId(1), at, &channel);
}

fn closed(edge: &mut Edge) -> Vec<u16> {
    let commands = edge.negotiation.take_closed().into_iter();
    commands
        .map(|command| match command {
            Command::Channel {
                stream: StreamId(1),
                action: ChannelAction::Close(at),
                ..
            } => at.id,
            other => panic!("{other:?}"),
        })
        .collect()
}

/// A call whose core writes dcmap.
fn ims_call() -> Edge {
    let mut edge = edge();
    edge.negotiation.core_reads_channels();
    edge.offer(Leg::Wic, &browser(UDP, SCTP)).expect("served");
    let answer = phone(1, &core_line(50010, "passive", ""));
    edge.answer(Leg::Core, &answer).expect("served");
    let far_end = FarEnd::Relay { announce: true };
    assert_eq!(data(&edge).far_end, Some(far_end));
    edge
}

const MAP: &str =
    "a=dcmap:1000 ordered=false;subprotocol=\"chat\";label=\"a b\";max-retr=3;priority=512";

/// TS 24.371 §8.4.2: of a client that knows no dcmap.
#[test]
fn what_is_opened_in_band_is_announced_to_the_core_and_opened_when_it_agrees() {
    let mut edge = ims_call();
    request(&mut edge, 4, "a b");
    request(&mut edge, 6, "no");
    assert!(edge.negotiation.wants_to_announce());
    let offer = edge.reoffer(Leg::Core).expect("said");
    let line = media_text(&offer, 1);
    has(&line, &[MAP]);
    assert!(line.contains("a=dcmap:1001 ") && line.contains("a=setup:actpass"));
    assert!(!edge.negotiation.wants_to_announce());

    let answer = phone(2, &core_line(50010, "passive", "a=dcmap:1000\r\n"));
    edge.settle(Leg::Core, &answer).expect("settled");
    let channels = data(&edge).channels.expect("a list");
    let [one] = &channels[..] else {
        panic!("{channels:?}");
    };
    let at = ChannelAt {
        end: StreamEnd::W3,
        id: 4,
    };
    assert_eq!((one.id, one.place), (1000, ChannelPlace::For(at)));
    assert_eq!(closed(&mut edge), [6], "the core has no use for it");

    // The core's own offers have it, and the WIC does not hear of it.
    let offer = phone(3, &core_line(50010, "actpass", "a=dcmap:1000\r\n"));
    let offer = edge.offer(Leg::Core, &offer).expect("served");
    assert!(!media_text(&offer, 1).contains("dcmap"));
    let wic = browser(UDP, SCTP).replace("actpass", "active");
    let answer = edge.answer(Leg::Wic, &wic.replace("o=- 4", "o=- 5"));
    let line = media_text(&answer.expect("served"), 1);
    has(&line, &[MAP]);
    // Nor in the WIC's own.
    let again = browser(UDP, SCTP).replace("o=- 4", "o=- 6");
    let offer = edge.offer(Leg::Wic, &again).expect("served");
    has(&media_text(&offer, 1), &[MAP]);
    let answer = phone(4, &core_line(50010, "passive", "a=dcmap:1000\r\n"));
    let answer = edge.answer(Leg::Core, &answer).expect("served");
    assert!(!media_text(&answer, 1).contains("dcmap"));
    assert_eq!(data(&edge).channels.expect("a list"), channels);

    // The core drops it: it is reset.
    let offer = phone(5, &core_line(50010, "actpass", ""));
    edge.offer(Leg::Core, &offer).expect("served");
    edge.answer(Leg::Wic, &wic.replace("o=- 4", "o=- 7"))
        .expect("served");
    assert_eq!(closed(&mut edge), [4]);
    assert_eq!(data(&edge).channels, Some(Vec::new()));
}

#[test]
fn an_announcement_that_comes_to_nothing_is_wanted_again_until_it_is_refused() {
    let mut edge = ims_call();
    request(&mut edge, 4, "a b");
    edge.reoffer(Leg::Core).expect("said");
    // One that comes meanwhile is not lost with the offer.
    request(&mut edge, 6, "more");
    edge.rollback();
    assert!(edge.negotiation.wants_to_announce());
    let offer = edge.reoffer(Leg::Core).expect("said");
    assert_eq!(media_text(&offer, 1).matches("a=dcmap:").count(), 2);
    edge.rollback();
    edge.negotiation.refuse_announced();
    assert_eq!(closed(&mut edge), [4, 6]);
    assert!(!edge.negotiation.wants_to_announce());
}

#[test]
fn what_the_client_closes_before_it_was_said_is_not_said() {
    let mut edge = ims_call();
    request(&mut edge, 4, "a b");
    let at = ChannelAt {
        end: StreamEnd::W3,
        id: 4,
    };
    edge.negotiation.closed(StreamId(1), at);
    assert!(!edge.negotiation.wants_to_announce());
    assert_eq!(closed(&mut edge), [] as [u16; 0]);
}

#[test]
fn announced_channels_are_bounded_and_make_way_for_others_of_the_same_id() {
    let mut edge = ims_call();
    for id in 0..70 {
        request(&mut edge, 2 * id, "x");
    }
    assert_eq!(closed(&mut edge).len(), 6);
    edge.reoffer(Leg::Core).expect("said");
    let all: Vec<String> = (1000..1064).map(|id| format!("a=dcmap:{id}\r\n")).collect();
    let all = all.concat();
    let answer = phone(2, &core_line(50010, "passive", &all));
    edge.settle(Leg::Core, &answer).expect("settled");
    assert_eq!(data(&edge).channels.expect("a list").len(), 64);
    // The WIC has a word of its own for an id that we took.
    let own = format!("{SCTP}a=dcmap:1000\r\n");
    let own = browser(UDP, &own).replace("o=- 4", "o=- 5");
    let offer = edge.offer(Leg::Wic, &own).expect("served");
    let line = media_text(&offer, 1);
    assert_eq!(line.matches("a=dcmap:1000\n").count(), 1);
    assert_eq!(line.matches("a=dcmap:1000").count(), 1);
    assert_eq!(closed(&mut edge), [0]);
    let long = "x".repeat(1024);
    for id in 100..120 {
        request(&mut edge, 2 * id, &long);
    }
    assert!(
        !closed(&mut edge).is_empty(),
        "names have a bound of their own"
    );
}

#[test]
fn a_stream_that_ends_takes_what_was_announced_along() {
    let mut edge = ims_call();
    request(&mut edge, 4, "a b");
    edge.reoffer(Leg::Core).expect("said");
    let answer = phone(2, &core_line(50010, "passive", "a=dcmap:1000\r\n"));
    edge.settle(Leg::Core, &answer).expect("settled");
    let without = "m=audio 50000 RTP/AVP 0\r\nm=application 0 UDP/DTLS/SCTP webrtc-datachannel\r\n";
    let again = browser(UDP, SCTP).replace("o=- 4", "o=- 5");
    edge.offer(Leg::Wic, &again).expect("served");
    edge.answer(Leg::Core, &phone(3, without)).expect("served");
    assert_eq!(edge.gateway.streams(), [0]);
    let later = browser(UDP, SCTP).replace("o=- 4", "o=- 6");
    let offer = edge.offer(Leg::Wic, &later).expect("served");
    assert!(!media_text(&offer, 1).contains("dcmap"));
}
