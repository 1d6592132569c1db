//! `a=fmtp`

use std::fmt;

use super::rtpmap::payload_type;
use crate::{Attribute, Malformed};

/// RFC 8866 §6.15 — `a=fmtp:<format> <format specific parameters>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fmtp<'a> {
    /// The format, a payload type where the media is RTP.
    pub format: &'a str,
    /// Its parameters, mostly `name=value` between semicolons.
    pub parameters: &'a str,
}

impl<'a> Fmtp<'a> {
    /// The format as a payload type.
    pub fn payload(&self) -> Option<u8> {
        payload_type(self.format)
    }

    /// The value of one parameter, whose name has no case.
    pub fn parameter(&self, name: &str) -> Option<&'a str> {
        self.parameters.split(';').find_map(|parameter| {
            let (key, value) = parameter.split_once('=')?;
            key.trim()
                .eq_ignore_ascii_case(name)
                .then_some(value.trim())
        })
    }
}

impl<'a> Attribute<'a> for Fmtp<'a> {
    const NAME: &'static str = "fmtp";

    fn parse(value: &'a str) -> Result<Fmtp<'a>, Malformed> {
        let (format, parameters) = value
            .trim()
            .split_once(' ')
            .ok_or(Malformed::value("a=fmtp is a format and its parameters"))?;
        Ok(Fmtp {
            format,
            parameters: parameters.trim(),
        })
    }
}

impl fmt::Display for Fmtp<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.format, self.parameters)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_by_name() {
        let fmtp = Fmtp::parse(
            "108 level-asymmetry-allowed=1;packetization-mode=1; Profile-Level-Id=42e01f",
        )
        .expect("valid");
        assert_eq!(fmtp.payload(), Some(108));
        assert_eq!(fmtp.parameter("profile-level-id"), Some("42e01f"));
        assert_eq!(fmtp.parameter("mode"), None);
        assert_eq!(Fmtp::parse("101 0-15").expect("valid").parameters, "0-15");
        assert!(Fmtp::parse("101").is_err());
    }
}
