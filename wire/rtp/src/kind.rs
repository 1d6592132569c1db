/// RFC 7983 §7, RFC 9443 §3 — what a datagram is, by its first byte; RTP and RTCP by the second
/// (RFC 5761 §4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// 0 to 3.
    Stun,
    /// 16 to 19.
    Zrtp,
    /// 20 to 63.
    Dtls,
    /// 64 to 79.
    TurnChannel,
    /// 128 to 191, and not RTCP.
    Rtp,
    /// 128 to 191, with a packet type from 192 to 223.
    Rtcp,
    /// None of these, or an empty datagram.
    Unknown,
}

impl Kind {
    /// What this datagram is. Its parser may still refuse it.
    pub fn of(datagram: &[u8]) -> Self {
        match datagram.first() {
            Some(0..=3) => Self::Stun,
            Some(16..=19) => Self::Zrtp,
            Some(20..=63) => Self::Dtls,
            Some(64..=79) => Self::TurnChannel,
            Some(128..=191) if is_rtcp(datagram) => Self::Rtcp,
            Some(128..=191) if datagram.len() > 1 => Self::Rtp,
            _ => Self::Unknown,
        }
    }
}

/// RFC 5761 §4 — on a port with both, packet types 192 to 223 are RTCP. (They would be RTP with the
/// marker and payload types 64 to 95, which nobody uses for that reason.)
pub fn is_rtcp(packet: &[u8]) -> bool {
    matches!(packet, [_, 192..=223, ..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_bytes_are_told_apart() {
        assert_eq!(Kind::of(&[]), Kind::Unknown);
        for first in 0..=255u8 {
            let expected = match first {
                0..=3 => Kind::Stun,
                16..=19 => Kind::Zrtp,
                20..=63 => Kind::Dtls,
                64..=79 => Kind::TurnChannel,
                128..=191 => Kind::Rtp,
                _ => Kind::Unknown,
            };
            assert_eq!(Kind::of(&[first, 0]), expected, "{first}");
        }
        assert_eq!(Kind::of(&[0x80, 200]), Kind::Rtcp);
        assert_eq!(Kind::of(&[0x81, 223]), Kind::Rtcp);
        assert_eq!(Kind::of(&[0x80, 224]), Kind::Rtp);
        assert_eq!(Kind::of(&[0x80]), Kind::Unknown);
    }
}
