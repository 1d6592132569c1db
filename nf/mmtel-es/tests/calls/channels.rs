//! TS 29.392 §5.3.2.3, §5.3.2.4: what goes through the channel of an application.

use std::time::Duration;

use api_mmtel_es::dc_app_management::Status;
use core_iq::{
    ChannelAction, ChannelAt, ChannelDescription, ChannelEnd, ChannelMessage, ChannelReliability,
    Command, Event, Refusal, StreamEnd,
};
use serde_json::{Value, json};
use wire_sip::Method;

use super::bed::{Bed, Gateway, TARGET, audio, audio_and_data, call_bob};

const AT: ChannelAt = ChannelAt {
    end: StreamEnd::Core,
    id: 1000,
};

fn with_app(app: &str) -> Value {
    let mut body = call_bob(&["audio"], true);
    body["appProfileRequested"] = json!({ "appId": app });
    body
}

fn dcmap(app: &str) -> String {
    audio_and_data(&format!("a=dcmap:1000 label=\"{app}\"\r\n"))
}

fn sent(bed: &Bed) -> Vec<Vec<u8>> {
    let sent = bed.asked.iter().filter_map(|command| match command {
        Command::Channel {
            action: ChannelAction::Send(_, ChannelMessage::Text(text)),
            ..
        } => Some(text.clone()),
        _ => None,
    });
    sent.collect()
}

fn credits(bed: &Bed) -> u32 {
    let credits = bed.asked.iter().filter_map(|command| match command {
        Command::Channel {
            action: ChannelAction::Credit(_, more),
            ..
        } => Some(more),
        _ => None,
    });
    credits.sum()
}

/// An application with an open channel in a call.
fn open() -> (Bed, String, String) {
    let mut bed = Bed::new();
    let app = bed.application();
    let (session, _) = bed.standing(&with_app(&app), &dcmap(&app));
    bed.event(1, Event::DataConnected { end: AT.end });
    bed.event(1, Event::ChannelOpened { at: AT });
    let told = bed.notified();
    assert_eq!(told["sessionId"], session);
    assert_eq!(told["mediaResourceInfo"]["channel"], "OPENED");
    assert_eq!(told["mediaResourceInfo"]["dcAppId"], app);
    assert_eq!(told.get("mediaDirection"), None);
    (bed, session, app)
}

#[test]
fn messages_go_both_ways_in_order() {
    let (mut bed, session, app) = open();
    for number in 0..3 {
        bed.update(&json!({
            "dcAppId": app, "sessionId": session, "notificationInfo": TARGET,
            "mediaResourceInfo": { "question": number },
        }));
        assert_eq!(bed.updated().result, Status::Success);
    }
    let expected: Vec<Vec<u8>> = (0..3)
        .map(|number| format!("{{\"question\":{number}}}").into_bytes())
        .collect();
    assert_eq!(sent(&bed), expected);
    for text in ["{\"choice\":1}", "plain"] {
        let message = ChannelMessage::Text(text.into());
        bed.event(1, Event::ChannelMessage { at: AT, message });
    }
    let told = bed.notified();
    assert_eq!(told["mediaDirection"], "P2A");
    assert_eq!(told["mediaResourceInfo"], json!({ "choice": 1 }));
    assert_eq!(
        bed.notified()["mediaResourceInfo"],
        json!({ "text": "plain" })
    );
}

/// What is not written down yet is not taken from the UE.
#[test]
fn a_slow_store_slows_the_ue_down() {
    let (mut bed, _, _) = open();
    let before = credits(&bed);
    bed.slow_store = true;
    let message = ChannelMessage::Binary(vec![1]);
    bed.event(1, Event::ChannelMessage { at: AT, message });
    assert_eq!(credits(&bed), before);
    bed.written();
    assert_eq!(credits(&bed), before + 1);
}

#[test]
fn a_channel_that_the_ue_refuses_is_told() {
    let mut bed = Bed::new();
    let app = bed.application();
    let refused = audio() + "m=application 0 UDP/DTLS/SCTP webrtc-datachannel\r\n";
    bed.ask(&with_app(&app));
    let invite = bed.request(Method::Invite);
    bed.answer(&invite, 200, Some(&refused));
    assert_eq!(bed.called().dc_media_info.as_deref(), Some("false"));
    let told = bed.notified();
    assert_eq!(told["mediaResourceInfo"]["channel"], "REFUSED");
}

