//! Calls of the enabler: MMTel_DCAppCall and MMTel_CallControl, as a SIP application server with media at a gateway.
//!
//! ```text
//!  application server            Calls                      gateway (Iq)        UE (SIP)
//!    │  POST /dccall               │  Reserve                    │                │
//!    │ ──────────────────────────▶ │ ──────────────────────────▶ │                │
//!    │                             │  INVITE, the gateway's SDP  │                │
//!    │                             │ ────────────────────────────────────────────▶│
//!    │                             │  200, the UE's SDP          │                │
//!    │                             │ ◀────────────────────────────────────────────│
//!    │                             │  Configure                  │                │
//!    │                             │ ──────────────────────────▶ │                │
//!    │  200, when it is written    │  ACK, when it is written    │                │
//!    │ ◀────────────────────────── │ ────────────────────────────────────────────▶│
//!    │                             │  ChannelMessage             │ ◀═ data channel
//!    │  DcMediaNotifyReq           │ ◀────────────────────────── │                │
//!    │ ◀────────────────────────── │                             │                │
//! ```
//!
//! - `call.rs` a call as it is kept, `config.rs`, `output.rs` the words of the shell;
//! - `asking.rs` what a consumer asks for, checked; `again.rs` the same once more; `session.rs` IMS sessions as resources;
//! - `setup.rs`, `ending.rs`, `change.rs`, `in_dialog.rs`, `refresh.rs` SIP of a call, in the order of its life;
//! - `description.rs` SDP; `channel.rs`, `channels.rs`, `adding.rs` data channels; `asked.rs` those that a UE asks for in SDP;
//! - `anchor/` calls of subscribers that applications may change;
//! - `observer.rs` MMTel_CallEvent: calls that pass by; `expiry.rs` those that end without a word;
//! - `saved.rs` what outlives the process; `overview.rs` what operators see.

mod adding;
mod again;
mod anchor;
mod asked;
mod asking;
mod call;
mod change;
mod channel;
mod channels;
mod config;
mod description;
mod ending;
mod expiry;
mod in_dialog;
mod machine;
mod observer;
mod output;
mod overview;
mod refresh;
mod saved;
mod sending;
mod session;
mod setup;

pub use config::{CallsConfig, Format};
pub use machine::{Calls, Counters};
pub use observer::{CallEvents, OBSERVER};
pub use output::{Ask, AskId, CommitId, Output, Told};
pub use overview::SessionSeen;
