//! Data channels between two WICs, each with a gateway of its own, and between a WIC and whoever
//! speaks Iq.

use std::time::Duration;

use core_data_channel::{
    Channel, ChannelId, CloseReason, Event as ChannelEvent, Message, Priority, Reliability,
    SendError,
};
use core_iq::{
    ChannelAction, ChannelAt, ChannelEnd, ChannelMessage, ChannelPlace, Command, DataSettings,
    Event, FarEnd, MediaKind, Refusal, SctpSettings, StreamEnd, StreamSettings,
};

use crate::support::{Call, RELAY, SCTP, STREAM, negotiated};

const SECOND: Duration = Duration::from_secs(1);

fn kinds() -> Vec<Channel> {
    let channel = |ordered, reliability| Channel {
        label: format!("{ordered} {reliability:?}"),
        protocol: "chat".to_owned(),
        ordered,
        reliability,
        priority: Priority::HIGH,
    };
    vec![
        channel(true, Reliability::Reliable),
        channel(false, Reliability::Reliable),
        channel(true, Reliability::MaxRetransmits(2)),
        channel(false, Reliability::MaxRetransmits(0)),
        channel(true, Reliability::MaxLifetime(300)),
        channel(false, Reliability::MaxLifetime(1)),
    ]
}

/// TS 24.371 §8.1, RFC 8832 §6
#[test]
fn a_channel_of_each_type_is_opened_in_band_through_both_gateways() {
    let mut call = Call::joined();
    for channel in kinds() {
        let (near, far) = call.channel(&channel);
        call.send(0, near, Message::text("there"));
        call.send(1, far, Message::binary(vec![0; 70_000 - 5_000]));
        call.bed.run(SECOND);
        assert_eq!(call.read(1, far), Some(Message::text("there")));
        let back = call.read(0, near).expect("it came back");
        assert_eq!(back.data.len(), 65_000);
        call.close(0, near);
        let reason = CloseReason::ByPeer;
        let closed = [
            ChannelEvent::Closed { id: far, reason },
            ChannelEvent::Released { id: far },
        ];
        assert!(call.told(1).ends_with(&closed));
        assert!(
            call.told(0)
                .ends_with(&[ChannelEvent::Released { id: near }])
        );
    }
}

#[test]
fn empty_and_text_and_binary_stay_what_they_are() {
    let mut call = Call::joined();
    let (near, far) = call.channel(&Channel::new("a"));
    let messages = [
        Message::text(""),
        Message::binary(Vec::new()),
        Message::text("ü"),
        Message::binary(vec![0]),
    ];
    for message in messages.clone() {
        call.send(0, near, message);
    }
    call.bed.run(SECOND);
    for message in messages {
        assert_eq!(call.read(1, far), Some(message));
    }
}

#[test]
fn a_refusal_of_the_far_end_comes_back_as_a_reset() {
    let mut call = Call::joined();
    let near = call.open(0, Channel::new("no"));
    let far = call.requested(&Channel::new("no"));
    call.close(1, far);
    let reason = CloseReason::ByPeer;
    assert!(
        call.told(0)
            .contains(&ChannelEvent::Closed { id: near, reason })
    );
}

#[test]
fn what_is_opened_before_the_far_end_is_there_waits_for_it() {
    let mut call = Call::new(RELAY);
    call.bed.run(SECOND);
    let near = call.open(0, Channel::new("early"));
    call.send(0, near, Message::text("early"));
    call.bed.run(SECOND);
    call.join(SCTP);
    call.bed.run(SECOND * 2);
    let told = call.told(1);
    let Some(ChannelEvent::Requested { id: far, .. }) = told.last() else {
        panic!("{told:?}");
    };
    let far = *far;
    call.accept(1, far);
    call.bed.run(SECOND);
    assert_eq!(call.read(1, far), Some(Message::text("early")));
}

