//! Opening, talking and closing, between two of ours.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use std::time::Duration;

use bytes::Bytes;
use common::{Pair, Side};
use core_data_channel::{
    Channel, ChannelId, CloseReason, Event, Message, OpenError, Priority, Reliability, SendError,
};

const SECOND: Duration = Duration::from_secs(1);

fn kinds() -> Vec<Channel> {
    let reliabilities = [
        Reliability::Reliable,
        Reliability::MaxRetransmits(0),
        Reliability::MaxRetransmits(3),
        Reliability::MaxLifetime(250),
    ];
    let mut all = Vec::new();
    for ordered in [true, false] {
        for reliability in reliabilities {
            all.push(Channel {
                label: format!("{ordered} {reliability:?}"),
                protocol: "chat".to_owned(),
                ordered,
                reliability,
                priority: Priority::HIGH,
            });
        }
    }
    all
}

/// RFC 8832 §6
#[test]
fn a_channel_of_each_type_is_opened_in_band_by_either_side() {
    let mut pair = Pair::connected();
    for (from, to, parity) in [(Side::Left, Side::Right, 0), (Side::Right, Side::Left, 1)] {
        for channel in kinds() {
            let (now, end) = pair.end(from);
            let id = end.open(now, channel.clone()).unwrap();
            assert_eq!(id.0 % 2, parity);
            pair.send(from, id, Message::text("before the ACK"));
            pair.run(SECOND);
            assert_eq!(pair.take(to), [Event::Requested { id, channel }]);
            assert_eq!(pair.read(to, id), None, "not accepted yet");
            let (now, end) = pair.end(to);
            assert!(end.accept(now, id));
            pair.run(SECOND);
            assert_eq!(pair.take(from), [Event::Opened { id }]);
            assert_eq!(pair.take(to), [Event::Readable { id }]);
            assert_eq!(pair.read(to, id), Some(Message::text("before the ACK")));
            pair.send(to, id, Message::binary(Bytes::from_static(b"\x00back")));
            pair.run(SECOND);
            assert_eq!(pair.take(from), [Event::Readable { id }]);
            let back = Message::binary(Bytes::from_static(b"\x00back"));
            assert_eq!(pair.read(from, id), Some(back));
        }
    }
}

/// RFC 8831 §6.6
#[test]
fn text_binary_and_empty_messages_arrive_as_they_are() {
    let mut pair = Pair::connected();
    let id = negotiated(&mut pair, 1000);
    let sent = [
        Message::text("Grüße"),
        Message::text(""),
        Message::binary(vec![0; 100_000]),
        Message::binary(Bytes::new()),
        Message::binary(vec![7; 256 * 1024]),
    ];
    for message in sent.clone() {
        pair.send(Side::Left, id, message);
        pair.run(SECOND);
    }
    for message in sent {
        assert_eq!(pair.read(Side::Right, id), Some(message));
    }
    assert_eq!(pair.read(Side::Right, id), None);
}

fn negotiated(pair: &mut Pair, id: u16) -> ChannelId {
    let id = ChannelId(id);
    for side in [Side::Left, Side::Right] {
        let (now, end) = pair.end(side);
        end.negotiate(now, id, Channel::new("n")).unwrap();
        assert_eq!(pair.take(side), [Event::Opened { id }]);
    }
    id
}

/// RFC 8864 §6
#[test]
fn negotiated_channels_say_nothing_in_band() {
    let mut pair = Pair::new();
    let id = ChannelId(1000);
    for side in [Side::Left, Side::Right] {
        let (now, end) = pair.end(side);
        end.negotiate(now, id, Channel::new("a")).unwrap();
        let again = end.negotiate(now, id, Channel::new("a"));
        assert_eq!(again, Err(OpenError::InUse));
    }
    pair.run(SECOND);
    for side in [Side::Left, Side::Right] {
        assert_eq!(pair.take(side), [Event::Connected, Event::Opened { id }]);
    }
}

