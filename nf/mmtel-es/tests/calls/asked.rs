//! RFC 8864 §6, TS 26.114 §6.2.10: a UE asks in SDP for the channel of an application.

use std::time::Duration;

use api_mmtel_es::dc_app_management::Status;
use core_iq::{
    ChannelAction, ChannelAt, ChannelEnd, ChannelMessage, ChannelPlace, Command, Event, MediaKind,
    NegotiatedChannel, StreamEnd, StreamSettings,
};
use serde_json::json;
use wire_sip::{HeaderName, Message, Method};

use super::bed::{BOB, Bed, TARGET, audio, audio_and_data, call_bob};
use super::observer::{invite, respond, within};
use super::steps::{anchoring, answered, awaits, labelled, of_bob, text, with_offer};

/// What a UE says of these channels of an application.
fn asked(app: &str, channels: &[(u16, &str, &str)]) -> String {
    let maps = channels.iter().map(|(id, label, _)| {
        format!("a=dcmap:{id} label=\"{label}\"\r\na=dcsa:{id} x:{label}\r\n")
    });
    let ends = channels.iter().map(|(id, _, end)| format!("{id}:{end}"));
    let ends: Vec<String> = ends.collect();
    let maps: String = maps.collect();
    format!(
        "{maps}a=3gpp-req-app:{app};adc-stream-id-endpoint={}\r\n",
        ends.join(",")
    )
}

/// The application waits for its channel in that call.
fn asks_and_awaits(bed: &mut Bed, app: &str, session: &str) {
    bed.update(&json!({
        "dcAppId": app, "sessionId": session, "notificationInfo": TARGET,
        "mediaDirection": "P2A", "mediaResourceInfo": { "question": 1 },
    }));
    assert!(bed.replies.is_empty(), "nobody has opened it");
}

fn data(streams: &[StreamSettings]) -> Option<Vec<NegotiatedChannel>> {
    let data = streams.iter().find(|one| one.media == MediaKind::Data)?;
    data.data.as_ref()?.channels.clone()
}

/// The channels that the gateway was told of last.
fn configured(bed: &Bed) -> Vec<NegotiatedChannel> {
    let mut asked = bed.asked.iter().rev();
    let found = asked.find_map(|command| match command {
        Command::Configure { streams, .. } => data(streams),
        _ => None,
    });
    found.expect("the gateway knows of data channels")
}

fn ids(bed: &Bed) -> Vec<(u16, ChannelPlace)> {
    let channels = configured(bed);
    channels.iter().map(|one| (one.id, one.place)).collect()
}

/// The channel opens, and what goes through it arrives.
fn works(bed: &mut Bed, stream: u16, at: ChannelAt, session: &str, app: &str) {
    bed.event(stream, Event::ChannelOpened { at });
    assert_eq!(bed.updated().result, Status::Success);
    let told = bed.notified();
    assert_eq!(told["sessionId"], session);
    assert_eq!(
        told["mediaResourceInfo"],
        json!({ "channel": "OPENED", "dcAppId": app })
    );
    let message = ChannelMessage::Text(b"{\"vote\":2}".to_vec());
    bed.event(stream, Event::ChannelMessage { at, message });
    let told = bed.notified();
    assert_eq!(told["mediaDirection"], "P2A");
    assert_eq!(told["mediaResourceInfo"], json!({ "vote": 2 }));
}

const OWN: ChannelAt = ChannelAt {
    end: StreamEnd::Core,
    id: 1000,
};

/// Bob offers this, in a call that the enabler made.
fn re_invites(bed: &mut Bed, at_bob: &Message, number: u32, lines: &str) -> String {
    bed.say(&with_offer(
        Bed::within(at_bob, Method::Invite, number),
        audio_and_data(lines),
    ));
    let response = bed.response(200);
    bed.say(&Bed::within(at_bob, Method::Ack, number));
    text(&response)
}