/// RFC 8864 §6
#[test]
fn channels_of_sdp_are_joined_closed_when_it_drops_them_and_come_again() {
    let mut call = Call::joined();
    let id = ChannelId(1000);
    for round in 0..3 {
        call.negotiate(&negotiated(&[1000, 1002]));
        let now = call.bed.now();
        for wic in &mut call.bed.wics {
            let begun = |channels: &mut core_data_channel::Association| {
                channels.negotiate(now, id, Channel::new("dc")).unwrap();
            };
            wic.with_channels(begun);
        }
        let text = Message::text(format!("round {round}"));
        call.send(0, id, text.clone());
        call.bed.run(SECOND);
        assert_eq!(call.read(1, id), Some(text));
        call.negotiate(&negotiated(&[1002]));
        call.bed.run(SECOND * 6);
        for wic in 0..2 {
            let told = call.told(wic);
            assert!(told.ends_with(&[ChannelEvent::Released { id }]), "{told:?}");
        }
    }
}

/// A channel of SDP, with as much from WIC 0 on its way as goes before WIC 1 reads: how many messages.
fn filled(call: &mut Call, id: ChannelId) -> u32 {
    call.negotiate(&negotiated(&[id.0]));
    let now = call.bed.now();
    for wic in &mut call.bed.wics {
        wic.with_channels(|channels| channels.negotiate(now, id, Channel::new("dc")).unwrap());
    }
    call.told(0);
    call.told(1);
    let mut sent = 0_u32;
    for _ in 0..50 {
        let now = call.bed.now();
        call.bed.wics[0].with_channels(|channels| {
            let message =
                |sent: u32| Message::binary([&sent.to_be_bytes()[..], &[0; 16_000]].concat());
            while channels.send(now, id, message(sent)).is_ok() {
                sent += 1;
            }
        });
        call.bed.run(Duration::from_millis(100));
    }
    assert!(sent > 200, "{sent}");
    sent
}

/// How many of these messages WIC 1 reads in twenty seconds, in order, so many each time.
fn read(call: &mut Call, id: ChannelId, at_once: usize) -> u32 {
    let mut read = 0_u32;
    for _ in 0..400 {
        for message in (0..at_once).map_while(|_| call.read(1, id)) {
            assert_eq!(message.data[..4], read.to_be_bytes());
            read += 1;
        }
        call.bed.run(Duration::from_millis(50));
    }
    read
}

/// RFC 8864 §6.6.1, RFC 8831 §6.7: all that was sent before arrives.
#[test]
fn what_waits_in_a_channel_that_sdp_drops_arrives_before_it_is_closed() {
    let mut call = Call::joined();
    let id = ChannelId(1000);
    let sent = filled(&mut call, id);
    call.negotiate(&[]);
    call.close(0, id);
    call.bed.run(SECOND);
    assert_eq!(read(&mut call, id, 8), sent, "messages were sent before");
    let reason = CloseReason::ByPeer;
    let gone = [
        ChannelEvent::Closed { id, reason },
        ChannelEvent::Released { id },
    ];
    assert!(call.told(1).ends_with(&gone));
    assert!(call.told(0).ends_with(&gone[1..]));
}

#[test]
fn nobody_holds_a_channel_open_that_sdp_has_dropped() {
    let mut call = Call::joined();
    let id = ChannelId(1000);
    filled(&mut call, id);
    call.negotiate(&[]);
    let reason = CloseReason::ByPeer;
    let closed = ChannelEvent::Closed { id, reason };
    assert!(
        !call.told(0).contains(&closed),
        "there is still something in it"
    );
    // WIC 1 never reads, and WIC 0 never closes.
    call.bed.run(SECOND * 31);
    assert!(call.told(0).contains(&closed));
    let now = call.bed.now();
    let late = call.bed.wics[0].with_channels(|c| c.send(now, id, Message::text("late")));
    assert_eq!(late, Err(SendError::NotOpen));
}

