//! A file over a network that loses.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use std::time::Duration;

use common::{Pair, Side};
use core_data_channel::{Channel, ChannelId, Limits, Message, SendError};
use testbed::LinkQuality;

const CHUNK: usize = 16 * 1024;

/// Sends so many chunks from left to right and gives the time that it took.
fn file(pair: &mut Pair, chunks: u32) -> Duration {
    let id = ChannelId(1000);
    for side in [Side::Left, Side::Right] {
        let (now, end) = pair.end(side);
        end.negotiate(now, id, Channel::new("file")).unwrap();
    }
    let (mut sent, mut read) = (0, 0);
    let begin = pair.now();
    while read < chunks {
        let (now, left) = pair.end(Side::Left);
        while sent < chunks {
            let mut chunk = vec![0; CHUNK];
            chunk[..4].copy_from_slice(&sent.to_be_bytes());
            match left.send(now, id, Message::binary(chunk)) {
                Ok(()) => sent += 1,
                Err(SendError::Full | SendError::NotOpen) => break,
                Err(error) => panic!("{error}"),
            }
        }
        let at = pair
            .next()
            .expect("something happens as long as the file is under way");
        pair.step(at);
        while let Some(message) = pair.read(Side::Right, id) {
            assert_eq!(message.data.len(), CHUNK);
            assert_eq!(message.data[..4], read.to_be_bytes(), "in order");
            read += 1;
        }
        assert!(
            pair.now() - begin < Duration::from_mins(10),
            "{read} chunks came"
        );
    }
    pair.now() - begin
}

#[test]
fn thirty_two_megabytes_at_one_percent_loss_and_fifty_milliseconds() {
    let quality = LinkQuality {
        latency: Duration::from_millis(25),
        loss: 10,
        ..LinkQuality::good()
    };
    let mut pair = Pair::with(quality, Limits::default(), Limits::default());
    let took = file(&mut pair, 2048);
    let rate = 32.0 * 1024.0 * 1024.0 / took.as_secs_f64();
    assert!(rate >= 200_000.0, "{rate:.0} bytes/s");
    assert!(pair.net.lost() > 0);
}

#[test]
fn a_bad_radio_link_delivers_all_the_same() {
    let mut pair = Pair::with(LinkQuality::bad(), Limits::default(), Limits::default());
    file(&mut pair, 16);
}
