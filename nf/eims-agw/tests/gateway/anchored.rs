//! A call that a third party set up: two users, each behind the core, and the gateway between them.

use std::time::Duration;

use core_data_channel::{Channel, Event as ChannelEvent, Message};
use core_iq::{
    AnchoredStream, AwaitedChannel, ChannelAction, ChannelAt, ChannelDescription, ChannelMessage,
    ChannelPlace, ChannelReliability, Command, ContextId, CoreLocal, CoreSettings, DataLocal,
    DataSettings, DtlsRole, DtlsSettings, Event, FarEnd, Feedback, Gate, IceCredentials, MediaKind,
    NegotiatedChannel, PayloadMap, PayloadMapping, Refusal, Reply, SctpSettings, SecondSettings,
    StreamEnd, StreamId, StreamSettings, W3Settings,
};
use testbed::LinkQuality;

use crate::support::{Bed, Phone, Wic, config, nack, pli, rtp};

const SECOND: Duration = Duration::from_secs(1);
const STREAM: StreamId = StreamId(0);
const SCTP: SctpSettings = SctpSettings {
    port: 5000,
    max_message_size: Some(256 * 1024),
};
const RELAY: FarEnd = FarEnd::Relay { announce: false };

/// Two phones; the first is at the second Termination.
fn phones(kind: MediaKind) -> (Bed, AnchoredStream, ContextId) {
    let mut bed = Bed::one();
    bed.phones.push(Phone::new("10.0.0.8:30000"));
    bed.phones.push(Phone::new("10.0.0.9:30000"));
    let mut settings = StreamSettings::new(STREAM, kind);
    settings.core = Some(bed.phones[1].settings(Gate::OPEN));
    settings.second = Some(Box::new(SecondSettings {
        core: bed.phones[0].settings(Gate::OPEN),
        dtls: None,
    }));
    settings.payloads = Some(PayloadMap(vec![PayloadMapping { w3: 111, core: 96 }]));
    let reserved = bed.reserve(0, vec![settings]);
    assert_eq!(reserved.streams, []);
    let anchored = reserved.anchored[0].clone();
    assert_eq!((&anchored.data, &anchored.second_ice), (&None, &None));
    bed.phones[0].gateway = Some(anchored.second);
    bed.phones[1].gateway = Some(anchored.core);
    (bed, anchored, reserved.context)
}

#[test]
fn sound_passes_between_two_phones_with_payload_types_mapped() {
    let (mut bed, anchored, context) = phones(MediaKind::Audio);
    assert_ne!(anchored.core, anchored.second);
    bed.phone_sends(0, &rtp(111, 7, 1));
    bed.phone_sends(1, &rtp(96, 8, 2));
    bed.run(SECOND);
    assert_eq!(bed.phones[1].received, [rtp(96, 7, 1)]);
    assert_eq!(bed.phones[0].received, [rtp(111, 8, 2)]);
    assert_eq!(bed.workers[0].gateway.counters().relayed_to_core, 2);

    let mut hold = StreamSettings::new(STREAM, MediaKind::Audio);
    hold.second = Some(Box::new(SecondSettings {
        core: CoreSettings {
            gate: Some(Gate::CLOSED),
            ..CoreSettings::default()
        },
        dtls: None,
    }));
    bed.configure(0, context, hold);
    bed.phone_sends(0, &rtp(111, 7, 2));
    bed.phone_sends(1, &rtp(96, 8, 3));
    bed.run(SECOND);
    assert_eq!(
        bed.phones[0].received.len() + bed.phones[1].received.len(),
        2
    );
    assert_eq!(bed.workers[0].gateway.counters().dropped_gate, 2);

    assert_eq!(bed.workers[0].open_ports(), 4);
    bed.ask(0, Command::Release { context }).unwrap();
    assert_eq!(bed.workers[0].open_ports(), 0);
}

#[test]
fn only_the_phone_that_was_named_is_heard() {
    let (mut bed, anchored, _) = phones(MediaKind::Audio);
    bed.phones.push(Phone::new("10.0.0.66:30000"));
    bed.phones[2].gateway = Some(anchored.second);
    bed.phone_sends(2, &rtp(111, 7, 1));
    // At the other one's port it is a stranger too.
    bed.phones[0].gateway = Some(anchored.core);
    bed.phone_sends(0, &rtp(111, 7, 1));
    bed.run(SECOND);
    assert!(bed.phones.iter().all(|phone| phone.received.is_empty()));
    assert_eq!(bed.workers[0].gateway.counters().dropped_wrong_source, 2);
}

