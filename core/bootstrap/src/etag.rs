//! Entity tags (RFC 9110 §8.8.3), by which a UE tells which version it has.

use std::fmt;

/// A tag, without its quotes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EntityTag(String);

impl EntityTag {
    /// A tag of these characters; none, if a tag cannot have them.
    pub fn new(tag: impl Into<String>) -> Option<Self> {
        let tag = tag.into();
        let fits = |c: char| c != '"' && !c.is_control() && !c.is_whitespace() && c != ',';
        (!tag.is_empty() && tag.chars().all(fits)).then_some(Self(tag))
    }

    /// The tag of a value of `ETag`. One without quotes is read too: a UE that took it from a list may
    /// have lost them on the way.
    pub fn parse(value: &str) -> Option<Self> {
        let value = value.trim();
        let value = value.strip_prefix("W/").unwrap_or(value);
        let bare = value
            .strip_prefix('"')
            .and_then(|rest| rest.strip_suffix('"'))
            .unwrap_or(value);
        Self::new(bare)
    }

    /// The tag itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// RFC 9110 §13.1.2 — whether `If-None-Match` names this tag, so that the UE has what it would get.
    pub fn is_among(&self, if_none_match: &str) -> bool {
        if_none_match.trim() == "*"
            || if_none_match
                .split(',')
                .any(|one| Self::parse(one).as_ref() == Some(self))
    }
}

/// As it stands in a header, with its quotes.
impl fmt::Display for EntityTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 9110 §13.1.2
    #[test]
    fn a_tag_is_found_in_every_form() {
        let tag = EntityTag::new("v1").unwrap();
        for has in ["\"v1\"", "v1", "W/\"v1\"", "\"v0\", \"v1\"", " * ", "v0,v1"] {
            assert!(tag.is_among(has), "{has}");
        }
        for not in ["", "\"v0\"", "v", "\"v1", "v11", "v1 v2"] {
            assert!(!tag.is_among(not), "{not}");
        }
        assert_eq!(EntityTag::parse(&tag.to_string()), Some(tag));
    }

    #[test]
    fn what_would_break_a_line_is_no_tag() {
        for bad in ["", "a\r\nb", "a\"b", "a b", "a,b", "\0"] {
            assert_eq!(EntityTag::new(bad), None, "{bad:?}");
        }
    }
}
