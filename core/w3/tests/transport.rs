//! A transport and a peer: from the first check to protected media.
#![allow(missing_docs)]

mod common;

use std::time::Duration;

use common::{Order, Pair, any_version, credentials, gateway_address, peer_address};
use core_w3::dtls::{DtlsError, Role};
use core_w3::transport::{Event, Received, SendError};
use testbed::LinkQuality;

const ROLES: [Role; 2] = [Role::Client, Role::Server];

fn rtp(sequence: u16) -> Vec<u8> {
    let mut packet = vec![0x80, 0];
    packet.extend(sequence.to_be_bytes());
    packet.extend([0, 0, 0, 160, 0, 0, 0, 9]);
    packet.extend([0x55; 160]);
    packet
}

/// Media pass both ways, and RTCP too.
fn exchange(pair: &mut Pair) {
    let now = pair.clock.now();
    let (mut sender, mut receiver) = (pair.peer.sender(), pair.peer.receiver());
    let plain = rtp(1);
    let mut buffer = plain.clone();
    buffer.resize(plain.len() + 20, 0);

    let length = sender
        .protect_rtp(&mut buffer, plain.len())
        .expect("connected");
    let received = pair.arrive(now, peer_address(), &buffer[..length]);
    assert_eq!(
        received,
        Received::Rtp {
            length: plain.len()
        }
    );
    assert_eq!(pair.received.last(), Some(&plain));

    buffer[..plain.len()].copy_from_slice(&plain);
    let length = pair
        .transport
        .protect_rtp(&mut buffer, plain.len())
        .expect("connected");
    let length = receiver
        .unprotect_rtp(&mut buffer[..length])
        .expect("connected");
    assert_eq!(buffer[..length], plain);

    let report = [0x80, 201, 0, 1, 0, 0, 0, 9];
    let mut buffer = [0; 40];
    buffer[..8].copy_from_slice(&report);
    let length = sender.protect_rtcp(&mut buffer, 8).expect("connected");
    let received = pair.arrive(now, peer_address(), &buffer[..length]);
    assert_eq!(received, Received::Rtcp { length: 8 });
    assert_eq!(pair.received.last().expect("connected"), &report);
    buffer[..8].copy_from_slice(&report);
    let length = pair
        .transport
        .protect_rtcp(&mut buffer, 8)
        .expect("connected");
    assert_eq!(receiver.unprotect_rtcp(&mut buffer[..length]), Ok(8));
    assert_eq!(buffer[..8], report);
}

#[test]
fn both_roles_connect_and_media_pass() {
    for peer_role in ROLES {
        let mut pair = Pair::new(1, LinkQuality::good(), peer_role, any_version()).signalled();
        pair.connect();
        assert!(
            matches!(pair.events[0], Event::IceConnected { path } if path.remote == peer_address())
        );
        assert!(matches!(
            pair.events[1],
            Event::DtlsConnected { profile: Some(_) }
        ));
        exchange(&mut pair);
    }
}

#[test]
fn a_bad_network_takes_longer() {
    for seed in 0..6 {
        for peer_role in ROLES {
            let link = LinkQuality::bad();
            let mut pair = Pair::new(seed, link, peer_role, any_version()).signalled();
            pair.connect();
            exchange(&mut pair);
        }
    }
}

/// Browsers' ClientHello, with a post-quantum share, is longer than a datagram.
#[test]
fn a_client_hello_in_two_datagrams_is_put_together_in_any_order() {
    for order in [Order::FirstFirst, Order::LastFirst] {
        for link in [LinkQuality::good(), LinkQuality::bad()] {
            let mut pair = Pair::new(5, link, Role::Client, any_version());
            pair.peer.split_hello = Some(order);
            let mut pair = pair.signalled();
            pair.connect();
            exchange(&mut pair);
        }
    }
}

#[test]
fn another_certificate_than_announced_is_refused() {
    for peer_role in ROLES {
        let mut pair = Pair::new(1, LinkQuality::good(), peer_role, any_version()).signalled();
        let other = pair.gateway_certificate.fingerprint().clone();
        let now = pair.clock.now();
        pair.transport.set_fingerprints(now, vec![other]);
        pair.run_until(Duration::from_secs(3), |_| false);
        let reason = DtlsError::WrongFingerprint;
        assert!(pair.events.contains(&Event::DtlsFailed { reason }));
        assert!(!pair.transport.is_ready());
        let refused = pair.transport.protect_rtp(&mut [0; 100], 50);
        assert_eq!(refused, Err(SendError::NoKeys));
    }
}

