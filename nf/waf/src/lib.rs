//! WAF: the WebRTC authorisation function, an OAuth 2.0 authorization server (TS 24.371 §5.4, §6.3.1).
//!
//! ```text
//!  browser                         WWSF                          WAF
//!    │  sign in                      │                             │
//!    │ ────────────────────────────▶ │                             │
//!    │  303 to /authorize: state, PKCE challenge                   │   authorize
//!    │ ──────────────────────────────────────────────────────────▶ │
//!    │                               the page: user name, password │   sign_in
//!    │ ──────────────────────────────────────────────────────────▶ │
//!    │  303 back: code, state, iss   │                             │
//!    │ ────────────────────────────▶ │  W4: code, PKCE verifier    │
//!    │                               │ ──────────────────────────▶ │   token
//!    │                               │  access and refresh token   │
//!    │                               │ ◀────────────────────────── │
//! ```
//!
//! [`Waf`] is all of it as plain functions of a request, the time and randomness over its state. A
//! function answers with an [`Outcome`]: the changes to write down, and the reply that may leave once
//! they are written. Passwords are checked between two functions, by a shell that has threads for it.
#![forbid(unsafe_code)]

mod assertions;
mod authorize;
mod client;
mod counters;
mod form;
mod guesses;
mod introspect;
mod metadata;
mod pages;
mod pool;
mod reply;
mod revoke;
mod service;
mod sign_in;
mod state;
mod token;
mod waf;

pub use client::{Client, ClientProof, redirect_matches};
pub use counters::Counters;
pub use pool::{PoolIdentity, PoolSettings};
pub use sign_in::{Caller, PendingSignIn, SignIn};
pub use state::{Account, Change, Code, Grant, Lease, Loaded, StoredKey};
pub use waf::{Outcome, Settings, Waf};

/// What a reply is: the shell adds nothing but the bytes of the status line.
pub type Reply = http::Response<String>;
