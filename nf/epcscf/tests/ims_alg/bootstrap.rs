//! Bootstrap channels that the edge ends itself (TS 26.114 §6.2.10.1, TS 24.186).

use core_iq::{ChannelPlace, DataSettings, FarEnd, StreamEnd};
use nf_epcscf::ims_alg::{DataChannels, Finality, Leg, Policy};
use wire_sdp::Session;

use crate::edge::{CHROMIUM, Edge, audio_of, media_text, phone};

const FINGERPRINT: &str = "a=fingerprint:sha-256 9B:0A:51:7C:D2:44:18:EE:03:6F:B7:2C:A9:60:5D:F1:3E:88:07:C4:92:1B:DA:75:46:E0:2F:B3:6C:58:A1:D9\r\n";
const LOCAL: &str = "a=dcmap:0 subprotocol=\"http\"\r\na=dcmap:10 subprotocol=\"http\"\r\n";
const REMOTE: &str = "a=3gpp-bdc-used-by:sender\r\na=dcmap:100 subprotocol=\"http\"\r\na=dcmap:110 subprotocol=\"http\"\r\n";
const APPLICATION: &str = "a=dcmap:1000 label=\"board\"\r\n";
const AUDIO: &str = "m=audio 50000 RTP/AVP 0\r\n";

fn edge(data_channels: DataChannels) -> Edge {
    Edge::with(Policy {
        data_channels,
        bootstrap: true,
        ..Policy::default()
    })
}

fn browser(version: u32, setup: &str, maps: &str) -> String {
    let audio = audio_of(CHROMIUM);
    let origin = audio
        .lines()
        .find(|line| line.starts_with("o="))
        .expect("o=");
    let mut words: Vec<&str> = origin.split(' ').collect();
    let version = version.to_string();
    words[2] = &version;
    let audio = audio.replace(origin, &words.join(" "));
    let audio = audio.replace("a=setup:actpass", &format!("a=setup:{setup}"));
    format!(
        "{audio}m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=ice-ufrag:Qx7p\r\n\
         a=ice-pwd:kV0aZs81LrTq5oJmWc3dYb6e\r\na=setup:{setup}\r\na=mid:1\r\n{FINGERPRINT}a=sctp-port:5000\r\n\
         a=max-message-size:262144\r\n{maps}"
    )
}

fn core_line(port: u16, setup: &str, maps: &str) -> String {
    format!(
        "{AUDIO}m=application {port} UDP/DTLS/SCTP webrtc-datachannel\r\na=sctp-port:5001\r\n\
         a=setup:{setup}\r\na=tls-id:mf-home1-00000000000001\r\n{FINGERPRINT}{maps}"
    )
}

fn data(edge: &Edge) -> Box<DataSettings> {
    edge.gateway.last(1).data.expect("data channels")
}

/// Those that end at the gateway, and the others.
fn channels(edge: &Edge) -> (Vec<u16>, Vec<u16>) {
    let channels = data(edge).channels.expect("a list");
    let (ours, others): (Vec<_>, Vec<_>) = channels
        .iter()
        .partition(|one| one.place == ChannelPlace::At(StreamEnd::W3));
    let ids = |all: Vec<&core_iq::NegotiatedChannel>| all.iter().map(|one| one.id).collect();
    (ids(ours), ids(others))
}

fn maps(session: &Session, index: usize) -> Vec<u16> {
    let text = media_text(session, index);
    let maps = text
        .lines()
        .filter_map(|line| line.strip_prefix("a=dcmap:"));
    let ids = maps.map(|map| map.split(' ').next().and_then(|id| id.parse().ok()));
    ids.map(|id| id.expect("an id")).collect()
}

fn port(session: &Session, index: usize) -> u16 {
    session.media(index).expect("an m-line").line().port
}

