//! WWSF: the WebRTC web server function, where a person meets the IMS (TS 24.371 §5.3, §6.3.1).
//!
//! It serves the client, is the OAuth client of the WAF on W4, and hands each page its access token
//! and the IMS identity that the token was issued for.
//!
//! ```text
//!  page (WIC)                         WWSF                               WAF
//!    │ GET /signin                      │                                  │
//!    │ ───────────────────────────────▶ │ begin: state, PKCE, one cookie   │
//!    │ 303 to the WAF's /authorize      │                                  │
//!    │ GET /signed-in?code&state        │                                  │
//!    │ ───────────────────────────────▶ │ returned ─▶ W4 token, introspect │
//!    │ 303 to /#session=<sid>, cookie   │ ◀─ signed_in                     │
//!    │ POST /session/<sid>/token        │                                  │
//!    │ ───────────────────────────────▶ │ token: as it is, or W4 refresh   │
//!    │ token, identity, where W2 is     │                                  │
//!    │ POST /session/<sid>/end          │                                  │
//!    │ ───────────────────────────────▶ │ end ─▶ W4 revoke                 │
//! ```
//! A session belongs to one page: two tabs of one browser are two people. Each has its own cookie,
//! `__Host-wic-<sid>`; the page knows only `sid`. What goes over W4 is the shell's: [`w4`] says what to
//! send and what the answer means.
#![forbid(unsafe_code)]

mod assets;
mod cookies;
mod counters;
mod dialect;
mod frame;
mod guests;
mod headers;
mod origin;
mod server;
mod session;
mod sign_in;
mod visitors;
pub mod w4;
mod wwsf;

pub use assets::{Asset, etag};
pub use cookies::Cookies;
pub use counters::Counters;
pub use dialect::Dialect;
pub use frame::{ApplicationSite, FRAME};
pub use guests::{Person, Visit};
pub use origin::{Origin, Origins};
pub use server::{Server, WrongMetadata, is_endpoint};
pub use session::{Change, Identity, Session};
pub use sign_in::Returned;
pub use wwsf::{Guests, Outcome, Request, Settings, Step, Wwsf};

/// What a reply is.
pub type Reply = http::Response<Vec<u8>>;