#[test]
fn a_channel_that_does_not_open_is_told() {
    let mut bed = Bed::new();
    let app = bed.application();
    bed.standing(&with_app(&app), &dcmap(&app));
    bed.pass(Duration::from_secs(16));
    let told = bed.notified();
    assert_eq!(told["mediaResourceInfo"]["channel"], "REFUSED");
    assert_eq!(
        told["mediaResourceInfo"]["reason"],
        "it did not open in time"
    );
}

#[test]
fn a_channel_that_is_lost_is_told_once() {
    let (mut bed, session, app) = open();
    let end = ChannelEnd::ByPeer;
    bed.event(1, Event::ChannelClosed { at: AT, end });
    let reason = String::from("gone");
    bed.event(
        1,
        Event::DataEnded {
            end: AT.end,
            reason,
        },
    );
    let told = bed.notified();
    assert_eq!(told["mediaResourceInfo"]["channel"], "CLOSED");
    assert!(bed.told.is_empty());
    // The next use opens another one, in band.
    bed.update(&json!({
        "dcAppId": app, "sessionId": session, "notificationInfo": TARGET,
    }));
    assert!(bed.replies.is_empty(), "it is not open yet");
    let at = ChannelAt { id: 1, ..AT };
    bed.event(1, Event::ChannelOpened { at });
    assert_eq!(bed.updated().result, Status::Success);
}

/// RFC 8864 is not known to every UE: without `dcmap` in the answer the channel is opened in band.
#[test]
fn a_ue_without_dcmap_is_asked_in_band() {
    let mut bed = Bed::new();
    let app = bed.application();
    bed.standing(&with_app(&app), &audio_and_data(""));
    bed.event(1, Event::DataConnected { end: AT.end });
    let asked = bed.asked.iter().any(|command| match command {
        Command::Channel {
            action: ChannelAction::Open { channel, .. },
            ..
        } => channel.label == app,
        _ => false,
    });
    assert!(asked);
}

#[test]
fn a_ue_may_open_the_channel_and_no_other() {
    let mut bed = Bed::new();
    let app = bed.application();
    bed.standing(&with_app(&app), &audio_and_data(""));
    let requested = |label: &str, id: u16| Event::ChannelRequested {
        at: ChannelAt { id, ..AT },
        channel: ChannelDescription {
            label: label.into(),
            protocol: String::new(),
            ordered: true,
            reliability: ChannelReliability::Reliable,
            priority: 256,
        },
    };
    bed.event(1, requested(&app, 0));
    assert_eq!(bed.notified()["mediaResourceInfo"]["channel"], "OPENED");
    bed.event(1, requested("another", 2));
    let at = ChannelAt { id: 2, ..AT };
    let refused = Command::Channel {
        context: core_iq::ContextId(7),
        stream: core_iq::StreamId(1),
        action: ChannelAction::Close(at),
    };
    assert_eq!(bed.asked.last(), Some(&refused));
}

/// TS 29.392 §5.3.2.3.2: a call without data channels gets some.
#[test]
fn data_channels_are_added_to_a_call_that_stands() {
    let mut bed = Bed::new();
    let app = bed.application();
    let (session, _) = bed.standing(&call_bob(&["audio"], false), &audio());
    let update = json!({
        "dcAppId": app, "sessionId": session, "notificationInfo": TARGET,
        "mediaResourceInfo": { "hello": true },
    });
    bed.update(&update);
    let invite = bed.request(Method::Invite);
    let sdp = String::from_utf8(invite.body().to_vec()).unwrap();
    assert!(
        sdp.contains("m=audio 20002 ") && sdp.contains("m=application 20004 "),
        "{sdp}"
    );
    bed.answer(&invite, 200, Some(&audio_and_data("")));
    bed.request(Method::Ack);
    bed.event(1, Event::DataConnected { end: AT.end });
    bed.event(
        1,
        Event::ChannelOpened {
            at: ChannelAt { id: 1, ..AT },
        },
    );
    assert_eq!(bed.updated().result, Status::Success);
    assert_eq!(sent(&bed), [b"{\"hello\":true}"]);
}

