//! RFC 3261 §20.16.

use std::fmt;

use super::TypedHeader;
use crate::{HeaderName, Method, scan};

/// A number below 2^31 and a method.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CSeq {
    /// The number.
    pub number: u32,
    /// The method, as written.
    pub method: String,
}

impl CSeq {
    /// From its parts.
    pub fn new(number: u32, method: Method<'_>) -> Self {
        Self {
            number,
            method: method.as_str().to_owned(),
        }
    }

    /// The method.
    pub fn method(&self) -> Method<'_> {
        Method::parse(&self.method)
    }
}

impl TypedHeader for CSeq {
    const NAME: HeaderName = HeaderName::CSeq;

    fn parse(value: &str) -> Result<Self, &'static str> {
        let mut words = value
            .split([' ', '\t', '\r', '\n'])
            .filter(|w| !w.is_empty());
        let number = words
            .next()
            .and_then(scan::number)
            .filter(|n| *n < 1 << 31)
            .ok_or("number")?;
        let method = words.next().filter(|m| scan::is_token(m)).ok_or("method")?;
        if words.next().is_some() {
            return Err("text after the method");
        }
        Ok(Self {
            number,
            method: method.to_owned(),
        })
    }
}

impl fmt::Display for CSeq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.number, self.method)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn number_and_method() {
        assert_eq!(
            CSeq::parse("0009\r\n  INVITE").unwrap(),
            CSeq::new(9, Method::Invite)
        );
        for bad in ["INVITE", "1", "2147483648 INVITE", "1 INV ITE", "-1 BYE"] {
            assert!(CSeq::parse(bad).is_err(), "{bad}");
        }
    }
}
