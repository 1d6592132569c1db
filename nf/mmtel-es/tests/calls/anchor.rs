//! TS 29.392 §5.3.2.3 in a subscriber's own call: an application's channel comes into it, and the other
//! party notices nothing.

use std::time::Duration;

use api_mmtel_es::common::Uri;
use api_mmtel_es::dc_app_management::Status;
use core_iq::{AwaitedChannel, ChannelAction, ChannelAt, Command, Event, MediaKind, StreamEnd};
use nf_mmtel_es::Consumer;
use nf_mmtel_es::calls::{Ask, CallEvents};
use serde_json::{Value, json};
use wire_sip::{HeaderName, Message, Method, StatusCode};

use super::bed::{BOB, Bed, Gateway, TARGET, audio, audio_and_data, call_bob};
use super::observer::{invite, respond, within};
use super::steps::{
    anchoring, answered, awaits, data_of, labelled, lines, of_bob, text, with_offer,
};

pub(crate) const AT: ChannelAt = ChannelAt {
    end: StreamEnd::W3,
    id: 1,
};

pub(crate) fn bed() -> Bed {
    anchoring(BOB)
}

pub(crate) fn cseq(message: &Message) -> &str {
    message.header(HeaderName::CSeq).unwrap()
}

/// Alice has called Bob.
pub(crate) fn established(bed: &mut Bed) -> (Message, Message, String) {
    answered(bed, &invite(BOB))
}

pub(crate) fn ask_for(bed: &mut Bed, app: &str, session: &str) {
    bed.update(&json!({
        "dcAppId": app, "sessionId": session, "notificationInfo": TARGET,
        "mediaResourceInfo": { "hello": 1 },
    }));
}

/// An application has its channel in the call.
fn with_channel() -> (Bed, Message, String, String) {
    let mut bed = bed();
    let app = bed.application();
    let (forwarded, _, session) = established(&mut bed);
    ask_for(&mut bed, &app, &session);
    let offer = bed.request(Method::Invite);
    assert_eq!(cseq(&offer), "2 INVITE");
    bed.answer(&offer, 200, Some(&audio_and_data("")));
    let ack = bed.request(Method::Ack);
    assert_eq!(cseq(&ack), "2 ACK");
    bed.event(1, Event::DataConnected { end: StreamEnd::W3 });
    bed.event(1, Event::ChannelOpened { at: AT });
    assert_eq!(bed.updated().result, Status::Success);
    assert_eq!(bed.notified()["mediaResourceInfo"]["channel"], "OPENED");
    bed.nothing_more();
    (bed, forwarded, session, app)
}

#[test]
fn the_media_of_both_end_at_the_gateway() {
    let mut bed = bed();
    let (forwarded, answered, _) = established(&mut bed);
    for (sdp, port) in [(text(&forwarded), 20_004), (text(&answered), 20_002)] {
        assert!(sdp.contains("c=IN IP4 192.0.2.20\r\n"), "{sdp}");
        let line = format!("m=audio {port} RTP/AVP 0 101\r\n");
        assert!(sdp.contains(&line), "{sdp}");
        assert!(
            sdp.contains("a=rtpmap:101 telephone-event/8000\r\n"),
            "{sdp}"
        );
    }
    let configured = bed.asked.iter().rev().find_map(|command| match command {
        Command::Configure { streams, .. } => streams.first().cloned(),
        _ => None,
    });
    let configured = configured.expect("the gateway knows both");
    let remote = |port: u16| Some(format!("192.0.2.30:{port}").parse().unwrap());
    assert_eq!(configured.media, MediaKind::Audio);
    assert_eq!(configured.core.expect("Alice").remote_rtp, remote(4000));
    assert_eq!(
        configured.second.expect("Bob").core.remote_rtp,
        remote(4000)
    );
    // Nothing but the description and the way has changed.
    for name in [
        "X-Nobody-Knows",
        "P-Asserted-Identity",
        "Contact",
        "Call-ID",
        "From",
    ] {
        let line = |message: &Message| {
            message
                .header_named(name)
                .map(|value| value.trim().to_owned())
        };
        assert_eq!(line(&forwarded), line(&invite(BOB)), "{name}");
    }
}

