//! Video: key frames are asked for in time, and what is lost is sent again.

use std::collections::BTreeSet;
use std::time::Duration;

use core_iq::{
    CoreSettings, Feedback, Gate, MediaKind, PayloadMap, StreamId, StreamSettings, W3Settings,
};
use testbed::LinkQuality;
use wire_rtp::rtcp::{Compound, Packet};

use crate::support::{self, Bed, Phone, Wic, nack, pli, sequence_of, video};

const A_MOMENT: Duration = Duration::from_millis(200);

const ALL: Feedback = Feedback {
    w3_nack: true,
    w3_pli: true,
    w3_fir: true,
    core_nack: true,
    core_pli: true,
    core_fir: true,
};

fn settings(feedback: Feedback) -> StreamSettings {
    StreamSettings {
        feedback: Some(feedback),
        payloads: Some(PayloadMap::default()),
        ..StreamSettings::new(StreamId(1), MediaKind::Video)
    }
}

fn video_call(feedback: Feedback) -> Bed {
    let mut bed = Bed::one();
    bed.wics.push(Wic::new("198.51.100.1:50000"));
    bed.phones.push(Phone::new("10.0.0.9:30000"));
    bed.call(0, 0, 0, settings(feedback));
    bed
}

/// Who was asked for a key frame, and with which word.
fn asked(compounds: &[Vec<u8>]) -> Vec<(&'static str, u32)> {
    let mut found = Vec::new();
    for compound in compounds {
        for packet in Compound::parse(compound).unwrap().packets() {
            if let Packet::PayloadFeedback(feedback) = packet {
                if feedback.is_pli() {
                    found.push(("PLI", feedback.media));
                }
                for entry in feedback.fir().into_iter().flatten() {
                    found.push(("FIR", entry.ssrc));
                }
            }
        }
    }
    found
}

fn nacked(compounds: &[Vec<u8>]) -> Vec<u16> {
    let mut found = Vec::new();
    for compound in compounds {
        for packet in Compound::parse(compound).unwrap().packets() {
            if let Packet::TransportFeedback(feedback) = packet {
                let entries = feedback.nack().into_iter().flatten();
                found.extend(entries.flat_map(wire_rtp::rtcp::NackEntry::sequences));
            }
        }
    }
    found
}

fn gates(w3: Gate, core: Gate) -> StreamSettings {
    StreamSettings {
        w3: Some(W3Settings {
            gate: Some(w3),
            ..W3Settings::default()
        }),
        core: Some(CoreSettings {
            gate: Some(core),
            ..CoreSettings::default()
        }),
        ..StreamSettings::new(StreamId(1), MediaKind::Video)
    }
}

#[test]
fn the_wic_is_asked_for_a_key_frame_when_the_gate_to_the_far_end_opens() {
    for (feedback, word, times) in [
        (ALL, "PLI", 1),
        (
            Feedback {
                w3_pli: false,
                ..ALL
            },
            "FIR",
            1,
        ),
        // The far end cannot ask: the gateway asks once more, and not again.
        (
            Feedback {
                w3_pli: true,
                ..Feedback::default()
            },
            "PLI",
            2,
        ),
    ] {
        let mut bed = Bed::one();
        bed.wics.push(Wic::new("198.51.100.1:50000"));
        bed.phones.push(Phone::new("10.0.0.9:30000"));
        let context = bed.call(0, 0, 0, settings(feedback));
        bed.configure(0, context, gates(Gate::OPEN, Gate::CLOSED));
        bed.wics[0].send_rtp(&video(96, 1, 0xaaaa));
        bed.run(A_MOMENT);
        assert!(asked(&bed.wics[0].received_rtcp).is_empty());
        bed.configure(0, context, gates(Gate::OPEN, Gate::OPEN));
        bed.run(Duration::from_secs(10));
        assert_eq!(
            asked(&bed.wics[0].received_rtcp),
            vec![(word, 0xaaaa); times]
        );
        // What does not open anything asks for nothing.
        bed.configure(0, context, gates(Gate::OPEN, Gate::OPEN));
        bed.run(Duration::from_secs(10));
        assert_eq!(asked(&bed.wics[0].received_rtcp).len(), times);
    }
}

