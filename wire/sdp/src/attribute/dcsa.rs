//! `a=dcsa`

use std::fmt;

use crate::{Attribute, Malformed};

/// RFC 8864 §5.2 — `a=dcsa:<stream> <attribute>`: an SDP attribute of what runs in a data channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dcsa<'a> {
    /// The SCTP stream.
    pub stream: u16,
    /// The attribute, `name` or `name:value`.
    pub attribute: &'a str,
}

impl<'a> Attribute<'a> for Dcsa<'a> {
    const NAME: &'static str = "dcsa";

    fn parse(value: &'a str) -> Result<Dcsa<'a>, Malformed> {
        let bad = || Malformed::value("a=dcsa is a stream number and an attribute");
        let (stream, attribute) = value.trim().split_once(' ').ok_or_else(bad)?;
        Ok(Dcsa {
            stream: stream.parse().map_err(|_| bad())?,
            attribute: attribute.trim(),
        })
    }
}

impl fmt::Display for Dcsa<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.stream, self.attribute)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_8864_example() {
        let dcsa = Dcsa::parse("2 accept-types:text/plain").expect("valid");
        assert_eq!(
            (dcsa.stream, dcsa.attribute),
            (2, "accept-types:text/plain")
        );
        assert_eq!(dcsa.to_string(), "2 accept-types:text/plain");
        assert!(Dcsa::parse("2").is_err());
    }
}