/// CSeq of each side grows by itself, and the m-line of the application is the subscriber's alone.
#[test]
fn a_channel_comes_into_the_call_and_the_other_party_notices_nothing() {
    let (mut bed, forwarded, _, _) = with_channel();

    let held = audio().replace("a=rtpmap", "a=sendonly\r\na=rtpmap");
    bed.say(&with_offer(within(&forwarded, Method::Invite, 2), held));
    let at_bob = bed.request(Method::Invite);
    assert_eq!(cseq(&at_bob), "3 INVITE");
    assert_eq!(lines(&at_bob).len(), 2);
    assert!(text(&at_bob).contains("a=sendonly\r\n"));
    assert!(
        text(&at_bob).contains("m=application 2000"),
        "{}",
        text(&at_bob)
    );
    let both = audio_and_data("").replace("a=rtpmap", "a=recvonly\r\na=rtpmap");
    let at_alice = respond(&mut bed, &at_bob, 200, Some(&both));
    assert_eq!((cseq(&at_alice), lines(&at_alice).len()), ("2 INVITE", 1));
    assert!(text(&at_alice).contains("a=recvonly\r\n"));
    bed.say(&within(&forwarded, Method::Ack, 2));
    assert_eq!(cseq(&bed.request(Method::Ack)), "3 ACK");

    // A 2xx that comes again goes on again.
    let again = respond(&mut bed, &at_bob, 200, Some(&both));
    assert_eq!((cseq(&again), text(&again)), ("2 INVITE", text(&at_alice)));
    bed.say(&within(&forwarded, Method::Ack, 2));
    assert_eq!(cseq(&bed.request(Method::Ack)), "3 ACK");

    // Bob has two m-lines, and numbers of his own.
    bed.say(&with_offer(
        of_bob(&forwarded, Method::Invite, 1),
        audio_and_data(""),
    ));
    let at_alice = bed.request(Method::Invite);
    assert_eq!((cseq(&at_alice), lines(&at_alice).len()), ("1 INVITE", 1));
    let at_bob = respond(&mut bed, &at_alice, 200, Some(&audio()));
    assert_eq!((cseq(&at_bob), lines(&at_bob).len()), ("1 INVITE", 2));
    assert!(
        text(&at_bob).contains("a=setup:passive"),
        "{}",
        text(&at_bob)
    );
    bed.say(&of_bob(&forwarded, Method::Ack, 1));
    bed.request(Method::Ack);

    // Video of Alice's is Bob's third m-line.
    let offer = audio() + "m=video 4010 RTP/AVP 96\r\na=rtpmap:96 VP8/90000\r\n";
    bed.say(&with_offer(
        within(&forwarded, Method::Invite, 3),
        offer.clone(),
    ));
    let at_bob = bed.request(Method::Invite);
    assert_eq!((cseq(&at_bob), lines(&at_bob).len()), ("4 INVITE", 3));
    assert!(text(&at_bob).contains("a=rtpmap:96 VP8/90000\r\n"));
    let answer = audio_and_data("") + "m=video 4012 RTP/AVP 96\r\na=rtpmap:96 VP8/90000\r\n";
    let mut reliable = core_sip::reply(&at_bob, StatusCode::new(183).unwrap(), "b");
    reliable.push_back(HeaderName::RSeq, 7);
    bed.say(&reliable);
    bed.response(183);
    let mut prack = within(&forwarded, Method::Prack, 4);
    prack.push_back(HeaderName::RAck, "7 3 INVITE");
    bed.say(&prack);
    let prack = bed.request(Method::Prack);
    assert_eq!(cseq(&prack), "5 PRACK");
    assert_eq!(prack.header(HeaderName::RAck), Some("7 4 INVITE"));
    respond(&mut bed, &prack, 200, None);
    let at_alice = respond(&mut bed, &at_bob, 200, Some(&answer));
    assert_eq!(lines(&at_alice).len(), 2);
    assert_eq!(bed.notified()["eventType"], "MEDIA_CHANGE_SUCCESS");
    bed.say(&within(&forwarded, Method::Ack, 3));
    assert_eq!(cseq(&bed.request(Method::Ack)), "4 ACK");

    bed.say(&within(&forwarded, Method::Bye, 5));
    let bye = bed.request(Method::Bye);
    assert_eq!(cseq(&bye), "6 BYE");
    respond(&mut bed, &bye, 200, None);
    let mut told: Vec<Value> = vec![bed.notified(), bed.notified()];
    told.sort_by_key(|told| told.get("eventType").is_some());
    assert_eq!(told[0]["mediaResourceInfo"]["channel"], "CLOSED");
    assert_eq!(told[1]["eventType"], "SESSION_TERMINATION");
    assert!(bed.sessions.is_empty() && bed.told.is_empty() && bed.calls.is_empty());
    assert!(matches!(bed.asked.last(), Some(Command::Release { .. })));
}

