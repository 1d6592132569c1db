//! The real doors of an eP-CSCF, for tests that are filed by clause.
//!
//! A test stands around the binary: it is the WIC at W2 ([`Wic`]: SIP over WebSocket, with or without
//! TLS), the core at Mw ([`Core`]: SIP over UDP and TCP) and, where tokens are wanted, the WAF
//! ([`Waf`]: an issuer whose keys the binary fetches). What stands between is [`Subject`]: a process
//! of its own for each test, on ports that it finds itself, so that tests run side by side.
//!
//! For the clauses that bind a WIC it is the other way round: the test is the eP-CSCF ([`Edge`]), and
//! the binary is the WIC without a browser ([`Headless`]).
//!
//! At the MMTel Enabler Server ([`Enabler`]) the test is an application server, which writes its HTTP
//! by hand; where it is to call ([`Calling`]) the test is the core, too.
//!
//! `ISTHMUS_BIN` names the binary to examine, as `cargo xtask test conformance` does. Without it the
//! one of this checkout is built first.
#![forbid(unsafe_code)]

mod calling_side;
mod core_side;
mod edge_side;
mod enabler_side;
mod https;
mod subject;
mod waf_side;
mod wic_side;

pub use calling_side::Calling;
pub use core_side::Core;
pub use edge_side::{Edge, Headless};
pub use enabler_side::{Answer, Enabler};
pub use subject::{Setup, Subject};
pub use waf_side::{Waf, unsigned};
pub use wic_side::{Refused, Wic};

use std::time::Duration;

/// How long a test waits for what must come; longer than anything here takes on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// How long a test waits to say that nothing came.
pub const SILENCE: Duration = Duration::from_millis(250);

/// The home domain of the subject.
pub const HOME: &str = "ims.example.net";
