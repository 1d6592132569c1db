//! `a=fingerprint`

use std::fmt;

use crate::{Attribute, Malformed};

/// RFC 8122 §5 — `a=fingerprint:<hash function> <pairs of hexadecimal digits between colons>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint<'a> {
    /// `sha-256` and the like, in any case.
    pub algorithm: &'a str,
    /// The hash as it is written; checked to be pairs of digits.
    pub text: &'a str,
}

impl Fingerprint<'_> {
    /// The hash itself.
    pub fn digest(&self) -> Vec<u8> {
        self.text
            .split(':')
            .filter_map(|pair| u8::from_str_radix(pair, 16).ok())
            .collect()
    }
}

impl<'a> Attribute<'a> for Fingerprint<'a> {
    const NAME: &'static str = "fingerprint";

    fn parse(value: &'a str) -> Result<Fingerprint<'a>, Malformed> {
        let bad =
            || Malformed::value("a=fingerprint is a hash function and pairs of hexadecimal digits");
        let (algorithm, text) = value.trim().split_once(' ').ok_or_else(bad)?;
        let text = text.trim();
        let is_pair = |p: &str| p.len() == 2 && p.bytes().all(|b| b.is_ascii_hexdigit());
        if algorithm.is_empty() || !text.split(':').all(is_pair) {
            return Err(bad());
        }
        let length = text.len().div_ceil(3);
        let right = match algorithm.to_ascii_lowercase().as_str() {
            "sha-1" => length == 20,
            "sha-224" => length == 28,
            "sha-256" => length == 32,
            "sha-384" => length == 48,
            "sha-512" => length == 64,
            _ => true,
        };
        if right {
            Ok(Fingerprint { algorithm, text })
        } else {
            Err(bad())
        }
    }
}

impl fmt::Display for Fingerprint<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.algorithm, self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_8122_example() {
        let text = "SHA-256 12:DF:3E:5D:49:6B:19:E5:7C:AB:4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF:3E:5D:49:6B:19:E5:7C:AB:4A:AD";
        let fingerprint = Fingerprint::parse(text).expect("valid");
        assert_eq!(fingerprint.digest().len(), 32);
        assert_eq!(fingerprint.digest()[..3], [0x12, 0xDF, 0x3E]);
        assert_eq!(fingerprint.to_string(), text);
    }

    #[test]
    fn a_hash_of_the_wrong_length_or_letters_is_malformed() {
        assert!(Fingerprint::parse("sha-256 12:DF").is_err());
        assert!(
            Fingerprint::parse("sha-1 4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF:3E:5D:49:6B:19:E5:7C:GG")
                .is_err()
        );
        assert!(Fingerprint::parse("sha-256").is_err());
    }
}