#[test]
fn a_channel_that_sdp_drops_and_has_again_loses_nothing_of_the_first() {
    let mut call = Call::joined();
    let id = ChannelId(1000);
    let sent = filled(&mut call, id);
    call.negotiate(&[]);
    call.close(0, id);
    call.bed.run(SECOND);
    call.negotiate(&negotiated(&[id.0]));
    for _ in 0..3 {
        // What changes nothing changes nothing.
        call.negotiate(&negotiated(&[id.0]));
    }
    let all = read(&mut call, id, usize::MAX);
    assert_eq!(all, sent, "messages were sent before");
    for wic in 0..2 {
        let told = call.told(wic);
        assert!(told.ends_with(&[ChannelEvent::Released { id }]), "{told:?}");
        let now = call.bed.now();
        call.bed.wics[wic].with_channels(|channels| {
            channels.negotiate(now, id, Channel::new("dc")).unwrap();
        });
    }
    call.send(0, id, Message::text("the second"));
    call.bed.run(SECOND);
    assert_eq!(call.read(1, id), Some(Message::text("the second")));
}

#[test]
fn a_file_arrives_in_order_and_a_reader_that_rests_stops_the_sender() {
    let mut call = Call::joined();
    let (near, far) = call.channel(&Channel::new("file"));
    let (mut sent, mut read) = (0_u32, 0_u32);
    const MESSAGES: u32 = 512; // of 16 KiB: 8 MiB
    let push = |call: &mut Call, sent: &mut u32| {
        let now = call.bed.now();
        call.bed.wics[0].with_channels(|channels| {
            while *sent < MESSAGES {
                let mut data = vec![0; 16 * 1024];
                data[..4].copy_from_slice(&sent.to_be_bytes());
                match channels.send(now, near, Message::binary(data)) {
                    Ok(()) => *sent += 1,
                    Err(SendError::Full) => break,
                    Err(error) => panic!("{error}"),
                }
            }
        });
    };
    for _ in 0..100 {
        push(&mut call, &mut sent);
        call.bed.run(Duration::from_millis(100));
    }
    // Three windows of 1 MiB, three buffers of half of that, and the messages beyond.
    assert!(sent < 310, "{sent} messages went into buffers");
    let begin = call.bed.now();
    while read < MESSAGES {
        push(&mut call, &mut sent);
        while let Some(message) = call.read(1, far) {
            assert_eq!(message.data[..4], read.to_be_bytes());
            read += 1;
        }
        call.bed.run(Duration::from_millis(20));
        assert!(call.bed.now() - begin < SECOND * 60, "{read} of {sent}");
    }
}

#[test]
fn a_message_larger_than_the_far_end_takes_closes_the_channel() {
    let mut call = Call::new(RELAY);
    call.join(SctpSettings {
        port: 5000,
        max_message_size: Some(1000),
    });
    call.bed.run(SECOND * 3);
    call.told(0);
    call.told(1);
    let (near, far) = call.channel(&Channel::new("small"));
    call.send(0, near, Message::binary(vec![0; 1001]));
    call.bed.run(SECOND);
    let reason = CloseReason::ByPeer;
    assert!(
        call.told(0)
            .contains(&ChannelEvent::Closed { id: near, reason })
    );
    assert!(
        call.told(1)
            .contains(&ChannelEvent::Closed { id: far, reason })
    );
    let at = ChannelAt {
        end: StreamEnd::W3,
        id: near.0,
    };
    let closed =
        |event: &Event| matches!(event, Event::ChannelClosed { at: closed, .. } if *closed == at);
    let told: Vec<Event> = call.bed.events(0).into_iter().filter(closed).collect();
    let [Event::ChannelClosed { end, .. }] = &told[..] else {
        panic!("{told:?}");
    };
    assert!(matches!(end, ChannelEnd::Failed(_)), "{end:?}");
}

