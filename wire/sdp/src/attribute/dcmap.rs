//! `a=dcmap`

use std::fmt;

use crate::{Attribute, Malformed};

/// RFC 8864 §5.1 — `a=dcmap:<stream> [<option>;…]`: a data channel agreed on in SDP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dcmap<'a> {
    /// The SCTP stream.
    pub stream: u16,
    /// The options as they are written: [`Dcmap::option`] finds one.
    pub options: &'a str,
}

impl<'a> Dcmap<'a> {
    /// The value of an option without its quotes: `subprotocol`, `label`, `ordered`, `max-retr`, `max-time`, `priority`.
    pub fn option(&self, name: &str) -> Option<&'a str> {
        let mut rest = self.options;
        while !rest.is_empty() {
            let (key, after) = rest.split_once('=')?;
            let (value, next) = match after.strip_prefix('"') {
                Some(quoted) => {
                    let (value, next) = quoted.split_once('"')?;
                    (value, next.trim_start().strip_prefix(';').unwrap_or(""))
                }
                None => after.split_once(';').unwrap_or((after, "")),
            };
            if key.trim().eq_ignore_ascii_case(name) {
                return Some(value);
            }
            rest = next;
        }
        None
    }
}

impl<'a> Attribute<'a> for Dcmap<'a> {
    const NAME: &'static str = "dcmap";

    fn parse(value: &'a str) -> Result<Dcmap<'a>, Malformed> {
        let (stream, options) = value.trim().split_once(' ').unwrap_or((value.trim(), ""));
        let stream = stream
            .parse()
            .map_err(|_| Malformed::value("a=dcmap begins with a stream number"))?;
        Ok(Dcmap {
            stream,
            options: options.trim(),
        })
    }
}

impl fmt::Display for Dcmap<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.stream.fmt(f)?;
        if self.options.is_empty() {
            Ok(())
        } else {
            write!(f, " {}", self.options)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_8864_examples() {
        let map = Dcmap::parse("2 subprotocol=\"bfcp\";label=\"a;b=c\";max-retr=5").expect("valid");
        assert_eq!(map.stream, 2);
        assert_eq!(map.option("label"), Some("a;b=c"));
        assert_eq!(map.option("max-retr"), Some("5"));
        assert_eq!(map.option("ordered"), None);
        assert_eq!(Dcmap::parse("0").expect("valid").to_string(), "0");
        assert!(Dcmap::parse("65536 label=\"x\"").is_err());
    }
}
