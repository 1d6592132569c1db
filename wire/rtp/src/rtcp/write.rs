//! Small packets, written into bytes that are given. `None`: they do not fit.

use super::{FirEntry, NackEntry, format, packet_type};

/// RFC 3550 §6.4.2 — an empty receiver report: eight bytes.
pub fn write_receiver_report(to: &mut [u8], sender: u32) -> Option<usize> {
    let packet = begin(to, 0, packet_type::RECEIVER_REPORT, 8)?;
    packet[4..8].copy_from_slice(&sender.to_be_bytes());
    Some(8)
}

/// RFC 4585 §6.3.1 — twelve bytes.
pub fn write_pli(to: &mut [u8], sender: u32, media: u32) -> Option<usize> {
    feedback(
        to,
        format::PLI,
        packet_type::PAYLOAD_FEEDBACK,
        12,
        sender,
        media,
    )?;
    Some(12)
}

/// RFC 5104 §4.3.1.1 — twelve bytes and eight for each entry.
pub fn write_fir(to: &mut [u8], sender: u32, entries: &[FirEntry]) -> Option<usize> {
    let length = 12 + 8 * entries.len();
    let packet = feedback(
        to,
        format::FIR,
        packet_type::PAYLOAD_FEEDBACK,
        length,
        sender,
        0,
    )?;
    for (place, entry) in packet[12..].chunks_exact_mut(8).zip(entries) {
        place[..4].copy_from_slice(&entry.ssrc.to_be_bytes());
        place[4..].copy_from_slice(&[entry.sequence, 0, 0, 0]);
    }
    Some(length)
}

/// RFC 4585 §6.2.1 — twelve bytes and four for each entry.
pub fn write_nack(to: &mut [u8], sender: u32, media: u32, entries: &[NackEntry]) -> Option<usize> {
    let length = 12 + 4 * entries.len();
    let kind = packet_type::TRANSPORT_FEEDBACK;
    let packet = feedback(to, format::NACK, kind, length, sender, media)?;
    for (place, entry) in packet[12..].chunks_exact_mut(4).zip(entries) {
        place[..2].copy_from_slice(&entry.packet.to_be_bytes());
        place[2..].copy_from_slice(&entry.following.to_be_bytes());
    }
    Some(length)
}

/// RFC 3550 §6.6 — four bytes and four for each source, of which there are at most 31.
pub fn write_bye(to: &mut [u8], sources: &[u32]) -> Option<usize> {
    let length = 4 + 4 * sources.len();
    let count = u8::try_from(sources.len()).ok().filter(|&n| n < 32)?;
    let packet = begin(to, count, packet_type::BYE, length)?;
    for (place, source) in packet[4..].chunks_exact_mut(4).zip(sources) {
        place.copy_from_slice(&source.to_be_bytes());
    }
    Some(length)
}

fn feedback(
    to: &mut [u8],
    format: u8,
    kind: u8,
    length: usize,
    sender: u32,
    media: u32,
) -> Option<&mut [u8]> {
    let packet = begin(to, format, kind, length)?;
    packet[4..8].copy_from_slice(&sender.to_be_bytes());
    packet[8..12].copy_from_slice(&media.to_be_bytes());
    Some(packet)
}

fn begin(to: &mut [u8], count: u8, kind: u8, length: usize) -> Option<&mut [u8]> {
    let words = u16::try_from(length / 4 - 1).ok()?;
    let packet = to.get_mut(..length)?;
    packet[0] = 0x80 | count;
    packet[1] = kind;
    packet[2..4].copy_from_slice(&words.to_be_bytes());
    Some(packet)
}
