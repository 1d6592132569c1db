//! SRTP and SRTCP (RFC 3711), with AES-CM and with AES-GCM (RFC 7714).
//!
//! ```text
//!   master key, salt ──KDF──▶ session keys, expanded once (keys.rs)
//!   packet ─▶ index from the sequence number (sources.rs) ─▶ cipher in place (cipher.rs)
//! ```
//!
//! A [`Sender`] protects, a [`Receiver`] unprotects; both work in the bytes they are given and
//! allocate only when a new SSRC appears.

mod cipher;
mod error;
mod kdf;
mod keys;
mod profile;
mod receiver;
mod sender;
mod sources;

pub use error::SrtpError;
pub use keys::{KeyingMaterial, MasterKey};
pub use profile::Profile;
pub use receiver::Receiver;
pub use sender::Sender;
pub use sources::MAX_SOURCES;

#[cfg(test)]
mod tests;
