//! The way of a packet through the gateway, from batch to batch, allocates nothing. The test is
//! here because a counting allocator is unsafe code.
#![allow(missing_docs, unsafe_code, clippy::unwrap_used)]

#[path = "../../../nf/eims-agw/tests/gateway/support/mod.rs"]
mod support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use core_iq::{Feedback, MediaKind, StreamId, StreamSettings};
use isthmus_socket::{Batch, Poller, Socket};
use nf_eims_agw::{Arrival, SocketId};
use support::{Bed, Phone, Wic, receiver_report, rtp, video};

struct Counting;

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: everything is the system allocator's; only a number beside it is kept.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // Gone at the end of a thread: then nobody counts.
        let _ = COUNT.try_with(|count| count.set(count.get() + 1));
        // SAFETY: as the caller promised us.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as the caller promised us.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocations(work: impl FnOnce()) -> usize {
    let before = COUNT.get();
    work();
    COUNT.get() - before
}

fn relay(settings: StreamSettings, packet: fn(u8, u16, u32) -> Vec<u8>) {
    const PACKETS: u16 = 300;
    let mut bed = Bed::one();
    bed.wics.push(Wic::new("198.51.100.1:50000"));
    bed.phones.push(Phone::new("10.0.0.9:30000"));
    bed.call(0, 0, 0, settings);
    // The first packet of a source may make room for it.
    for sequence in 0..3 {
        bed.wics[0].send_rtp(&packet(96, sequence, 1));
        bed.wics[0].send_rtcp(&receiver_report(1));
        bed.phone_sends(0, &packet(96, sequence, 2));
        bed.phone_sends_rtcp(0, &receiver_report(2));
    }
    bed.run(std::time::Duration::from_millis(100));

    let (wic, phone) = (bed.wics[0].address, (bed.phones[0].rtp, bed.phones[0].rtcp));
    let core = bed.workers[0].core_sockets();
    let mut datagrams = Vec::new();
    for sequence in 3..PACKETS {
        bed.wics[0].send_rtp(&packet(96, sequence, 1));
        bed.wics[0].send_rtcp(&receiver_report(1));
        for (_, bytes) in bed.wics[0].outbox.drain(..) {
            datagrams.push((SocketId(0), wic, bytes));
        }
        datagrams.push((core.0, phone.0, packet(96, sequence, 2)));
        datagrams.push((core.1, phone.1, receiver_report(2)));
    }
    let now = bed.now();
    let gateway = &mut bed.workers[0].gateway;
    let mut buffer = vec![0; 2048];
    let mut departed = 0;
    let count = allocations(|| {
        for (socket, source, bytes) in &datagrams {
            buffer[..bytes.len()].copy_from_slice(bytes);
            let arrival = Arrival {
                socket: *socket,
                source: *source,
                length: bytes.len(),
            };
            let departure = gateway.handle_datagram(now, arrival, &mut buffer);
            departed += usize::from(departure.is_some());
            assert!(gateway.poll_output().is_none());
        }
    });
    assert_eq!(departed, datagrams.len(), "{:?}", gateway.counters());
    assert_eq!(count, 0, "allocations in {departed} packets");
}

#[test]
fn an_audio_packet_allocates_nothing() {
    relay(StreamSettings::new(StreamId(0), MediaKind::Audio), rtp);
}

#[test]
fn a_video_packet_that_is_kept_for_repetition_allocates_nothing() {
    let feedback = Feedback {
        w3_nack: true,
        w3_pli: true,
        w3_fir: true,
        core_nack: true,
        core_pli: true,
        core_fir: true,
    };
    let settings = StreamSettings {
        feedback: Some(feedback),
        ..StreamSettings::new(StreamId(0), MediaKind::Video)
    };
    relay(settings, video);
}

#[test]
fn a_batch_allocates_nothing() {
    let bind = || Socket::bind("127.0.0.1:0".parse().unwrap(), None).unwrap();
    let (left, right) = (bind(), bind());
    let (from, to) = (left.local_addr().unwrap(), right.local_addr().unwrap());
    let mut poller = Poller::new().unwrap();
    poller.add(&right, 0).unwrap();
    let mut batch = Batch::new(8);
    let mut ready = Vec::with_capacity(8);
    let mut slots = Vec::with_capacity(8);
    let mut received = 0;
    let count = allocations(|| {
        for _ in 0..50 {
            left.send_to(b"packet", to).unwrap();
            poller.wait(None, &mut ready).unwrap();
            for slot in batch.receive(&right, 8).unwrap() {
                batch.depart(slot, 0..6, from);
                slots.push(slot);
            }
            received += batch.send(&right, &slots);
            slots.clear();
            batch.clear();
        }
    });
    assert_eq!((received, count), (50, 0));
}
