//! Access tokens as signed JWTs (RFC 9068 over RFC 7515), as a WAF issues and an eP-CSCF verifies them.
//!
//! TS 33.203 Annex X.3: the token tells private and public user identities, WWSF and WAF, lifetime
//! and scope. Two algorithms and no others: ES256 and RS256.

mod assertion;
mod claims;
mod entities;
mod error;
mod issuer;
mod jws;
mod leases;
mod recent;
mod service;
mod signing;
mod verifier;

pub use assertion::{ASSERTION_TYPE, AssertionKeys, ClientAssertion, MAX_ASSERTION_LIFETIME};
pub use claims::{AccessToken, Claims};
pub use entities::Entities;
pub use error::TokenError;
pub use issuer::{ClaimNames, IssuerRules};
pub use service::ServiceVerifier;
pub use signing::SigningKey;
pub use verifier::{Judge, Verifier, WrongKeys};

use serde::{Deserialize, Serialize};

/// RFC 7518 §3.1: the signature algorithms that are used. `none` is not one (RFC 9068 §4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Algorithm {
    /// ECDSA on P-256 with SHA-256: short and quick.
    ES256,
    /// RSASSA-PKCS1-v1_5 with SHA-256: RFC 9068 §4 wants every server to know it.
    RS256,
}

impl Algorithm {
    /// As it is written in `alg`.
    pub fn name(self) -> &'static str {
        match self {
            Self::ES256 => "ES256",
            Self::RS256 => "RS256",
        }
    }
}