#[test]
fn who_refuses_the_channel_keeps_the_call() {
    let mut bed = bed();
    let app = bed.application();
    let (forwarded, _, session) = established(&mut bed);
    ask_for(&mut bed, &app, &session);
    let offer = bed.request(Method::Invite);
    bed.answer(&offer, 488, None);
    bed.request(Method::Ack);
    assert_eq!(bed.updated().result, Status::Failed);
    assert_eq!(bed.notified()["mediaResourceInfo"]["channel"], "REFUSED");
    bed.say(&with_offer(within(&forwarded, Method::Update, 2), audio()));
    let at_bob = bed.request(Method::Update);
    assert_eq!((cseq(&at_bob), lines(&at_bob).len()), ("3 UPDATE", 1));
    let at_alice = respond(&mut bed, &at_bob, 200, Some(&audio()));
    assert_eq!(cseq(&at_alice), "2 UPDATE");
}

/// RFC 3261 §14.1, §14.2
#[test]
fn offers_that_meet_wait_for_one_another() {
    let mut bed = bed();
    let app = bed.application();
    let (forwarded, _, session) = established(&mut bed);
    bed.say(&with_offer(within(&forwarded, Method::Invite, 2), audio()));
    let at_bob = bed.request(Method::Invite);
    ask_for(&mut bed, &app, &session);
    bed.nothing_more();
    respond(&mut bed, &at_bob, 200, Some(&audio()));
    bed.say(&within(&forwarded, Method::Ack, 2));
    bed.request(Method::Ack);
    bed.pass(Duration::from_millis(600));
    let offer = bed.request(Method::Invite);
    assert_eq!(cseq(&offer), "3 INVITE");
    bed.say(&with_offer(within(&forwarded, Method::Invite, 3), audio()));
    bed.response(491);
    bed.answer(&offer, 200, Some(&audio_and_data("")));
    bed.request(Method::Ack);
}

/// One room is asked for at a time, also where it is a UE's offer that needs the other.
#[test]
fn an_application_waits_for_the_room_of_an_offer() {
    for data in [false, true] {
        let mut bed = bed();
        let app = bed.application();
        let (forwarded, _, session) = established(&mut bed);
        bed.gateway = Gateway::Thinks;
        let sdp = if data {
            audio_and_data("")
        } else {
            audio() + "m=video 4010 RTP/AVP 120\r\na=rtpmap:120 VP8/90000\r\n"
        };
        bed.say(&with_offer(
            within(&forwarded, Method::Update, 2),
            sdp.clone(),
        ));
        ask_for(&mut bed, &app, &session);
        assert_eq!(bed.unanswered.len(), 1, "{:?}", bed.unanswered);
        bed.gateway_answers(Gateway::Agrees);
        assert!(bed.replies.is_empty(), "{:?}", bed.replies);
        let at_bob = bed.request(Method::Update);
        respond(&mut bed, &at_bob, 200, Some(&sdp));
        let (stream, sdp) = if data {
            (1, sdp)
        } else {
            bed.pass(Duration::from_secs(3));
            let offer = bed.request(Method::Invite);
            // It goes again until somebody answers.
            bed.sip.clear();
            assert_eq!(lines(&offer).len(), 3, "{}", text(&offer));
            let data = data_of(&audio_and_data("")).to_owned();
            bed.answer(&offer, 200, Some(&(sdp.clone() + &data)));
            bed.request(Method::Ack);
            (2, sdp)
        };
        bed.event(stream, Event::DataConnected { end: StreamEnd::W3 });
        bed.event(stream, Event::ChannelOpened { at: AT });
        assert_eq!(bed.updated().result, Status::Success, "{sdp}");
    }
}

#[test]
fn only_those_who_may_come_into_a_call() {
    let mut bed = bed();
    let app = bed.application();
    let (_, _, session) = established(&mut bed);
    let request = json!({
        "dcAppId": app, "sessionId": session, "notificationInfo": TARGET,
    });
    let request = api_mmtel_es::read(request.to_string().as_bytes()).unwrap();
    bed.ask_as(&Consumer::Client("other".into()), Ask::UpdateMedia(request));
    assert_eq!(bed.problem().status, Some(404));
    bed.nothing_more();
}

/// What the gateway was told last of channels that are waited for.
fn awaited(bed: &Bed) -> Option<Vec<AwaitedChannel>> {
    bed.asked.iter().rev().find_map(|command| match command {
        Command::Configure { streams, .. } => {
            let mut data = streams.iter().filter_map(|stream| stream.data.as_ref());
            data.find_map(|data| data.awaited.clone())
        }
        _ => None,
    })
}

