//! Data channels that a WIC opens in band, announced to the core by re-INVITEs of the edge's own (TS 24.371 §8.4.2), and
//! which data channels cross the edge at all (TS 24.186).

use std::time::Duration;

use core_iq::{
    ChannelAction, ChannelAt, ChannelDescription, ChannelEnd, ChannelPlace, ChannelReliability,
    Command, Event, StreamEnd,
};
use wire_sip::{HeaderName, Message, Method, StatusCode};

use super::support::*;

const MOMENT: Duration = Duration::from_millis(150);
const TAG: &str = "+sip.app-subtype=\"webrtc-datachannel\"";

fn wic_data(version: u32) -> String {
    let audio = wic_sdp().replace("o=- 1 2", &format!("o=- 1 {version}"));
    let fingerprint = ["AB"; 32].join(":");
    format!(
        "{audio}m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=ice-ufrag:abcd\r\n\
         a=ice-pwd:abcdefghijklmnopqrstuvwx\r\na=fingerprint:sha-256 {fingerprint}\r\na=setup:actpass\r\n\
         a=mid:1\r\na=sctp-port:5000\r\n"
    )
}

fn core_data(version: u32, setup: &str, maps: &str) -> String {
    let audio = core_sdp().replace("far 5 5", &format!("far 5 {version}"));
    let fingerprint = ["CD"; 32].join(":");
    format!(
        "{audio}m=application 31000 UDP/DTLS/SCTP webrtc-datachannel\r\na=sctp-port:5000\r\n\
         a=fingerprint:sha-256 {fingerprint}\r\na=setup:{setup}\r\na=tls-id:far-00000000000000001\r\n{maps}"
    )
}

fn registered_with(capabilities: Option<&str>) -> Bench {
    let mut bench = Bench::new();
    bench.wic_says(&register(1, "response=\"1\""));
    let request = bench.at_core();
    let mut ok = registered(&request);
    if let Some(capabilities) = capabilities {
        ok.push_back(HeaderName::FeatureCaps, capabilities);
    }
    bench.core_says(&ok);
    assert_eq!(bench.at_wic().status(), Some(StatusCode::OK));
    bench
}

fn tagged(mut message: Message) -> Message {
    let contact = message.header(HeaderName::Contact).unwrap().to_owned();
    message.set(HeaderName::Contact, format_args!("{contact};{TAG}"));
    message
}

/// Alice's call to bob, whose client has data channels as IMS has them; alice's 200.
fn stands() -> (Bench, Message) {
    let mut bench = registered_with(Some("*;+g.3gpp.datachannel"));
    bench.wic_says(&invite("sip:bob@home.example", &wic_data(2)));
    let request = bench.at_core();
    assert_eq!(sections(&request), 2);
    let sdp = core_data(5, "passive", "");
    let ok = answer(&request, StatusCode::OK, "bob", Some(&sdp));
    bench.core_says(&tagged(ok));
    let ok = bench.at_wic();
    bench.wic_says(&in_dialog("ACK", 1, &ok));
    assert_eq!(bench.at_core().method(), Method::Ack);
    (bench, ok)
}

fn sections(message: &Message) -> usize {
    body(message).matches("\nm=").count()
}

fn body(message: &Message) -> String {
    String::from_utf8(message.body().to_vec()).unwrap()
}

fn maps(message: &Message) -> Vec<String> {
    let body = body(message);
    let lines = body.lines().filter(|line| line.starts_with("a=dcmap:"));
    lines.map(str::to_owned).collect()
}

fn at(id: u16) -> ChannelAt {
    ChannelAt {
        end: StreamEnd::W3,
        id,
    }
}

fn opens(bench: &mut Bench, id: u16, label: &str) {
    let channel = ChannelDescription {
        label: label.to_owned(),
        protocol: String::new(),
        ordered: true,
        reliability: ChannelReliability::Reliable,
        priority: 256,
    };
    let at = at(id);
    bench.gateway_tells(1, Event::ChannelRequested { at, channel });
}

/// The channels that the gateway was last told.
fn negotiated(bench: &Bench) -> Vec<(u16, ChannelPlace)> {
    let data = bench
        .commands
        .iter()
        .rev()
        .find_map(|command| match command {
            Command::Configure { streams, .. } => {
                streams.iter().find_map(|stream| stream.data.clone())
            }
            _ => None,
        });
    let channels = data.and_then(|data| data.channels).expect("a list");
    channels.iter().map(|one| (one.id, one.place)).collect()
}