/// TS 24.186: the network of a UE ends its local bootstrap channels, and the far end sees none of them.
#[test]
fn the_core_hears_nothing_of_them_and_the_wic_has_them() {
    let mut edge = edge(DataChannels::Always);
    let offer = browser(1, "actpass", &format!("{LOCAL}{REMOTE}{APPLICATION}"));
    let sent = edge.offer(Leg::Wic, &offer).expect("served");
    assert_eq!(maps(&sent, 1), [1000]);
    assert!(!media_text(&sent, 1).contains("3gpp-bdc-used-by"));
    let answer = phone(1, &core_line(50010, "passive", APPLICATION));
    let answer = edge.answer(Leg::Core, &answer).expect("served");
    // Nobody knows whose network the far end's is.
    assert_eq!(maps(&answer, 1), [1000, 0, 10]);
    assert!(!media_text(&answer, 1).contains("3gpp-bdc-used-by"));
    assert_eq!(channels(&edge), (vec![0, 10], vec![1000]));
    assert_eq!(data(&edge).far_end, Some(FarEnd::Relay { announce: true }));
}

/// TS 26.114 §6.2.10.1 — the far end's network is ours, so we answer for it.
#[test]
fn remote_ones_are_there_when_the_far_ends_network_is_ours() {
    let mut edge = edge(DataChannels::Always);
    edge.negotiation.far_end_is_ours(true);
    let offer = browser(1, "actpass", &format!("{LOCAL}{REMOTE}"));
    edge.offer(Leg::Wic, &offer).expect("served");
    let answer = phone(1, &core_line(50010, "passive", ""));
    let answer = edge.answer(Leg::Core, &answer).expect("served");
    assert_eq!(maps(&answer, 1), [0, 10, 100, 110]);
    assert!(media_text(&answer, 1).contains("a=3gpp-bdc-used-by:sender"));
    assert_eq!(channels(&edge).0, [0, 10, 100, 110]);
}

/// A phone without data channels refuses the m-line; the WIC has its bootstrap channels all the same.
#[test]
fn a_far_end_that_refuses_the_m_line_takes_nothing_from_the_wic() {
    for finality in [Finality::Final, Finality::Provisional] {
        let mut edge = edge(DataChannels::Always);
        let offer = browser(1, "actpass", &format!("{LOCAL}{APPLICATION}"));
        edge.offer(Leg::Wic, &offer).expect("served");
        let refused = format!("{AUDIO}m=application 0 UDP/DTLS/SCTP webrtc-datachannel\r\n");
        let answer = edge.answer_with(Leg::Core, &phone(1, &refused), finality);
        let answer = answer.expect("served");
        assert_eq!(maps(&answer, 1), [0, 10], "{finality:?}");
        assert_ne!(port(&answer, 1), 0);
        let text = media_text(&answer, 1);
        assert!(
            text.contains("a=setup:passive") && text.contains("a=mid:1"),
            "{text}"
        );
        assert_eq!(channels(&edge), (vec![0, 10], vec![]));
        assert_eq!(data(&edge).far_end, Some(FarEnd::Nobody));
        assert_eq!(data(&edge).core, None);
    }
}

/// TS 24.371 §8.4.2 — a core that knows no data channels sees no m-line of them.
#[test]
fn a_core_without_data_channels_sees_no_m_line() {
    let mut edge = edge(DataChannels::Announced);
    let sent = edge
        .offer(Leg::Wic, &browser(1, "actpass", LOCAL))
        .expect("served");
    assert_eq!(sent.medias().len(), 1);
    let answer = edge.answer(Leg::Core, &phone(1, AUDIO)).expect("served");
    assert_eq!(maps(&answer, 1), [0, 10]);
    assert_eq!(channels(&edge).0, [0, 10]);

    // Without bootstrap channels there is nothing to serve: as before.
    let mut edge = self::edge(DataChannels::Announced);
    edge.offer(Leg::Wic, &browser(1, "actpass", APPLICATION))
        .expect("served");
    let answer = edge.answer(Leg::Core, &phone(1, AUDIO)).expect("served");
    assert_eq!(port(&answer, 1), 0);
}