#[test]
fn another_far_end_and_a_wic_that_opens_get_a_key_frame_too() {
    let mut bed = video_call(ALL);
    let context = bed.workers[0].notifications[0].context;
    bed.wics[0].send_rtp(&video(96, 1, 0xaaaa));
    bed.phone_sends(0, &video(96, 1, 0xbbbb));
    bed.run(A_MOMENT);
    bed.phones.push(Phone::new("10.0.0.10:31000"));
    let mut moved = StreamSettings::new(StreamId(1), MediaKind::Video);
    moved.core = Some(CoreSettings {
        gate: None,
        ..bed.phones[1].settings(Gate::OPEN)
    });
    bed.configure(0, context, moved);
    bed.run(A_MOMENT);
    assert_eq!(asked(&bed.wics[0].received_rtcp), [("PLI", 0xaaaa)]);

    bed.configure(
        0,
        context,
        gates(
            Gate {
                receive: true,
                send: false,
            },
            Gate::OPEN,
        ),
    );
    bed.configure(0, context, gates(Gate::OPEN, Gate::OPEN));
    bed.run(A_MOMENT);
    assert_eq!(asked(&bed.phones[1].received_rtcp), [("PLI", 0xbbbb)]);
}

#[test]
fn key_frame_requests_are_relayed_in_the_words_each_side_knows() {
    let mut bed = video_call(Feedback {
        core_pli: false,
        ..ALL
    });
    bed.wics[0].send_rtcp(&pli(0xaaaa, 0xbbbb));
    bed.phone_sends_rtcp(0, &pli(0xbbbb, 0xaaaa));
    bed.run(A_MOMENT);
    assert_eq!(asked(&bed.phones[0].received_rtcp), [("FIR", 0xbbbb)]);
    assert_eq!(asked(&bed.wics[0].received_rtcp), [("PLI", 0xaaaa)]);
}

#[test]
fn what_was_lost_behind_the_gateway_is_repeated_by_the_gateway() {
    let mut bed = video_call(ALL);
    for sequence in 0..20 {
        bed.phone_sends(0, &video(96, sequence, 0xbbbb));
        bed.wics[0].send_rtp(&video(96, 500 + sequence, 0xaaaa));
    }
    bed.run(A_MOMENT);
    assert_eq!(bed.wics[0].received.len(), 20);
    // As if they had not come: 3 and 7 are repeated, 25 is nobody's yet and goes to the sender.
    bed.wics[0].send_rtcp(&nack(0xaaaa, 0xbbbb, &[3, 7, 25]));
    bed.phone_sends_rtcp(0, &nack(0xbbbb, 0xaaaa, &[505, 700]));
    bed.run(A_MOMENT);
    assert_eq!(bed.workers[0].gateway.counters().repeated, 3);
    // The same bytes as before, so the WIC's replay protection drops them.
    assert_eq!(
        (bed.wics[0].received.len(), bed.wics[0].unauthentic),
        (20, 2)
    );
    assert_eq!(nacked(&bed.phones[0].received_rtcp), [25]);
    assert_eq!(bed.phones[0].received.len(), 21);
    assert_eq!(bed.phones[0].received[20], video(96, 505, 0xaaaa));
    assert_eq!(nacked(&bed.wics[0].received_rtcp), [700]);
}

#[test]
fn for_a_far_end_that_cannot_ask_the_gateway_asks() {
    let mut bed = video_call(Feedback {
        w3_nack: true,
        w3_pli: true,
        ..Feedback::default()
    });
    for sequence in [65533u16, 65534, 2, 3] {
        bed.wics[0].send_rtp(&video(96, sequence, 0xaaaa));
    }
    bed.run(Duration::from_millis(50));
    assert_eq!(nacked(&bed.wics[0].received_rtcp), [65535, 0, 1]);
    bed.wics[0].send_rtp(&video(96, 0, 0xaaaa));
    bed.run(Duration::from_millis(150));
    assert_eq!(nacked(&bed.wics[0].received_rtcp)[3..], [65535, 1]);
    bed.wics[0].send_rtp(&video(96, 65535, 0xaaaa));
    bed.wics[0].send_rtp(&video(96, 1, 0xaaaa));
    bed.run(Duration::from_secs(2));
    assert_eq!(nacked(&bed.wics[0].received_rtcp).len(), 5);
    assert_eq!(bed.phones[0].received.len(), 7);
}