#[test]
fn nobody_at_the_far_end_refuses_what_is_opened() {
    let mut call = Call::new(FarEnd::Nobody);
    call.bed.run(SECOND);
    let id = call.open(0, Channel::new("a"));
    let reason = CloseReason::ByPeer;
    assert!(call.told(0).contains(&ChannelEvent::Closed { id, reason }));
}

#[test]
fn a_far_end_with_another_certificate_gets_nothing() {
    let mut call = Call::new(RELAY);
    let wrong = &mut call.reserved[0].streams[0].data;
    wrong.as_mut().unwrap().core_fingerprint.digest[0] ^= 1;
    call.join(SCTP);
    call.bed.run(SECOND * 3);
    let id = call.open(0, Channel::new("a"));
    call.told(0);
    assert_eq!(call.told(1), [ChannelEvent::Connected]);
    let up = |event: &Event| {
        let end = StreamEnd::Core;
        *event == Event::DataConnected { end }
    };
    assert!(!call.bed.events(1).iter().any(up));
    let failed = |event: &Event| {
        matches!(
            event,
            Event::DataEnded {
                end: StreamEnd::Core,
                ..
            }
        )
    };
    assert_eq!(
        call.bed
            .events(1)
            .iter()
            .filter(|event| failed(event))
            .count(),
        1
    );
    let now = call.bed.now();
    let sent = call.bed.wics[0].with_channels(|c| c.send(now, id, Message::text("waits")));
    assert_eq!(sent, Ok(()), "it waits in the WIC's own window");
}

#[test]
fn a_channel_that_is_to_be_announced_waits_until_sdp_has_it() {
    let mut call = Call::new(FarEnd::Relay { announce: true });
    call.join(SCTP);
    call.bed.run(SECOND * 3);
    call.told(1);
    let id = call.open(0, Channel::new("dc"));
    call.bed.run(SECOND);
    let at = ChannelAt {
        end: StreamEnd::W3,
        id: id.0,
    };
    let asked = call.bed.events(0).into_iter().any(|event| {
        matches!(event, Event::ChannelRequested { at: asked, channel } if asked == at && channel.label == "dc")
    });
    assert!(asked);
    assert_eq!(call.told(1), []);
    call.negotiate(&negotiated(&[id.0]));
    let now = call.bed.now();
    call.bed.wics[1].with_channels(|channels| {
        channels.negotiate(now, id, Channel::new("dc")).unwrap();
    });
    assert!(call.told(0).contains(&ChannelEvent::Opened { id }));
    call.send(0, id, Message::text("announced"));
    call.bed.run(SECOND);
    assert_eq!(call.read(1, id), Some(Message::text("announced")));
}

/// TS 24.371 §8.4.2: in SDP it has an id of its own.
#[test]
fn an_announced_channel_is_accepted_when_another_stands_for_it_and_closed_with_it() {
    let mut call = Call::new(FarEnd::Relay { announce: true });
    call.join(SCTP);
    call.bed.run(SECOND * 3);
    call.told(1);
    let near = call.open(0, Channel::new("dc"));
    call.send(0, near, Message::text("early"));
    call.bed.run(SECOND);
    let at = ChannelAt {
        end: StreamEnd::W3,
        id: near.0,
    };
    let id = ChannelId(1000);
    announced(&mut call, id, at);
    let now = call.bed.now();
    call.bed.wics[1].with_channels(|channels| {
        channels.negotiate(now, id, Channel::new("dc")).unwrap();
    });
    assert!(call.told(0).contains(&ChannelEvent::Opened { id: near }));
    assert_eq!(call.read(1, id), Some(Message::text("early")));
    call.send(1, id, Message::text("back"));
    call.bed.run(SECOND);
    assert_eq!(call.read(0, near), Some(Message::text("back")));
    call.close(0, near);
    let reason = CloseReason::ByPeer;
    assert!(call.told(1).contains(&ChannelEvent::Closed { id, reason }));
    let closed =
        |event: &Event| matches!(event, Event::ChannelClosed { at: one, .. } if *one == at);
    assert!(call.bed.events(0).iter().any(closed), "SDP is to drop it");
}

