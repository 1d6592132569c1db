//! One audio call, from the Reserve to the Release.
use std::time::Duration;

use core_iq::{
    Command, CoreSettings, Event, Gate, MediaKind, PayloadMap, PayloadMapping, Reply, StreamId,
    StreamSettings, W3Settings,
};

use crate::support::{self, Bed, Phone, Wic, receiver_report, rtp, rtp_of};

const A_MOMENT: Duration = Duration::from_millis(200);

fn audio() -> StreamSettings {
    StreamSettings::new(StreamId(0), MediaKind::Audio)
}

#[test]
fn rtp_and_rtcp_are_relayed_both_ways() {
    let mut bed = Bed::one();
    let context = bed.audio_call();
    for sequence in 0..50 {
        bed.wics[0].send_rtp(&rtp(0, sequence, 0xaaaa));
        bed.phone_sends(0, &rtp(0, 1000 + sequence, 0xbbbb));
    }
    bed.wics[0].send_rtcp(&receiver_report(0xaaaa));
    bed.phone_sends_rtcp(0, &receiver_report(0xbbbb));
    bed.run(A_MOMENT);

    let phone = &bed.phones[0];
    assert_eq!(phone.received.len(), 50);
    assert_eq!(phone.received[7], rtp(0, 7, 0xaaaa));
    assert_eq!(phone.received_rtcp, [receiver_report(0xaaaa)]);
    let wic = &bed.wics[0];
    assert_eq!(wic.received.len(), 50);
    assert_eq!(wic.received[7], rtp(0, 1007, 0xbbbb));
    assert_eq!(wic.received_rtcp, [receiver_report(0xbbbb)]);
    assert_eq!(wic.unauthentic, 0);

    let events = bed.events(0);
    assert!(matches!(
        events.as_slice(),
        [Event::IceConnected, Event::DtlsConnected { profile }] if profile.contains("GCM")
    ));
    let counters = bed.workers[0].gateway.counters();
    assert_eq!((counters.relayed_to_core, counters.relayed_to_w3), (50, 50));
    assert_eq!((counters.rtcp_to_core, counters.rtcp_to_w3), (1, 1));

    assert_eq!(
        bed.ask(0, Command::Release { context }),
        Ok(Reply::Released)
    );
    assert_eq!(bed.workers[0].open_ports(), 0);
    assert_eq!(bed.workers[0].gateway.contexts(), 0);
    bed.wics[0].send_rtp(&rtp(0, 50, 0xaaaa));
    bed.run(A_MOMENT);
    assert_eq!(bed.phones[0].received.len(), 50);
    assert_eq!(
        bed.ask(0, Command::Release { context }),
        Ok(Reply::Released)
    );
}

#[test]
fn payload_types_differ_and_telephone_events_too() {
    let mut bed = Bed::one();
    bed.wics.push(Wic::new("198.51.100.1:50000"));
    bed.phones.push(Phone::new("10.0.0.9:30000"));
    let map = [(111, 96), (126, 101)].map(|(w3, core)| PayloadMapping { w3, core });
    let mut settings = audio();
    settings.payloads = Some(PayloadMap(map.into()));
    bed.call(0, 0, 0, settings);
    for (sequence, payload) in [111, 126, 8].into_iter().enumerate() {
        bed.wics[0].send_rtp(&rtp(payload, sequence as u16, 1));
    }
    for (sequence, payload) in [96, 128 + 101, 8].into_iter().enumerate() {
        bed.phone_sends(0, &rtp(payload, sequence as u16, 2));
    }
    bed.run(A_MOMENT);
    let types = |packets: &[Vec<u8>]| -> Vec<u8> { packets.iter().map(|p| rtp_of(p).0).collect() };
    assert_eq!(types(&bed.phones[0].received), [96, 101, 8]);
    assert_eq!(types(&bed.wics[0].received), [111, 126, 8]);
    assert_eq!(bed.wics[0].received[1][1] & 0x80, 0x80, "the marker stays");
}

#[test]
fn gates_close_one_way_or_both_and_rtcp_goes_on() {
    let mut bed = Bed::one();
    let context = bed.audio_call();
    let cases = [
        // The gate towards the WIC, the gate towards the core, whether it reaches phone and WIC.
        (Gate::OPEN, Gate::OPEN, true, true),
        (
            Gate {
                receive: false,
                send: true,
            },
            Gate::OPEN,
            false,
            true,
        ),
        (
            Gate::OPEN,
            Gate {
                receive: false,
                send: true,
            },
            true,
            false,
        ),
        (
            Gate {
                receive: true,
                send: false,
            },
            Gate::OPEN,
            true,
            false,
        ),
        (
            Gate::OPEN,
            Gate {
                receive: true,
                send: false,
            },
            false,
            true,
        ),
        (Gate::CLOSED, Gate::CLOSED, false, false),
        (Gate::OPEN, Gate::OPEN, true, true),
    ];
    let (mut to_phone, mut to_wic) = (0, 0);
    for (round, (w3, core, reaches_phone, reaches_wic)) in cases.into_iter().enumerate() {
        let mut settings = audio();
        settings.w3 = Some(W3Settings {
            gate: Some(w3),
            ..W3Settings::default()
        });
        settings.core = Some(CoreSettings {
            gate: Some(core),
            ..CoreSettings::default()
        });
        assert!(bed.configure(0, context, settings).streams.is_empty());
        bed.wics[0].send_rtp(&rtp(0, round as u16, 1));
        bed.phone_sends(0, &rtp(0, round as u16, 2));
        bed.wics[0].send_rtcp(&receiver_report(1));
        bed.run(A_MOMENT);
        to_phone += usize::from(reaches_phone);
        to_wic += usize::from(reaches_wic);
        assert_eq!(bed.phones[0].received.len(), to_phone, "round {round}");
        assert_eq!(bed.wics[0].received.len(), to_wic, "round {round}");
        assert_eq!(bed.phones[0].received_rtcp.len(), round + 1);
    }
    assert_eq!(bed.workers[0].gateway.counters().dropped_gate, 6);
}