/// RFC 4585 §6.2.1: what was sent is repeated from the gateway's own store.
#[test]
fn pictures_are_repeated_and_whole_ones_asked_for() {
    let (mut bed, _, context) = phones(MediaKind::Video);
    let mut settings = StreamSettings::new(STREAM, MediaKind::Video);
    settings.feedback = Some(Feedback {
        w3_nack: true,
        w3_pli: true,
        w3_fir: false,
        core_nack: true,
        core_pli: true,
        core_fir: false,
    });
    bed.configure(0, context, settings);
    bed.phone_sends(1, &rtp(96, 8, 2));
    bed.run(SECOND);
    let sent = bed.phones[0].received.pop().expect("it came");
    bed.phone_sends_rtcp(0, &nack(1, 2, &[8]));
    bed.run(SECOND);
    assert_eq!(bed.phones[0].received, [sent]);
    bed.phone_sends_rtcp(0, &pli(1, 2));
    bed.run(SECOND);
    assert_eq!(bed.phones[1].received_rtcp.last(), Some(&pli(1, 2)));
}

/// Two WICs at edges of their own, and the anchor between these.
struct Anchor {
    bed: Bed,
    /// Of the edges, and the anchor's.
    contexts: [ContextId; 3],
}

/// What one side tells the other in SDP.
struct Side {
    at: CoreLocal,
    ice: IceCredentials,
    tls_id: String,
    data: DataLocal,
}

impl Side {
    fn core(at: CoreLocal, data: &DataLocal) -> Self {
        Self {
            at,
            ice: data.core_ice.clone(),
            tls_id: data.core_tls_id.clone(),
            data: data.clone(),
        }
    }

    fn place(&self) -> CoreSettings {
        CoreSettings {
            remote_rtp: Some(self.at.rtp),
            ..CoreSettings::default()
        }
    }

    fn dtls(&self, role: DtlsRole) -> DtlsSettings {
        DtlsSettings {
            remote_ice: Some(self.ice.clone()),
            remote_fingerprints: Some(vec![self.data.core_fingerprint.clone()]),
            remote_tls_id: Some(self.tls_id.clone()),
            dtls_role: Some(role),
        }
    }
}

const ANCHOR: usize = 2;

impl Anchor {
    fn new(far_end: FarEnd) -> Self {
        let configs = (0..3).map(config).collect();
        let mut bed = Bed::new(configs, 1, LinkQuality::good());
        let mut settings = StreamSettings::new(STREAM, MediaKind::Data);
        settings.second = Some(Box::default());
        let reserved = bed.reserve(ANCHOR, vec![settings]);
        let (anchor, context) = (reserved.anchored[0].clone(), reserved.context);
        let data = anchor.data.as_ref().unwrap();
        assert_ne!(data.w3_tls_id, data.core_tls_id);
        let second = Side {
            at: anchor.second,
            ice: anchor.second_ice.clone().unwrap(),
            tls_id: data.w3_tls_id.clone(),
            data: data.clone(),
        };
        let mut edges = Vec::new();
        let mut contexts = [context; 3];
        for (at, ours) in [(0, second), (1, Side::core(anchor.core, data))] {
            let mut wic = Wic::new(&format!("198.51.100.{}:50000", at + 1));
            wic.data = true;
            let mut settings = StreamSettings::new(STREAM, MediaKind::Data);
            settings.w3 = Some(wic.settings(Gate::OPEN));
            settings.core = Some(ours.place());
            settings.data = Some(Box::new(DataSettings {
                w3: Some(SCTP),
                core: Some(SCTP),
                core_dtls: Some(ours.dtls(DtlsRole::Client)),
                far_end: Some(RELAY),
                ..DataSettings::default()
            }));
            bed.wics.push(wic);
            let made = bed.reserve(at, vec![settings]);
            let now = bed.now();
            bed.wics[at].accept(now, &made.streams[0]);
            contexts[at] = made.context;
            let edge = &made.streams[0];
            edges.push(Side::core(edge.core, edge.data.as_ref().unwrap()));
        }
        let mut settings = StreamSettings::new(STREAM, MediaKind::Data);
        settings.core = Some(edges[1].place());
        settings.second = Some(Box::new(SecondSettings {
            core: edges[0].place(),
            dtls: Some(edges[0].dtls(DtlsRole::Server)),
        }));
        settings.data = Some(Box::new(DataSettings {
            w3: Some(SCTP),
            core: Some(SCTP),
            core_dtls: Some(edges[1].dtls(DtlsRole::Server)),
            far_end: Some(far_end),
            ..DataSettings::default()
        }));
        let told = bed.configure(ANCHOR, context, settings);
        assert_eq!(told.anchored, [], "nothing of ours has changed");
        bed.run(SECOND * 3);
        for wic in &mut bed.wics {
            assert_eq!(wic.take_told(), [ChannelEvent::Connected]);
        }
        Self { bed, contexts }
    }

