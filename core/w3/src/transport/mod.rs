//! One W3 transport: ICE-lite, DTLS and SRTP as one machine, one for each m-line (TS 24.371 §7.4.2:
//! no BUNDLE; rtcp-mux always).
//!
//! ```text
//!   datagram ─▶ STUN ─▶ ICE-lite ─▶ reply in place
//!               DTLS ─▶ from an admitted path? ─▶ association ─▶ keys
//!               SRTP ─▶ from an admitted path? ─▶ keys? ─▶ unprotect in place
//! ```

mod counters;
mod machine;
mod output;

pub use counters::Counters;
pub use machine::Transport;
pub use output::{Event, Output, Received, SendError, TransportConfig};
