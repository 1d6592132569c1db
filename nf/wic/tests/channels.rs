//! Data channels between two WICs, which are one another's peers without a gateway.

mod common;

use std::time::Duration;

use common::{DOMAIN, Lab, config};
use nf_wic::media::MediaPart;
use nf_wic::{
    Channel, ChannelClosed, ChannelEvent, ChannelId, ChannelRule, ChannelState, Config,
    DataChannelId, DataChannelInit, Event, Kind, Message, Reliability, SendError,
};
use testbed::LinkQuality;
use wire_sdp::Session;
use wire_sip::{Message as Sip, Method};

const SECOND: Duration = Duration::from_secs(1);

fn taking(name: &str) -> Config {
    Config {
        accept_channels: vec![ChannelRule::ANY],
        ..config(name)
    }
}

/// Alice calls bob, who answers; her side, then his.
fn talking(alice: Config, bob: Config) -> Lab {
    let mut lab = Lab::registered(alice, bob);
    call(&mut lab);
    lab
}

fn call(lab: &mut Lab) {
    let now = lab.now();
    let to = format!("sip:bob@{DOMAIN}");
    lab.wic("alice").call(now, &to).expect("it can be done");
    lab.run(SECOND);
    let now = lab.now();
    lab.wic("bob").answer(now).expect("it can be done");
    lab.run(SECOND);
}

fn chat() -> DataChannelInit {
    DataChannelInit {
        channel: Channel::new("chat"),
        ..DataChannelInit::default()
    }
}

fn open(lab: &mut Lab, name: &str, init: DataChannelInit) -> DataChannelId {
    let now = lab.now();
    let call = lab.wic(name).current().expect("a call");
    let opened = lab.wic(name).open_channel(now, call, init);
    let id = opened.expect("it can be asked for");
    lab.run(SECOND);
    id
}

/// What happened to channels of one of them.
fn told(lab: &Lab, name: &str) -> Vec<(u32, ChannelEvent)> {
    let events = lab.events_of(name).into_iter();
    let told = events.filter_map(|event| match event {
        Event::Channel { channel, event } => Some((channel.number, event.clone())),
        _ => None,
    });
    told.collect()
}

fn only(lab: &mut Lab, name: &str) -> DataChannelId {
    let call = lab.wic(name).current().expect("a call");
    let channels = lab.wic(name).channels(call);
    assert_eq!(channels.len(), 1, "{name}");
    channels[0]
}

#[track_caller]
fn send(lab: &mut Lab, name: &str, id: DataChannelId, message: Message) {
    let now = lab.now();
    let sent = lab.wic(name).send_message(now, id, message);
    sent.expect("there is room");
}

fn receive(lab: &mut Lab, name: &str, id: DataChannelId) -> Option<Message> {
    let now = lab.now();
    lab.wic(name).receive_message(now, id)
}

/// The offers that went, at first or later.
fn offers(lab: &Lab) -> Vec<&Sip> {
    let offers = lab.seen.iter().filter(|m| m.method() == Method::Invite);
    offers.filter(|m| m.is_request()).collect()
}

/// The values of an attribute of the m-line for data channels.
fn values(message: &Sip, name: &str) -> Vec<String> {
    let session = Session::parse(message.body()).expect("SDP");
    let mut medias = session.medias().iter();
    let media = medias.find(|media| media.line().media == "application");
    let values = media.expect("the m-line").values(name);
    values.map(str::to_owned).collect()
}

fn port(message: &Sip) -> Option<u16> {
    let session = Session::parse(message.body()).expect("SDP");
    let mut medias = session.medias().iter();
    let media = medias.find(|media| media.line().media == "application");
    media.map(|media| media.line().port)
}

