use crate::rtcp::{Compound, NackEntry, Packet};
use crate::{Kind, RtpPacket};

/// Reads everything that can be read of `data`; what it says of itself must fit together.
pub fn fuzz_packet(data: &[u8]) {
    let _ = Kind::of(data);
    if let Ok(packet) = RtpPacket::parse(data) {
        assert!(packet.header_length() + packet.payload().len() <= data.len());
        let extension = packet.extension().map_or(0, |e| e.data.len() + 4);
        let sources = packet.contributing_sources().count();
        assert_eq!(packet.header_length(), 12 + 4 * sources + extension);
        assert!(packet.payload_type() < 128);
        let _ = (packet.ssrc(), packet.sequence(), packet.timestamp());
    }
    let Ok(compound) = Compound::parse(data) else {
        return;
    };
    assert!(compound.packets().count() > 0, "a compound has packets");
    for packet in compound.packets() {
        let parts = match packet {
            Packet::SenderReport(report) => report.blocks().count(),
            Packet::ReceiverReport(report) => report.blocks().count(),
            Packet::SourceDescription(description) => description.chunks().count(),
            Packet::Bye(bye) => bye.sources().count(),
            Packet::App(app) => app.data.len() / 4,
            Packet::TransportFeedback(feedback) => feedback.nack().map_or(0, |entries| {
                entries.flat_map(NackEntry::sequences).count() / 17
            }),
            Packet::PayloadFeedback(feedback) => feedback.fir().map_or(0, Iterator::count),
            Packet::Other { bytes, .. } => bytes.len() / 4,
        };
        assert!(parts <= data.len() / 4, "no more parts than words");
    }
}