#[test]
fn a_long_hold_does_not_lose_the_roll_over_count() {
    let mut bed = Bed::one();
    let context = bed.audio_call();
    let mut settings = audio();
    settings.w3 = Some(W3Settings {
        gate: Some(Gate::CLOSED),
        ..W3Settings::default()
    });
    bed.configure(0, context, settings.clone());
    for sequence in 0..150_000u32 {
        bed.wics[0].send_rtp(&rtp(0, sequence as u16, 1));
        if sequence % 5000 == 0 {
            bed.run(Duration::from_millis(20));
        }
    }
    bed.run(A_MOMENT);
    settings.w3 = Some(W3Settings {
        gate: Some(Gate::OPEN),
        ..W3Settings::default()
    });
    bed.configure(0, context, settings);
    bed.wics[0].send_rtp(&rtp(0, 150_000u32 as u16, 1));
    bed.run(A_MOMENT);
    assert_eq!(bed.phones[0].received.len(), 1);
}

#[test]
fn rtp_from_a_wrong_source_is_dropped_and_counted() {
    let mut bed = Bed::one();
    bed.audio_call();
    let core = bed.phones[0].gateway.unwrap();
    for source in ["10.0.0.9:30002", "10.0.0.66:30000"] {
        let source = source.parse().unwrap();
        bed.net
            .send(bed.clock.now(), source, core.rtp, rtp(0, 1, 2));
        bed.net
            .send(bed.clock.now(), source, core.rtcp, receiver_report(2));
    }
    bed.phone_sends(0, &rtp(0, 2, 2));
    bed.run(A_MOMENT);
    assert_eq!(bed.wics[0].received, [rtp(0, 2, 2)]);
    assert!(bed.wics[0].received_rtcp.is_empty());
    assert_eq!(bed.workers[0].gateway.counters().dropped_wrong_source, 4);
}

#[test]
fn with_symmetric_rtp_the_port_is_learnt_but_never_the_address() {
    let mut configuration = support::config(0);
    configuration.symmetric_rtp = true;
    let mut bed = Bed::new(vec![configuration], 1, testbed::LinkQuality::good());
    bed.audio_call();
    let core = bed.phones[0].gateway.unwrap();
    bed.phones.push(Phone::new("10.0.0.9:61000"));
    let thief = "10.0.0.66:30000".parse().unwrap();
    bed.net.send(bed.clock.now(), thief, core.rtp, rtp(0, 1, 3));
    bed.run(A_MOMENT);
    assert!(bed.wics[0].received.is_empty());
    bed.net
        .send(bed.clock.now(), bed.phones[1].rtp, core.rtp, rtp(0, 1, 2));
    bed.run(A_MOMENT);
    assert_eq!(bed.wics[0].received.len(), 1);
    bed.wics[0].send_rtp(&rtp(0, 1, 1));
    bed.run(A_MOMENT);
    assert_eq!(
        (bed.phones[0].received.len(), bed.phones[1].received.len()),
        (0, 1)
    );
}

#[test]
fn the_far_end_may_change_in_the_middle_of_a_call() {
    let mut bed = Bed::one();
    let context = bed.audio_call();
    bed.phones.push(Phone::new("10.0.0.10:31000"));
    bed.phones[1].gateway = bed.phones[0].gateway;
    let mut settings = audio();
    settings.core = Some(bed.phones[1].settings(Gate::OPEN));
    bed.configure(0, context, settings);
    bed.phone_sends(0, &rtp(0, 1, 2));
    bed.phone_sends(1, &rtp(0, 1, 3));
    bed.wics[0].send_rtp(&rtp(0, 1, 1));
    bed.wics[0].send_rtcp(&receiver_report(1));
    bed.run(A_MOMENT);
    assert_eq!(bed.wics[0].received, [rtp(0, 1, 3)]);
    assert!(bed.phones[0].received.is_empty());
    assert_eq!(bed.phones[1].received.len(), 1);
    assert_eq!(bed.phones[1].received_rtcp.len(), 1);
}
