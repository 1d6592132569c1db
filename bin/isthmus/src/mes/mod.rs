//! The MMTel Enabler Server's shell (TS 29.392): its APIs over HTTP, and what it writes down.
//!
//! ```text
//!  request ─▶ http/ ─▶ the common rules ─▶ a behaviour ─▶ nf_mmtel_es ─▶ one transaction ─▶ reply
//! ```
//! - `http` has the routes: the table of operations finds one, the rules that all share are looked
//!   at, and its behaviour is asked;
//! - `outbox/` delivers notifications;
//! - `view/` shows operators what there is;
//! - `Enabler` has the state, and writes down what changes.
//!
//! **How an operation gets its route.** `http/behaviour.rs` names a function for each operation that is
//! served; the others have no route. It gets the `Enabler` and a `http::Call` (consumer, variable of
//! the path, body), and answers with a `http::Reply` or a `http::Refusal`. A function that needs a
//! machine in a task of its own sends it a command with a `tokio::sync::oneshot` for the answer; that
//! task writes what its machine says by `Enabler::commit`, and answers when that is written.

pub(crate) mod calls;
mod config;
mod enabler;
mod http;
mod outbox;
mod repository;
pub(crate) mod view;

pub(crate) use config::AUDIENCE;
pub use config::{EnablerConfig, NotificationsConfig, ProviderConfig, TokenConfig};
pub use enabler::{Enabler, EnablerError};
pub use http::{router, router_alone};
