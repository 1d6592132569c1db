//! Peers that want too much.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use std::time::Duration;

use common::{Pair, Side};
use core_data_channel::{
    Association, AssociationConfig, Channel, ChannelId, CloseReason, Event, Limits, Message,
    OpenError, Role, SendError, max_message_size,
};
use testbed::LinkQuality;

const SECOND: Duration = Duration::from_secs(1);

fn connected(left: Limits, right: Limits) -> Pair {
    let mut pair = Pair::with(LinkQuality::good(), left, right);
    pair.run(SECOND);
    pair.take(Side::Left);
    pair.take(Side::Right);
    pair
}

/// RFC 8841 §5.2: nothing can be sent to a port of 0, and nothing is tried again and again.
#[test]
fn a_port_of_0_costs_no_time() {
    let now = testbed::Clock::new().now();
    for role in [Role::Client, Role::Server] {
        let config = AssociationConfig {
            remote_port: 0,
            ..AssociationConfig::new(role)
        };
        let mut association = Association::new(now, config);
        for _ in 0..4 {
            let Some(due) = association.poll_timeout() else {
                break;
            };
            association.handle_timeout(due);
            while association.poll_output().is_some() {}
        }
        assert_eq!(association.poll_timeout(), None, "{role:?}");
    }
}

/// Of messages of one byte each costs a hundred times as much.
#[test]
fn tiny_messages_that_nobody_reads_stop_their_sender_too() {
    let mut pair = Pair::connected();
    let id = ChannelId(1000);
    for side in [Side::Left, Side::Right] {
        let (now, end) = pair.end(side);
        end.negotiate(now, id, Channel::new("a")).unwrap();
    }
    let mut sent = 0_u32;
    let mut push = |pair: &mut Pair| {
        loop {
            let (now, left) = pair.end(Side::Left);
            match left.send(now, id, Message::binary(vec![sent as u8])) {
                Ok(()) => sent += 1,
                Err(SendError::Full) => return sent,
                Err(error) => panic!("{error}"),
            }
        }
    };
    for _ in 0..200 {
        push(&mut pair);
        pair.run(SECOND / 10);
    }
    let stopped = push(&mut pair);
    assert!(stopped <= 16 * 1024 + 2 * 4096, "{stopped} were taken");
    // A reader that comes back gets them all, and more.
    let mut read = 0_u32;
    let begun = pair.now();
    while read < stopped + 10_000 {
        while let Some(message) = pair.read(Side::Right, id) {
            assert_eq!(message.data[..], [read as u8]);
            read += 1;
        }
        push(&mut pair);
        pair.run(SECOND / 20);
        assert!(pair.now() - begun < SECOND * 30, "{read} were read");
    }
}

/// RFC 8841 §6.1
#[test]
fn a_message_larger_than_the_peer_takes_is_not_sent() {
    assert_eq!(max_message_size(None), Some(65_536));
    assert_eq!(max_message_size(Some(0)), None);
    let mut pair = Pair::connected();
    let id = ChannelId(1000);
    let (now, left) = pair.end(Side::Left);
    left.negotiate(now, id, Channel::new("a")).unwrap();
    left.set_send_message(max_message_size(Some(1024)));
    let sent = left.send(now, id, Message::binary(vec![0; 1025]));
    assert_eq!(sent, Err(SendError::TooLarge(1024)));
    assert_eq!(left.send(now, id, Message::binary(vec![0; 1024])), Ok(()));
    left.set_send_message(max_message_size(Some(0)));
    let sent = left.send(now, id, Message::binary(vec![0; 300_000]));
    assert_eq!(sent, Ok(()), "any size, up to what we buffer");
}

#[test]
fn a_message_larger_than_we_take_ends_the_association() {
    let small = Limits {
        receive_message: 1024,
        ..Limits::default()
    };
    let mut pair = connected(Limits::default(), small);
    let id = ChannelId(1000);
    for side in [Side::Left, Side::Right] {
        let (now, end) = pair.end(side);
        end.negotiate(now, id, Channel::new("a")).unwrap();
    }
    pair.send(Side::Left, id, Message::binary(vec![0; 1025]));
    pair.run(SECOND);
    let told = pair.take(Side::Right);
    assert!(
        told.iter().any(|event| matches!(event, Event::Ended(_))),
        "{told:?}"
    );
}

#[test]
fn opens_beyond_the_limit_are_reset_and_the_others_live() {
    let few = Limits {
        channels: 8,
        ..Limits::default()
    };
    let mut pair = connected(Limits::default(), few);
    let mut ids = Vec::new();
    for _ in 0..12 {
        let (now, left) = pair.end(Side::Left);
        ids.push(left.open(now, Channel::new("a")).unwrap());
    }
    pair.run(SECOND * 2);
    let requested = pair.take(Side::Right);
    assert_eq!(requested.len(), 8);
    let closed = pair.take(Side::Left);
    for id in &ids[8..] {
        let reason = CloseReason::ByPeer;
        assert!(closed.contains(&Event::Closed { id: *id, reason }));
    }
    let (now, right) = pair.end(Side::Right);
    assert!(right.accept(now, ids[0]));
    assert_eq!(right.open(now, Channel::new("b")), Err(OpenError::TooMany));
}

#[test]
fn thousands_of_opens_end_the_association() {
    let many = Limits {
        channels: 4000,
        ..Limits::default()
    };
    let mut pair = connected(many, Limits::default());
    for _ in 0..3000 {
        let (now, left) = pair.end(Side::Left);
        left.open(now, Channel::new("a")).unwrap();
    }
    for _ in 0..200 {
        pair.run(Duration::from_millis(20));
        assert!(pair.ends[&Side::Right].channels() <= 256);
    }
    let told = pair.take(Side::Right);
    let requested = told.iter().filter(|e| matches!(e, Event::Requested { .. }));
    assert!(requested.count() <= 256);
    assert!(matches!(told.last(), Some(Event::Ended(_))));
}

