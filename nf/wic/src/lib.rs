//! WIC without a browser: registers, calls and answers, for operators and tests (TS 24.371 §6.2,
//! §7.2).
//!
//! ```text
//!   shell ── handle_connected, handle_message, handle_media, handle_timeout ──▶ Wic
//!         ◀── Connect, Send, Transmit, Event ──────────────────────────────────
//!              registration.rs   REGISTER, its refresh, a lost WebSocket
//!              authentication.rs Digest by a password or a SIM, or Bearer
//!              outgoing.rs, incoming.rs, in_call.rs   one call at a time
//!              sdp.rs, media/    what a browser would do: one `Rtc` an m-line, audio and VP8
//! ```
#![forbid(unsafe_code)]

mod agent;
mod authentication;
mod call;
mod config;
mod in_call;
mod incoming;
pub mod media;
mod outgoing;
mod output;
mod registration;
mod sdp;

pub use agent::Wic;
pub use config::{Config, Credentials, Identity};
pub use output::{Ended, Event, Output};
pub use sdp::SdpError;
