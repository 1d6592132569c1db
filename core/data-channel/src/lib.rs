//! WebRTC data channels (RFC 8831), sans-IO: what goes through a DTLS association comes in and goes
//! out as packets, time is an argument.
//!
//! - [`Association`] — all channels of one SCTP association: open, accept, refuse, send, read, close;
//! - [`dcep`] — the two messages that open a channel in band (RFC 8832);
//! - [`Channel`], [`Reliability`], [`Limits`] — what a channel is, and how much there may be;
//! - [`sctp`] — the trait that an SCTP implementation fills, and the one that does.
//!
//! ```text
//!   application                Association                    peer
//!      │ open(channel) ──────────▶│ OPEN ────────────────────▶ │
//!      │                          │ ◀──────────────────── ACK  │
//!      │ ◀─────────────── Opened  │                            │
//!      │ send ───────────────────▶│ DATA ────────────────────▶ │
//!      │      Full, later Writable│                            │
//!      │ ◀───────────── Readable  │ ◀─────────────────── DATA  │
//!      │ read ───────────────────▶│ what is not read fills the │
//!      │                          │ window: the peer must wait │
//!      │ close ──────────────────▶│ RE-CONFIG: reset ────────▶ │
//!      │ ◀─────────────── Closed  │ ◀── RE-CONFIG: reset       │
//!      │ ◀───────────── Released  │ the id can be used again   │
//! ```
#![forbid(unsafe_code)]

mod association;
mod channel;
pub mod dcep;
mod error;
mod fuzz;
mod limits;
mod message;
pub mod sctp;

pub use association::{Association, AssociationConfig, CloseReason, Event, Output};
pub use channel::{Channel, ChannelId, Priority, Reliability, Role};
pub use error::{Ended, Misbehaved, OpenError, SendError};
pub use fuzz::{fuzz_association, fuzz_dcep};
pub use limits::{Limits, max_message_size};
pub use message::{Kind, Message, PayloadProtocol};