    fn act(&mut self, action: ChannelAction) -> Result<Reply, Refusal> {
        let context = self.contexts[ANCHOR];
        let stream = STREAM;
        self.bed.ask(
            ANCHOR,
            Command::Channel {
                context,
                stream,
                action,
            },
        )
    }

    fn told(&mut self, wic: usize) -> Vec<ChannelEvent> {
        self.bed.run(SECOND);
        self.bed.wics[wic].take_told()
    }

    /// What the application waits for.
    fn awaits(&mut self, channels: &[AwaitedChannel]) {
        let mut change = StreamSettings::new(STREAM, MediaKind::Data);
        change.data = Some(Box::new(DataSettings {
            awaited: Some(channels.to_vec()),
            ..DataSettings::default()
        }));
        let context = self.contexts[ANCHOR];
        self.bed.configure(ANCHOR, context, change);
    }
}

#[test]
fn a_channel_crosses_two_edges_and_the_anchor() {
    let mut call = Anchor::new(RELAY);
    let now = call.bed.now();
    let channel = Channel::new("a");
    let near = call.bed.wics[0].with_channels(|c| c.open(now, channel.clone()).unwrap());
    let told = call.told(1);
    let [ChannelEvent::Requested { id: far, .. }] = told[..] else {
        panic!("{told:?}");
    };
    let now = call.bed.now();
    call.bed.wics[1].with_channels(|channels| channels.accept(now, far));
    assert_eq!(call.told(0), [ChannelEvent::Opened { id: near }]);
    let now = call.bed.now();
    call.bed.wics[0].send_message(now, near, Message::text("there"));
    call.bed.wics[1].send_message(now, far, Message::binary(vec![7; 60_000]));
    call.bed.run(SECOND);
    let now = call.bed.now();
    let got = call.bed.wics[1].read_message(now, far);
    assert_eq!(got, Some(Message::text("there")));
    let back = call.bed.wics[0].read_message(now, near).expect("it came");
    assert_eq!(back.data.len(), 60_000);
    let quiet = |event: &Event| matches!(event, Event::DataConnected { .. });
    assert!(call.bed.events(ANCHOR).iter().all(quiet), "nobody asked");
}

/// TS 23.228 AC.7: an application at the anchor speaks with each user by itself.
#[test]
fn an_application_ends_the_channels_of_both_users() {
    let mut call = Anchor::new(FarEnd::Application);
    for (wic, end) in [(0, StreamEnd::W3), (1, StreamEnd::Core)] {
        let now = call.bed.now();
        let open = Channel::new(format!("of {wic}"));
        let id = call.bed.wics[wic].with_channels(|channels| channels.open(now, open).unwrap());
        call.bed.run(SECOND);
        let requested = call.bed.events(ANCHOR).into_iter().find_map(|e| match e {
            Event::ChannelRequested { at, .. } if at.end == end => Some(at),
            _ => None,
        });
        let at = requested.expect("the application is asked");
        assert_eq!(call.act(ChannelAction::Accept(at)), Ok(Reply::ChannelDone));
        let hello = ChannelMessage::Text(b"hello".to_vec());
        call.act(ChannelAction::Send(at, hello)).unwrap();
        call.bed.run(SECOND);
        let now = call.bed.now();
        let got = call.bed.wics[wic].read_message(now, id);
        assert_eq!(got, Some(Message::text("hello")));
    }
}

