//! The W3 user plane: ICE-lite, DTLS and SRTP.
//!
//! - [`transport`] — one W3 transport, all three as one machine;
//! - [`ice`] — an ICE-lite agent (RFC 8445);
//! - [`dtls`] — DTLS-SRTP (RFC 5763, RFC 5764) over an engine that can be changed;
//! - [`srtp`] — SRTP and SRTCP (RFC 3711, RFC 7714).
#![forbid(unsafe_code)]

pub mod dtls;
pub mod ice;
mod path;
pub mod srtp;
pub mod transport;

pub use path::Path;
