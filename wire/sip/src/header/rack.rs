//! RFC 3262 §7.2.

use std::fmt;

use super::{CSeq, TypedHeader};
use crate::{HeaderName, scan};

/// What a PRACK acknowledges: the RSeq of a response and the CSeq of its request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RAck {
    /// RSeq of the provisional response.
    pub rseq: u32,
    /// CSeq of the request it answered.
    pub cseq: CSeq,
}

impl TypedHeader for RAck {
    const NAME: HeaderName = HeaderName::RAck;

    fn parse(value: &str) -> Result<Self, &'static str> {
        let (rseq, rest) = value
            .split_once([' ', '\t', '\r'])
            .ok_or("CSeq is missing")?;
        Ok(Self {
            rseq: scan::number(rseq).ok_or("RSeq")?,
            cseq: CSeq::parse(rest)?,
        })
    }
}

impl fmt::Display for RAck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.rseq, self.cseq)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_numbers() {
        let rack = RAck::parse("776656 1 INVITE").unwrap();
        assert_eq!((rack.rseq, rack.cseq.number), (776_656, 1));
        assert_eq!(rack.to_string(), "776656 1 INVITE");
        assert!(RAck::parse("1 INVITE").is_err());
    }
}
