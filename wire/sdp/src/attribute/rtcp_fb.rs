//! `a=rtcp-fb`

use std::fmt;

use super::rtpmap::payload_type;
use crate::{Attribute, Malformed};

/// RFC 4585 §4.2 — `a=rtcp-fb:<payload type or *> <feedback>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RtcpFb<'a> {
    /// The payload type; `None` is `*`, all of them.
    pub payload: Option<u8>,
    /// `nack`, `nack pli`, `ccm fir`, `transport-cc`: as it is written.
    pub feedback: &'a str,
}

impl RtcpFb<'_> {
    /// Whether the feedback is these words, whatever the space between them.
    pub fn is(&self, words: &str) -> bool {
        self.feedback
            .split_ascii_whitespace()
            .eq(words.split_ascii_whitespace())
    }
}

impl<'a> Attribute<'a> for RtcpFb<'a> {
    const NAME: &'static str = "rtcp-fb";

    fn parse(value: &'a str) -> Result<RtcpFb<'a>, Malformed> {
        let bad = || Malformed::value("a=rtcp-fb is a payload type or * and a feedback");
        let (payload, feedback) = value.trim().split_once(' ').ok_or_else(bad)?;
        let payload = match payload {
            "*" => None,
            payload => Some(payload_type(payload).ok_or_else(bad)?),
        };
        Ok(RtcpFb {
            payload,
            feedback: feedback.trim(),
        })
    }
}

impl fmt::Display for RtcpFb<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.payload {
            Some(payload) => write!(f, "{payload} {}", self.feedback),
            None => write!(f, "* {}", self.feedback),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_payload_type_or_all() {
        let fb = RtcpFb::parse("96 nack  pli").expect("valid");
        assert_eq!(fb.payload, Some(96));
        assert!(fb.is("nack pli") && !fb.is("nack"));
        assert_eq!(
            RtcpFb::parse("* ccm fir").expect("valid").to_string(),
            "* ccm fir"
        );
        assert!(RtcpFb::parse("200 nack").is_err());
    }
}
