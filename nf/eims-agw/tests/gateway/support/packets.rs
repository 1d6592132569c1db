use wire_rtp::RtpPacket;
use wire_rtp::rtcp::{NackEntry, write_nack, write_pli, write_receiver_report};

/// An RTP packet of 20 ms.
pub fn rtp(payload_type: u8, sequence: u16, ssrc: u32) -> Vec<u8> {
    let mut packet = vec![0x80, payload_type];
    packet.extend(sequence.to_be_bytes());
    packet.extend((u32::from(sequence) * 160).to_be_bytes());
    packet.extend(ssrc.to_be_bytes());
    packet.extend([sequence as u8; 160]);
    packet
}

/// A packet of a video frame.
pub fn video(payload_type: u8, sequence: u16, ssrc: u32) -> Vec<u8> {
    let mut packet = rtp(payload_type, sequence, ssrc);
    packet.resize(1100, sequence as u8);
    packet
}

pub fn rtp_of(packet: &[u8]) -> (u8, u16, u32) {
    let packet = RtpPacket::parse(packet).unwrap();
    (packet.payload_type(), packet.sequence(), packet.ssrc())
}

pub fn sequence_of(packet: &[u8]) -> u16 {
    rtp_of(packet).1
}

pub fn receiver_report(own: u32) -> Vec<u8> {
    let mut bytes = vec![0; 8];
    write_receiver_report(&mut bytes, own).unwrap();
    bytes
}

pub fn pli(own: u32, media: u32) -> Vec<u8> {
    let mut bytes = vec![0; 20];
    write_receiver_report(&mut bytes, own).unwrap();
    write_pli(&mut bytes[8..], own, media).unwrap();
    bytes
}

pub fn nack(own: u32, media: u32, missing: &[u16]) -> Vec<u8> {
    let entries: Vec<NackEntry> = missing
        .iter()
        .map(|&packet| NackEntry {
            packet,
            following: 0,
        })
        .collect();
    let mut bytes = vec![0; 20 + 4 * entries.len()];
    write_receiver_report(&mut bytes, own).unwrap();
    write_nack(&mut bytes[8..], own, media, &entries).unwrap();
    bytes
}
