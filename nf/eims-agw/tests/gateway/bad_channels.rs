//! Peers that speak SCTP and DCEP as nobody should: each has its answer, and costs a bounded amount of memory.

use std::time::Duration;

use bytes::Bytes;
use core_data_channel::PayloadProtocol;
use core_data_channel::sctp::{SctpEngine, SctpEvent};
use core_iq::{
    DataSettings, Event, FarEnd, Gate, MediaKind, SctpSettings, StreamEnd, StreamSettings,
};

use crate::support::{Bed, RELAY, STREAM, Wic};

const SECOND: Duration = Duration::from_secs(1);

/// A WIC with SCTP alone, at a gateway whose far end is not there yet.
fn peer(far_end: FarEnd) -> Bed {
    let mut bed = Bed::one();
    let mut wic = Wic::new("198.51.100.1:50000");
    wic.data = true;
    wic.is_raw = true;
    let mut settings = StreamSettings::new(STREAM, MediaKind::Data);
    settings.w3 = Some(wic.settings(Gate::OPEN));
    settings.data = Some(Box::new(DataSettings {
        w3: Some(SctpSettings {
            port: 5000,
            max_message_size: None,
        }),
        far_end: Some(far_end),
        ..DataSettings::default()
    }));
    bed.wics.push(wic);
    let made = bed.reserve(0, vec![settings]);
    let now = bed.now();
    bed.wics[0].accept(now, &made.streams[0]);
    bed.run(SECOND * 3);
    assert_eq!(bed.wics[0].raw_told, [SctpEvent::Connected]);
    bed.wics[0].raw_told.clear();
    bed
}

fn open(label: &[u8], lengths: Option<(u16, u16)>) -> Bytes {
    let (label_length, protocol_length) = lengths.unwrap_or((label.len() as u16, 0));
    let mut open = vec![3, 0, 1, 0, 0, 0, 0, 0];
    open.extend(label_length.to_be_bytes());
    open.extend(protocol_length.to_be_bytes());
    open.extend(label);
    open.into()
}

fn say(bed: &mut Bed, stream: u16, protocol: PayloadProtocol, data: Bytes) {
    let now = bed.now();
    bed.wics[0].with_raw(now, |raw| {
        // One that is being reset still is of no use, and that is an answer too.
        if raw.open(stream).is_ok() {
            let _ = raw.write(stream, protocol, data);
        }
    });
}

fn ended(bed: &Bed) -> bool {
    let ended = |event: &Event| {
        matches!(
            event,
            Event::DataEnded {
                end: StreamEnd::W3,
                ..
            }
        )
    };
    bed.events(0).iter().any(ended)
}

fn requests(bed: &Bed) -> usize {
    let requested = |event: &&Event| matches!(event, Event::ChannelRequested { .. });
    bed.events(0).iter().filter(requested).count()
}

/// The gateway resets what it cannot take: its own direction, as the peer sees it.
fn is_reset(bed: &Bed, stream: u16) -> bool {
    bed.wics[0].raw_told.contains(&SctpEvent::Finished(stream))
}

#[test]
fn dcep_that_is_none_is_reset_and_the_association_lives() {
    let mut bed = peer(FarEnd::Application);
    let bad: [Bytes; 10] = [
        open(b"a", Some((u16::MAX, 0))),
        open(b"a", Some((0, u16::MAX))),
        open(b"abc", Some((1, 1))),
        open(&[0xff, 0xfe], None),
        open(&vec![b'x'; 65_535], None),
        open(&vec![b'x'; 1_025], None),
        Bytes::from_static(&[2]),
        Bytes::from_static(&[3, 9]),
        Bytes::from_static(&[0xee; 200]),
        Bytes::from_static(&[3, 0x7f, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
    ];
    for (at, data) in bad.into_iter().enumerate() {
        let stream = 2 * at as u16;
        say(&mut bed, stream, PayloadProtocol::Dcep, data);
        bed.run(SECOND);
        assert!(is_reset(&bed, stream), "{at}: {:?}", bed.wics[0].raw_told);
    }
    // Under an id that is the gateway's to give.
    say(&mut bed, 41, PayloadProtocol::Dcep, open(b"a", None));
    // An OPEN for a channel that is open.
    for _ in 0..2 {
        say(&mut bed, 42, PayloadProtocol::Dcep, open(b"a", None));
    }
    // Neither DCEP nor string nor bytes.
    say(
        &mut bed,
        44,
        PayloadProtocol::Other,
        Bytes::from_static(b"x"),
    );
    bed.run(SECOND);
    for stream in [41, 44] {
        assert!(is_reset(&bed, stream), "{stream}");
    }
    assert_eq!(requests(&bed), 1);
    say(&mut bed, 46, PayloadProtocol::Dcep, open(b"fine", None));
    bed.run(SECOND);
    assert_eq!(requests(&bed), 2);
    assert!(!ended(&bed));
}

#[test]
fn sctp_that_is_none_is_dropped() {
    let mut bed = peer(FarEnd::Application);
    let mut noise = 1_u32;
    for length in 0..400 {
        let packet: Vec<u8> = (0..length)
            .map(|_| {
                noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (noise >> 24) as u8
            })
            .collect();
        if !packet.is_empty() {
            bed.wics[0].send_packet(&packet);
        }
    }
    bed.run(SECOND);
    say(&mut bed, 0, PayloadProtocol::Dcep, open(b"fine", None));
    bed.run(SECOND);
    assert_eq!(requests(&bed), 1);
    assert!(!ended(&bed));
}

/// 256 channels, and not one more; a peer that does not even answer a reset loses its association
/// (`core/data-channel/tests/limits.rs`).
#[test]
fn of_thousands_of_opens_most_are_reset() {
    let mut bed = peer(FarEnd::Application);
    for stream in 0..2_000 {
        say(
            &mut bed,
            2 * stream,
            PayloadProtocol::Dcep,
            open(b"a", None),
        );
        if stream % 50 == 0 {
            bed.run(Duration::from_millis(50));
        }
    }
    bed.run(SECOND * 3);
    assert_eq!(requests(&bed), 256);
    for stream in 256..2_000 {
        assert!(is_reset(&bed, 2 * stream), "{stream}");
    }
    assert!(!ended(&bed));
}

#[test]
fn a_message_larger_than_agreed_ends_the_association() {
    let mut bed = peer(FarEnd::Application);
    say(&mut bed, 0, PayloadProtocol::Dcep, open(b"a", None));
    bed.run(SECOND);
    let large = Bytes::from(vec![0; 300 * 1024]);
    say(&mut bed, 0, PayloadProtocol::Binary, large);
    bed.run(SECOND * 5);
    assert!(ended(&bed));
}

/// It sends on while nobody reads: the window is shut, and what it gave its own SCTP stays there.
#[test]
fn what_nobody_reads_stays_with_its_sender() {
    let mut bed = peer(RELAY);
    say(&mut bed, 0, PayloadProtocol::Dcep, open(b"a", None));
    for _ in 0..400 {
        say(
            &mut bed,
            0,
            PayloadProtocol::Binary,
            vec![7; 16 * 1024].into(),
        );
    }
    bed.run(SECOND * 20);
    let now = bed.now();
    let waits = bed.wics[0].with_raw(now, |raw| raw.buffered(0));
    // Of 6.4 MB the gateway took what its window has room for.
    assert!(waits > 400 * 16 * 1024 - 1_200_000, "{waits} wait");
    assert!(!ended(&bed));
}