/// SDP has this channel at both gateways, and at the first of them it stands for that one.
fn announced(call: &mut Call, id: ChannelId, at: ChannelAt) {
    for (gateway, place) in [(0, ChannelPlace::For(at)), (1, ChannelPlace::Both)] {
        let mut channels = negotiated(&[id.0]);
        channels[0].place = place;
        let mut change = StreamSettings::new(STREAM, MediaKind::Data);
        change.data = Some(Box::new(DataSettings {
            channels: Some(channels),
            ..DataSettings::default()
        }));
        let told = call
            .bed
            .configure(gateway, call.reserved[gateway].context, change);
        assert_eq!(told.streams, []);
    }
}

/// RFC 8831 §6.7: an id that was closed on both sides is free, whether SDP has heard of it or not.
#[test]
fn an_announced_channel_may_be_opened_again_before_sdp_has_dropped_it() {
    let mut call = Call::new(FarEnd::Relay { announce: true });
    call.join(SCTP);
    call.bed.run(SECOND * 3);
    call.told(1);
    for id in [ChannelId(1000), ChannelId(1001)] {
        let near = call.open(0, Channel::new("dc"));
        call.bed.run(SECOND);
        let at = ChannelAt {
            end: StreamEnd::W3,
            id: near.0,
        };
        assert_eq!(at.id, 0, "the same one");
        announced(&mut call, id, at);
        let now = call.bed.now();
        call.bed.wics[1].with_channels(|channels| {
            channels.negotiate(now, id, Channel::new("dc")).unwrap();
        });
        let told = call.told(0);
        let opened = ChannelEvent::Opened { id: near };
        assert_eq!(told.last(), Some(&opened), "{told:?}");
        call.send(0, near, Message::text("there"));
        call.bed.run(SECOND);
        assert_eq!(call.read(1, id), Some(Message::text("there")));
        call.close(0, near);
        call.told(0);
    }
}

#[test]
fn what_the_core_opens_in_band_is_not_announced_to_the_client() {
    let mut call = Call::new(FarEnd::Relay { announce: true });
    let mut change = StreamSettings::new(STREAM, MediaKind::Data);
    change.data = Some(Box::new(DataSettings {
        far_end: Some(RELAY),
        ..DataSettings::default()
    }));
    call.bed.configure(1, call.reserved[1].context, change);
    call.join(SCTP);
    call.bed.run(SECOND * 3);
    call.told(0);
    let far = call.open(1, Channel::new("dc"));
    let told = call.told(0);
    let [ChannelEvent::Requested { id, .. }] = told[..] else {
        panic!("{told:?}");
    };
    assert!(id.0 > 110, "bootstrap channels have the ids below: {id:?}");
    call.accept(0, id);
    assert!(call.told(1).contains(&ChannelEvent::Opened { id: far }));
}

#[test]
fn settings_that_cannot_be_are_refused() {
    let mut call = Call::new(RELAY);
    let context = call.reserved[0].context;
    let mut twice = StreamSettings::new(STREAM, MediaKind::Data);
    twice.data = Some(Box::new(DataSettings {
        channels: Some(negotiated(&[1000, 1000])),
        ..DataSettings::default()
    }));
    let mut never = twice.clone();
    never.data.as_mut().unwrap().channels = Some(negotiated(&[65_535]));
    for settings in [twice, never] {
        let streams = vec![settings];
        let refused = call.bed.ask(0, Command::Configure { context, streams });
        assert!(matches!(refused, Err(Refusal::Invalid(_))), "{refused:?}");
    }
    let at = ChannelAt {
        end: StreamEnd::W3,
        id: 4,
    };
    let send = ChannelAction::Send(at, ChannelMessage::Text(Vec::new()));
    assert_eq!(call.act(0, send), Err(Refusal::UnknownChannel));
}
