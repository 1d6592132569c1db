//! RTCP: compound packets (RFC 3550 §6), feedback (RFC 4585, RFC 5104), reduced size (RFC 5506).

mod compound;
mod feedback;
mod report;
mod sdes;
mod write;

pub use compound::{Compound, Packet, Packets, packet_type};
pub use feedback::{
    FirEntries, FirEntry, NackEntries, NackEntry, PayloadFeedback, TransportFeedback, format,
};
pub use report::{ReceiverReport, ReportBlock, ReportBlocks, SenderInfo, SenderReport};
pub use sdes::{App, Bye, SdesChunk, SdesChunks, SourceDescription};
pub use write::{write_bye, write_fir, write_nack, write_pli, write_receiver_report};

pub(crate) fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}