/// Sends video from WIC 0 over a bad network for ten seconds, repeats what is asked for, and says
/// which share of the packets the far end has in the end.
fn share_received(
    bed: &mut Bed,
    far_end_asks: bool,
    mut received: impl FnMut(&mut Bed) -> Vec<u16>,
) -> f64 {
    const PACKETS: u16 = 2000;
    let mut have = BTreeSet::new();
    let mut highest = 0;
    let mut answered = 0;
    let mut sent: Vec<Vec<u8>> = Vec::new();
    for sequence in 0..PACKETS + 200 {
        if sequence < PACKETS {
            bed.wics[0].send_rtp(&video(96, sequence, 0xaaaa));
            sent.push(bed.wics[0].outbox.last().unwrap().1.clone());
        }
        bed.run(Duration::from_millis(5));
        for sequence in received(bed) {
            have.insert(sequence);
            highest = highest.max(sequence);
        }
        if far_end_asks && sequence % 10 == 0 {
            let missing: Vec<u16> = (highest.saturating_sub(200)..highest)
                .filter(|sequence| !have.contains(sequence))
                .collect();
            if !missing.is_empty() {
                bed.wics[1].send_rtcp(&nack(0xbbbb, 0xaaaa, &missing));
            }
        }
        // The sender repeats, byte for byte as SRTP wants it.
        let asked = bed.wics[0].received_rtcp.split_off(answered);
        let to = bed.wics[0].candidate();
        for sequence in nacked(&asked) {
            let again = sent[usize::from(sequence)].clone();
            bed.wics[0].outbox.push((to, again));
        }
        bed.wics[0].received_rtcp.extend(asked);
        answered = bed.wics[0].received_rtcp.len();
    }
    f64::from(have.len() as u32) / f64::from(PACKETS)
}

fn two_in_a_hundred() -> LinkQuality {
    LinkQuality {
        latency: Duration::from_millis(20),
        jitter: Duration::from_millis(5),
        loss: 20,
        duplication: 0,
        reordering: 0,
        ordered: true,
    }
}

#[test]
fn at_two_percent_loss_a_far_end_without_feedback_has_nearly_all() {
    let mut bed = Bed::new(vec![support::config(0)], 7, LinkQuality::good());
    bed.wics.push(Wic::new("198.51.100.1:50000"));
    bed.phones.push(Phone::new("10.0.0.9:30000"));
    bed.call(
        0,
        0,
        0,
        settings(Feedback {
            w3_nack: true,
            w3_pli: true,
            ..Feedback::default()
        }),
    );
    let (wic, gateway) = (bed.wics[0].address, bed.wics[0].candidate());
    bed.net.set_link(wic, gateway, two_in_a_hundred());
    bed.net.set_link(gateway, wic, two_in_a_hundred());
    let share = share_received(&mut bed, false, |bed| {
        bed.phones[0]
            .received
            .drain(..)
            .map(|p| sequence_of(&p))
            .collect()
    });
    assert!(share > 0.999, "{share}");
}

#[test]
fn at_two_percent_loss_on_both_accesses_two_wics_see_each_other() {
    // A call from WIC to WIC: two Contexts on two workers that are each other's far end.
    let mut bed = Bed::new(
        vec![support::config(0), support::config(1)],
        8,
        LinkQuality::good(),
    );
    bed.wics.push(Wic::new("198.51.100.1:50000"));
    bed.wics.push(Wic::new("198.51.100.2:50001"));
    support::hairpin(&mut bed, [0, 1], &settings(ALL));
    for wic in 0..2 {
        let (wic, gateway) = (bed.wics[wic].address, bed.wics[wic].candidate());
        bed.net.set_link(wic, gateway, two_in_a_hundred());
        bed.net.set_link(gateway, wic, two_in_a_hundred());
    }
    let share = share_received(&mut bed, true, |bed| {
        bed.wics[1]
            .received
            .drain(..)
            .map(|p| sequence_of(&p))
            .collect()
    });
    assert!(share > 0.999, "{share}");
    let counters = bed.workers[1].gateway.counters();
    assert!(
        counters.repeated > 10,
        "the gateway repeats what its own access lost"
    );
}
