//! A signed JSON object in its compact form (RFC 7515 §7.1), and the keys that it may be signed with.

use std::collections::HashMap;

use aws_lc_rs::signature::ParsedPublicKey;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::{Algorithm, TokenError, WrongKeys};
use crate::jwk::JwkSet;

/// Longest token that is read.
pub(super) const MAX_LENGTH: usize = 8 * 1024;
/// Most keys that are kept of one signer.
const MAX_KEYS: usize = 16;

/// What was read and not yet believed.
pub(super) struct Jws<'a> {
    algorithm: Algorithm,
    typ: String,
    kid: Option<String>,
    signed: &'a str,
    payload: &'a str,
    signature: &'a str,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    typ: Option<String>,
    kid: Option<String>,
    /// RFC 7515 §4.1.11: extensions that must be understood; we understand none.
    crit: Option<serde_json::Value>,
}

impl<'a> Jws<'a> {
    pub(super) fn parse(token: &'a str) -> Result<Self, TokenError> {
        if token.len() > MAX_LENGTH {
            return Err(TokenError::Malformed);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(TokenError::Malformed)?;
        let (header, payload) = signed.split_once('.').ok_or(TokenError::Malformed)?;
        let header: Header = decode(header)?;
        let algorithm = match header.alg.as_str() {
            "ES256" => Algorithm::ES256,
            "RS256" => Algorithm::RS256,
            none if none.eq_ignore_ascii_case("none") => return Err(TokenError::Unsigned),
            _ => return Err(TokenError::AlgorithmNotAllowed),
        };
        if header.crit.is_some() {
            return Err(TokenError::Malformed);
        }
        Ok(Self {
            algorithm,
            typ: header.typ.unwrap_or_default().to_ascii_lowercase(),
            kid: header.kid,
            signed,
            payload,
            signature,
        })
    }

    /// RFC 7515 §4.1.9: `application/` may be left out, and case does not matter.
    pub(super) fn typ(&self) -> &str {
        self.typ.strip_prefix("application/").unwrap_or(&self.typ)
    }

    /// What it says, whoever says it.
    pub(super) fn payload<T: DeserializeOwned>(&self) -> Result<T, TokenError> {
        decode(self.payload)
    }
}

/// The keys of one signer, by name.
#[derive(Debug, Default)]
pub(super) struct KeyRing(HashMap<String, Key>);

#[derive(Debug)]
struct Key {
    algorithm: Algorithm,
    key: ParsedPublicKey,
}

impl KeyRing {
    /// The keys of the set that can be used.
    pub(super) fn new(keys: &JwkSet) -> Result<Self, WrongKeys> {
        let keys: HashMap<_, _> = keys
            .keys
            .iter()
            .filter_map(|jwk| {
                let (algorithm, key) = jwk.verification_key()?;
                Some((
                    jwk.kid.clone().or_else(|| jwk.thumbprint())?,
                    Key { algorithm, key },
                ))
            })
            .take(MAX_KEYS)
            .collect();
        if keys.is_empty() {
            return Err(WrongKeys);
        }
        Ok(Self(keys))
    }

    /// RFC 7515 §5.2: whether one of these keys signed it.
    pub(super) fn check(&self, jws: &Jws<'_>) -> Result<(), TokenError> {
        let key = match &jws.kid {
            Some(kid) => self.0.get(kid),
            None if self.0.len() == 1 => self.0.values().next(),
            None => None,
        };
        let key = key.ok_or(TokenError::UnknownKey)?;
        // A key is for one algorithm: what the header says never chooses how a key is used.
        if key.algorithm != jws.algorithm {
            return Err(TokenError::BadSignature);
        }
        let signature = URL_SAFE_NO_PAD
            .decode(jws.signature)
            .map_err(|_| TokenError::Malformed)?;
        key.key
            .verify_sig(jws.signed.as_bytes(), &signature)
            .map_err(|_| TokenError::BadSignature)
    }
}

/// What one part of a token says.
pub(super) fn decode<T: DeserializeOwned>(part: &str) -> Result<T, TokenError> {
    let json = URL_SAFE_NO_PAD
        .decode(part)
        .map_err(|_| TokenError::Malformed)?;
    serde_json::from_slice(&json).map_err(|_| TokenError::Malformed)
}
