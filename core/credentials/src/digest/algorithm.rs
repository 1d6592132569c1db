//! The hash functions, and what they make of a password.

use std::fmt::{self, Write as _};

use aws_lc_rs::digest::{SHA256, SHA512_256, digest};
use md5::{Digest as _, Md5};

use crate::Secret;
use crate::aka::Version;

/// A hash function. RFC 8760 §2.1 names those for SIP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Hash {
    /// For peers that know nothing else.
    Md5,
    /// RFC 7616 §3.2: the one to use.
    Sha256,
    /// The backup algorithm of RFC 7616.
    Sha512Trunc256,
}

/// RFC 7616 §3.4 `algorithm`: a hash function, whether the session key form is used, and whether the
/// password comes from a SIM.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Algorithm {
    /// The hash function.
    pub hash: Hash,
    /// `-sess`: A1 takes in the nonce and cnonce (RFC 7616 §3.4.2).
    pub session: bool,
    /// RFC 3310 §3.1, RFC 4169 §2: the nonce is a challenge to a SIM, and RES makes the password.
    pub aka: Option<Version>,
}

/// `H(username ":" realm ":" password)` in hexadecimal: what a server stores in place of the password.
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct HashedPassword(Secret);

impl Algorithm {
    /// RFC 2617 §3.2.1: what is meant when nothing is said.
    pub const MD5: Self = Self {
        hash: Hash::Md5,
        session: false,
        aka: None,
    };
    /// RFC 7616 §6.1.
    pub const SHA_256: Self = Self {
        hash: Hash::Sha256,
        session: false,
        aka: None,
    };
    /// RFC 7616 §6.1.
    pub const SHA_512_256: Self = Self {
        hash: Hash::Sha512Trunc256,
        session: false,
        aka: None,
    };

    /// RFC 3310 §3.1: what older clients have.
    pub const AKA_V1_MD5: Self = Self {
        aka: Some(Version::V1),
        ..Self::MD5
    };
    /// TS 33.203 Annex X: what a WIC with a SIM uses.
    pub const AKA_V2_SHA_256: Self = Self {
        aka: Some(Version::V2),
        ..Self::SHA_256
    };

    /// Reads the name, without regard to case.
    pub fn parse(name: &str) -> Option<Self> {
        let (aka, name) = [Version::V1, Version::V2]
            .into_iter()
            .find_map(|version| {
                let (prefix, rest) = name.split_at_checked(version.prefix().len())?;
                let is_it = prefix.eq_ignore_ascii_case(version.prefix());
                is_it.then_some((Some(version), rest))
            })
            .unwrap_or((None, name));
        let (base, session) = match name.len().checked_sub(5) {
            Some(at) if name.is_char_boundary(at) && name[at..].eq_ignore_ascii_case("-sess") => {
                (&name[..at], true)
            }
            _ => (name, false),
        };
        [Hash::Md5, Hash::Sha256, Hash::Sha512Trunc256]
            .into_iter()
            .find(|hash| hash.name().eq_ignore_ascii_case(base))
            .map(|hash| Self { hash, session, aka })
    }
}

impl Hash {
    /// The name in the registry of RFC 7616 §6.1.
    pub fn name(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::Sha256 => "SHA-256",
            Self::Sha512Trunc256 => "SHA-512-256",
        }
    }

    /// RFC 7616 §3.3 `H(data)`, in lower case hexadecimal as nearly all uses need it.
    pub fn hex(self, data: &[u8]) -> String {
        hex(&self.bytes(data))
    }

    /// `H(data)` itself.
    pub(crate) fn bytes(self, data: &[u8]) -> Vec<u8> {
        match self {
            Self::Md5 => Md5::digest(data).to_vec(),
            Self::Sha256 => digest(&SHA256, data).as_ref().to_vec(),
            Self::Sha512Trunc256 => digest(&SHA512_256, data).as_ref().to_vec(),
        }
    }

    /// `H` of parts joined by colons.
    pub(super) fn hex_of(self, parts: &[&[u8]]) -> String {
        self.hex(&parts.join(&b':'))
    }
}

impl HashedPassword {
    /// RFC 7616 §3.4.2, first form of A1. `password` is bytes: for AKA it is RES (RFC 3310 §3.3).
    pub fn new(hash: Hash, username: &str, realm: &str, password: &[u8]) -> Self {
        let hex = hash.hex_of(&[username.as_bytes(), realm.as_bytes(), password]);
        Self(Secret::new(hex))
    }

    /// Takes H(A1) as a subscriber database keeps it.
    pub fn from_hex(hex: &str) -> Self {
        Self(Secret::new(hex.to_ascii_lowercase()))
    }

    /// RFC 7616 §3.4.2: H(A1) for this exchange.
    pub(super) fn h_a1(&self, algorithm: Algorithm, nonce: &str, cnonce: &str) -> String {
        let base = self.0.expose();
        if !algorithm.session {
            return base.to_owned();
        }
        algorithm
            .hash
            .hex_of(&[base.as_bytes(), nonce.as_bytes(), cnonce.as_bytes()])
    }
}

impl fmt::Debug for HashedPassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HashedPassword(..)")
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.aka.map_or("", Version::prefix))?;
        f.write_str(self.hash.name())?;
        if self.session {
            f.write_str("-sess")
        } else {
            Ok(())
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
            let _ = write!(out, "{byte:02x}");
            out
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_without_regard_to_case() {
        assert_eq!(Algorithm::parse("md5"), Some(Algorithm::MD5));
        assert_eq!(
            Algorithm::parse("SHA-512-256"),
            Some(Algorithm::SHA_512_256)
        );
        let session = Algorithm {
            hash: Hash::Sha256,
            session: true,
            aka: None,
        };
        assert_eq!(Algorithm::parse("sha-256-SESS"), Some(session));
        for aka in [Algorithm::AKA_V1_MD5, Algorithm::AKA_V2_SHA_256] {
            assert_eq!(Algorithm::parse(&aka.to_string().to_lowercase()), Some(aka));
        }
        assert_eq!(session.to_string(), "SHA-256-sess");
        for name in [
            "",
            "-sess",
            "SHA-1",
            "AKAv1-",
            "AKAv3-MD5",
            "AKAv1-AKAv2-MD5",
            "AKAvé",
            "é-sess",
            "MD5-sess-sess",
        ] {
            assert_eq!(Algorithm::parse(name), None, "{name}");
        }
    }

    /// RFC 1321 §A.5, FIPS 180-4 examples.
    #[test]
    fn hashes_of_abc() {
        assert_eq!(Hash::Md5.hex(b"abc"), "900150983cd24fb0d6963f7d28e17f72");
        assert_eq!(
            Hash::Sha256.hex(b"abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert_eq!(
            Hash::Sha512Trunc256.hex(b"abc"),
            "53048e2681941ef99b2e29b76b4c7dabe4c2d0c634fc6d46e0e2f13107e7af23"
        );
    }
}
