//! `a=extmap`

use std::fmt;

use super::Direction;
use crate::{Attribute, Malformed};

/// RFC 8285 §8 — `a=extmap:<id>[/<direction>] <URI> [<attributes>]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extmap<'a> {
    /// 1 to 14 for one-byte headers, up to 255 for two-byte ones, 4096 and above while it is negotiated.
    pub id: u16,
    /// Which way the extension is used.
    pub direction: Option<Direction>,
    /// What it is.
    pub uri: &'a str,
    /// Attributes of the extension.
    pub attributes: Option<&'a str>,
}

impl<'a> Attribute<'a> for Extmap<'a> {
    const NAME: &'static str = "extmap";

    fn parse(value: &'a str) -> Result<Extmap<'a>, Malformed> {
        let bad = || Malformed::value("a=extmap is a number, a direction or none, and a URI");
        let (id, rest) = value.trim().split_once(' ').ok_or_else(bad)?;
        let (id, direction) = match id.split_once('/') {
            Some((id, word)) => (id, Some(Direction::from_name(word).ok_or_else(bad)?)),
            None => (id, None),
        };
        let rest = rest.trim();
        let (uri, attributes) = match rest.split_once(' ') {
            Some((uri, attributes)) => (uri, Some(attributes.trim())),
            None => (rest, None),
        };
        if uri.is_empty() {
            return Err(bad());
        }
        Ok(Extmap {
            id: id.parse().map_err(|_| bad())?,
            direction,
            uri,
            attributes,
        })
    }
}

impl fmt::Display for Extmap<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.id.fmt(f)?;
        if let Some(direction) = self.direction {
            write!(f, "/{direction}")?;
        }
        write!(f, " {}", self.uri)?;
        self.attributes
            .map_or(Ok(()), |attributes| write!(f, " {attributes}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_8285_examples() {
        for text in [
            "1 URI-toffset",
            "2/recvonly http://example.com/082005/ext.htm#ttime",
            "4/recvonly http://example.com/082005/ext.htm#xmeta short",
        ] {
            assert_eq!(Extmap::parse(text).expect("valid").to_string(), text);
        }
        assert!(Extmap::parse("1/sideways urn:x").is_err());
        assert!(Extmap::parse("1").is_err());
    }
}
