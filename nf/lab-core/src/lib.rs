//! A laboratory's IMS core: registrar, subscribers and routing. **Not for networks.**
//!
//! It stands in for I-CSCF, S-CSCF and HSS where there are none, so that an eP-CSCF has somebody to
//! register with and a browser has somebody to call. It knows its subscribers by a list, forks to
//! their contacts, and asserts their identities; it has no services, no charging, no roaming, no
//! interconnection, no emergency calls, keeps everything in memory, and never grows into a real
//! core. What it does for an eP-CSCF it does as TS 24.229 and TS 33.203 say, so that a real core
//! can take its place; ordinary SIP phones may register with it over UDP and TCP too.
//!
//! ```text
//!              ┌──────────────────────── LabCore ────────────────────────┐
//!  eP-CSCF ──▶ │ Transactions ─▶ registrar ─▶ authentication ─▶ location │ ──▶ eP-CSCF
//!  phone   ──▶ │              ─▶ routing   ─▶ identity, users            │ ──▶ phone
//!              │              ─▶ reg_event (RFC 3680)                    │
//!              └─────────────────────────────────────────────────────────┘
//! ```
//!
//! The shell gives messages, time and answers of its resolver, and drains [`Output`]:
//!
//! ```
//! use nf_lab_core::{LabCore, LabCoreConfig, Subscriber};
//!
//! let domain = "ims.example.com";
//! let config = LabCoreConfig::new(domain, "127.0.0.1:5060".parse().expect("an address"));
//! let alice = Subscriber::new("alice", "a password", domain, &["tel:+15550100"]);
//! let mut core = LabCore::new(config, &[alice], [7; 32]);
//! # let now = testbed::Clock::new().now();
//! // For each datagram or framed message: core.handle_message(now, source, message), then
//! while let Some(output) = core.poll_output() {
//!     // send it
//! }
//! // and when the time comes that poll_timeout() named: core.handle_timeout(now).
//! assert!(core.poll_timeout().is_none());
//! ```
#![forbid(unsafe_code)]

mod aka;
mod authentication;
mod config;
mod filter;
mod gruu;
mod identify;
mod identity;
mod lab_core;
mod location;
mod network;
mod reg_event;
mod reginfo;
mod registrar;
mod routing;
mod sending;
mod users;

pub use config::{LabCoreConfig, Sim, Subscriber, WebFunctions};
pub use filter::FilterCriterion;
pub use lab_core::{Counters, LabCore, Output};
pub use network::Ending;