/// A bootstrap channel ends here while the users' own pass through.
#[test]
fn one_channel_is_the_applications_and_the_others_are_joined() {
    let mut call = Anchor::new(RELAY);
    let description = || ChannelDescription {
        label: String::new(),
        protocol: "http".to_owned(),
        ordered: true,
        reliability: ChannelReliability::Reliable,
        priority: 256,
    };
    let one = |id, place| NegotiatedChannel {
        id,
        channel: description(),
        place,
    };
    let both = vec![one(0, ChannelPlace::Both), one(1000, ChannelPlace::Both)];
    let split = vec![
        one(0, ChannelPlace::At(StreamEnd::W3)),
        one(1000, ChannelPlace::Both),
    ];
    for (worker, channels) in [(0, both.clone()), (1, both), (ANCHOR, split)] {
        let mut change = StreamSettings::new(STREAM, MediaKind::Data);
        change.data = Some(Box::new(DataSettings {
            channels: Some(channels),
            ..DataSettings::default()
        }));
        let context = call.contexts[worker];
        call.bed.configure(worker, context, change);
    }
    let (bootstrap, shared) = (0, 1000);
    let now = call.bed.now();
    for wic in &mut call.bed.wics {
        wic.with_channels(|channels| {
            for id in [bootstrap, shared] {
                let channel = Channel {
                    protocol: "http".to_owned(),
                    ..Channel::new("")
                };
                let id = core_data_channel::ChannelId(id);
                channels.negotiate(now, id, channel).unwrap();
            }
        });
    }
    let at = ChannelAt {
        end: StreamEnd::W3,
        id: bootstrap,
    };
    call.act(ChannelAction::Credit(at, 1)).unwrap();
    let id = core_data_channel::ChannelId;
    let now = call.bed.now();
    call.bed.wics[0].send_message(now, id(bootstrap), Message::text("GET /"));
    call.bed.wics[0].send_message(now, id(shared), Message::text("to you"));
    call.bed.run(SECOND);
    let message = ChannelMessage::Text(b"GET /".to_vec());
    let heard = Event::ChannelMessage { at, message };
    assert!(call.bed.events(ANCHOR).contains(&heard));
    let now = call.bed.now();
    assert_eq!(call.bed.wics[1].read_message(now, id(bootstrap)), None);
    let got = call.bed.wics[1].read_message(now, id(shared));
    assert_eq!(got, Some(Message::text("to you")));
}

/// An application comes to one of two users whose own channels are joined.
#[test]
fn a_channel_that_the_application_opens_is_its_own_beside_those_that_are_joined() {
    let mut call = Anchor::new(RELAY);
    let news = |call: &mut Anchor| {
        call.bed.run(SECOND);
        let events = call.bed.events(ANCHOR);
        call.bed.workers[ANCHOR].notifications.clear();
        events
    };
    news(&mut call);
    let now = call.bed.now();
    let own = call.bed.wics[1].with_channels(|c| c.open(now, Channel::new("own")).unwrap());
    let told = call.told(0);
    let [ChannelEvent::Requested { id: joined, .. }] = told[..] else {
        panic!("{told:?}");
    };
    let now = call.bed.now();
    call.bed.wics[0].with_channels(|channels| channels.accept(now, joined));
    assert_eq!(news(&mut call), [], "what is joined is nobody's");
    assert_eq!(call.told(1), [ChannelEvent::Opened { id: own }]);

    let end = StreamEnd::W3;
    let channel = ChannelDescription {
        label: "games".to_owned(),
        protocol: String::new(),
        ordered: true,
        reliability: ChannelReliability::Reliable,
        priority: 256,
    };
    let opening = call.act(ChannelAction::Open { end, channel });
    let Ok(Reply::ChannelOpening { id }) = opening else {
        panic!("{opening:?}");
    };
    let at = ChannelAt { end, id };
    let told = call.told(0);
    let [.., ChannelEvent::Requested { id: there, .. }] = told[..] else {
        panic!("{told:?}");
    };
    let now = call.bed.now();
    call.bed.wics[0].with_channels(|channels| channels.accept(now, there));
    assert_eq!(news(&mut call), [Event::ChannelOpened { at }]);

    call.act(ChannelAction::Credit(at, 1)).unwrap();
    let now = call.bed.now();
    call.bed.wics[0].send_message(now, there, Message::text("to the application"));
    call.bed.wics[0].send_message(now, joined, Message::text("to the other"));
    let message = ChannelMessage::Text(b"to the application".to_vec());
    let heard = Event::ChannelMessage { at, message };
    assert_eq!(news(&mut call), [heard]);
    let now = call.bed.now();
    let got = call.bed.wics[1].read_message(now, own);
    assert_eq!(got, Some(Message::text("to the other")));

    let now = call.bed.now();
    call.bed.wics[0].with_channels(|channels| channels.close(now, there));
    let closed = news(&mut call);
    assert!(
        matches!(closed[..], [Event::ChannelClosed { at: one, .. }] if one == at),
        "{closed:?}"
    );
}

