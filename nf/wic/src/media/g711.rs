//! ITU-T G.711: eight bits a sample, by two laws.

/// Which law (RFC 3551 §4.5.14).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Codec {
    /// A-law, payload type 8.
    Pcma,
    /// µ-law, payload type 0.
    Pcmu,
}

impl Codec {
    /// RFC 3551 §6.
    pub const fn payload_type(self) -> u8 {
        match self {
            Self::Pcmu => 0,
            Self::Pcma => 8,
        }
    }

    /// As `a=rtpmap` names it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pcmu => "PCMU",
            Self::Pcma => "PCMA",
        }
    }

    /// One sample to one byte.
    pub fn encode(self, sample: i16) -> u8 {
        match self {
            Self::Pcmu => encode_mu(sample),
            Self::Pcma => encode_a(sample),
        }
    }

    /// One byte to one sample.
    pub fn decode(self, byte: u8) -> i16 {
        match self {
            Self::Pcmu => decode_mu(byte),
            Self::Pcma => decode_a(byte),
        }
    }
}

/// G.711 table 2: the segment begins 33 above the sample's magnitude, in 14 bits.
const BIAS: i32 = 0x84;

fn encode_mu(sample: i16) -> u8 {
    let sign = if sample < 0 { 0x80 } else { 0 };
    let magnitude = i32::from(sample).abs().min(32_635) + BIAS;
    let segment = (31 - magnitude.leading_zeros() as i32) - 7;
    let mantissa = (magnitude >> (segment + 3)) & 0x0f;
    !(sign | (segment << 4) | mantissa) as u8
}

fn decode_mu(byte: u8) -> i16 {
    let byte = i32::from(!byte);
    let magnitude = (((byte & 0x0f) << 3) + BIAS) << ((byte & 0x70) >> 4);
    let value = magnitude - BIAS;
    (if byte & 0x80 == 0 { value } else { -value }) as i16
}

fn encode_a(sample: i16) -> u8 {
    // Even bits are turned over (G.711 §3).
    let sample = i32::from(sample) >> 3;
    let (sign, magnitude) = if sample >= 0 {
        (0xd5, sample)
    } else {
        (0x55, -sample - 1)
    };
    let segment = (32 - (magnitude >> 5).leading_zeros() as i32).min(7);
    let mantissa = if segment < 2 {
        (magnitude >> 1) & 0x0f
    } else {
        (magnitude >> segment) & 0x0f
    };
    (((segment << 4) | mantissa) ^ sign) as u8
}

fn decode_a(byte: u8) -> i16 {
    let byte = i32::from(byte ^ 0x55);
    let mantissa = (byte & 0x0f) << 4;
    let segment = (byte & 0x70) >> 4;
    let magnitude = match segment {
        0 => mantissa + 8,
        1 => mantissa + 0x108,
        _ => (mantissa + 0x108) << (segment - 1),
    };
    (if byte & 0x80 == 0 {
        -magnitude
    } else {
        magnitude
    }) as i16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_and_the_loudest_are_as_g_711_has_them() {
        assert_eq!(Codec::Pcmu.encode(0), 0xff);
        assert_eq!(Codec::Pcmu.decode(0xff), 0);
        assert_eq!(Codec::Pcmu.decode(0x80), 32_124);
        assert_eq!(Codec::Pcmu.decode(0x00), -32_124);
        assert_eq!(Codec::Pcma.encode(0), 0xd5);
        assert_eq!(Codec::Pcma.decode(0xd5), 8);
        assert_eq!(Codec::Pcma.decode(0xaa), 32_256);
        assert_eq!(Codec::Pcma.decode(0x2a), -32_256);
    }

    #[test]
    fn every_byte_comes_back_and_every_sample_nearly() {
        for codec in [Codec::Pcmu, Codec::Pcma] {
            for byte in 0..=255 {
                let again = codec.encode(codec.decode(byte));
                // µ-law has two zeros.
                assert!(
                    again == byte || (byte == 0x7f && again == 0xff),
                    "{byte:#x}"
                );
            }
            for sample in (i16::MIN..=i16::MAX).step_by(7) {
                let back = i32::from(codec.decode(codec.encode(sample)));
                let sample = i32::from(sample);
                let error = (back - sample).abs();
                assert!(error <= 16 + sample.abs() / 25, "{sample} {back}");
            }
        }
    }
}
