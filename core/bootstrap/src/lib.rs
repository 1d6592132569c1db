//! Bootstrap data channels (TS 26.114 §6.2.10): HTTP/1.1 (RFC 9112) over a data channel, by which a
//! UE learns which applications there are and fetches their packages. Sans-IO: what channel messages
//! hold comes in, what channel messages are to hold goes out.
//!
//! - [`Server`] and [`Client`] — the two halves, one each for a channel;
//! - [`Request`], [`Response`], [`EntityTag`] — what travels;
//! - [`ApplicationList`] — the body of the answer to `GET /`;
//! - [`stream`] — which bootstrap channel is whose.
//!
//! ```text
//!   UE (Client)                                         network (Server)
//!     │ GET /applicationlist?begin-index=0 HTTP/1.1 ──────▶ │   no Host: there is but one server
//!     │ ◀─────── HTTP/1.1 200 OK, Content-Length always ─── │   one message or a hundred
//!     │ GET /applications?appid=… , If-None-Match ────────▶ │   only then the next
//!     │ ◀──────────────────────────── HTTP/1.1 304 ──────── │
//! ```
//!
//! A crate of its own: the gateway's side and the client's both need it, and neither needs SCTP for it.
#![forbid(unsafe_code)]

mod client;
mod error;
mod etag;
mod head;
mod limits;
mod list;
mod outgoing;
mod request;
mod response;
mod server;
pub mod stream;
mod target;

pub use client::{Client, Failed};
pub use error::{Malformed, Refused};
pub use etag::EntityTag;
pub use limits::Limits;
pub use list::{ApplicationList, ListedApplication, Phase, Scenes, is_qos_hint};
pub use request::{Method, Request};
pub use response::{Response, StatusCode};
pub use server::Server;
pub use target::Target;