#[test]
fn a_channel_of_the_first_offer_carries_messages_of_each_kind_both_ways() {
    let init = DataChannelInit {
        attributes: vec!["accept-types:text/plain".into()],
        channel: Channel {
            protocol: "msrp".into(),
            ..Channel::new("chat")
        },
        ..DataChannelInit::default()
    };
    let alice = Config {
        channels: vec![init],
        ..config("alice")
    };
    let mut lab = talking(alice, taking("bob"));
    assert_eq!(told(&lab, "alice"), [(1, ChannelEvent::Opened)]);
    assert_eq!(
        told(&lab, "bob"),
        [(1, ChannelEvent::Incoming), (1, ChannelEvent::Opened)]
    );
    let connected = Event::MediaConnected(MediaPart::Data);
    assert!(lab.events_of("bob").contains(&&connected));
    let offer = offers(&lab)[0];
    assert_eq!(
        values(offer, "dcmap"),
        ["1000 subprotocol=\"msrp\";label=\"chat\""]
    );
    assert_eq!(values(offer, "dcsa"), ["1000 accept-types:text/plain"]);
    assert_eq!(values(offer, "sctp-port"), ["5000"]);
    assert_eq!(offers(&lab).len(), 1, "no re-INVITE was needed");

    let (here, there) = (only(&mut lab, "alice"), only(&mut lab, "bob"));
    let channel = lab.wic("bob").channel(there).expect("there").clone();
    assert_eq!(channel.stream, Some(ChannelId(1000)));
    assert_eq!(channel.attributes, ["accept-types:text/plain"]);
    assert_eq!((channel.ours, channel.in_band), (false, false));
    assert_eq!(channel.state, ChannelState::Open);
    let messages = [
        Message::text("hello"),
        Message::text(""),
        Message::binary(vec![7; 100_000]),
        Message::binary(Vec::new()),
    ];
    for message in &messages {
        send(&mut lab, "alice", here, message.clone());
        send(&mut lab, "bob", there, message.clone());
        // A large one takes all the room for a while.
        lab.run(SECOND);
    }
    for message in &messages {
        assert_eq!(receive(&mut lab, "bob", there).as_ref(), Some(message));
        assert_eq!(receive(&mut lab, "alice", here).as_ref(), Some(message));
    }
    assert_eq!(receive(&mut lab, "bob", there), None);
    // Audio goes on beside it.
    let before = lab.wic("bob").media_report().expect("a call").packets;
    lab.run(SECOND);
    let after = lab.wic("bob").media_report().expect("a call").packets;
    assert!(after > before + 40);
}

#[test]
fn a_call_of_channels_alone_is_answered_without_audio() {
    let alice = Config {
        channels: vec![chat()],
        ..config("alice")
    };
    let mut lab = Lab::registered(alice, taking("bob"));
    lab.without_audio = true;
    call(&mut lab);
    let success = |m: &Sip| m.status().is_some_and(wire_sip::StatusCode::is_success);
    let answered = |m: &&Sip| success(m) && !m.body().is_empty();
    let answer = lab.seen.iter().rfind(answered).expect("an answer");
    let session = Session::parse(answer.body()).expect("SDP");
    let ports = session.medias().iter().map(|media| media.line().port != 0);
    assert_eq!(ports.collect::<Vec<_>>(), [false, true]);
    let connected = [("alice", MediaPart::Audio), ("bob", MediaPart::Audio)];
    for (name, part) in connected {
        let event = Event::MediaConnected(part);
        assert!(!lab.events_of(name).contains(&&event), "{name}");
        assert!(
            lab.events_of(name)
                .contains(&&Event::MediaConnected(MediaPart::Data))
        );
    }
    let (alice, bob) = (only(&mut lab, "alice"), only(&mut lab, "bob"));
    // As long as the gateway takes them.
    let long = Message {
        kind: Kind::Binary,
        data: vec![7; 262_144].into(),
    };
    send(&mut lab, "alice", alice, long.clone());
    lab.run(SECOND);
    assert_eq!(receive(&mut lab, "bob", bob), Some(long));
    // A re-INVITE leaves it as it is.
    let more = open(&mut lab, "alice", DataChannelInit::default());
    assert!(told(&lab, "alice").contains(&(more.number, ChannelEvent::Opened)));
    assert_eq!(lab.ended("alice"), None);
}

#[test]
fn a_call_of_channels_alone_is_refused_by_who_takes_none() {
    let alice = Config {
        channels: vec![chat()],
        ..config("alice")
    };
    let mut lab = Lab::registered(alice, config("bob"));
    lab.without_audio = true;
    call(&mut lab);
    assert_eq!(lab.ended("alice").map(|ended| ended.status), Some(488));
}