fn closed(bench: &mut Bench) -> Vec<u16> {
    let commands = std::mem::take(&mut bench.commands).into_iter();
    let closed = commands.filter_map(|command| match command {
        Command::Channel {
            action: ChannelAction::Close(at),
            ..
        } => Some(at.id),
        _ => None,
    });
    closed.collect()
}

fn announcement(bench: &mut Bench) -> Message {
    bench.wait(MOMENT);
    let invite = bench.at_core();
    assert_eq!(invite.method(), Method::Invite);
    invite
}

fn agrees(bench: &mut Bench, invite: &Message, version: u32, maps: &str) {
    let sdp = core_data(version, "passive", maps);
    bench.core_says(&answer(invite, StatusCode::OK, "bob", Some(&sdp)));
    assert_eq!(bench.at_core().method(), Method::Ack);
}

#[test]
fn many_opens_at_once_are_one_re_invite_and_the_client_hears_nothing_of_it() {
    let (mut bench, _) = stands();
    for id in 0..10 {
        opens(&mut bench, 2 * id, &format!("c{id}"));
    }
    assert!(bench.core_is_quiet());
    let invite = announcement(&mut bench);
    let said = maps(&invite);
    assert_eq!(said.len(), 10);
    assert_eq!(said[0], "a=dcmap:1000 label=\"c0\"");
    assert_eq!(sections(&invite), 2);
    // One more while it is out: told when it is answered.
    opens(&mut bench, 100, "late");
    let most: Vec<String> = (1000..1009).map(|id| format!("a=dcmap:{id}\r\n")).collect();
    let most = most.concat();
    agrees(&mut bench, &invite, 6, &most);
    let opened = negotiated(&bench);
    assert_eq!(opened.len(), 9);
    assert_eq!(opened[0], (1000, ChannelPlace::For(at(0))));
    assert_eq!(closed(&mut bench), [18], "the core has no use for the last");
    let second = announcement(&mut bench);
    assert_eq!(maps(&second).len(), 10);
    agrees(&mut bench, &second, 7, &most);
    assert_eq!(closed(&mut bench), [100]);
    bench.wait(Duration::from_secs(5));
    assert!(bench.core_is_quiet() && bench.to_wic.is_empty());
    assert_eq!(bench.shard.counters().sessions, 1);
}

/// RFC 3261 §14.1
#[test]
fn at_glare_it_is_said_again_a_while_later() {
    let (mut bench, _) = stands();
    opens(&mut bench, 0, "a");
    let invite = announcement(&mut bench);
    let pending = StatusCode::new(491).unwrap();
    bench.core_says(&answer(&invite, pending, "bob", None));
    assert_eq!(bench.at_core().method(), Method::Ack);
    bench.wait(Duration::from_secs(1));
    assert!(
        bench.core_is_quiet(),
        "alice's side owns the Call-ID and waits longer"
    );
    let begun = bench.now;
    while bench.core_is_quiet() {
        bench.wait(MOMENT);
        assert!(bench.now - begun < Duration::from_secs(4));
    }
    let again = bench.at_core();
    assert_eq!(maps(&again), ["a=dcmap:1000 label=\"a\""]);
    agrees(&mut bench, &again, 6, "a=dcmap:1000\r\n");
    assert_eq!(negotiated(&bench), [(1000, ChannelPlace::For(at(0)))]);
}

#[test]
fn a_core_that_refuses_the_re_invite_costs_the_channels_and_not_the_call() {
    let (mut bench, _) = stands();
    opens(&mut bench, 0, "a");
    opens(&mut bench, 2, "b");
    let invite = announcement(&mut bench);
    let refused = StatusCode::NOT_ACCEPTABLE_HERE;
    bench.core_says(&answer(&invite, refused, "bob", None));
    assert_eq!(bench.at_core().method(), Method::Ack);
    assert_eq!(closed(&mut bench), [0, 2]);
    bench.wait(Duration::from_secs(30));
    assert!(bench.core_is_quiet());
    assert_eq!(bench.shard.counters().sessions, 1);
}

