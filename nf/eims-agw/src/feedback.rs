//! RTCP on its way through: reports pass as they are, feedback passes where the other side takes it.
//!
//! RFC 4585 (NACK, PLI), RFC 5104 §3.5.1 (FIR). What the gateway has sent itself it repeats itself
//! (`resend.rs`); transport-wide congestion control and REMB end here, since they are not offered
//! across (the sender's estimate would be of the wrong path).

use smallvec::SmallVec;
use wire_rtp::rtcp::packet_type::{
    APP, EXTENDED_REPORT, PAYLOAD_FEEDBACK, SENDER_REPORT, TRANSPORT_FEEDBACK,
};
use wire_rtp::rtcp::{
    FirEntry, NackEntry, format, write_fir, write_nack, write_pli, write_receiver_report,
};

use crate::resend::SentPackets;

/// What the side that an RTCP packet goes to takes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Takes {
    pub(crate) nack: bool,
    pub(crate) pli: bool,
    pub(crate) fir: bool,
}

/// What became of a compound packet.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Relayed {
    /// How much of the buffer goes on: nothing, if 0.
    pub(crate) length: usize,
    /// A key frame was asked for with a word that the other side does not know: ask with another.
    pub(crate) key_frame: Option<u32>,
    /// Packets that are to be repeated towards the side that asked.
    pub(crate) repeat: SmallVec<[(u32, u16); 8]>,
    /// It was not RTCP to its end.
    pub(crate) malformed: bool,
}

/// Goes through a compound packet, and leaves in place what goes on.
///
/// `sent` is what the gateway sent to the side this comes from.
pub(crate) fn relay(compound: &mut [u8], takes: Takes, sent: Option<&SentPackets>) -> Relayed {
    let mut relayed = Relayed::default();
    let mut read = 0;
    while read < compound.len() {
        let Some(length) = packet_length(&compound[read..]) else {
            relayed.malformed = true;
            break;
        };
        let packet = &mut compound[read..read + length];
        let kept = match (packet[1], packet[0] & 0x1f) {
            (SENDER_REPORT..=APP | EXTENDED_REPORT, _) => length,
            (TRANSPORT_FEEDBACK, format::NACK) => nack(packet, takes, sent, &mut relayed),
            (PAYLOAD_FEEDBACK, format::PLI) if length >= 12 => {
                // A far end that said nothing about feedback does no worse with a PLI than without.
                if takes.pli || !takes.fir {
                    length
                } else {
                    relayed.key_frame = Some(word(packet, 8));
                    0
                }
            }
            (PAYLOAD_FEEDBACK, format::FIR) if length >= 20 => {
                if takes.fir {
                    length
                } else {
                    relayed.key_frame = Some(word(packet, 12));
                    0
                }
            }
            _ => 0,
        };
        compound.copy_within(read..read + kept, relayed.length);
        relayed.length += kept;
        read += length;
    }
    relayed
}

/// Takes out of a NACK what can be repeated from here; gives the length of what is left.
fn nack(
    packet: &mut [u8],
    takes: Takes,
    sent: Option<&SentPackets>,
    relayed: &mut Relayed,
) -> usize {
    const HEADER: usize = 12;
    if packet.len() < HEADER + 4 {
        return 0;
    }
    let ssrc = word(packet, 8);
    let mut write = HEADER;
    for read in (HEADER..packet.len()).step_by(4) {
        let (first, mask) = (half(packet, read), half(packet, read + 2));
        let mut left: Option<(u16, u16)> = None;
        for bit in 0..=16u16 {
            if bit > 0 && mask & (1 << (bit - 1)) == 0 {
                continue;
            }
            let sequence = first.wrapping_add(bit);
            if sent.is_some_and(|sent| sent.has(ssrc, sequence)) {
                if relayed.repeat.len() < MOST_REPETITIONS {
                    relayed.repeat.push((ssrc, sequence));
                }
                continue;
            }
            match &mut left {
                None => left = Some((sequence, 0)),
                Some((start, mask)) => *mask |= 1 << (sequence.wrapping_sub(*start) - 1),
            }
        }
        if let Some((first, mask)) = left {
            packet[write..write + 2].copy_from_slice(&first.to_be_bytes());
            packet[write + 2..write + 4].copy_from_slice(&mask.to_be_bytes());
            write += 4;
        }
    }
    if write == HEADER || !takes.nack {
        return 0;
    }
    packet[2..4].copy_from_slice(&((write / 4 - 1) as u16).to_be_bytes());
    write
}

/// One compound packet makes the gateway repeat no more than this.
const MOST_REPETITIONS: usize = 64;

/// The length of the first RTCP packet of a compound, if it is one.
fn packet_length(bytes: &[u8]) -> Option<usize> {
    let &[first, _, high, low] = bytes.first_chunk()?;
    let words = u16::from_be_bytes([high, low]);
    let length = (usize::from(words) + 1) * 4;
    (first >> 6 == 2 && length <= bytes.len()).then_some(length)
}