/// What an application waits for comes to it when a user opens it in band; all else goes to the other user.
#[test]
fn a_channel_that_the_application_waits_for_is_its_own_beside_those_that_are_joined() {
    let mut call = Anchor::new(RELAY);
    call.bed.run(SECOND);
    call.bed.events(ANCHOR);
    call.bed.workers[ANCHOR].notifications.clear();
    let end = StreamEnd::W3;
    call.awaits(&[AwaitedChannel {
        end,
        label: "games".to_owned(),
    }]);
    // What the anchor is told, and what the other user is asked.
    let open = |call: &mut Anchor, label: &str| {
        let now = call.bed.now();
        let id = call.bed.wics[0].with_channels(|c| c.open(now, Channel::new(label)).unwrap());
        call.bed.run(SECOND);
        let events = call.bed.events(ANCHOR);
        call.bed.workers[ANCHOR].notifications.clear();
        let asked = call.told(1).into_iter().filter_map(|event| match event {
            ChannelEvent::Requested { channel, .. } => Some(channel.label),
            _ => None,
        });
        (id, events, asked.collect::<Vec<_>>())
    };
    let (_, events, asked) = open(&mut call, "own");
    assert_eq!((events, asked), (Vec::new(), vec!["own".to_owned()]));
    let (id, events, asked) = open(&mut call, "games");
    let [Event::ChannelRequested { at, channel }] = &events[..] else {
        panic!("{events:?}");
    };
    let at = *at;
    assert_eq!((at.end, channel.label.as_str()), (end, "games"));
    assert_eq!(asked, [] as [String; 0]);
    call.act(ChannelAction::Accept(at)).unwrap();
    call.act(ChannelAction::Credit(at, 1)).unwrap();
    call.bed.run(SECOND);
    let now = call.bed.now();
    call.bed.wics[0].send_message(now, id, Message::text("to the application"));
    call.bed.run(SECOND);
    let message = ChannelMessage::Text(b"to the application".to_vec());
    let heard = Event::ChannelMessage { at, message };
    assert!(call.bed.events(ANCHOR).contains(&heard));
    call.bed.workers[ANCHOR].notifications.clear();

    // It waits no more.
    call.awaits(&[]);
    let (_, events, asked) = open(&mut call, "games");
    assert_eq!((events, asked), (Vec::new(), vec!["games".to_owned()]));
}

#[test]
fn a_stream_has_a_wic_or_a_second_termination() {
    let (mut bed, _, context) = phones(MediaKind::Audio);
    let mut both = StreamSettings::new(StreamId(1), MediaKind::Audio);
    both.w3 = Some(W3Settings::default());
    both.second = Some(Box::default());
    let mut media_with_dtls = StreamSettings::new(StreamId(1), MediaKind::Audio);
    media_with_dtls.second = Some(Box::new(SecondSettings {
        dtls: Some(DtlsSettings::default()),
        ..SecondSettings::default()
    }));
    for settings in [both, media_with_dtls] {
        let streams = vec![settings];
        let reserve = Command::Reserve {
            context: Some(context),
            streams,
        };
        let refused = bed.ask(0, reserve);
        assert!(matches!(refused, Err(Refusal::Invalid(_))), "{refused:?}");
    }
    let mut a_wic = StreamSettings::new(STREAM, MediaKind::Audio);
    a_wic.w3 = Some(W3Settings::default());
    let streams = vec![a_wic];
    let refused = bed.ask(0, Command::Configure { context, streams });
    assert!(matches!(refused, Err(Refusal::Invalid(_))), "{refused:?}");
}
