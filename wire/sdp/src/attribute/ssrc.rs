//! `a=ssrc`, `a=ssrc-group`

use std::fmt;

use crate::{Attribute, Malformed};

/// RFC 5576 §4.1 — `a=ssrc:<ssrc-id> <attribute>[:<value>]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ssrc<'a> {
    /// The synchronisation source.
    pub id: u32,
    /// `cname:…`, `msid:…`, `fmtp:…`: as it is written.
    pub attribute: &'a str,
}

impl<'a> Ssrc<'a> {
    /// RFC 5576 §6.1 — the canonical name, where this line gives it.
    pub fn cname(&self) -> Option<&'a str> {
        self.attribute.strip_prefix("cname:")
    }
}

impl<'a> Attribute<'a> for Ssrc<'a> {
    const NAME: &'static str = "ssrc";

    fn parse(value: &'a str) -> Result<Ssrc<'a>, Malformed> {
        let bad = || Malformed::value("a=ssrc is a 32-bit number and an attribute");
        let (id, attribute) = value.trim().split_once(' ').unwrap_or((value.trim(), ""));
        Ok(Ssrc {
            id: id.parse().map_err(|_| bad())?,
            attribute: attribute.trim(),
        })
    }
}

impl fmt::Display for Ssrc<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.id.fmt(f)?;
        if self.attribute.is_empty() {
            Ok(())
        } else {
            write!(f, " {}", self.attribute)
        }
    }
}

/// RFC 5576 §4.2 — `a=ssrc-group:<semantics> <ssrc-id> …`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SsrcGroup<'a> {
    /// `FID` (retransmission), `FEC`, `SIM`.
    pub semantics: &'a str,
    /// The sources as one text: [`SsrcGroup::sources`] splits it.
    pub sources: &'a str,
}

impl<'a> SsrcGroup<'a> {
    /// The sources that are numbers.
    pub fn sources(&self) -> impl Iterator<Item = u32> + use<'a> {
        self.sources
            .split_ascii_whitespace()
            .filter_map(|source| source.parse().ok())
    }
}

impl<'a> Attribute<'a> for SsrcGroup<'a> {
    const NAME: &'static str = "ssrc-group";

    fn parse(value: &'a str) -> Result<SsrcGroup<'a>, Malformed> {
        let (semantics, sources) = value
            .trim()
            .split_once(' ')
            .ok_or(Malformed::value("a=ssrc-group has semantics and sources"))?;
        Ok(SsrcGroup {
            semantics,
            sources: sources.trim(),
        })
    }
}

impl fmt::Display for SsrcGroup<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.semantics, self.sources)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_browsers_write() {
        let ssrc = Ssrc::parse("261567461 cname:Jvt6EcLt7RUrmXW0").expect("valid");
        assert_eq!(
            (ssrc.id, ssrc.cname()),
            (261_567_461, Some("Jvt6EcLt7RUrmXW0"))
        );
        let group = SsrcGroup::parse("FID 2008083230 1156580348").expect("valid");
        assert!(group.sources().eq([2_008_083_230, 1_156_580_348]));
        assert!(Ssrc::parse("4294967296 cname:x").is_err());
    }
}
