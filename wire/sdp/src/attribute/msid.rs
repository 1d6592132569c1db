//! `a=msid`

use std::fmt;

use crate::{Attribute, Malformed};

/// RFC 8830 §2 — `a=msid:<stream> [<track>]`: which MediaStream an m-line belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Msid<'a> {
    /// The stream, `-` for none.
    pub stream: &'a str,
    /// The track, which older browsers write.
    pub track: Option<&'a str>,
}

impl<'a> Attribute<'a> for Msid<'a> {
    const NAME: &'static str = "msid";

    fn parse(value: &'a str) -> Result<Msid<'a>, Malformed> {
        let mut words = value.split_ascii_whitespace();
        let stream = words
            .next()
            .ok_or(Malformed::value("a=msid has an identifier"))?;
        Ok(Msid {
            stream,
            track: words.next(),
        })
    }
}

impl fmt::Display for Msid<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.stream)?;
        self.track.map_or(Ok(()), |track| write!(f, " {track}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn with_and_without_a_track() {
        assert_eq!(
            Msid::parse("47017fee-b6c1-4162 f30bdb4a")
                .expect("valid")
                .track,
            Some("f30bdb4a")
        );
        assert_eq!(Msid::parse("-").expect("valid").to_string(), "-");
        assert!(Msid::parse(" ").is_err());
    }
}
