use crate::Malformed;

/// RFC 3550 §5.1 — an RTP packet whose header and padding fit into it.
#[derive(Clone, Copy, Debug)]
pub struct RtpPacket<'a> {
    bytes: &'a [u8],
    header_length: usize,
    padding: usize,
}

/// RFC 3550 §5.3.1 — the one extension of a header; RFC 8285 fills it with elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extension<'a> {
    /// "Defined by profile": 0xBEDE for one-byte elements, 0x1000 to 0x100F for two-byte ones.
    pub profile: u16,
    /// Whole words.
    pub data: &'a [u8],
}

const FIXED_HEADER: usize = 12;

impl<'a> RtpPacket<'a> {
    /// Checks version, contributing sources, extension and padding. For SRTP, whose padding is
    /// encrypted, use [`parse_header`](Self::parse_header).
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let mut packet = Self::parse_header(bytes)?;
        if packet.has_padding() {
            let last = bytes.last().copied().unwrap_or_default();
            packet.padding = usize::from(last);
            if last == 0 || packet.header_length + packet.padding > bytes.len() {
                return Err(Malformed::new("padding that does not fit", bytes.len() - 1));
            }
        }
        Ok(packet)
    }

    /// Checks what is in the clear in SRTP: all but the padding.
    pub fn parse_header(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let Some(fixed) = bytes.first_chunk::<FIXED_HEADER>() else {
            return Err(Malformed::new("a header that ends early", bytes.len()));
        };
        if fixed[0] >> 6 != 2 {
            return Err(Malformed::new("a version other than 2", 0));
        }
        let mut header_length = FIXED_HEADER + 4 * usize::from(fixed[0] & 0x0f);
        if fixed[0] & 0x10 != 0 {
            let Some(&[_, _, high, low]) = bytes.get(header_length..header_length + 4) else {
                return Err(Malformed::new(
                    "an extension that ends early",
                    header_length,
                ));
            };
            header_length += 4 + 4 * usize::from(u16::from_be_bytes([high, low]));
        }
        if header_length > bytes.len() {
            return Err(Malformed::new("a header that ends early", bytes.len()));
        }
        Ok(Self {
            bytes,
            header_length,
            padding: 0,
        })
    }

    /// 0 to 127.
    pub fn payload_type(&self) -> u8 {
        self.bytes[1] & 0x7f
    }

    /// What it marks is the payload format's to say.
    pub fn marker(&self) -> bool {
        self.bytes[1] & 0x80 != 0
    }

    /// Rises by one with each packet of the source.
    pub fn sequence(&self) -> u16 {
        u16::from_be_bytes([self.bytes[2], self.bytes[3]])
    }

    /// In units of the format's clock.
    pub fn timestamp(&self) -> u32 {
        self.word(4)
    }

    /// The synchronization source.
    pub fn ssrc(&self) -> u32 {
        self.word(8)
    }

    /// The contributing sources, at most fifteen.
    pub fn contributing_sources(&self) -> impl Iterator<Item = u32> + use<'a> {
        let end = FIXED_HEADER + 4 * usize::from(self.bytes[0] & 0x0f);
        self.bytes[FIXED_HEADER..end]
            .chunks_exact(4)
            .map(|c| u32::from_be_bytes([c[0], c[1], c[2], c[3]]))
    }

    /// The header extension, if there is one.
    pub fn extension(&self) -> Option<Extension<'a>> {
        if self.bytes[0] & 0x10 == 0 {
            return None;
        }
        let at = FIXED_HEADER + 4 * usize::from(self.bytes[0] & 0x0f);
        Some(Extension {
            profile: u16::from_be_bytes([self.bytes[at], self.bytes[at + 1]]),
            data: &self.bytes[at + 4..self.header_length],
        })
    }

    /// Whether the header says that there is padding.
    pub fn has_padding(&self) -> bool {
        self.bytes[0] & 0x20 != 0
    }

    /// Where the payload begins.
    pub fn header_length(&self) -> usize {
        self.header_length
    }

    /// What is between header and padding.
    pub fn payload(&self) -> &'a [u8] {
        &self.bytes[self.header_length..self.bytes.len() - self.padding]
    }

    fn word(&self, at: usize) -> u32 {
        let bytes = &self.bytes[at..at + 4];
        u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
    }
}

/// Gives an RTP packet another payload type, and leaves its marker. A packet without a second byte
/// stays as it is.
pub fn set_payload_type(packet: &mut [u8], payload_type: u8) {
    if let Some(byte) = packet.get_mut(1) {
        *byte = (*byte & 0x80) | (payload_type & 0x7f);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two contributing sources, an extension of one word, three bytes of padding.
    const PACKET: [u8; 35] = [
        0xb2, 0xe0, 0x12, 0x34, 0, 0, 0, 160, 0xca, 0xfe, 0xba, 0xbe, // fixed header
        0, 0, 0, 1, 0, 0, 0, 2, // contributing sources
        0xbe, 0xde, 0, 1, 0x10, 0x55, 0, 0, // extension
        b'd', b'a', b't', b'a', 0, 0, 3, // payload and padding
    ];

    #[test]
    fn every_field_is_where_rfc_3550_puts_it() {
        let packet = RtpPacket::parse(&PACKET).unwrap();
        assert_eq!(packet.payload_type(), 96);
        assert!(packet.marker());
        assert_eq!(packet.sequence(), 0x1234);
        assert_eq!(packet.timestamp(), 160);
        assert_eq!(packet.ssrc(), 0xcafe_babe);
        assert!(packet.contributing_sources().eq([1, 2]));
        let extension = packet.extension().unwrap();
        assert_eq!(extension.profile, 0xbede);
        assert_eq!(extension.data, [0x10, 0x55, 0, 0]);
        assert_eq!(packet.payload(), b"data");
    }

    #[test]
    fn shorter_is_malformed() {
        for length in 0..28 {
            assert!(RtpPacket::parse_header(&PACKET[..length]).is_err());
        }
        let mut packet = PACKET;
        for padding in [0, 8, 255] {
            packet[34] = padding;
            assert!(RtpPacket::parse(&packet).is_err(), "padding {padding}");
            assert!(RtpPacket::parse_header(&packet).is_ok());
        }
        packet[0] = 0x72;
        assert!(RtpPacket::parse(&packet).is_err());
    }

    #[test]
    fn payload_type_changes_and_marker_stays() {
        let mut packet = PACKET;
        set_payload_type(&mut packet, 8);
        assert_eq!(packet[1], 0x88);
        set_payload_type(&mut packet, 0xff);
        assert_eq!(packet[1], 0xff);
        packet[1] = 0;
        set_payload_type(&mut packet, 0xff);
        assert_eq!(packet[1], 0x7f);
    }
}
