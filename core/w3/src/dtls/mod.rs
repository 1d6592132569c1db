//! DTLS-SRTP (RFC 5763, RFC 5764) over an engine that can be changed.
//!
//! - [`Certificate`], [`Fingerprint`] — who we are, and how SDP says it (RFC 8122);
//! - [`DtlsEngine`] — what is asked of a DTLS implementation; [`Dimpl`] is the one we have;
//! - [`Association`] — one association with one peer: the handshake, the fingerprint verified, the
//!   keys of SRTP.

mod association;
mod certificate;
mod dimpl_engine;
mod engine;
mod error;
mod fingerprint;

pub use association::{Association, AssociationEvent};
pub use certificate::Certificate;
pub use dimpl_engine::Dimpl;
pub use engine::{DtlsEngine, DtlsOutput, Role};
pub use error::DtlsError;
pub use fingerprint::Fingerprint;