#[test]
fn channels_come_and_go_by_re_invite_and_their_streams_are_used_again() {
    let mut lab = talking(config("alice"), taking("bob"));
    assert_eq!(port(offers(&lab)[0]), None);
    let first = open(&mut lab, "alice", chat());
    assert_eq!(told(&lab, "alice"), [(1, ChannelEvent::Opened)]);
    let unreliable = DataChannelInit {
        channel: Channel {
            ordered: false,
            reliability: Reliability::MaxRetransmits(2),
            ..Channel::new("game")
        },
        ..DataChannelInit::default()
    };
    let second = open(&mut lab, "alice", unreliable);
    let maps = values(offers(&lab)[2], "dcmap");
    assert_eq!(
        maps,
        [
            "1000 label=\"chat\"",
            "1001 ordered=false;label=\"game\";max-retr=2"
        ]
    );
    lab.events.clear();

    let now = lab.now();
    lab.wic("alice").close_channel(now, first).expect("open");
    lab.run(SECOND);
    assert_eq!(
        told(&lab, "alice"),
        [(1, ChannelEvent::Closed(ChannelClosed::ByUs))]
    );
    assert_eq!(
        told(&lab, "bob"),
        [(1, ChannelEvent::Closed(ChannelClosed::ByPeer))]
    );
    // RFC 8864 §6.6.1: SDP says so, too.
    assert_eq!(offers(&lab).len(), 4);
    assert_eq!(values(offers(&lab)[3], "dcmap").len(), 1);
    lab.events.clear();

    let again = DataChannelInit {
        stream: Some(ChannelId(1000)),
        ..chat()
    };
    let again = open(&mut lab, "alice", again);
    assert_eq!(told(&lab, "alice"), [(3, ChannelEvent::Opened)]);
    let channel = lab.wic("alice").channel(again).expect("there");
    assert_eq!(channel.stream, Some(ChannelId(1000)));
    send(&mut lab, "alice", again, Message::text("again"));
    send(&mut lab, "alice", second, Message::text("and beside it"));
    lab.run(SECOND);
    let call = lab.wic("bob").current().expect("a call");
    let theirs = lab.wic("bob").channels(call);
    let heard: Vec<Option<Message>> = theirs
        .into_iter()
        .map(|id| receive(&mut lab, "bob", id))
        .collect();
    let said = [Message::text("and beside it"), Message::text("again")];
    assert_eq!(heard, said.map(Some));
}

#[test]
fn a_stream_that_is_asked_for_again_waits_until_it_is_free() {
    let mut lab = talking(config("alice"), taking("bob"));
    let init = DataChannelInit {
        stream: Some(ChannelId(1500)),
        ..chat()
    };
    let first = open(&mut lab, "alice", init.clone());
    lab.events.clear();
    let now = lab.now();
    let call = lab.wic("alice").current().expect("a call");
    lab.wic("alice").close_channel(now, first).expect("open");
    let again = lab.wic("alice").open_channel(now, call, init);
    let again = again.expect("it can be asked for");
    lab.run(3 * SECOND);
    assert_eq!(
        told(&lab, "alice"),
        [
            (1, ChannelEvent::Closed(ChannelClosed::ByUs)),
            (2, ChannelEvent::Opened)
        ]
    );
    send(&mut lab, "alice", again, Message::text("anew"));
    lab.run(SECOND);
    let there = only(&mut lab, "bob");
    assert_eq!(receive(&mut lab, "bob", there), Some(Message::text("anew")));
}

#[test]
fn who_is_called_may_open_one_too() {
    let mut lab = talking(taking("alice"), taking("bob"));
    let here = open(&mut lab, "bob", chat());
    assert_eq!(told(&lab, "bob"), [(1, ChannelEvent::Opened)]);
    let there = only(&mut lab, "alice");
    send(&mut lab, "bob", here, Message::text("from bob"));
    lab.run(SECOND);
    let heard = receive(&mut lab, "alice", there).expect("a message");
    assert_eq!(
        (heard.kind, &heard.data[..]),
        (Kind::Text, &b"from bob"[..])
    );
    // And who did not open it may close it.
    let now = lab.now();
    lab.wic("alice").close_channel(now, there).expect("open");
    lab.run(SECOND);
    assert_eq!(
        told(&lab, "bob").last(),
        Some(&(1, ChannelEvent::Closed(ChannelClosed::ByPeer)))
    );
}

