//! From RES to the password of a Digest, and from a challenge to a nonce (RFC 3310, RFC 4169).

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::{Autn, Rand};
use crate::digest::{Algorithm, Hash};

/// Which password the response is made with. TS 33.203 Annex X wants version 2, with SHA-256.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Version {
    /// RFC 3310 §3.3: RES itself.
    V1,
    /// RFC 4169 §3: what cannot be used in another protocol, since CK and IK are in it.
    V2,
}

impl Version {
    /// The password; it is bytes, not text.
    ///
    /// RFC 4169 §3 has `PRF(RES || IK || CK, "http-digest-akav2-password")`, base64 encoded, where
    /// PRF is the HMAC of the algorithm's hash.
    pub fn password(self, hash: Hash, res: &[u8], ik: &[u8; 16], ck: &[u8; 16]) -> Vec<u8> {
        match self {
            Self::V1 => res.to_vec(),
            Self::V2 => {
                let key = [res, ik, ck].concat();
                let made = hmac(hash, &key, b"http-digest-akav2-password");
                BASE64_STANDARD.encode(made).into_bytes()
            }
        }
    }

    /// TS 33.203 Annex X — the algorithm that goes with it: SHA-256, and MD5 with version 1.
    pub fn algorithm(self) -> Algorithm {
        match self {
            Self::V1 => Algorithm::AKA_V1_MD5,
            Self::V2 => Algorithm::AKA_V2_SHA_256,
        }
    }

    /// The prefix in `algorithm` (RFC 3310 §3.1, RFC 4169 §2).
    pub(crate) fn prefix(self) -> &'static str {
        match self {
            Self::V1 => "AKAv1-",
            Self::V2 => "AKAv2-",
        }
    }
}

/// RFC 3310 §3.2 — the nonce: base64 of RAND, AUTN and what the server likes to add.
pub fn nonce(rand: &Rand, autn: &Autn, server_data: &[u8]) -> String {
    BASE64_STANDARD.encode([rand, autn, server_data].concat())
}

/// RFC 3310 §3.2 — RAND and AUTN of a nonce; `None` for a nonce that is none of AKA.
pub fn read_nonce(nonce: &str) -> Option<(Rand, Autn)> {
    let bytes = BASE64_STANDARD.decode(nonce).ok()?;
    let (rand, rest) = bytes.split_first_chunk()?;
    let autn = rest.first_chunk()?;
    Some((*rand, *autn))
}

/// RFC 2104 §2
fn hmac(hash: Hash, key: &[u8], data: &[u8]) -> Vec<u8> {
    let size = match hash {
        Hash::Md5 | Hash::Sha256 => 64,
        Hash::Sha512Trunc256 => 128,
    };
    let mut block = if key.len() > size {
        hash.bytes(key)
    } else {
        key.to_vec()
    };
    block.resize(size, 0);
    let padded = |pad: u8| -> Vec<u8> { block.iter().map(|byte| byte ^ pad).collect() };
    let inner = hash.bytes(&[&padded(0x36), data].concat());
    hash.bytes(&[padded(0x5c), inner].concat())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aka::bytes;
    use crate::digest::{Answer, Challenge};

    const RES: &str = "a54211d5e3ba50bf";
    const CK: &str = "b40ba9a3c58b2a05bbf0d987b21bf8cb";
    const IK: &str = "f769bcd751044604127672711c6d3441";

    fn password(version: Version, hash: Hash) -> Vec<u8> {
        version.password(hash, &bytes::<8>(RES), &bytes(IK), &bytes(CK))
    }

    #[test]
    fn the_nonce_is_the_challenge() {
        let rand = bytes("23553cbe9637a89d218ae64dae47bf35");
        let autn = bytes("55f328b43577b9b94a9ffac354dfafb3");
        let made = nonce(&rand, &autn, b"");
        assert_eq!(made, "I1U8vpY3qJ0hiuZNrke/NVXzKLQ1d7m5Sp/6w1Tfr7M=");
        assert_eq!(read_nonce(&made), Some((rand, autn)));
        let more = nonce(&rand, &autn, b"server data");
        assert_eq!(read_nonce(&more), Some((rand, autn)));
        for wrong in ["", "abc", "I1U8vpY3qJ0hiuZNrke/NVXzKLQ1d7m5Sp/6w1Tfrw=="] {
            assert_eq!(read_nonce(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn passwords_of_both_versions() {
        assert_eq!(password(Version::V1, Hash::Md5), bytes::<8>(RES));
        assert_eq!(
            password(Version::V2, Hash::Md5),
            b"shzt3q8CWaZnCAWqs3WmEQ=="
        );
        assert_eq!(
            password(Version::V2, Hash::Sha256),
            b"wpC+5dv/7kC35JEI2hluv8XcBd+vf8XcfedJBan1buk="
        );
    }

    /// RFC 3310 §3.3, RFC 4169 §3 — computed by two implementations; there is no published vector.
    #[test]
    fn responses_of_both_versions() {
        for (name, response) in [
            ("AKAv1-MD5", "d631c17126f6ad3a5984ced4459958df"),
            ("AKAv2-MD5", "9e134df9490c2cff01853e49a32aa59c"),
            (
                "AKAv2-SHA-256",
                "0bf78effba6ba081a201ce2455a0ab7268a767d290d43deccfa55518cd8c0558",
            ),
        ] {
            let algorithm = Algorithm::parse(name).unwrap();
            let nonce = "I1U8vpY3qJ0hiuZNrke/NVXzKLQ1d7m5Sp/6w1Tfr7M=";
            let version = algorithm.aka.unwrap();
            let credentials = Challenge::new("home1.net", nonce, algorithm).answer(&Answer {
                username: "user1_private@home1.net",
                password: &password(version, algorithm.hash),
                method: "REGISTER",
                uri: "sip:home1.net",
                body: b"",
                cnonce: "0a4f113b",
                nc: 1,
            });
            assert_eq!(credentials.response, response, "{name}");
            assert!(
                credentials
                    .to_string()
                    .contains(&format!("algorithm={name},"))
            );
        }
    }

    /// RFC 4231 §4.3 (test case 2) and §4.7 (a key longer than a block).
    #[test]
    fn hmac_of_rfc_4231() {
        let made = hmac(Hash::Sha256, b"Jefe", b"what do ya want for nothing?");
        let right = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(made, bytes::<32>(right));
        let made = hmac(
            Hash::Sha256,
            &[0xaa; 131],
            b"Test Using Larger Than Block-Size Key - Hash Key First",
        );
        let right = "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54";
        assert_eq!(made, bytes::<32>(right));
    }
}