#[test]
fn what_an_application_waits_for_is_taken_and_nothing_else() {
    let mut bed = Bed::new();
    let app = bed.application();
    let (session, at_bob) = bed.standing(&call_bob(&["audio"], true), &audio_and_data(""));
    bed.event(1, Event::DataConnected { end: OWN.end });
    let lines = asked(&app, &[(1000, "poll", "Server")]);
    // Nobody waits for it yet.
    let answer = re_invites(&mut bed, &at_bob, 1, &lines);
    assert!(
        answer.contains("m=application 2") && !answer.contains("dcmap"),
        "{answer}"
    );
    assert_eq!(ids(&bed), []);

    asks_and_awaits(&mut bed, &app, &session);
    let lines = asked(
        &app,
        &[
            (1000, "poll", "Server"),
            (1002, "chat", "UE"),
            (998, "low", "Server"),
        ],
    ) + &asked("other", &[(1004, "x", "Server")]);
    let answer = re_invites(&mut bed, &at_bob, 2, &lines);
    let named: Vec<&str> = answer
        .lines()
        .filter(|line| line.contains("dcmap"))
        .collect();
    assert_eq!(named, ["a=dcmap:1000 label=\"poll\""]);
    let line = format!("a=3gpp-req-app:{app};adc-stream-id-endpoint=1000:Server\r\n");
    assert!(answer.contains(&line), "{answer}");
    assert_eq!(ids(&bed), [(1000, ChannelPlace::At(OWN.end))]);
    assert_eq!(configured(&bed)[0].channel.label, "poll");
    works(&mut bed, 1, OWN, &session, &app);

    // A second one of the same application is nobody's.
    let two = asked(&app, &[(1000, "poll", "Server"), (1006, "poll", "Server")]);
    let answer = re_invites(&mut bed, &at_bob, 3, &two);
    assert!(
        answer.contains("dcmap:1000") && !answer.contains("1006"),
        "{answer}"
    );
    assert_eq!(ids(&bed), [(1000, ChannelPlace::At(OWN.end))]);

    // RFC 8864 §6.6.1: what an offer does not name any more is closed.
    let answer = re_invites(&mut bed, &at_bob, 4, "");
    assert!(!answer.contains("dcmap"), "{answer}");
    assert_eq!(ids(&bed), []);
    let end = ChannelEnd::ByPeer;
    bed.event(1, Event::ChannelClosed { at: OWN, end });
    assert_eq!(bed.notified()["mediaResourceInfo"]["channel"], "CLOSED");

    // And it may come again, under another number, for one that waits again.
    asks_and_awaits(&mut bed, &app, &session);
    let again = asked(&app, &[(1008, "poll", "Server")]);
    re_invites(&mut bed, &at_bob, 5, &again);
    let at = ChannelAt { id: 1008, ..OWN };
    works(&mut bed, 1, at, &session, &app);
}

/// In a call with nobody but the server the label says it, as in band.
#[test]
fn a_ue_that_does_not_name_the_application_means_the_one_that_waits() {
    let mut bed = Bed::new();
    let app = bed.application();
    let (session, at_bob) = bed.standing(&call_bob(&["audio"], true), &audio_and_data(""));
    asks_and_awaits(&mut bed, &app, &session);
    let answer = re_invites(&mut bed, &at_bob, 1, "a=dcmap:1000 label=\"anything\"\r\n");
    assert!(
        answer.contains("a=dcmap:1000 label=\"anything\"\r\n"),
        "{answer}"
    );
    bed.event(1, Event::DataConnected { end: OWN.end });
    works(&mut bed, 1, OWN, &session, &app);
}

#[test]
fn what_was_asked_for_and_does_not_open_is_given_up() {
    let mut bed = Bed::new();
    let app = bed.application();
    let (session, at_bob) = bed.standing(&call_bob(&["audio"], true), &audio_and_data(""));
    asks_and_awaits(&mut bed, &app, &session);
    bed.pass(Duration::from_secs(59));
    assert!(bed.told.is_empty() && bed.replies.is_empty());
    re_invites(
        &mut bed,
        &at_bob,
        1,
        &asked(&app, &[(1000, "poll", "Server")]),
    );
    bed.pass(Duration::from_secs(16));
    let told = bed.notified();
    assert_eq!(told["mediaResourceInfo"]["channel"], "REFUSED");
    assert_eq!(
        told["mediaResourceInfo"]["reason"],
        "it did not open in time"
    );
    assert_eq!(bed.updated().result, Status::Failed);
    re_invites(
        &mut bed,
        &at_bob,
        2,
        &asked(&app, &[(1000, "poll", "Server")]),
    );
    assert_eq!(ids(&bed), []);
}