/// RFC 8864 §6.6: who offered must be ready before the answer came.
#[test]
fn data_that_come_before_their_channel_is_known_wait_for_it() {
    let mut pair = Pair::connected();
    let id = ChannelId(1002);
    let (now, left) = pair.end(Side::Left);
    left.negotiate(now, id, Channel::new("a")).unwrap();
    pair.send(Side::Left, id, Message::text("1"));
    pair.send(Side::Left, id, Message::text("2"));
    pair.run(SECOND);
    assert_eq!(pair.take(Side::Right), []);
    let (now, right) = pair.end(Side::Right);
    right.negotiate(now, id, Channel::new("a")).unwrap();
    let told = [Event::Opened { id }, Event::Readable { id }];
    assert_eq!(pair.take(Side::Right), told);
    assert_eq!(pair.read(Side::Right, id), Some(Message::text("1")));
    assert_eq!(pair.read(Side::Right, id), Some(Message::text("2")));
}

#[test]
fn data_of_a_channel_that_nobody_describes_are_reset() {
    let mut pair = Pair::connected();
    let id = ChannelId(1002);
    let (now, left) = pair.end(Side::Left);
    left.negotiate(now, id, Channel::new("a")).unwrap();
    pair.send(Side::Left, id, Message::text("1"));
    pair.run(SECOND * 15);
    assert!(pair.take(Side::Left).contains(&Event::Closed {
        id,
        reason: CloseReason::ByPeer
    }));
    assert_eq!(pair.ends[&Side::Right].channels(), 0);
}

/// RFC 8831 §6.7
#[test]
fn either_side_closes_and_the_id_is_used_again() {
    let mut pair = Pair::connected();
    for (closer, other) in [(Side::Left, Side::Right), (Side::Right, Side::Left)] {
        for round in 0..3 {
            let id = ChannelId(1000);
            for side in [closer, other] {
                let (now, end) = pair.end(side);
                end.negotiate(now, id, Channel::new("a")).unwrap();
            }
            pair.send(closer, id, Message::text(format!("last {round}")));
            let (now, end) = pair.end(closer);
            end.close(now, id);
            assert_eq!(
                end.send(now, id, Message::text("x")),
                Err(SendError::NotOpen)
            );
            pair.run(SECOND);
            let last = Message::text(format!("last {round}"));
            assert_eq!(pair.read(other, id), Some(last), "what was sent arrives");
            pair.run(SECOND);
            let closed = |reason| Event::Closed { id, reason };
            let told = pair.take(closer);
            assert!(told.ends_with(&[closed(CloseReason::ByUs), Event::Released { id }]));
            let told = pair.take(other);
            assert!(told.ends_with(&[closed(CloseReason::ByPeer), Event::Released { id }]));
        }
    }
}

#[test]
fn both_sides_close_at_once() {
    let mut pair = Pair::connected();
    let id = negotiated(&mut pair, 1000);
    for side in [Side::Left, Side::Right] {
        let (now, end) = pair.end(side);
        end.close(now, id);
    }
    pair.run(SECOND * 2);
    for side in [Side::Left, Side::Right] {
        let reason = CloseReason::ByUs;
        let told = [Event::Closed { id, reason }, Event::Released { id }];
        assert_eq!(pair.take(side), told);
    }
    negotiated(&mut pair, 1000);
}

/// RFC 8832 §6: a refusal is a reset.
#[test]
fn a_channel_that_the_peer_asks_for_is_refused() {
    let mut pair = Pair::connected();
    let (now, left) = pair.end(Side::Left);
    let id = left.open(now, Channel::new("no")).unwrap();
    pair.run(SECOND);
    let (now, right) = pair.end(Side::Right);
    right.close(now, id);
    assert!(!right.accept(now, id));
    pair.run(SECOND);
    let reason = CloseReason::ByPeer;
    let told = [Event::Closed { id, reason }, Event::Released { id }];
    assert_eq!(pair.take(Side::Left), told);
}

#[test]
fn the_peer_hears_that_the_association_ends() {
    let mut pair = Pair::connected();
    negotiated(&mut pair, 1000);
    let (now, left) = pair.end(Side::Left);
    left.shutdown(now);
    pair.run(SECOND);
    assert!(matches!(pair.take(Side::Left)[..], [Event::Ended(_)]));
    let told = pair.take(Side::Right);
    assert!(matches!(told[..], [Event::Ended(_)]), "{told:?}");
    let (now, right) = pair.end(Side::Right);
    let opened = right.open(now, Channel::new("late"));
    assert_eq!(opened, Err(OpenError::Ended));
}
