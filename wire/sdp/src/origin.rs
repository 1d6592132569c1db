//! `o=`

use std::fmt;

use crate::{AddressFamily, Malformed};

/// RFC 8866 §5.2 — `o=<username> <sess-id> <sess-version> <nettype> <addrtype> <unicast-address>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin<'a> {
    /// The user's login, `-` when there is none to tell.
    pub username: &'a str,
    /// The session id: digits, which some peers make longer than 64 bits.
    pub session_id: &'a str,
    /// The version of this description, increased with each change (RFC 3264 §8).
    pub version: u64,
    /// The family of the address.
    pub family: AddressFamily,
    /// The address of the machine that made the session; a browser hides its own.
    pub address: &'a str,
}

impl<'a> Origin<'a> {
    /// The value of an `o=` line.
    pub fn parse(value: &'a str) -> Result<Origin<'a>, Malformed> {
        let bad = || {
            Malformed::value(
                "an o= line has six fields: name, id, version, IN, IP4 or IP6, address",
            )
        };
        let mut fields = value.split_ascii_whitespace();
        let mut next = || fields.next().ok_or_else(bad);
        let (username, session_id, version) = (next()?, next()?, next()?);
        let (network, family, address) = (next()?, next()?, next()?);
        if network != "IN" || !session_id.bytes().all(|b| b.is_ascii_digit()) {
            return Err(bad());
        }
        Ok(Origin {
            username,
            session_id,
            version: version.parse().map_err(|_| bad())?,
            family: AddressFamily::parse(family).ok_or_else(bad)?,
            address,
        })
    }
}

impl fmt::Display for Origin<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Origin {
            username,
            session_id,
            version,
            family,
            address,
        } = self;
        write!(f, "{username} {session_id} {version} IN {family} {address}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn firefox_has_a_long_name_and_number() {
        let text = "mozilla...THIS_IS_SDPARTA-99.0 4573008775330637751 0 IN IP4 0.0.0.0";
        let origin = Origin::parse(text).expect("valid");
        assert_eq!(origin.version, 0);
        assert_eq!(origin.to_string(), text);
    }

    #[test]
    fn a_missing_field_is_malformed() {
        assert!(Origin::parse("- 1 1 IN IP4").is_err());
        assert!(Origin::parse("- x 1 IN IP4 192.0.2.1").is_err());
    }
}