#[test]
fn a_handshake_faster_than_the_answer_waits_for_the_fingerprint() {
    let mut pair = Pair::new(1, LinkQuality::good(), Role::Client, any_version());
    pair.run_until(Duration::from_secs(3), |_| false);
    assert!(pair.peer.keys.is_some(), "the peer knew who we are");
    assert!(!pair.transport.is_ready(), "we do not know who it is");
    let mut pair = pair.signalled();
    assert!(pair.transport.is_ready());
    exchange(&mut pair);
}

#[test]
fn what_comes_early_or_from_elsewhere_is_dropped_and_counted() {
    let mut pair = Pair::new(1, LinkQuality::good(), Role::Server, any_version());
    let now = pair.clock.now();
    let stranger = ([203, 0, 113, 9], 9).into();
    assert_eq!(pair.arrive(now, stranger, &rtp(1)), Received::Dropped);
    assert_eq!(
        pair.arrive(now, stranger, &[22, 254, 253]),
        Received::Dropped
    );
    assert_eq!(pair.transport.counters().wrong_source, 2);
    pair.run_until(Duration::from_secs(1), |pair| pair.peer.answered);
    assert_eq!(pair.arrive(now, peer_address(), &rtp(1)), Received::Dropped);
    assert_eq!(pair.transport.counters().early, 1);

    let mut pair = pair.signalled();
    pair.connect();
    let now = pair.clock.now();
    let mut packet = rtp(1);
    packet.resize(packet.len() + 16, 0);
    assert_eq!(pair.arrive(now, peer_address(), &packet), Received::Dropped);
    assert_eq!(pair.transport.counters().not_authentic, 1);
    let length = pair.peer.sender().protect_rtp(&mut packet, 172).unwrap();
    packet.truncate(length);
    assert_eq!(pair.arrive(now, stranger, &packet), Received::Dropped);
    assert_eq!(pair.transport.counters().wrong_source, 3);
    let taken = Received::Rtp { length: 172 };
    assert_eq!(pair.arrive(now, peer_address(), &packet), taken);
    assert_eq!(pair.arrive(now, peer_address(), &packet), Received::Dropped);
    assert_eq!(pair.transport.counters().replayed, 1);
    assert_eq!(pair.arrive(now, peer_address(), &[]), Received::Dropped);
    assert_eq!(
        pair.arrive(now, peer_address(), &[0xff; 20]),
        Received::Dropped
    );
    assert_eq!(pair.transport.counters().malformed, 2);
}

#[test]
fn a_silent_peer_gets_nothing_until_it_is_back() {
    let mut pair = Pair::new(1, LinkQuality::good(), Role::Client, any_version()).signalled();
    pair.connect();
    pair.peer.checking = false;
    pair.run_until(Duration::from_secs(40), |_| false);
    assert_eq!(pair.events.last(), Some(&Event::Silent));
    assert_eq!(pair.transport.selected(), None);
    pair.peer.checking = true;
    pair.run_until(Duration::from_secs(1), |pair| pair.transport.is_ready());
    assert_eq!(pair.events.last(), Some(&Event::Back));
    exchange(&mut pair);
}

#[test]
fn a_peer_that_moves_keeps_its_keys() {
    let mut pair = Pair::new(1, LinkQuality::good(), Role::Client, any_version()).signalled();
    pair.connect();
    let elsewhere = ([192, 0, 2, 99], 1024).into();
    pair.peer.address = elsewhere;
    pair.run_until(Duration::from_secs(6), |_| false);
    assert_eq!(pair.transport.selected().unwrap().remote, elsewhere);
    assert!(matches!(pair.events.last(), Some(Event::Moved { path }) if path.remote == elsewhere));
    exchange(&mut pair);
}

#[test]
fn after_an_ice_restart_the_association_goes_on() {
    let mut pair = Pair::new(1, LinkQuality::good(), Role::Client, any_version()).signalled();
    pair.connect();
    pair.transport
        .restart_ice(credentials("h"), credentials("q"));
    pair.run_until(Duration::from_secs(4), |_| false);
    exchange(&mut pair);
    pair.peer.remote = credentials("h");
    pair.run_until(Duration::from_secs(4), |_| false);
    assert!(pair.transport.ice().previous().is_none());
    assert!(pair.transport.is_ready());
    assert_eq!(pair.net.next_delivery(), None);
    assert_eq!(gateway_address().port(), 40000);
}

#[test]
fn another_fingerprint_is_another_association() {
    for peer_role in ROLES {
        let mut pair = Pair::new(1, LinkQuality::good(), peer_role, any_version()).signalled();
        pair.connect();
        pair.peer.certificate = core_w3::dtls::Certificate::generate().unwrap();
        pair.peer.keys = None;
        pair.peer.association = None;
        let mut pair = pair.signalled();
        assert!(!pair.transport.is_ready(), "the old keys are gone");
        pair.connect();
        exchange(&mut pair);
    }
}
