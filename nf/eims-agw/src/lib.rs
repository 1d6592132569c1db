//! eIMS-AGW: the IMS access gateway enhanced for WebRTC (TS 23.334).
//!
//! A [`Gateway`] is one worker. It joins streams of WICs (ICE-lite, DTLS, SRTP on W3) with plain RTP
//! and RTCP towards the core, or with data channels there, and does what an eP-CSCF asks on Iq.
//!
//! ```text
//!   W3, one port for all              the worker                       core, two ports a stream
//!   STUN ─▶ check ───────────▶ answer                                    │
//!   DTLS ─▶ association ─────▶ keys                                      │
//!   SRTP ─▶ unprotect ─▶ gate ─▶ payload type ────────────────────────▶  │ RTP
//!   SRTCP ▶ unprotect ─▶ feedback ────────────────────────────────────▶  │ RTCP
//!        ◀─ protect ◀─ payload type ◀─ gate ◀─ source ◀────────────────  │ RTP
//! ```
//! - `gateway.rs` the owner, its outputs and timers; `context.rs` what Iq asks;
//! - `media.rs` the way of a packet; `feedback.rs` RTCP; `resend.rs`, `gaps.rs` video that was lost;
//! - `data/` data channels: DTLS and SCTP on both sides, and what joins them;
//! - `w3_side.rs`, `core_side.rs` the two Terminations of a `stream.rs`;
//! - `addresses.rs`, `ports.rs`, `payloads.rs`, `deadlines.rs`, `slab.rs` tables.
#![forbid(unsafe_code)]

mod addresses;
mod config;
mod context;
mod core_side;
mod counters;
mod data;
mod deadlines;
mod feedback;
mod gaps;
mod gateway;
mod media;
mod opening;
mod output;
mod payloads;
mod ports;
mod random;
mod resend;
mod slab;
mod stream;
mod told;
mod w3_side;

pub use config::{Config, Limits, W3Socket};
pub use counters::Counters;
pub use gateway::Gateway;
pub use output::{Arrival, BoundPorts, Departure, Output, PortRequest, SocketId};
pub use w3_side::Identity;