/// An empty receiver report, and behind it a request for a key frame.
pub(crate) fn key_frame_request(own: u32, media: u32, fir: Option<u8>) -> Vec<u8> {
    compound(own, |room| match fir {
        Some(sequence) => write_fir(
            room,
            own,
            &[FirEntry {
                ssrc: media,
                sequence,
            }],
        ),
        None => write_pli(room, own, media),
    })
}

/// An empty receiver report, and behind it a NACK for these packets, in rising order.
pub(crate) fn nack_request(own: u32, media: u32, missing: &[u16]) -> Vec<u8> {
    let mut entries = SmallVec::<[NackEntry; 16]>::new();
    for &packet in missing {
        match entries.last_mut() {
            Some(last) if (1..=16).contains(&packet.wrapping_sub(last.packet)) => {
                last.following |= 1 << (packet.wrapping_sub(last.packet) - 1);
            }
            _ => entries.push(NackEntry {
                packet,
                following: 0,
            }),
        }
    }
    compound(own, |room| write_nack(room, own, media, &entries))
}

/// RFC 4585 §3.1 — feedback behind a report, as an AVP far end wants it.
fn compound(own: u32, feedback: impl FnOnce(&mut [u8]) -> Option<usize>) -> Vec<u8> {
    const ROOM: usize = 512;
    let mut bytes = vec![0; ROOM];
    let report = write_receiver_report(&mut bytes, own).unwrap_or(0);
    let length = feedback(&mut bytes[report..]).unwrap_or(0);
    bytes.truncate(report + length);
    bytes
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

fn half(bytes: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([bytes[at], bytes[at + 1]])
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Takes = Takes {
        nack: true,
        pli: true,
        fir: true,
    };

    #[test]
    fn reports_pass_and_congestion_control_ends_here() {
        let mut compound = vec![0x80, 201, 0, 1, 0, 0, 0, 1];
        // REMB, then transport-wide feedback, then a BYE.
        compound.extend([
            0x8f, 206, 0, 3, 0, 0, 0, 1, 0, 0, 0, 0, b'R', b'E', b'M', b'B',
        ]);
        compound.extend([0x8f, 205, 0, 2, 0, 0, 0, 1, 0, 0, 0, 0]);
        compound.extend([0x81, 203, 0, 1, 0, 0, 0, 1]);
        let relayed = relay(&mut compound, ALL, None);
        assert_eq!(relayed.length, 16);
        assert_eq!(
            compound[..16],
            [0x80, 201, 0, 1, 0, 0, 0, 1, 0x81, 203, 0, 1, 0, 0, 0, 1]
        );
    }

    #[test]
    fn a_nack_is_answered_from_here_and_the_rest_goes_on() {
        let mut sent = SentPackets::new();
        sent.keep(7, 100, b"x");
        sent.keep(7, 103, b"y");
        let mut compound = nack_request(1, 7, &[100, 101, 103, 110, 300]);
        let relayed = relay(&mut compound, ALL, Some(&sent));
        assert_eq!(relayed.repeat.as_slice(), [(7, 100), (7, 103)]);
        compound.truncate(relayed.length);
        assert_eq!(compound, nack_request(1, 7, &[101, 110, 300]));

        let mut compound = nack_request(1, 7, &[100, 103]);
        let relayed = relay(&mut compound, ALL, Some(&sent));
        assert_eq!(relayed.length, 8, "the report alone");
        let mut compound = nack_request(1, 7, &[101]);
        let none = Takes::default();
        assert_eq!(relay(&mut compound, none, Some(&sent)).length, 8);
    }

    #[test]
    fn key_frame_requests_are_put_in_words_the_other_side_knows() {
        let (pli, fir) = (
            key_frame_request(1, 7, None),
            key_frame_request(1, 7, Some(3)),
        );
        let only_fir = Takes {
            fir: true,
            ..Takes::default()
        };
        let only_pli = Takes {
            pli: true,
            ..Takes::default()
        };
        let relayed = relay(&mut pli.clone(), only_fir, None);
        assert_eq!((relayed.length, relayed.key_frame), (8, Some(7)));
        let relayed = relay(&mut fir.clone(), only_pli, None);
        assert_eq!((relayed.length, relayed.key_frame), (8, Some(7)));
        assert_eq!(
            relay(&mut pli.clone(), Takes::default(), None).length,
            pli.len()
        );
        assert_eq!(relay(&mut fir.clone(), ALL, None).length, fir.len());
    }

    #[test]
    fn sequence_numbers_wrap_in_a_nack() {
        assert_eq!(
            nack_request(1, 2, &[65535, 0, 15])[20..],
            [0xff, 0xff, 0x80, 0x01]
        );
    }

    #[test]
    fn what_is_not_rtcp_to_its_end_stops_there() {
        let mut compound = vec![0x80, 201, 0, 1, 0, 0, 0, 1, 0x81, 203, 0, 9, 0];
        let relayed = relay(&mut compound, ALL, None);
        assert!(relayed.malformed);
        assert_eq!(relayed.length, 8);
    }
}