/// A UE that opens nothing holds nobody for ever.
#[test]
fn what_a_ue_does_not_open_is_given_up() {
    let mut bed = Bed::with(|config| config.ue_channel_within = Duration::from_secs(40));
    let app = bed.application();
    let (session, at_bob) = bed.standing(&call_bob(&["audio"], true), &audio_and_data(""));
    asks_and_awaits(&mut bed, &app, &session);
    bed.pass(Duration::from_secs(39));
    assert!(bed.told.is_empty() && bed.replies.is_empty());
    bed.pass(Duration::from_secs(2));
    let answer = bed.updated();
    assert_eq!(answer.result, Status::Failed);
    let words = "the UE did not open it in time";
    assert_eq!(answer.cause.as_deref(), Some(words));
    let told = bed.notified();
    assert_eq!(told["mediaResourceInfo"]["channel"], "REFUSED");
    assert_eq!(told["mediaResourceInfo"]["reason"], words);
    assert_eq!(bed.calls.len(), 1);
    // Nothing is left of it: neither in SDP nor in band may the UE open it now.
    let lines = asked(&app, &[(1000, "poll", "Server")]);
    re_invites(&mut bed, &at_bob, 1, &lines);
    assert_eq!(ids(&bed), []);
    let at = ChannelAt {
        end: StreamEnd::Core,
        id: 2,
    };
    let channel = labelled(&app);
    bed.event(1, Event::ChannelRequested { at, channel });
    let closed = bed.asked.last();
    let Some(Command::Channel { action, .. }) = closed else {
        panic!("it is refused: {closed:?}")
    };
    assert_eq!(*action, ChannelAction::Close(at));
    assert!(bed.told.is_empty());
    // Who waits for it again waits as long again; and who asks in the meantime makes it longer for both.
    asks_and_awaits(&mut bed, &app, &session);
    bed.pass(Duration::from_secs(30));
    awaits(&mut bed, &app, &session);
    bed.pass(Duration::from_secs(30));
    assert!(bed.told.is_empty() && bed.replies.is_empty());
    bed.pass(Duration::from_secs(11));
    for _ in 0..2 {
        assert_eq!(bed.updated().result, Status::Failed);
    }
    assert!(bed.replies.is_empty());
}

const CALLERS: ChannelAt = ChannelAt {
    end: StreamEnd::Core,
    id: 1000,
};

const ALICE: &str = "sip:alice@ims.example.com";

/// Alice's own call with Bob, which an application may change; what Alice sees of it, and the session.
fn own_call(bed: &mut Bed) -> (Message, String) {
    let mut begin = invite(BOB);
    let served = format_args!("<{ALICE}>;sescase=orig;regstate=reg");
    begin.set(HeaderName::PServedUser, served);
    let (at_bob, _, session) = answered(bed, &begin);
    (at_bob, session)
}

/// Alice offers this; as Bob gets it.
fn alice_offers(bed: &mut Bed, at_bob: &Message, number: u32, sdp: String) -> Message {
    bed.say(&with_offer(within(at_bob, Method::Invite, number), sdp));
    bed.request(Method::Invite)
}

/// Bob answers that; as Alice gets it.
fn bob_answers(bed: &mut Bed, offer: &Message, at_bob: &Message, number: u32, sdp: &str) -> String {
    let answer = respond(bed, offer, 200, Some(sdp));
    bed.say(&within(at_bob, Method::Ack, number));
    bed.request(Method::Ack);
    text(&answer)
}

