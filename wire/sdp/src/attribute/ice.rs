//! `a=ice-ufrag`, `a=ice-pwd`, `a=ice-options`, `a=ice-lite`, `a=end-of-candidates`

use std::fmt;

use crate::{Attribute, Malformed};

fn is_ice_char(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/')
}

super::word! {
    /// RFC 8839 §5.4 — the user name fragment.
    IceUfrag, "ice-ufrag", (4..=256), is_ice_char
}

super::word! {
    /// RFC 8839 §5.4 — the password.
    IcePwd, "ice-pwd", (22..=256), is_ice_char
}

super::property! {
    /// RFC 8839 §5.3 — at the session level: this agent only answers checks.
    IceLite, "ice-lite"
}

super::property! {
    /// RFC 8840 §8.2 — no more candidates will come.
    EndOfCandidates, "end-of-candidates"
}

/// RFC 8839 §5.6 — options, split by spaces: `trickle`, `renomination`, `ice2`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IceOptions<'a>(pub &'a str);

impl<'a> IceOptions<'a> {
    /// The options, one by one.
    pub fn options(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.0.split_ascii_whitespace()
    }
}

impl<'a> Attribute<'a> for IceOptions<'a> {
    const NAME: &'static str = "ice-options";

    fn parse(value: &'a str) -> Result<IceOptions<'a>, Malformed> {
        Ok(IceOptions(value))
    }
}

impl fmt::Display for IceOptions<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_and_letters_of_rfc_8839() {
        assert_eq!(IceUfrag::parse("8hhY"), Ok(IceUfrag("8hhY")));
        assert_eq!(
            IcePwd::parse("asd88fgpdd777uzjYhagZg"),
            Ok(IcePwd("asd88fgpdd777uzjYhagZg"))
        );
        assert!(IceUfrag::parse("8hh").is_err());
        assert!(IceUfrag::parse("8hh-").is_err());
        assert!(IcePwd::parse("asd88fgpdd777uzjYhagZ").is_err());
        assert!(IceOptions("trickle ice2").options().eq(["trickle", "ice2"]));
    }
}
