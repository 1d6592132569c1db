//! eP-CSCF: the P-CSCF enhanced for WebRTC (TS 24.371 §5.5).
//!
//! One [`EpCscf`] is one shard: everything of a WIC lives in one of them, and nothing of it in
//! another. It is a record-routing, dialog-aware proxy that rewrites SDP: Call-ID, tags, unknown
//! headers, methods and bodies pass as they came, so that services work without code for each.
//!
//! ```text
//!   W2  handle_w2_message ─▶ flow ─▶ transactions ─▶ who may? ─▶ ims_alg ─▶ transactions ─▶ MwSend
//!   Mw  handle_mw_message ────────▶ transactions ─▶ whose is it? ─▶ ims_alg ─▶ … ─▶ W2Send
//!   Iq  handle_iq_reply ──────────▶ the dialog's queue goes on
//! ```
//!
//! | question | file |
//! | --- | --- |
//! | What comes in and goes out? | `epcscf.rs`, `output.rs` |
//! | What is a WebSocket's flow, and when is it closed? | `flow.rs`, `w2.rs` |
//! | Who is registered where? | `binding.rs`, `register/`, `reg_event.rs` |
//! | May this WIC do this? | `access.rs`, `introspection.rs`, `emergency.rs` |
//! | How does a call begin? | `originating.rs`, `terminating.rs` |
//! | What of its messages waits for the gateway? | `session/` |
//! | What happens in a dialog? | `in_dialog.rs` |
//! | How does a response go back? | `response.rs` |
//! | How does a call end that nobody ends? | `release.rs` |
//! | What is said of identity, charging, trust? | `identity.rs`, `charging.rs`, `trust.rs` |
//! | What becomes of SDP? | `ims_alg/` |
#![forbid(unsafe_code)]

mod access;
mod binding;
mod charging;
mod config;
mod departed;
mod emergency;
mod epcscf;
mod flow;
mod forward;
mod identity;
pub mod ims_alg;
mod in_dialog;
mod introspection;
mod lease;
mod originating;
mod output;
mod place;
mod reg_event;
mod register;
mod release;
mod response;
mod session;
mod terminating;
mod timer;
mod trust;
mod validation;
mod w2;

pub use config::{Config, IntegrityProtected, Issuer, ThirdPartyForm};
pub use epcscf::EpCscf;
pub use output::{Counters, Output, W2Peer};
pub use place::shard_of;
pub use session::ApplicationsQuery;