/// TS 24.371 V12.3 §8.2 — the description has the m-line alone, and DCEP opens what there is.
#[test]
fn a_channel_is_opened_in_band() {
    let init = DataChannelInit {
        in_band: true,
        ..chat()
    };
    let alice = Config {
        channels: vec![init.clone()],
        ..config("alice")
    };
    let mut lab = talking(alice, taking("bob"));
    assert_eq!(values(offers(&lab)[0], "dcmap"), [""; 0]);
    assert_eq!(port(offers(&lab)[0]), Some(40_002));
    assert_eq!(told(&lab, "alice"), [(1, ChannelEvent::Opened)]);
    let first = [(1, ChannelEvent::Incoming), (1, ChannelEvent::Opened)];
    assert!(told(&lab, "bob").starts_with(&first));
    // One more needs no description.
    let id = open(&mut lab, "alice", init);
    assert_eq!(told(&lab, "alice").last(), Some(&(2, ChannelEvent::Opened)));
    assert_eq!(offers(&lab).len(), 1);
    let now = lab.now();
    lab.wic("alice").close_channel(now, id).expect("open");
    lab.run(SECOND);
    assert_eq!(
        told(&lab, "bob").last(),
        Some(&(2, ChannelEvent::Closed(ChannelClosed::ByPeer)))
    );
    assert_eq!(offers(&lab).len(), 1);
}

#[test]
fn what_no_rule_takes_is_refused() {
    // Nothing at all: the m-line has port 0, and the call goes on.
    let mut lab = talking(config("alice"), config("bob"));
    open(&mut lab, "alice", chat());
    let refused = (1, ChannelEvent::Closed(ChannelClosed::Refused));
    assert_eq!(told(&lab, "alice"), [refused]);
    let answer = lab.seen.iter().rev().find(|m| !m.body().is_empty());
    assert_eq!(port(answer.expect("an answer")), Some(0));
    assert!(lab.wic("alice").in_call());

    // Some: those that are not taken are not in the answer, nor acknowledged.
    let bob = Config {
        accept_channels: vec![ChannelRule {
            label: Some("chat".into()),
            ..ChannelRule::ANY
        }],
        ..config("bob")
    };
    let mut lab = talking(config("alice"), bob);
    open(&mut lab, "alice", chat());
    let other = DataChannelInit {
        channel: Channel::new("other"),
        ..DataChannelInit::default()
    };
    open(&mut lab, "alice", other.clone());
    let in_band = DataChannelInit {
        in_band: true,
        ..other
    };
    open(&mut lab, "alice", in_band);
    assert_eq!(
        told(&lab, "alice"),
        [
            (1, ChannelEvent::Opened),
            (2, ChannelEvent::Closed(ChannelClosed::Refused)),
            (3, ChannelEvent::Closed(ChannelClosed::ByPeer)),
        ]
    );
    assert_eq!(told(&lab, "bob").len(), 2, "only chat");
}

#[test]
fn a_refused_re_invite_refuses_the_channel_and_changes_nothing_else() {
    let mut lab = talking(taking("alice"), taking("bob"));
    lab.refuse_changes = true;
    open(&mut lab, "alice", chat());
    assert_eq!(
        told(&lab, "alice"),
        [(1, ChannelEvent::Closed(ChannelClosed::Refused))]
    );
    let call = lab.wic("alice").current().expect("a call");
    assert!(!lab.wic("alice").has_data(call));
    lab.refuse_changes = false;
    open(&mut lab, "alice", chat());
    assert_eq!(told(&lab, "alice").last(), Some(&(2, ChannelEvent::Opened)));
}

/// RFC 3261 §14.1 — both ask at once; who made the Call-ID waits longer, and both get what they want.
#[test]
fn both_open_one_at_the_same_time() {
    let mut lab = talking(taking("alice"), taking("bob"));
    let now = lab.now();
    for name in ["alice", "bob"] {
        let call = lab.wic(name).current().expect("a call");
        lab.wic(name)
            .open_channel(now, call, chat())
            .expect("it can be asked for");
    }
    lab.run(2 * SECOND);
    let early = told(&lab, "bob");
    assert!(early.contains(&(1, ChannelEvent::Opened)), "{early:?}");
    assert!(!told(&lab, "alice").contains(&(1, ChannelEvent::Opened)));
    lab.run(3 * SECOND);
    for name in ["alice", "bob"] {
        let told = told(&lab, name);
        let opened = told.iter().filter(|(_, e)| *e == ChannelEvent::Opened);
        assert_eq!(opened.count(), 2, "{name}: {told:?}");
    }
}

