//! Real sockets on loopback: what goes in comes out, in place and in batches.
#![allow(missing_docs, clippy::unwrap_used)]

use std::time::Duration;

use isthmus_socket::{Batch, Poller, SLOT, Socket, WAKER};

fn socket() -> Socket {
    Socket::bind("127.0.0.1:0".parse().unwrap(), None).unwrap()
}

/// Receives until that many are there.
fn gather(batch: &mut Batch, poller: &mut Poller, socket: &Socket, wanted: usize) {
    let mut ready = Vec::new();
    let start = batch.capacity() - batch.free();
    let mut got = 0;
    for _ in 0..100 {
        if got == wanted {
            break;
        }
        poller
            .wait(Some(Duration::from_millis(200)), &mut ready)
            .unwrap();
        got += batch.receive(socket, usize::MAX).unwrap().len();
    }
    assert_eq!(batch.capacity() - batch.free() - start, wanted);
}

#[test]
fn a_batch_is_received_changed_in_place_and_sent_on() {
    let (left, relay, right) = (socket(), socket(), socket());
    let other = socket();
    let mut poller = Poller::new().unwrap();
    poller.add(&relay, 1).unwrap();
    for number in 0..40u8 {
        left.send_to(&[number, 1, 2, 3], relay.local_addr().unwrap())
            .unwrap();
    }
    let mut batch = Batch::new(64);
    gather(&mut batch, &mut poller, &relay, 40);
    let mut slots = Vec::new();
    for slot in 0..40 {
        let (source, length, room) = batch.datagram(slot).unwrap();
        assert_eq!(source, left.local_addr().unwrap());
        assert_eq!((length, room.len()), (4, SLOT));
        room[4] = 0xff;
        let destination = if slot == 7 { &other } else { &right };
        batch.depart(slot, 0..5, destination.local_addr().unwrap());
        slots.push(slot);
    }
    assert_eq!(batch.send(&relay, &slots), 40);
    batch.clear();

    let mut poller = Poller::new().unwrap();
    poller.add(&right, 2).unwrap();
    gather(&mut batch, &mut poller, &right, 39);
    let (source, length, room) = batch.datagram(8).unwrap();
    assert_eq!(source, relay.local_addr().unwrap());
    assert_eq!(&room[..length], [9, 1, 2, 3, 0xff]);
    assert!(batch.receive(&other, 1).unwrap().len() == 1);
}

#[test]
fn a_single_departure_and_an_unreachable_peer_disturb_nobody() {
    let (left, right) = (socket(), socket());
    let mut poller = Poller::new().unwrap();
    poller.add(&right, 0).unwrap();
    let mut batch = Batch::new(4);
    for _ in 0..3 {
        right
            .send_to(b"x", left.local_addr().unwrap())
            .expect("loopback takes it");
    }
    let mut from = Poller::new().unwrap();
    from.add(&left, 0).unwrap();
    gather(&mut batch, &mut from, &left, 3);
    let to = right.local_addr().unwrap();
    batch.depart(0, 0..1, to);
    // An address of another family cannot be sent to by this socket: only that one is lost.
    batch.depart(1, 0..1, "[2001:db8::1]:9".parse().unwrap());
    batch.depart(2, 0..1, to);
    assert_eq!(batch.send(&left, &[0]), 1);
    assert_eq!(batch.send(&left, &[0, 1, 2]), 2);
    batch.clear();
    gather(&mut batch, &mut poller, &right, 3);
}

#[test]
fn a_datagram_larger_than_a_slot_is_seen_as_empty() {
    let (left, right) = (socket(), socket());
    let mut poller = Poller::new().unwrap();
    poller.add(&right, 0).unwrap();
    left.send_to(&[7; SLOT + 1], right.local_addr().unwrap())
        .unwrap();
    let mut batch = Batch::new(2);
    gather(&mut batch, &mut poller, &right, 1);
    assert_eq!(batch.datagram(0).unwrap().1, 0);
}

#[test]
fn the_waker_ends_the_wait_from_another_thread() {
    let mut poller = Poller::new().unwrap();
    let waker = poller.waker();
    let mut ready = Vec::new();
    let thread = std::thread::spawn(move || waker.wake());
    poller
        .wait(Some(Duration::from_secs(10)), &mut ready)
        .unwrap();
    thread.join().unwrap();
    assert_eq!(ready, [WAKER]);
    poller.wait(Some(Duration::ZERO), &mut ready).unwrap();
    assert!(ready.is_empty(), "one wake, one waking");
}
