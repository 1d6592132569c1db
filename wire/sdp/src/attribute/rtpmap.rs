//! `a=rtpmap`

use std::fmt;

use crate::{Attribute, Malformed};

/// RFC 8866 §6.6 — `a=rtpmap:<payload type> <encoding name>/<clock rate>[/<parameters>]`.
#[derive(Debug, Clone, Copy)]
pub struct Rtpmap<'a> {
    /// 0 to 127.
    pub payload: u8,
    /// `opus`, `PCMU`, `telephone-event`; in any case.
    pub encoding: &'a str,
    /// Ticks a second.
    pub clock: u32,
    /// For audio, the number of channels; 1 when it is not written.
    pub parameters: Option<&'a str>,
}

impl Rtpmap<'_> {
    /// RFC 3551 §6, tables 4 and 5 — what a static payload type means without an `a=rtpmap`.
    pub fn static_assignment(payload: u8) -> Option<Rtpmap<'static>> {
        let (encoding, clock) = match payload {
            0 => ("PCMU", 8000),
            3 => ("GSM", 8000),
            4 => ("G723", 8000),
            5 => ("DVI4", 8000),
            6 => ("DVI4", 16000),
            7 => ("LPC", 8000),
            8 => ("PCMA", 8000),
            // RFC 3551 §4.5.2: G722 has the clock rate 8000 on the wire, by an old mistake.
            9 => ("G722", 8000),
            10 | 11 => ("L16", 44100),
            12 => ("QCELP", 8000),
            13 => ("CN", 8000),
            14 => ("MPA", 90000),
            15 => ("G728", 8000),
            16 => ("DVI4", 11025),
            17 => ("DVI4", 22050),
            18 => ("G729", 8000),
            25 => ("CelB", 90000),
            26 => ("JPEG", 90000),
            28 => ("nv", 90000),
            31 => ("H261", 90000),
            32 => ("MPV", 90000),
            33 => ("MP2T", 90000),
            34 => ("H263", 90000),
            _ => return None,
        };
        let parameters = (payload == 10).then_some("2");
        Some(Rtpmap {
            payload,
            encoding,
            clock,
            parameters,
        })
    }

    /// The number of audio channels.
    pub fn channels(&self) -> u32 {
        self.parameters.and_then(|p| p.parse().ok()).unwrap_or(1)
    }

    /// Whether this is the encoding of that name, which has no case.
    pub fn is(&self, encoding: &str) -> bool {
        self.encoding.eq_ignore_ascii_case(encoding)
    }

    /// RFC 3264 §6.1 — the same format, whatever its payload type: encoding, clock rate and channels.
    pub fn same_format(&self, other: &Rtpmap<'_>) -> bool {
        self.is(other.encoding) && self.clock == other.clock && self.channels() == other.channels()
    }
}

impl<'a> Attribute<'a> for Rtpmap<'a> {
    const NAME: &'static str = "rtpmap";

    fn parse(value: &'a str) -> Result<Rtpmap<'a>, Malformed> {
        let bad = || Malformed::value("a=rtpmap is a payload type, an encoding and a clock rate");
        let (payload, rest) = value.trim().split_once(' ').ok_or_else(bad)?;
        let mut parts = rest.trim().split('/');
        let encoding = parts.next().filter(|e| !e.is_empty()).ok_or_else(bad)?;
        let clock = parts
            .next()
            .and_then(|c| c.trim().parse().ok())
            .ok_or_else(bad)?;
        let parameters = parts.next().map(str::trim).filter(|p| !p.is_empty());
        Ok(Rtpmap {
            payload: payload_type(payload).ok_or_else(bad)?,
            encoding,
            clock,
            parameters,
        })
    }
}

impl fmt::Display for Rtpmap<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}/{}", self.payload, self.encoding, self.clock)?;
        self.parameters
            .map_or(Ok(()), |parameters| write!(f, "/{parameters}"))
    }
}

/// A payload type has seven bits.
pub(super) fn payload_type(text: &str) -> Option<u8> {
    text.parse().ok().filter(|payload| *payload < 128)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_8866_examples() {
        let map = Rtpmap::parse("98 L16/11025/2").expect("valid");
        assert_eq!(
            (map.payload, map.encoding, map.clock, map.channels()),
            (98, "L16", 11025, 2)
        );
        assert_eq!(map.to_string(), "98 L16/11025/2");
        assert!(Rtpmap::parse("128 L8/8000").is_err());
        assert!(Rtpmap::parse("98 L8").is_err());
        assert!(Rtpmap::parse("98 /8000").is_err());
    }

    #[test]
    fn a_format_is_the_same_in_any_case_and_with_one_channel_unwritten() {
        let firefox = Rtpmap::parse("9 G722/8000/1").expect("valid");
        assert!(firefox.same_format(&Rtpmap::static_assignment(9).expect("static")));
        let event = Rtpmap::parse("101 Telephone-Event/8000").expect("valid");
        assert!(event.is("telephone-event"));
        assert!(!event.same_format(&Rtpmap::parse("110 telephone-event/48000").expect("valid")));
    }
}
