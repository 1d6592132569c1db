//! Digest authentication, as SIP and HTTP use it (RFC 7616, RFC 2617, RFC 8760; RFC 3261 §22.4).
//!
//! ```text
//!   client                                   server
//!     │ request                                │
//!     │ ─────────────────────────────────────▶ │  Nonces::issue
//!     │              401, [`Challenge`]        │
//!     │ ◀───────────────────────────────────── │
//!     │ request, [`Credentials`]  (answer)     │
//!     │ ─────────────────────────────────────▶ │  Nonces::accept, Credentials::verify
//!     │       200, [`AuthenticationInfo`]      │
//!     │ ◀───────────────────────────────────── │  rspauth: the server knew the password too
//! ```

mod algorithm;
mod challenge;
mod credentials;
mod info;
mod nonces;

pub use algorithm::{Algorithm, Hash, HashedPassword};
pub use challenge::{Challenge, Qop, QopSet};
pub use credentials::{Answer, Credentials, Protection};
pub use info::AuthenticationInfo;
pub use nonces::{NonceVerdict, Nonces};

use crate::auth_header::Malformed;

/// Why a Digest value cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DigestError {
    /// The bytes are not a header value.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// Another scheme.
    #[error("not the Digest scheme")]
    OtherScheme,
    /// A parameter that RFC 7616 requires is not there.
    #[error("no `{0}`")]
    Missing(&'static str),
    /// A parameter does not have a value that RFC 7616 allows.
    #[error("`{0}` has no sense")]
    Senseless(&'static str),
    /// An algorithm that we do not have: the next challenge may have one (RFC 7616 §3.7).
    #[error("an algorithm that is not supported")]
    UnsupportedAlgorithm,
}