/// TS 29.392 §6.2.6.3.3: P2A between two who may have channels of their own; the gateway knows which is whose.
#[test]
fn what_the_subscriber_is_to_open_is_not_for_the_other_party() {
    let (mut bed, _, session, app) = with_channel();
    let end = core_iq::ChannelEnd::ByPeer;
    bed.event(1, Event::ChannelClosed { at: AT, end });
    bed.notified();
    awaits(&mut bed, &app, &session);
    let end = StreamEnd::W3;
    let label = app.clone();
    assert_eq!(awaited(&bed), Some(vec![AwaitedChannel { end, label }]));
    bed.nothing_more();
    let at = ChannelAt { end, id: 3 };
    let channel = labelled(&app);
    bed.event(1, Event::ChannelRequested { at, channel });
    assert_eq!(bed.updated().result, Status::Success);
    let told = bed.notified();
    assert_eq!(told["mediaResourceInfo"]["dcAppId"], app);
    assert_eq!(awaited(&bed), Some(Vec::new()));
}

/// Without access tokens all consumers are one; the calls of subscribers are still nobody's.
#[test]
fn a_subscribers_own_call_does_not_count_as_a_call_of_somebody() {
    let mut bed = Bed::with(|config| {
        config.max_calls_of_consumer = 1;
        config.call_events.push(CallEvents {
            subscribers: vec![BOB.to_owned()],
            target: Uri::new(TARGET).unwrap(),
            applications: vec!["provider".into()],
        });
    });
    let ask = |bed: &mut Bed, body: &Value| {
        let request = api_mmtel_es::read(body.to_string().as_bytes()).unwrap();
        bed.ask_as(&Consumer::Anybody, Ask::Call(request));
    };
    ask(&mut bed, &call_bob(&["audio"], false));
    let called = bed.request(Method::Invite);
    bed.answer(&called, 200, Some(&audio()));
    assert_eq!(bed.called().call_result, Status::Success);
    bed.request(Method::Ack);
    let (forwarded, _, _) = established(&mut bed);
    bed.say(&within(&forwarded, Method::Bye, 2));
    let bye = bed.request(Method::Bye);
    respond(&mut bed, &bye, 200, None);
    assert_eq!(bed.notified()["eventType"], "SESSION_TERMINATION");
    ask(&mut bed, &call_bob(&["audio"], true));
    assert_eq!(bed.problem().status, Some(429));
}

#[test]
fn a_call_whose_gateway_is_gone_is_ended_on_both_sides() {
    let (mut bed, _, _, _) = with_channel();
    bed.calls.handle_gateway_lost(bed.clock.now());
    bed.drain();
    let byes = [bed.request(Method::Bye), bed.request(Method::Bye)];
    let uris = byes.each_ref().map(|bye| bye.request_uri().unwrap());
    assert_eq!(uris, ["sip:alice@192.0.2.40", "sip:bob@192.0.2.30:5060"]);
    assert_eq!(cseq(&byes[1]), "3 BYE");
    bed.notified();
    bed.notified();
    assert!(bed.sessions.is_empty() && bed.told.is_empty());
}

/// After `kill -9` the media are gone: both are told so, and the application server.
#[test]
fn a_call_of_the_life_before_is_ended_on_both_sides() {
    let (before, _, session, _) = with_channel();
    let mut bed = bed();
    bed.sessions.clone_from(&before.sessions);
    bed.calls.resume(bed.clock.now(), before.sessions);
    bed.drain();
    let byes = [bed.request(Method::Bye), bed.request(Method::Bye)];
    let uris = byes.each_ref().map(|bye| bye.request_uri().unwrap());
    assert_eq!(uris, ["sip:alice@192.0.2.40", "sip:bob@192.0.2.30"]);
    let told = bed.notified();
    assert_eq!(told["eventType"], "SESSION_TERMINATION");
    assert_eq!(told["sessionId"], session);
    assert!(bed.sessions.is_empty());
}

#[test]
fn a_message_is_the_ues_and_goes_to_the_application() {
    let (mut bed, _, session, _) = with_channel();
    let sent = bed.asked.iter().any(|command| {
        matches!(command, Command::Channel { action: ChannelAction::Send(at, _), .. } if *at == AT)
    });
    assert!(sent);
    let message = core_iq::ChannelMessage::Text(b"{\"choice\":2}".to_vec());
    bed.event(1, Event::ChannelMessage { at: AT, message });
    let told = bed.notified();
    assert_eq!(told["sessionId"], session);
    assert_eq!(told["mediaResourceInfo"], json!({ "choice": 2 }));
}