/// A re-INVITE of the core's says nothing of them: they stay, as RFC 8864 §6.6 has it of what an offer names.
#[test]
fn a_change_of_the_cores_leaves_them() {
    for (policy, line) in [
        (DataChannels::Announced, AUDIO.to_owned()),
        (
            DataChannels::Always,
            core_line(50010, "actpass", APPLICATION),
        ),
    ] {
        let mut edge = edge(policy);
        let offer = browser(1, "actpass", &format!("{LOCAL}{APPLICATION}"));
        edge.offer(Leg::Wic, &offer).expect("served");
        let first = line.replace("actpass", "passive");
        edge.answer(Leg::Core, &phone(1, &first)).expect("served");
        let hold = line.replace("RTP/AVP 0\r\n", "RTP/AVP 0\r\na=sendonly\r\n");
        let sent = edge.offer(Leg::Core, &phone(2, &hold)).expect("served");
        assert_ne!(port(&sent, 1), 0);
        let offered = maps(&sent, 1);
        assert!(offered.contains(&0) && offered.contains(&10), "{offered:?}");
        let more = if policy == DataChannels::Always {
            APPLICATION
        } else {
            ""
        };
        let answer = browser(2, "passive", &format!("{LOCAL}{more}"));
        let answer = edge.answer(Leg::Wic, &answer).expect("served");
        assert_eq!(answer.medias().len(), line.matches("m=").count());
        assert_eq!(channels(&edge).0, [0, 10]);
        // The WIC gives one up.
        let text = "a=dcmap:0 subprotocol=\"http\"\r\n";
        let offer = browser(3, "actpass", &format!("{text}{more}"));
        edge.offer(Leg::Wic, &offer).expect("served");
        edge.answer(Leg::Core, &phone(3, &first)).expect("served");
        assert_eq!(channels(&edge).0, [0]);
    }
}

/// RFC 8841 §10.1 — a browser has one association: what the core begins later is in the m-line that there is.
#[test]
fn an_m_line_of_the_cores_joins_the_one_that_there_is() {
    let mut edge = edge(DataChannels::Announced);
    edge.offer(Leg::Wic, &browser(1, "actpass", LOCAL))
        .expect("served");
    edge.answer(Leg::Core, &phone(1, AUDIO)).expect("served");
    let offer = phone(2, &core_line(50010, "actpass", APPLICATION));
    let sent = edge.offer(Leg::Core, &offer).expect("served");
    assert_eq!(sent.medias().len(), 2);
    assert_eq!(maps(&sent, 1), [1000, 0, 10]);
    let answer = browser(2, "passive", &format!("{LOCAL}{APPLICATION}"));
    let answer = edge.answer(Leg::Wic, &answer).expect("served");
    assert_eq!(maps(&answer, 1), [1000]);
    assert_eq!(channels(&edge), (vec![0, 10], vec![1000]));
}

/// A browser that answers cannot add an m-line, but says in its answer which bootstrap channels it wants.
#[test]
fn a_called_wic_has_them_by_its_answer() {
    let mut edge = edge(DataChannels::Announced);
    let theirs = format!("{LOCAL}{APPLICATION}");
    let sent = edge
        .offer(Leg::Core, &phone(1, &core_line(50010, "actpass", &theirs)))
        .expect("served");
    // Those of the core are not the WIC's.
    assert_eq!(maps(&sent, 1), [1000]);
    let answer = browser(2, "passive", &format!("{LOCAL}{APPLICATION}"));
    let answer = edge.answer(Leg::Wic, &answer).expect("served");
    assert_eq!(maps(&answer, 1), [1000]);
    assert_eq!(channels(&edge), (vec![0, 10], vec![1000]));
}

/// A core with a DCSF of its own: nothing is ours.
#[test]
fn what_is_the_cores_to_serve_is_relayed() {
    let mut edge = Edge::with(Policy {
        data_channels: DataChannels::Always,
        ..Policy::default()
    });
    let all = format!("{LOCAL}{REMOTE}");
    let sent = edge
        .offer(Leg::Wic, &browser(1, "actpass", &all))
        .expect("served");
    assert_eq!(maps(&sent, 1), [0, 10, 100, 110]);
    let answer = phone(1, &core_line(50010, "passive", LOCAL));
    let answer = edge.answer(Leg::Core, &answer).expect("served");
    assert_eq!(maps(&answer, 1), [0, 10]);
    assert_eq!(channels(&edge), (vec![], vec![0, 10]));
}

/// The operator wants no data channels at all.
#[test]
fn never_is_never() {
    let mut edge = edge(DataChannels::Never);
    edge.offer(Leg::Wic, &browser(1, "actpass", LOCAL))
        .expect("served");
    let answer = edge.answer(Leg::Core, &phone(1, AUDIO)).expect("served");
    assert_eq!(port(&answer, 1), 0);
}
