//! The WAF's side: keys and signatures.

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{self, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::{AccessToken, Algorithm, Claims};
use crate::jwk::Jwk;

/// A private key that signs access tokens.
///
/// The cryptographic library draws the randomness for key generation and ECDSA itself: with DTLS and
/// SCTP the third exception to "randomness is an argument".
pub struct SigningKey {
    pair: Pair,
    jwk: Jwk,
    kid: String,
}

enum Pair {
    P256(EcdsaKeyPair),
    Rsa(rsa::KeyPair),
}

impl SigningKey {
    /// Makes a key. RSA takes a good part of a second.
    pub fn generate(algorithm: Algorithm) -> Option<Self> {
        Self::of(match algorithm {
            Algorithm::ES256 => {
                Pair::P256(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).ok()?)
            }
            Algorithm::RS256 => Pair::Rsa(rsa::KeyPair::generate(KeySize::Rsa2048).ok()?),
        })
    }

    /// Reads a key from PKCS #8 in DER, as [`Self::to_pkcs8`] wrote it.
    pub fn from_pkcs8(algorithm: Algorithm, der: &[u8]) -> Option<Self> {
        Self::of(match algorithm {
            Algorithm::ES256 => {
                Pair::P256(EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der).ok()?)
            }
            Algorithm::RS256 => Pair::Rsa(rsa::KeyPair::from_pkcs8(der).ok()?),
        })
    }

    fn of(pair: Pair) -> Option<Self> {
        let jwk = match &pair {
            Pair::P256(pair) => Jwk::p256(pair.public_key().as_ref())?,
            Pair::Rsa(pair) => Jwk::rsa(pair.public_key().as_ref())?,
        };
        let kid = jwk.kid.clone()?;
        Some(Self { pair, jwk, kid })
    }

    /// The private key, for the store. It is a secret.
    pub fn to_pkcs8(&self) -> Option<Vec<u8>> {
        Some(match &self.pair {
            Pair::P256(pair) => pair.to_pkcs8v1().ok()?.as_ref().to_vec(),
            Pair::Rsa(pair) => {
                let der: Pkcs8V1Der<'static> = pair.as_der().ok()?;
                der.as_ref().to_vec()
            }
        })
    }

    /// The public half, to publish.
    pub fn jwk(&self) -> &Jwk {
        &self.jwk
    }

    /// Its name: the thumbprint of RFC 7638.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// What it signs with.
    pub fn algorithm(&self) -> Algorithm {
        match self.pair {
            Pair::P256(_) => Algorithm::ES256,
            Pair::Rsa(_) => Algorithm::RS256,
        }
    }

    /// RFC 9068 §2: a signed access token. `None` only if the library cannot sign.
    pub fn issue(&self, claims: &Claims) -> Option<AccessToken> {
        let header = format!(
            r#"{{"typ":"at+jwt","alg":"{}","kid":"{}"}}"#,
            self.algorithm().name(),
            self.kid
        );
        self.sign(&header, &serde_json::to_vec(claims).ok()?)
    }

    /// RFC 7519 §7.1: any JWT, of the type `JWT`. `None` only if the library cannot sign.
    pub fn sign_jwt(&self, said: &impl serde::Serialize) -> Option<AccessToken> {
        let header = format!(
            r#"{{"typ":"JWT","alg":"{}","kid":"{}"}}"#,
            self.algorithm().name(),
            self.kid
        );
        self.sign(&header, &serde_json::to_vec(said).ok()?)
    }

    /// RFC 7515 §5.1: the compact form over a header and a payload.
    pub(super) fn sign(&self, header: &str, payload: &[u8]) -> Option<AccessToken> {
        let mut compact = URL_SAFE_NO_PAD.encode(header);
        compact.push('.');
        URL_SAFE_NO_PAD.encode_string(payload, &mut compact);
        let random = SystemRandom::new();
        let signature = match &self.pair {
            Pair::P256(pair) => pair
                .sign(&random, compact.as_bytes())
                .ok()?
                .as_ref()
                .to_vec(),
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(
                    &RSA_PKCS1_SHA256,
                    &random,
                    compact.as_bytes(),
                    &mut signature,
                )
                .ok()?;
                signature
            }
        };
        compact.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut compact);
        Some(AccessToken::new(compact))
    }
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SigningKey({} {})", self.algorithm().name(), self.kid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_survive_the_store() {
        for algorithm in [Algorithm::ES256, Algorithm::RS256] {
            let key = SigningKey::generate(algorithm).unwrap();
            let again = SigningKey::from_pkcs8(algorithm, &key.to_pkcs8().unwrap()).unwrap();
            assert_eq!(again.jwk(), key.jwk());
            assert_eq!(again.algorithm(), algorithm);
            assert_eq!(key.jwk().verification_key().unwrap().0, algorithm);
        }
        assert!(SigningKey::from_pkcs8(Algorithm::ES256, b"no key").is_none());
    }
}