#[test]
fn a_call_that_ends_meanwhile_takes_it_along() {
    for answered in [false, true] {
        let (mut bench, ok) = stands();
        opens(&mut bench, 0, "a");
        let invite = announcement(&mut bench);
        bench.wic_says(&in_dialog("BYE", 2, &ok));
        let bye = bench.at_core();
        assert_eq!(bye.method(), Method::Bye);
        if answered {
            let sdp = core_data(6, "passive", "a=dcmap:1000\r\n");
            bench.core_says(&answer(&invite, StatusCode::OK, "bob", Some(&sdp)));
        }
        bench.core_says(&Message::response_to(&bye, StatusCode::OK, None));
        bench.wait(Duration::from_secs(70));
        assert_eq!(bench.shard.counters().sessions, 0);
        let released = |command: &&Command| matches!(command, Command::Release { .. });
        assert_eq!(bench.commands.iter().filter(released).count(), 1);
    }
}

#[test]
fn a_change_of_the_clients_own_takes_the_announcement_along() {
    let (mut bench, ok) = stands();
    opens(&mut bench, 0, "a");
    let mut change = in_dialog("INVITE", 2, &ok);
    let held = wic_data(3).replace("sendrecv", "sendonly");
    change.set_body(Some("application/sdp"), held.into_bytes());
    bench.wic_says(&change);
    let invite = bench.at_core();
    assert_eq!(maps(&invite).len(), 1);
    let sdp = core_data(6, "passive", "a=dcmap:1000\r\n");
    bench.core_says(&answer(&invite, StatusCode::OK, "bob", Some(&sdp)));
    let ok = bench.at_wic();
    assert_eq!(maps(&ok), [] as [String; 0]);
    bench.wic_says(&in_dialog("ACK", 2, &ok));
    assert_eq!(bench.at_core().method(), Method::Ack);
    assert_eq!(negotiated(&bench), [(1000, ChannelPlace::For(at(0)))]);
    bench.wait(Duration::from_secs(5));
    assert!(bench.core_is_quiet());
}

#[test]
fn what_the_client_closes_at_once_is_not_announced() {
    let (mut bench, _) = stands();
    opens(&mut bench, 0, "a");
    let end = ChannelEnd::ByPeer;
    bench.gateway_tells(1, Event::ChannelClosed { at: at(0), end });
    opens(&mut bench, 2, "b");
    let end = StreamEnd::W3;
    let reason = String::new();
    bench.gateway_tells(1, Event::DataEnded { end, reason });
    bench.wait(Duration::from_secs(5));
    assert!(bench.core_is_quiet());
}

/// TS 24.371 §8.4.2
#[test]
fn without_a_word_of_the_core_the_data_channels_of_a_client_are_refused() {
    let mut bench = registered_with(Some("*;+g.3gpp.srvcc"));
    bench.wic_says(&invite("sip:bob@home.example", &wic_data(2)));
    let request = bench.at_core();
    assert_eq!(sections(&request), 1);
    bench.core_says(&answer(&request, StatusCode::OK, "bob", Some(&core_sdp())));
    let ok = bench.at_wic();
    assert!(body(&ok).contains("m=application 0 "));
    bench.wic_says(&in_dialog("ACK", 1, &ok));
    assert_eq!(bench.at_core().method(), Method::Ack);
    // Once the far end offers some, they are carried from then on.
    let routes: Vec<&str> = request.values(HeaderName::RecordRoute).collect();
    let sdp = core_data(6, "actpass", "a=dcmap:1000\r\n");
    let offer = message(&format!(
        "INVITE sip:alice@alice.invalid;transport=ws SIP/2.0\r\nVia: SIP/2.0/UDP {CORE};branch=z9hG4bKoffer\r\n\
         Max-Forwards: 60\r\nRoute: {}\r\nFrom: {}\r\nTo: <sip:alice@{HOME}>;tag=alice\r\nCall-ID: call\r\n\
         CSeq: 1 INVITE\r\nContact: <sip:bob@192.0.2.99:5060>\r\nContent-Type: application/sdp\r\n\
         Content-Length: {}\r\n\r\n{sdp}",
        routes.join(", "),
        ok.header(HeaderName::To).unwrap(),
        sdp.len(),
    ));
    bench.core_says(&offer);
    let offered = bench.at_wic();
    assert!(
        body(&offered).contains("m=application 3478 UDP/DTLS/SCTP"),
        "{}",
        body(&offered)
    );
}
