//! DTLS: whose certificate it is, who begins, what a bad network does to it.

use std::time::Duration;

use core_iq::{Event, Fingerprint, Gate, MediaKind, StreamId, StreamSettings, W3Settings};
use testbed::LinkQuality;

use crate::support::{self, Bed, Phone, Wic, rtp};

const A_MOMENT: Duration = Duration::from_millis(200);

fn audio() -> StreamSettings {
    StreamSettings::new(StreamId(0), MediaKind::Audio)
}

fn failures(events: &[Event]) -> Vec<&str> {
    fn reason(event: &Event) -> Option<&str> {
        match event {
            Event::DtlsFailed { reason } => Some(reason),
            _ => None,
        }
    }
    events.iter().filter_map(reason).collect()
}

#[test]
fn a_certificate_that_was_not_announced_is_reported_and_no_media_pass() {
    let mut bed = Bed::one();
    bed.wics.push(Wic::new("198.51.100.1:50000"));
    bed.phones.push(Phone::new("10.0.0.9:30000"));
    let mut settings = audio();
    settings.w3 = Some(bed.wics[0].settings(Gate::OPEN));
    settings.core = Some(bed.phones[0].settings(Gate::OPEN));
    let w3 = settings.w3.as_mut().unwrap();
    w3.remote_fingerprints = Some(vec![Fingerprint {
        algorithm: "sha-256".into(),
        digest: vec![7; 32],
    }]);
    let reserved = bed.reserve(0, vec![settings]);
    let now = bed.now();
    bed.wics[0].accept(now, &reserved.streams[0]);
    bed.run(Duration::from_secs(3));
    let events = bed.events(0);
    assert_eq!(
        failures(&events),
        ["the certificate is not the announced one"]
    );
    if bed.wics[0].is_connected() {
        // The WIC may think that all is well: the gateway does not.
        bed.wics[0].send_rtp(&rtp(0, 1, 1));
        bed.run(A_MOMENT);
    }
    assert!(bed.phones[0].received.is_empty());
    assert_eq!(bed.workers[0].gateway.counters().dtls_failed, 1);
    assert_eq!(bed.workers[0].gateway.counters().dtls_connected, 0);
}

#[test]
fn the_answer_may_come_after_the_handshake() {
    let mut bed = Bed::one();
    bed.wics.push(Wic::new("198.51.100.1:50000"));
    bed.phones.push(Phone::new("10.0.0.9:30000"));
    let mut settings = audio();
    settings.core = Some(bed.phones[0].settings(Gate::OPEN));
    // The gateway offers: nothing is known of the WIC.
    let reserved = bed.reserve(0, vec![settings]);
    bed.phones[0].gateway = Some(reserved.streams[0].core);
    let now = bed.now();
    bed.wics[0].accept(now, &reserved.streams[0]);
    bed.run(Duration::from_secs(2));
    assert_eq!(bed.events(0), [Event::IceConnected]);
    let mut settings = audio();
    settings.w3 = Some(bed.wics[0].settings(Gate::OPEN));
    bed.configure(0, reserved.context, settings);
    assert!(matches!(bed.events(0)[1], Event::DtlsConnected { .. }));
    bed.phone_sends(0, &rtp(0, 1, 2));
    bed.wics[0].send_rtp(&rtp(0, 1, 1));
    bed.run(A_MOMENT);
    assert_eq!(
        (bed.wics[0].received.len(), bed.phones[0].received.len()),
        (1, 1)
    );
}

#[test]
fn a_passive_wic_is_called_by_the_gateway() {
    let mut bed = Bed::one();
    bed.wics.push(Wic::passive("198.51.100.1:50000"));
    bed.phones.push(Phone::new("10.0.0.9:30000"));
    bed.call(0, 0, 0, audio());
    bed.phone_sends(0, &rtp(0, 1, 2));
    bed.wics[0].send_rtp(&rtp(0, 1, 1));
    bed.run(A_MOMENT);
    assert_eq!(
        (bed.wics[0].received.len(), bed.phones[0].received.len()),
        (1, 1)
    );
}

#[test]
fn a_bad_network_delays_the_handshake_and_no_more() {
    let mut connected = 0;
    for seed in 0..10 {
        let mut bed = Bed::new(vec![support::config(0)], seed, LinkQuality::bad());
        bed.wics.push(Wic::new("198.51.100.1:50000"));
        bed.phones.push(Phone::new("10.0.0.9:30000"));
        let mut settings = audio();
        settings.w3 = Some(bed.wics[0].settings(Gate::OPEN));
        settings.core = Some(bed.phones[0].settings(Gate::OPEN));
        let reserved = bed.reserve(0, vec![settings]);
        let now = bed.now();
        bed.wics[0].accept(now, &reserved.streams[0]);
        bed.run(Duration::from_secs(25));
        assert_eq!(failures(&bed.events(0)), [""; 0], "seed {seed}");
        connected += usize::from(bed.wics[0].is_connected());
    }
    assert_eq!(
        connected, 10,
        "a fifth of all packets lost, and no handshake"
    );
}

#[test]
fn another_fingerprint_is_another_association() {
    let mut bed = Bed::one();
    let context = bed.audio_call();
    // The page was loaded again: another certificate, another connection, the same call.
    let mut again = Wic::new("198.51.100.1:50002");
    let mut settings = audio();
    settings.w3 = Some(W3Settings {
        gate: None,
        ..again.settings(Gate::OPEN)
    });
    let told = bed.configure(0, context, settings);
    let now = bed.now();
    again.accept(now, &told.streams[0]);
    bed.wics[0].checking = false;
    bed.wics.push(again);
    bed.run(Duration::from_secs(3));
    assert!(bed.wics[1].is_connected());
    bed.phone_sends(0, &rtp(0, 1, 2));
    bed.wics[1].send_rtp(&rtp(0, 1, 1));
    bed.run(A_MOMENT);
    assert_eq!(
        (bed.wics[1].received.len(), bed.phones[0].received.len()),
        (1, 1)
    );
}
