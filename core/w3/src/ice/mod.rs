//! ICE-lite (RFC 8445): we have host candidates only, send no checks, and answer those of the peer.
//!
//! ```text
//!   Binding request ─▶ is it for us?  is it authentic?  do we know all of it?   (check.rs)
//!                       │ 400           │ 401             │ 420, 487
//!                       ▼
//!   a path is admitted ─▶ nominated with USE-CANDIDATE ─▶ selected: we send there  (agent.rs)
//!   no check for 30 s ─▶ silent: we send nowhere, until checks come again
//! ```

mod agent;
mod check;
mod credentials;

pub use agent::{IceEvent, IceLite, MAX_PATHS};
pub use check::{Checked, Refused};
pub use credentials::IceCredentials;

#[cfg(test)]
mod tests;
