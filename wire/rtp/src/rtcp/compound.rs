use super::{
    App, Bye, PayloadFeedback, ReceiverReport, SenderReport, SourceDescription, TransportFeedback,
};
use crate::Malformed;

/// RFC 3550 §12.1, RFC 4585 §6.1 — packet types.
#[allow(missing_docs)]
pub mod packet_type {
    pub const SENDER_REPORT: u8 = 200;
    pub const RECEIVER_REPORT: u8 = 201;
    pub const SOURCE_DESCRIPTION: u8 = 202;
    pub const BYE: u8 = 203;
    pub const APP: u8 = 204;
    pub const TRANSPORT_FEEDBACK: u8 = 205;
    pub const PAYLOAD_FEEDBACK: u8 = 206;
    pub const EXTENDED_REPORT: u8 = 207;
}

/// RFC 3550 §6.1, RFC 5506 §3.4 — RTCP packets one behind the other. A report need not be the first:
/// WebRTC sends feedback alone.
#[derive(Clone, Copy, Debug)]
pub struct Compound<'a> {
    bytes: &'a [u8],
}

impl<'a> Compound<'a> {
    /// Checks that it is packets to its end, and at least one.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let mut at = 0;
        loop {
            let length = packet_length(bytes, at)?;
            let padded = bytes[at] & 0x20 != 0;
            at += length;
            if at == bytes.len() {
                return Ok(Self { bytes });
            }
            if padded {
                return Err(Malformed::new("padding that is not at the end", at));
            }
        }
    }

    /// The packets, in order.
    pub fn packets(&self) -> Packets<'a> {
        Packets {
            bytes: self.bytes,
            at: 0,
        }
    }
}

/// The packets of a [`Compound`].
#[derive(Clone, Debug)]
pub struct Packets<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Iterator for Packets<'a> {
    type Item = Packet<'a>;

    fn next(&mut self) -> Option<Packet<'a>> {
        let length = packet_length(self.bytes, self.at).ok()?;
        let bytes = &self.bytes[self.at..self.at + length];
        self.at += length;
        Some(Packet::of(bytes))
    }
}

/// One RTCP packet. A known type with a body too short for it is [`Packet::Other`].
#[derive(Clone, Copy, Debug)]
pub enum Packet<'a> {
    /// RFC 3550 §6.4.1.
    SenderReport(SenderReport<'a>),
    /// RFC 3550 §6.4.2.
    ReceiverReport(ReceiverReport<'a>),
    /// RFC 3550 §6.5.
    SourceDescription(SourceDescription<'a>),
    /// RFC 3550 §6.6.
    Bye(Bye<'a>),
    /// RFC 3550 §6.7.
    App(App<'a>),
    /// RFC 4585 §6.2.
    TransportFeedback(TransportFeedback<'a>),
    /// RFC 4585 §6.3.
    PayloadFeedback(PayloadFeedback<'a>),
    /// Anything else, with its header.
    Other {
        /// Byte 1.
        packet_type: u8,
        /// The whole packet.
        bytes: &'a [u8],
    },
}

impl<'a> Packet<'a> {
    fn of(bytes: &'a [u8]) -> Self {
        let count = bytes[0] & 0x1f;
        let kind = bytes[1];
        let body = without_padding(bytes).unwrap_or(&bytes[..4]);
        let known = match kind {
            packet_type::SENDER_REPORT => {
                SenderReport::of(body, usize::from(count)).map(Self::SenderReport)
            }
            packet_type::RECEIVER_REPORT => {
                ReceiverReport::of(body, usize::from(count)).map(Self::ReceiverReport)
            }
            packet_type::SOURCE_DESCRIPTION => Some(Self::SourceDescription(
                SourceDescription::of(body, usize::from(count)),
            )),
            packet_type::BYE => Bye::of(body, usize::from(count)).map(Self::Bye),
            packet_type::APP => App::of(body, count).map(Self::App),
            packet_type::TRANSPORT_FEEDBACK => {
                TransportFeedback::of(body, count).map(Self::TransportFeedback)
            }
            packet_type::PAYLOAD_FEEDBACK => {
                PayloadFeedback::of(body, count).map(Self::PayloadFeedback)
            }
            _ => None,
        };
        known.unwrap_or(Self::Other {
            packet_type: kind,
            bytes,
        })
    }
}

/// RFC 3550 §6.4.1 — the length of the packet that begins at `at`.
fn packet_length(bytes: &[u8], at: usize) -> Result<usize, Malformed> {
    let Some(&[first, _, high, low]) = bytes.get(at..at + 4) else {
        return Err(Malformed::new("a header that ends early", at));
    };
    if first >> 6 != 2 {
        return Err(Malformed::new("a version other than 2", at));
    }
    let length = 4 * (usize::from(u16::from_be_bytes([high, low])) + 1);
    if at + length > bytes.len() {
        return Err(Malformed::new("a packet that ends early", at));
    }
    Ok(length)
}

fn without_padding(packet: &[u8]) -> Option<&[u8]> {
    if packet[0] & 0x20 == 0 {
        return Some(packet);
    }
    let padding = usize::from(packet.last().copied()?);
    let end = packet.len().checked_sub(padding)?;
    (padding > 0 && padding % 4 == 0 && end >= 4).then(|| &packet[..end])
}
