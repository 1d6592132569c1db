//! Credentials: who somebody is, how they prove it, and how little of it we let be seen.
//!
//! | room | what it knows |
//! | --- | --- |
//! | [`auth_header`] | the shape of `Authorization` and `WWW-Authenticate` values (RFC 3261 §25.1, RFC 9110 §11) |
//! | [`aka`] | the secret of a SIM as a password of Digest (TS 33.203, RFC 3310, RFC 4169) |
//! | [`digest`] | Digest in SIP and HTTP (RFC 7616, RFC 2617, RFC 8760) |
//! | [`bearer`] | Bearer tokens in SIP and HTTP (RFC 8898, RFC 6750) |
//! | [`token`] | access tokens as signed JWTs (RFC 9068): issue and verify |
//! | [`jwk`] | public keys as they are published (RFC 7517) |
//! | [`password`], [`pkce`] | what people type and what public clients prove (RFC 9106, RFC 7636) |
//! | [`Secret`], [`Pii`], [`Random`] | values that print nothing, and randomness as an argument |
#![forbid(unsafe_code)]

pub mod aka;
pub mod auth_header;
pub mod bearer;
pub mod digest;
pub mod jwk;
pub mod password;
mod pii;
pub mod pkce;
mod random;
mod secret;
pub mod token;

pub use pii::{Pii, show_pii};
pub use random::Random;
pub use secret::{Secret, constant_time_eq};
