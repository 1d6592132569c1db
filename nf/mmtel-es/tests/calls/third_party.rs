//! TS 29.392 §5.3.2.2, RFC 3725: two UEs are connected.

use api_mmtel_es::dc_app_management::Status;
use core_iq::{Command, MediaKind};
use serde_json::{Value, json};
use wire_sip::{HeaderName, Message, Method};

use super::bed::{BOB, Bed, TARGET, audio, audio_and_data};

const ALICE: &str = "sip:alice@ims.example.com";

fn connect(media: &[&str], data: bool) -> Value {
    json!({
        "originatingId": ALICE, "terminatingId": BOB, "mediaInfo": media, "dcMediaInfo": data,
        "notificationInfo": TARGET, "callType": "P2P",
    })
}

/// Sound of Alice, who prefers another format than Bob's.
fn of_alice() -> String {
    audio().replace("RTP/AVP 0 101", "RTP/AVP 8 0 101")
}

fn connected(bed: &mut Bed, body: &Value, sdp: [&str; 2]) -> [Message; 2] {
    bed.ask(body);
    let first = bed.request(Method::Invite);
    bed.answer(&first, 200, Some(sdp[0]));
    let mut sent = [bed.sip.pop_front().unwrap(), bed.sip.pop_front().unwrap()];
    sent.sort_by_key(|message| message.method() != Method::Ack);
    assert_eq!(sent[0].method(), Method::Ack);
    let [_, second] = sent;
    bed.answer(&second, 200, Some(sdp[1]));
    bed.request(Method::Ack);
    [first, second]
}

#[test]
fn each_sees_the_other_and_both_talk_through_the_gateway() {
    let mut bed = Bed::new();
    let [first, second] = connected(&mut bed, &connect(&["audio"], false), [&audio(), &audio()]);
    assert_eq!(first.request_uri(), Some(ALICE));
    assert!(
        first
            .header(HeaderName::From)
            .unwrap()
            .starts_with(&format!("<{BOB}>"))
    );
    assert_eq!(second.request_uri(), Some(BOB));
    assert!(
        second
            .header(HeaderName::From)
            .unwrap()
            .starts_with(&format!("<{ALICE}>"))
    );
    // Bob is offered what Alice has, and no more.
    let sdp = String::from_utf8(second.body().to_vec()).unwrap();
    assert!(sdp.contains(" RTP/AVP 0 101\r\n"), "{sdp}");
    let response = bed.called();
    assert_eq!(response.call_result, Status::Success);
    let streams = bed.asked.iter().rev().find_map(|command| match command {
        Command::Configure { streams, .. } => Some(streams.clone()),
        _ => None,
    });
    let stream = streams.expect("the gateway is told").remove(0);
    let other = stream.second.expect("two ends").core;
    assert_eq!(other.remote_rtp, Some("192.0.2.30:4000".parse().unwrap()));
    assert!(stream.core.unwrap().remote_rtp.is_some());
    bed.nothing_more();
}

#[test]
fn the_first_follows_when_the_second_chooses_less() {
    let mut bed = Bed::new();
    connected(
        &mut bed,
        &connect(&["audio"], false),
        [&of_alice(), &audio()],
    );
    bed.called();
    let again = bed.request(Method::Invite);
    assert_eq!(again.request_uri(), Some("sip:bob@192.0.2.30:5060"));
    let sdp = String::from_utf8(again.body().to_vec()).unwrap();
    assert!(sdp.contains(" RTP/AVP 0 101\r\n"), "{sdp}");
    bed.answer(&again, 200, Some(&audio()));
    bed.request(Method::Ack);
    bed.nothing_more();
}

/// RFC 3264 §6.1: an answer may call a format otherwise than its offer.
#[test]
fn other_numbers_are_the_gateways_to_change() {
    let mut bed = Bed::new();
    let alice = audio().replace("101", "96");
    let bob = audio().replace("101", "97");
    connected(&mut bed, &connect(&["audio"], false), [&alice, &bob]);
    let payloads = bed.asked.iter().rev().find_map(|command| match command {
        Command::Configure { streams, .. } => streams[0].payloads.clone(),
        _ => None,
    });
    let pair = payloads.expect("the gateway is told").0[0];
    assert_eq!((pair.core, pair.w3), (96, 97));
}

#[test]
fn a_second_one_who_refuses_ends_the_first() {
    let mut bed = Bed::new();
    bed.ask(&connect(&["audio"], false));
    let first = bed.request(Method::Invite);
    bed.answer(&first, 200, Some(&audio()));
    let second = bed.request(Method::Invite);
    let ack = bed.request(Method::Ack);
    assert_eq!(ack.call_id(), first.call_id());
    assert_eq!(bed.sessions.len(), 1);
    bed.answer(&second, 603, None);
    bed.request(Method::Ack);
    let bye = bed.request(Method::Bye);
    assert_eq!(bye.call_id(), first.call_id());
    assert_eq!(bed.called().failure_cause.as_deref(), Some("603 Decline"));
    assert!(bed.sessions.is_empty() && bed.calls.is_empty());
}

#[test]
fn who_hangs_up_ends_it_for_both() {
    let mut bed = Bed::new();
    let [first, second] = connected(&mut bed, &connect(&["audio"], false), [&audio(), &audio()]);
    bed.called();
    bed.say(&Bed::within(&first, Method::Bye, 1));
    bed.response(200);
    let bye = bed.request(Method::Bye);
    assert_eq!(bye.call_id(), second.call_id());
    assert_eq!(bed.notified()["mediaResourceInfo"]["call"], "ENDED");
    assert!(bed.calls.is_empty() && bed.sessions.is_empty());
}

#[test]
fn the_application_has_its_channel_with_the_called_one() {
    let mut bed = Bed::new();
    let app = bed.application();
    let mut body = connect(&["audio"], true);
    body["appProfileRequested"] = json!({ "appId": app });
    let dcmap = format!("a=dcmap:1000 label=\"{app}\"\r\n");
    let sdp = [audio_and_data(""), audio_and_data(&dcmap)];
    let [first, second] = connected(&mut bed, &body, [&sdp[0], &sdp[1]]);
    let has = |invite: &Message| String::from_utf8_lossy(invite.body()).contains("a=dcmap:1000");
    assert!(!has(&first) && has(&second));
    let at = core_iq::ChannelAt {
        end: core_iq::StreamEnd::W3,
        id: 1000,
    };
    bed.event(1, core_iq::Event::ChannelOpened { at });
    assert_eq!(bed.notified()["mediaResourceInfo"]["channel"], "OPENED");
    let kinds = bed.asked.iter().find_map(|command| match command {
        Command::Reserve { streams, .. } => Some(streams.clone()),
        _ => None,
    });
    let kinds = kinds.expect("room");
    assert!(kinds.iter().all(|stream| stream.second.is_some()));
    assert_eq!(kinds[1].media, MediaKind::Data);
}