#[test]
fn a_slow_reader_makes_the_sender_wait_and_nothing_is_lost() {
    let mut lab = talking(config("alice"), taking("bob"));
    let here = open(&mut lab, "alice", chat());
    let there = only(&mut lab, "bob");
    let message = |number: u32| Message::binary([&number.to_be_bytes()[..], &[0; 16_000]].concat());
    let mut sent = 0;
    // Nobody reads: the window, the buffer, and that is all.
    for _ in 0..20 {
        loop {
            let now = lab.now();
            match lab.wic("alice").send_message(now, here, message(sent)) {
                Ok(()) => sent += 1,
                Err(error) => {
                    assert_eq!(error, SendError::Full);
                    break;
                }
            }
        }
        lab.run(SECOND / 2);
    }
    assert!((80..160).contains(&sent), "{sent}");
    lab.events.clear();
    let mut heard = 0;
    while heard < sent {
        while let Some(came) = receive(&mut lab, "bob", there) {
            assert_eq!(came, message(heard));
            heard += 1;
        }
        lab.run(SECOND / 10);
    }
    assert!(told(&lab, "alice").contains(&(1, ChannelEvent::Writable)));
    assert!(lab.wic("alice").has_room(here));
}

#[test]
fn over_a_bad_network_everything_arrives_in_order() {
    let mut lab = talking(config("alice"), taking("bob"));
    lab.media_links(LinkQuality {
        loss: 50,
        duplication: 20,
        reordering: 20,
        ordered: false,
        ..LinkQuality::good()
    });
    let here = open(&mut lab, "alice", chat());
    lab.run(5 * SECOND);
    let there = only(&mut lab, "bob");
    let mut heard = Vec::new();
    for number in 0..100u32 {
        send(&mut lab, "alice", here, Message::text(number.to_string()));
        lab.run(SECOND / 50);
    }
    lab.run(20 * SECOND);
    while let Some(message) = receive(&mut lab, "bob", there) {
        heard.push(message);
    }
    let said: Vec<Message> = (0..100).map(|n| Message::text(n.to_string())).collect();
    assert_eq!(heard, said);
}

#[test]
fn on_another_network_and_on_hold_channels_go_on() {
    let mut lab = talking(config("alice"), taking("bob"));
    let here = open(&mut lab, "alice", chat());
    let there = only(&mut lab, "bob");
    let now = lab.now();
    let before = port(offers(&lab)[1]);
    lab.wic("alice").restart_ice(now).expect("sockets");
    lab.run(2 * SECOND);
    assert_ne!(port(offers(&lab)[2]), before, "another socket");
    lab.wic("alice").hold(now, true).expect("a call");
    lab.run(SECOND);
    send(&mut lab, "alice", here, Message::text("from elsewhere"));
    send(&mut lab, "bob", there, Message::text("to elsewhere"));
    lab.run(SECOND);
    let heard = receive(&mut lab, "bob", there);
    assert_eq!(heard, Some(Message::text("from elsewhere")));
    let heard = receive(&mut lab, "alice", here);
    assert_eq!(heard, Some(Message::text("to elsewhere")));
    assert_eq!(told(&lab, "alice").len(), 2, "opened, readable");
}

#[test]
fn with_the_call_end_its_channels() {
    let mut lab = talking(config("alice"), taking("bob"));
    open(&mut lab, "alice", chat());
    let now = lab.now();
    lab.wic("alice").hang_up(now).expect("a call");
    lab.run(SECOND);
    for name in ["alice", "bob"] {
        let last = told(&lab, name).pop();
        let ended = ChannelEvent::Closed(ChannelClosed::CallEnded);
        assert_eq!(last, Some((1, ended)), "{name}");
    }
    // Its socket is free for the next call.
    lab.events.clear();
    for _ in 0..4 {
        call(&mut lab);
        open(&mut lab, "alice", chat());
        assert_eq!(told(&lab, "alice").last(), Some(&(1, ChannelEvent::Opened)));
        let now = lab.now();
        lab.wic("alice").hang_up(now).expect("a call");
        lab.run(SECOND);
    }
}

#[test]
fn what_cannot_be_in_a_description_is_refused_at_once() {
    let mut lab = talking(config("alice"), taking("bob"));
    let now = lab.now();
    let call = lab.wic("alice").current().expect("a call");
    let attributes = DataChannelInit {
        attributes: vec!["x\r\na=fingerprint:none".into()],
        ..chat()
    };
    let long = DataChannelInit {
        channel: Channel::new("x".repeat(2000)),
        ..chat()
    };
    let stream = DataChannelInit {
        stream: Some(ChannelId(65_535)),
        ..chat()
    };
    for init in [attributes, long, stream] {
        assert!(lab.wic("alice").open_channel(now, call, init).is_err());
    }
    lab.run(SECOND);
    assert_eq!(offers(&lab).len(), 1);
}