#[test]
fn a_label_that_is_too_long_is_refused() {
    let long = Limits {
        name: 65_535,
        ..Limits::default()
    };
    let mut pair = connected(long, Limits::default());
    let (now, left) = pair.end(Side::Left);
    let id = left.open(now, Channel::new("x".repeat(65_535))).unwrap();
    pair.run(SECOND * 2);
    assert_eq!(pair.take(Side::Right), [Event::Released { id }]);
    let reason = CloseReason::ByPeer;
    let told = [Event::Closed { id, reason }, Event::Released { id }];
    assert_eq!(pair.take(Side::Left), told);
    let (now, right) = pair.end(Side::Right);
    let opened = right.open(now, Channel::new("x".repeat(1025)));
    assert_eq!(opened, Err(OpenError::NameTooLong));
}

#[test]
fn a_peer_that_never_reads_stops_the_sender_and_nothing_grows() {
    let mut pair = Pair::connected();
    let id = ChannelId(1000);
    for side in [Side::Left, Side::Right] {
        let (now, end) = pair.end(side);
        end.negotiate(now, id, Channel::new("a")).unwrap();
    }
    let mut sent = 0;
    for _ in 0..600 {
        let (now, left) = pair.end(Side::Left);
        while left
            .send(now, id, Message::binary(vec![sent as u8; 16_384]))
            .is_ok()
        {
            sent += 1;
        }
        assert!(left.buffered() < 512 * 1024 + 16_384);
        pair.run(Duration::from_millis(50));
    }
    let bytes = sent * 16_384;
    assert!(bytes <= 1_700_000, "{bytes} bytes were taken");
    // It reads at last, and gets all.
    pair.take(Side::Left);
    let mut read = 0;
    let begin = pair.now();
    while read < sent {
        while let Some(message) = pair.read(Side::Right, id) {
            assert_eq!(message.data[0], read as u8);
            read += 1;
        }
        pair.run(Duration::from_millis(10));
    }
    let took = pair.now() - begin;
    assert!(took < Duration::from_secs(8), "{took:?}");
    assert!(pair.take(Side::Left).contains(&Event::Writable { id }));
}

/// RFC 9260 §6.2: a window that opens is told, else the sender rests until its timer fires.
#[test]
fn a_reader_that_is_slower_than_the_sender_gets_all_that_it_can_read() {
    let quality = LinkQuality {
        latency: Duration::from_millis(1),
        ..LinkQuality::good()
    };
    let mut pair = Pair::with(quality, Limits::default(), Limits::default());
    pair.run(SECOND);
    let id = ChannelId(1000);
    for side in [Side::Left, Side::Right] {
        let (now, end) = pair.end(side);
        end.negotiate(now, id, Channel::new("a")).unwrap();
    }
    const MESSAGES: usize = 1280; // 20 MiB, of which 256 KiB are read every 20 ms
    let (mut sent, mut read) = (0, 0);
    let begin = pair.now();
    while read < MESSAGES {
        for _ in 0..100 {
            let (now, left) = pair.end(Side::Left);
            while sent < MESSAGES && left.send(now, id, Message::binary(vec![0; 16_384])).is_ok() {
                sent += 1;
            }
            pair.run(Duration::from_micros(200));
        }
        for _ in 0..16 {
            read += usize::from(pair.read(Side::Right, id).is_some());
        }
    }
    let took = pair.now() - begin;
    assert!(
        took < SECOND * 4,
        "{took:?}, of which 1.6 s are the reader's"
    );
}

/// RFC 8831 §6.7: the peer closes behind all that it sent, of which nothing is read any more.
#[test]
fn a_channel_closed_by_who_never_reads_frees_the_window_for_the_others() {
    let deep = Limits {
        channel_buffer: 4 << 20,
        send_buffer: 8 << 20,
        ..Limits::default()
    };
    let far = LinkQuality {
        latency: Duration::from_millis(100),
        ..LinkQuality::good()
    };
    let mut pair = Pair::with(far, deep, Limits::default());
    pair.run(SECOND * 3);
    let (full, other) = (ChannelId(1000), ChannelId(1002));
    for side in [Side::Left, Side::Right] {
        let (now, end) = pair.end(side);
        end.negotiate(now, full, Channel::new("full")).unwrap();
        end.negotiate(now, other, Channel::new("other")).unwrap();
    }
    pair.run(SECOND);
    for _ in 0..30 {
        let (now, left) = pair.end(Side::Left);
        while left
            .send(now, full, Message::binary(vec![0; 16_000]))
            .is_ok()
        {}
        pair.run(SECOND / 2);
    }
    pair.take(Side::Left);
    let (_, left) = pair.end(Side::Left);
    assert!(left.buffered() > 5 << 18, "more than a window is to come");
    let (now, right) = pair.end(Side::Right);
    right.close(now, full);
    pair.run(SECOND * 120);
    for (side, reason) in [
        (Side::Left, CloseReason::ByPeer),
        (Side::Right, CloseReason::ByUs),
    ] {
        let told = pair.take(side);
        let gone = [
            Event::Closed { id: full, reason },
            Event::Released { id: full },
        ];
        assert!(told.ends_with(&gone), "{side:?}: {told:?}");
    }
    let text = Message::text("goes on");
    pair.send(Side::Left, other, text.clone());
    pair.run(SECOND * 2);
    assert_eq!(pair.read(Side::Right, other), Some(text));
}
