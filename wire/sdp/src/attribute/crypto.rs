//! `a=crypto`

use std::fmt;

use crate::{Attribute, Malformed};

/// RFC 4568 §4 — `a=crypto:<tag> <crypto-suite> <key-params> [<session-params>]`. A WIC never uses it; it is read to be refused.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Crypto<'a> {
    /// Numbers the offer's suites.
    pub tag: u32,
    /// `AES_CM_128_HMAC_SHA1_80` and the like.
    pub suite: &'a str,
    /// The key and what follows it.
    pub parameters: &'a str,
}

impl<'a> Attribute<'a> for Crypto<'a> {
    const NAME: &'static str = "crypto";

    fn parse(value: &'a str) -> Result<Crypto<'a>, Malformed> {
        let bad = || Malformed::value("a=crypto is a tag, a suite and key parameters");
        let (tag, rest) = value.trim().split_once(' ').ok_or_else(bad)?;
        let (suite, parameters) = rest.trim().split_once(' ').ok_or_else(bad)?;
        Ok(Crypto {
            tag: tag.parse().map_err(|_| bad())?,
            suite,
            parameters: parameters.trim(),
        })
    }
}

impl fmt::Display for Crypto<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.tag, self.suite, self.parameters)
    }
}

/// The key stays out of logs.
impl fmt::Debug for Crypto<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Crypto")
            .field("tag", &self.tag)
            .field("suite", &self.suite)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_4568_example_keeps_its_key_to_itself() {
        let text = "1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz|2^20|1:4 FEC_ORDER=FEC_SRTP";
        let crypto = Crypto::parse(text).expect("valid");
        assert_eq!(crypto.suite, "AES_CM_128_HMAC_SHA1_80");
        assert_eq!(crypto.to_string(), text);
        assert!(!format!("{crypto:?}").contains("WVNf"));
    }
}
