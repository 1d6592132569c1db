//! Whatever comes, from wherever: no harm, nothing grows, calls go on.

use std::net::SocketAddr;
use std::time::Duration;

use nf_eims_agw::{Arrival, Gateway, SocketId};
use proptest::prelude::*;

use crate::support::{Bed, receiver_report, rtp};

/// What the fuzzer runs: each datagram has its socket and source in its first two octets.
fn fuzz(bed: &mut Bed, data: &[u8]) {
    for piece in data.chunks(97) {
        let [socket, source, rest @ ..] = piece else {
            return;
        };
        let sources = [
            bed.wics[0].address,
            bed.phones[0].rtp,
            bed.phones[0].rtcp,
            SocketAddr::from(([192, 0, 2, *source], 1000)),
        ];
        let arrival = Arrival {
            socket: SocketId(u32::from(socket % 4)),
            source: sources[usize::from(source % 4)],
            length: rest.len(),
        };
        let mut buffer = vec![0; 2048];
        buffer[..rest.len()].copy_from_slice(rest);
        feed(bed, arrival, &mut buffer);
    }
}

fn feed(bed: &mut Bed, arrival: Arrival, buffer: &mut [u8]) {
    let now = bed.now();
    let gateway: &mut Gateway = &mut bed.workers[0].gateway;
    if let Some(departure) = gateway.handle_datagram(now, arrival, buffer) {
        assert!(departure.range.end <= buffer.len());
    }
    while gateway.poll_output().is_some() {}
}

/// The call is as good as before.
fn works(bed: &mut Bed, sequence: u16) -> bool {
    let before = (bed.phones[0].received.len(), bed.wics[0].received.len());
    bed.wics[0].send_rtp(&rtp(0, sequence, 0xaaaa));
    bed.phone_sends(0, &rtp(0, sequence, 0x7777));
    bed.run(Duration::from_millis(100));
    (bed.phones[0].received.len(), bed.wics[0].received.len()) == (before.0 + 1, before.1 + 1)
}

fn one_call() -> Bed {
    let mut bed = Bed::one();
    bed.audio_call();
    bed
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_bytes_from_anywhere_do_no_harm(data in prop::collection::vec(any::<u8>(), 0..2000)) {
        let mut bed = one_call();
        fuzz(&mut bed, &data);
        prop_assert!(works(&mut bed, 9));
    }

    /// Good packets with a few octets changed, cut or lengthened: never through SRTP, never harm.
    #[test]
    fn almost_good_packets_do_no_harm(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in 0..40usize,
        which in 0..5usize,
    ) {
        let mut bed = one_call();
        bed.wics[0].send_rtp(&rtp(0, 1, 0xaaaa));
        bed.wics[0].send_rtcp(&receiver_report(0xaaaa));
        bed.wics[0].check(true);
        let mut packets: Vec<Vec<u8>> = bed.wics[0].outbox.drain(..).map(|(_, p)| p).collect();
        packets.push(rtp(0, 1, 0xbbbb));
        packets.push(receiver_report(0xbbbb));
        let mut packet = packets.swap_remove(which);
        for (at, value) in changes {
            let at = at.index(packet.len());
            packet[at] ^= value;
        }
        packet.truncate(packet.len().saturating_sub(cut));
        let core = bed.workers[0].core_sockets();
        let (socket, source) = match which {
            0..=2 => (SocketId(0), bed.wics[0].address),
            3 => (core.0, bed.phones[0].rtp),
            _ => (core.1, bed.phones[0].rtcp),
        };
        let mut buffer = vec![0; 2048];
        buffer[..packet.len()].copy_from_slice(&packet);
        feed(&mut bed, Arrival { socket, source, length: packet.len() }, &mut buffer);
        prop_assert!(works(&mut bed, 20_000));
    }
}

#[test]
fn a_flood_of_everything_is_counted_and_does_not_disturb_the_call() {
    let mut bed = one_call();
    assert!(works(&mut bed, 1));
    let mut noise = 1u32;
    for round in 0..20_000u32 {
        let mut buffer = vec![0; 2048];
        for byte in &mut buffer[..64] {
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            *byte = (noise >> 24) as u8;
        }
        let source = match round % 3 {
            0 => bed.wics[0].address,
            1 => bed.phones[0].rtp,
            _ => SocketAddr::from(([192, 0, 2, round as u8], round as u16)),
        };
        let arrival = Arrival {
            socket: SocketId(round % 3),
            source,
            length: 64,
        };
        feed(&mut bed, arrival, &mut buffer);
    }
    let counters = *bed.workers[0].gateway.counters();
    let dropped = counters.dropped_unknown_source
        + counters.dropped_malformed
        + counters.dropped_unauthentic
        + counters.dropped_wrong_source
        + counters.dropped_not_ready
        + counters.checks_refused;
    assert!(dropped > 15_000, "{counters:?}");
    assert!(works(&mut bed, 2));
}

#[test]
fn a_datagram_longer_than_its_buffer_or_empty_is_none() {
    let mut bed = one_call();
    let source = bed.wics[0].address;
    for length in [0, 65, usize::MAX] {
        let arrival = Arrival {
            socket: SocketId(0),
            source,
            length,
        };
        feed(&mut bed, arrival, &mut [0; 64]);
    }
    // No room for the authentication tag: dropped, not sent in part.
    let socket = bed.workers[0].core_sockets().0;
    let arrival = Arrival {
        socket,
        source: bed.phones[0].rtp,
        length: 172,
    };
    let mut packet = rtp(0, 1, 2);
    feed(&mut bed, arrival, &mut packet);
    assert_eq!(bed.workers[0].gateway.counters().dropped_malformed, 4);
    assert_eq!(bed.workers[0].gateway.counters().relayed_to_w3, 0);
}

#[test]
fn a_packet_that_comes_twice_from_the_core_is_protected_once() {
    let mut bed = one_call();
    let socket = bed.workers[0].core_sockets().0;
    let packet = rtp(0, 1, 2);
    let arrival = Arrival {
        socket,
        source: bed.phones[0].rtp,
        length: packet.len(),
    };
    for _ in 0..2 {
        let mut buffer = [0; 2048];
        buffer[..packet.len()].copy_from_slice(&packet);
        feed(&mut bed, arrival, &mut buffer);
    }
    let counters = bed.workers[0].gateway.counters();
    assert_eq!((counters.relayed_to_w3, counters.dropped_repeated), (1, 1));
}