#[test]
fn between_two_the_other_party_hears_nothing_of_it() {
    let mut bed = anchoring(ALICE);
    let app = bed.application();
    let (at_bob, session) = own_call(&mut bed);
    awaits(&mut bed, &app, &session);
    // TS 29.392 §5.3.2.3.2: a call without data channels gets some, and Alice takes none as yet.
    let ours = bed.request(Method::Invite);
    bed.answer(&ours, 200, Some(&audio_and_data("")));
    bed.request(Method::Ack);
    bed.event(1, Event::DataConnected { end: CALLERS.end });

    let server = asked(&app, &[(1000, "poll", "Server")]);
    let offer = alice_offers(&mut bed, &at_bob, 2, audio_and_data(&server));
    assert!(!text(&offer).contains("m=application"), "{}", text(&offer));
    let answer = bob_answers(&mut bed, &offer, &at_bob, 2, &audio());
    assert!(
        answer.contains("a=dcmap:1000 label=\"poll\"\r\n"),
        "{answer}"
    );
    let line = format!("a=3gpp-req-app:{app};adc-stream-id-endpoint=1000:Server\r\n");
    assert!(answer.contains(&line), "{answer}");
    assert_eq!(ids(&bed), [(1000, ChannelPlace::At(CALLERS.end))]);
    works(&mut bed, 1, CALLERS, &session, &app);

    // One with Bob comes to it, of the same application: each hears of its own.
    let both = asked(&app, &[(1000, "poll", "Server"), (1002, "moves", "UE")]);
    let offer = alice_offers(&mut bed, &at_bob, 3, audio_and_data(&both));
    let seen = text(&offer);
    let line = format!("a=3gpp-req-app:{app};adc-stream-id-endpoint=1002:UE\r\n");
    assert!(
        seen.contains("a=dcmap:1002 label=\"moves\"\r\n") && seen.contains(&line),
        "{seen}"
    );
    assert!(!seen.contains("1000 "), "{seen}");
    let theirs = asked(&app, &[(1002, "moves", "UE")]);
    let answer = bob_answers(&mut bed, &offer, &at_bob, 3, &audio_and_data(&theirs));
    assert_eq!(answer.matches("a=dcmap:").count(), 2, "{answer}");
    let mut there = ids(&bed);
    there.sort_by_key(|one| one.0);
    assert_eq!(
        there,
        [
            (1000, ChannelPlace::At(CALLERS.end)),
            (1002, ChannelPlace::Both)
        ]
    );
    assert_eq!(bed.notified()["eventType"], "MEDIA_CHANGE_SUCCESS");

    // Bob refuses data channels from now on: Alice keeps the application's.
    let offer = alice_offers(&mut bed, &at_bob, 4, audio_and_data(&both));
    let none = audio() + "m=application 0 UDP/DTLS/SCTP webrtc-datachannel\r\n";
    let answer = bob_answers(&mut bed, &offer, &at_bob, 4, &none);
    assert!(answer.contains("m=application 2"), "{answer}");
    assert!(
        answer.contains("dcmap:1000") && !answer.contains("dcmap:1002"),
        "{answer}"
    );
    assert_eq!(ids(&bed), [(1000, ChannelPlace::At(CALLERS.end))]);

    // Bob holds; the offer that Alice gets still has it, and she closes it by her answer.
    let hold = of_bob(&at_bob, Method::Invite, 1);
    bed.say(&with_offer(hold, none));
    let at_alice = bed.request(Method::Invite);
    assert!(
        text(&at_alice).contains("a=dcmap:1000 label=\"poll\"\r\n"),
        "{}",
        text(&at_alice)
    );
    respond(&mut bed, &at_alice, 200, Some(&audio_and_data("")));
    assert_eq!(ids(&bed), []);
}

/// A new m-line that is to servers alone is the subscriber's alone; what nobody waits for is not taken.
#[test]
fn an_m_line_of_its_own() {
    let mut bed = anchoring(ALICE);
    let app = bed.application();
    let (at_bob, _) = own_call(&mut bed);
    let server = asked(&app, &[(1000, "poll", "Server")]);
    let offer = alice_offers(&mut bed, &at_bob, 2, audio_and_data(&server));
    assert!(!text(&offer).contains("m=application"), "{}", text(&offer));
    let answer = bob_answers(&mut bed, &offer, &at_bob, 2, &audio());
    assert!(
        answer.contains("m=application 2") && !answer.contains("dcmap"),
        "{answer}"
    );
    assert_eq!(ids(&bed), []);

    // A refusal of the whole leaves all as it was.
    let offer = alice_offers(&mut bed, &at_bob, 3, audio_and_data(&server));
    bed.answer(&offer, 488, None);
    bed.request(Method::Ack);
    bed.response(488);
    assert_eq!(ids(&bed), []);
}