/// Two who want one while the gateway makes room get one m-line, and one offer; or none of them anything.
#[test]
fn who_asks_meanwhile_waits_for_the_same_room() {
    for gateway in [Gateway::Agrees, Gateway::Refuses(Refusal::UnknownStream)] {
        let mut bed = Bed::new();
        let apps = ["1", "2"].map(|version| bed.application_of(version));
        let (session, _) = bed.standing(&call_bob(&["audio"], false), &audio());
        bed.gateway = Gateway::Thinks;
        for app in &apps {
            let body = json!({ "dcAppId": app, "sessionId": session, "notificationInfo": TARGET });
            bed.update(&body);
        }
        assert_eq!(bed.unanswered.len(), 1);
        bed.nothing_more();
        bed.gateway_answers(gateway.clone());
        if gateway == Gateway::Agrees {
            let invite = bed.request(Method::Invite);
            let sdp = String::from_utf8(invite.body().to_vec()).unwrap();
            assert_eq!(sdp.matches("\r\nm=").count(), 2, "{sdp}");
            bed.answer(&invite, 200, Some(&audio_and_data("")));
            bed.request(Method::Ack);
            bed.event(1, Event::DataConnected { end: AT.end });
            let opened = |command: &&Command| {
                let open = |action: &ChannelAction| matches!(action, ChannelAction::Open { .. });
                matches!(command, Command::Channel { action, .. } if open(action))
            };
            assert_eq!(bed.asked.iter().filter(opened).count(), 2);
        } else {
            for _ in &apps {
                assert_eq!(bed.updated().result, Status::Failed);
            }
            // The next one asks anew.
            bed.gateway = Gateway::Agrees;
            let body =
                json!({ "dcAppId": apps[0], "sessionId": session, "notificationInfo": TARGET });
            bed.update(&body);
            bed.request(Method::Invite);
        }
    }
}

#[test]
fn a_ue_that_takes_no_data_channels_keeps_its_call() {
    let mut bed = Bed::new();
    let app = bed.application();
    let (session, _) = bed.standing(&call_bob(&["audio"], false), &audio());
    let update = json!({ "dcAppId": app, "sessionId": session, "notificationInfo": TARGET });
    bed.update(&update);
    let invite = bed.request(Method::Invite);
    bed.answer(&invite, 488, None);
    bed.request(Method::Ack);
    let response = bed.updated();
    assert_eq!(response.result, Status::Failed);
    assert!(response.cause.unwrap().contains("488"));
    assert_eq!(bed.calls.len(), 1);
}

/// RFC 3261 §14.1: two offers at a time.
#[test]
fn glare_is_tried_again_later() {
    let mut bed = Bed::new();
    let app = bed.application();
    let (session, _) = bed.standing(&call_bob(&["audio"], false), &audio());
    let update = json!({ "dcAppId": app, "sessionId": session, "notificationInfo": TARGET });
    bed.update(&update);
    let invite = bed.request(Method::Invite);
    bed.answer(&invite, 491, None);
    bed.request(Method::Ack);
    bed.pass(Duration::from_secs(2));
    bed.nothing_more();
    bed.pass(Duration::from_millis(2_100));
    bed.request(Method::Invite);
}

#[test]
fn the_session_of_another_provider_is_not_there() {
    let (mut bed, session, app) = open();
    let body = json!({ "dcAppId": app, "sessionId": session, "notificationInfo": TARGET });
    let ask = || {
        let request = api_mmtel_es::read(body.to_string().as_bytes()).unwrap();
        nf_mmtel_es::calls::Ask::UpdateMedia(request)
    };
    bed.ask_as(&nf_mmtel_es::Consumer::Client("other".into()), ask());
    let problem = bed.problem();
    assert_eq!(problem.status, Some(404));
    assert_eq!(problem.invalid_params.unwrap()[0].param, "/sessionId");
}
