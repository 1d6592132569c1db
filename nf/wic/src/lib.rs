//! WIC without a browser: registers, calls and answers, for operators and tests (TS 24.371 §6.2,
//! §7.2).
//!
//! ```text
//!   shell ── handle_connected, handle_message, handle_media, handle_timeout ──▶ Wic
//!         ◀── Connect, Send, Transmit, Event ──────────────────────────────────
//!              registration.rs   REGISTER, its refresh, a lost WebSocket
//!              authentication.rs Digest by a password or a SIM, or Bearer
//!              outgoing.rs, incoming.rs, in_call.rs   a call, from INVITE to BYE
//!              change.rs         hold, video, another network: one after the other
//!              several.rs        two calls: one is held before the other is talked in
//!              emergency.rs      whom it does not call
//!              data/             data channels: `open_channel`, `send_message`, `receive_message`
//!              applications.rs   what the network offers: `list_applications`, `fetch_application`
//!              sdp.rs, media/    what a browser would do: one `Rtc` an m-line, audio and VP8
//! ```
#![forbid(unsafe_code)]

mod agent;
mod applications;
mod authentication;
mod call;
mod change;
mod config;
mod data;
mod emergency;
mod in_call;
mod incoming;
pub mod media;
mod outgoing;
mod output;
mod registration;
mod sdp;
mod several;
mod sockets;

pub use agent::Wic;
pub use applications::{ApplicationsAsked, ApplicationsEvent};
pub use call::CallId;
pub use core_bootstrap::stream::Source as ApplicationSource;
pub use core_bootstrap::{ApplicationList, EntityTag, ListedApplication};
pub use core_data_channel::{Channel, ChannelId, Kind, Message, Priority, Reliability, SendError};

pub use config::{Config, Credentials, Identity};
pub use data::{
    ChannelApplication, ChannelClosed, ChannelEvent, ChannelRule, ChannelState, DataChannelId,
    DataChannelInit, ImsDataChannel,
};
pub use emergency::EMERGENCY_NUMBERS;
pub use output::{Ended, Event, NotDone, Output};
pub use sdp::SdpError;
pub use wire_sdp::attribute::AppEndpoint;