/// Bob opens one under the number that Alice has for the application.
#[test]
fn numbers_do_not_meet() {
    let mut bed = anchoring(ALICE);
    let app = bed.application();
    let (at_bob, session) = own_call(&mut bed);
    let offer = alice_offers(
        &mut bed,
        &at_bob,
        2,
        audio_and_data("a=dcmap:1500 label=\"chat\"\r\n"),
    );
    bob_answers(
        &mut bed,
        &offer,
        &at_bob,
        2,
        &audio_and_data("a=dcmap:1500 label=\"chat\"\r\n"),
    );
    bed.notified();
    asks_and_awaits(&mut bed, &app, &session);
    let lines =
        String::from("a=dcmap:1500 label=\"chat\"\r\n") + &asked(&app, &[(1000, "poll", "Server")]);
    let offer = alice_offers(&mut bed, &at_bob, 3, audio_and_data(&lines));
    assert!(!text(&offer).contains("1000"), "{}", text(&offer));
    let met = "a=dcmap:1500 label=\"chat\"\r\na=dcmap:1000 label=\"mine\"\r\n";
    let answer = bob_answers(&mut bed, &offer, &at_bob, 3, &audio_and_data(met));
    let named: Vec<&str> = answer
        .lines()
        .filter(|line| line.contains("dcmap:1000"))
        .collect();
    assert_eq!(named, ["a=dcmap:1000 label=\"poll\""]);
    let mut there = ids(&bed);
    there.sort_by_key(|one| one.0);
    assert_eq!(
        there,
        [
            (1000, ChannelPlace::At(CALLERS.end)),
            (1500, ChannelPlace::Both)
        ]
    );
}

/// A gateway on the way describes what its UE opens in band, and knows of no application.
#[test]
fn between_two_a_label_is_enough_for_what_is_waited_for() {
    let mut bed = anchoring(ALICE);
    let app = bed.application();
    let (at_bob, session) = own_call(&mut bed);
    awaits(&mut bed, &app, &session);
    let ours = bed.request(Method::Invite);
    bed.answer(&ours, 200, Some(&audio_and_data("")));
    bed.request(Method::Ack);
    bed.event(1, Event::DataConnected { end: CALLERS.end });

    let named = |label: &str, id: u16| format!("a=dcmap:{id} label=\"{label}\"\r\n");
    let server = named(&app, 1000);
    let offer = alice_offers(&mut bed, &at_bob, 2, audio_and_data(&server));
    assert!(!text(&offer).contains("m=application"), "{}", text(&offer));
    let answer = bob_answers(&mut bed, &offer, &at_bob, 2, &audio());
    assert!(answer.contains(&server), "{answer}");
    assert_eq!(ids(&bed), [(1000, ChannelPlace::At(CALLERS.end))]);
    works(&mut bed, 1, CALLERS, &session, &app);

    // Nobody waits for another of that name: it is one with Bob.
    let both = format!("{server}{}", named(&app, 1002));
    let offer = alice_offers(&mut bed, &at_bob, 3, audio_and_data(&both));
    let seen = text(&offer);
    assert!(seen.contains(&named(&app, 1002)), "{seen}");
    assert!(!seen.contains(&server), "{seen}");
    let theirs = named(&app, 1002);
    let answer = bob_answers(&mut bed, &offer, &at_bob, 3, &audio_and_data(&theirs));
    assert_eq!(answer.matches("a=dcmap:").count(), 2, "{answer}");
    let mut there = ids(&bed);
    there.sort_by_key(|one| one.0);
    assert_eq!(
        there,
        [
            (1000, ChannelPlace::At(CALLERS.end)),
            (1002, ChannelPlace::Both)
        ]
    );
}
