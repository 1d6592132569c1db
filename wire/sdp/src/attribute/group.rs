//! `a=group`

use std::fmt;

use crate::{Attribute, Malformed};

/// RFC 5888 §5 — `a=group:<semantics> <mid> …`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Group<'a> {
    /// `BUNDLE`, `LS`, `FID`.
    pub semantics: &'a str,
    /// The identifications as one text: [`Group::mids`] splits it.
    pub mids: &'a str,
}

impl<'a> Group<'a> {
    /// RFC 9143 §4 — whether the group asks for one transport for several m-lines.
    pub fn is_bundle(&self) -> bool {
        self.semantics.eq_ignore_ascii_case("BUNDLE")
    }

    /// The identifications, one by one.
    pub fn mids(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.mids.split_ascii_whitespace()
    }
}

impl<'a> Attribute<'a> for Group<'a> {
    const NAME: &'static str = "group";

    fn parse(value: &'a str) -> Result<Group<'a>, Malformed> {
        let (semantics, mids) = value.trim().split_once(' ').unwrap_or((value.trim(), ""));
        if semantics.is_empty() {
            return Err(Malformed::value("a=group has semantics"));
        }
        Ok(Group {
            semantics,
            mids: mids.trim(),
        })
    }
}

impl fmt::Display for Group<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.semantics)?;
        self.mids().try_for_each(|mid| write!(f, " {mid}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_5888_example_and_an_empty_group() {
        let group = Group::parse("LS 1 2").expect("valid");
        assert!(!group.is_bundle() && group.mids().eq(["1", "2"]));
        assert_eq!(Group::parse("BUNDLE").expect("valid").mids().count(), 0);
        assert!(Group::parse("").is_err());
    }
}
