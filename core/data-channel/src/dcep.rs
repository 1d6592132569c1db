//! The Data Channel Establishment Protocol: two messages (RFC 8832 §5).

use thiserror::Error;

use crate::channel::{Channel, Priority, Reliability};

const ACK: u8 = 0x02;
const OPEN: u8 = 0x03;
const HEADER: usize = 12;
const UNORDERED: u8 = 0x80;

/// A message of DCEP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// RFC 8832 §5.1
    Open(Channel),
    /// RFC 8832 §5.2
    Ack,
}

/// Why bytes are no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
pub enum Malformed {
    /// Fewer bytes than it says, or more.
    #[error("lengths that do not fit")]
    Length,
    /// Neither OPEN nor ACK.
    #[error("an unknown message type")]
    MessageType,
    /// RFC 8832 §5.1 — none of the six.
    #[error("an unknown channel type")]
    ChannelType,
    /// RFC 8832 §5.1 — the label or the protocol is not UTF-8.
    #[error("a name that is not UTF-8")]
    Utf8,
}

/// A label or protocol of more than 65,535 bytes, which no message can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a label or protocol too long for any OPEN")]
pub struct TooLong;

impl Message {
    /// RFC 8832 §5 — reads a message, which ends where the bytes end.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        match bytes.first() {
            Some(&OPEN) => parse_open(bytes).map(Self::Open),
            Some(&ACK) if bytes.len() == 1 => Ok(Self::Ack),
            Some(&ACK) | None => Err(Malformed::Length),
            Some(_) => Err(Malformed::MessageType),
        }
    }

    /// Writes a message.
    pub fn to_bytes(&self) -> Result<Vec<u8>, TooLong> {
        match self {
            Self::Open(channel) => open_to_bytes(channel),
            Self::Ack => Ok(vec![ACK]),
        }
    }
}

/// ```text
///    0                   1                   2                   3
///   +---------------+---------------+-------------------------------+
///   |  type = 0x03  | channel type  |           priority            |
///   +---------------+---------------+-------------------------------+
///   |                     reliability parameter                     |
///   +-------------------------------+-------------------------------+
///   |        length of label        |      length of protocol       |
///   +-------------------------------+-------------------------------+
///   | label, protocol …
/// ```
fn parse_open(bytes: &[u8]) -> Result<Channel, Malformed> {
    let (header, names) = bytes
        .split_first_chunk::<HEADER>()
        .ok_or(Malformed::Length)?;
    let half = |at: usize| u16::from_be_bytes([header[at], header[at + 1]]);
    let parameter = (u32::from(half(4)) << 16) | u32::from(half(6));
    let channel_type = header[1];
    let reliability = match channel_type & !UNORDERED {
        0x00 => Reliability::Reliable,
        0x01 => Reliability::MaxRetransmits(parameter),
        0x02 => Reliability::MaxLifetime(parameter),
        _ => return Err(Malformed::ChannelType),
    };
    let (label, protocol) = names
        .split_at_checked(usize::from(half(8)))
        .ok_or(Malformed::Length)?;
    if protocol.len() != usize::from(half(10)) {
        return Err(Malformed::Length);
    }
    let name = |bytes: &[u8]| {
        let name = std::str::from_utf8(bytes).map_err(|_| Malformed::Utf8)?;
        Ok(name.to_owned())
    };
    Ok(Channel {
        label: name(label)?,
        protocol: name(protocol)?,
        ordered: channel_type & UNORDERED == 0,
        reliability,
        priority: Priority(half(2)),
    })
}

fn open_to_bytes(channel: &Channel) -> Result<Vec<u8>, TooLong> {
    let label = u16::try_from(channel.label.len()).map_err(|_| TooLong)?;
    let protocol = u16::try_from(channel.protocol.len()).map_err(|_| TooLong)?;
    let (reliability, parameter) = match channel.reliability {
        // RFC 8832 §5.1: a reliable channel's parameter is 0.
        Reliability::Reliable => (0x00, 0),
        Reliability::MaxRetransmits(times) => (0x01, times),
        Reliability::MaxLifetime(milliseconds) => (0x02, milliseconds),
    };
    let order = if channel.ordered { 0 } else { UNORDERED };
    let mut bytes = Vec::with_capacity(HEADER + channel.label.len() + channel.protocol.len());
    bytes.extend([OPEN, reliability | order]);
    bytes.extend(channel.priority.0.to_be_bytes());
    bytes.extend(parameter.to_be_bytes());
    bytes.extend(label.to_be_bytes());
    bytes.extend(protocol.to_be_bytes());
    bytes.extend(channel.label.as_bytes());
    bytes.extend(channel.protocol.as_bytes());
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(channel_type: u8, label: u16, protocol: u16, names: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0x03, channel_type, 0x02, 0x00, 0, 0, 0, 9];
        bytes.extend(label.to_be_bytes());
        bytes.extend(protocol.to_be_bytes());
        bytes.extend(names);
        bytes
    }

    /// RFC 8832 §5.1
    #[test]
    fn an_open_of_each_channel_type() {
        let types = [
            (0x00, true, Reliability::Reliable),
            (0x80, false, Reliability::Reliable),
            (0x01, true, Reliability::MaxRetransmits(9)),
            (0x81, false, Reliability::MaxRetransmits(9)),
            (0x02, true, Reliability::MaxLifetime(9)),
            (0x82, false, Reliability::MaxLifetime(9)),
        ];
        for (channel_type, ordered, reliability) in types {
            let bytes = open(channel_type, 4, 4, "chatmsrp".as_bytes());
            let channel = Channel {
                label: "chat".to_owned(),
                protocol: "msrp".to_owned(),
                ordered,
                reliability,
                priority: Priority::HIGH,
            };
            assert_eq!(Message::parse(&bytes), Ok(Message::Open(channel.clone())));
            let mut written = Message::Open(channel).to_bytes().unwrap();
            if reliability == Reliability::Reliable {
                written[7] = 9; // what a reliable channel's parameter says is ignored
            }
            assert_eq!(written, bytes);
        }
    }

    /// RFC 8832 §5.2
    #[test]
    fn an_ack_is_one_byte() {
        assert_eq!(Message::parse(&[0x02]), Ok(Message::Ack));
        assert_eq!(Message::Ack.to_bytes(), Ok(vec![0x02]));
        assert_eq!(Message::parse(&[0x02, 0]), Err(Malformed::Length));
    }

    #[test]
    fn impossible_opens_are_refused() {
        let parse = |bytes: &[u8]| Message::parse(bytes).unwrap_err();
        assert_eq!(parse(&[]), Malformed::Length);
        assert_eq!(parse(&[0x03; 11]), Malformed::Length);
        assert_eq!(parse(&[0x01]), Malformed::MessageType);
        assert_eq!(parse(&open(0x00, 65_535, 0, b"x")), Malformed::Length);
        assert_eq!(parse(&open(0x00, 1, 65_535, b"xy")), Malformed::Length);
        assert_eq!(parse(&open(0x00, 1, 0, b"xy")), Malformed::Length);
        assert_eq!(parse(&open(0x03, 0, 0, b"")), Malformed::ChannelType);
        assert_eq!(parse(&open(0x40, 0, 0, b"")), Malformed::ChannelType);
        assert_eq!(parse(&open(0x00, 2, 0, &[0xc3, 0x28])), Malformed::Utf8);
    }

    #[test]
    fn a_name_too_long_for_the_wire_is_not_written() {
        let channel = Channel::new("x".repeat(65_536));
        assert_eq!(Message::Open(channel).to_bytes(), Err(TooLong));
    }
}
