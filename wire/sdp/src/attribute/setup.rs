//! `a=setup`

use std::fmt;

use crate::{Attribute, Malformed};

/// RFC 4145 §4, for DTLS RFC 8842 §5 — who opens the association.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Setup {
    /// The writer sends the ClientHello.
    Active,
    /// The writer waits for it.
    Passive,
    /// The writer leaves it to the answerer; only in an offer.
    ActPass,
    /// Nobody, for now.
    HoldConn,
}

impl Attribute<'_> for Setup {
    const NAME: &'static str = "setup";

    fn parse(value: &str) -> Result<Setup, Malformed> {
        match value.trim() {
            "active" => Ok(Setup::Active),
            "passive" => Ok(Setup::Passive),
            "actpass" => Ok(Setup::ActPass),
            "holdconn" => Ok(Setup::HoldConn),
            _ => Err(Malformed::value(
                "a=setup is active, passive, actpass or holdconn",
            )),
        }
    }
}

impl fmt::Display for Setup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Setup::Active => "active",
            Setup::Passive => "passive",
            Setup::ActPass => "actpass",
            Setup::HoldConn => "holdconn",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_four_roles_and_no_other() {
        for text in ["active", "passive", "actpass", "holdconn"] {
            assert_eq!(Setup::parse(text).expect("valid").to_string(), text);
        }
        assert!(Setup::parse("both").is_err());
    }
}
