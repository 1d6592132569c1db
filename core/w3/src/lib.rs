//! The W3 user plane: ICE-lite, DTLS and SRTP.
//!
//! - [`ice`] — an ICE-lite agent (RFC 8445);
//! - [`srtp`] — SRTP and SRTCP (RFC 3711, RFC 7714).
#![forbid(unsafe_code)]

pub mod ice;
mod path;
pub mod srtp;

pub use path::Path;
