//! MMTel Enabler Server (TS 29.392): what it knows and decides, without a socket and without a clock.
//!
//! So far: MMTel_DCAppManagement, the applications of data channels and who provides them
//! (TS 29.392 §5.2), in [`Applications`]; what UEs hear of them on bootstrap channels,
//! [`Applications::give`]; calls of applications to UEs, MMTel_DCAppCall (TS 29.392 §5.3), in
//! [`calls`]; and notifications on their way, in [`Outbox`].
//!
//! ```text
//!  application server                 shell                          here
//!    │  POST /dcapps/configure         │                               │
//!    │ ──────────────────────────────▶ │  read::<DcAppConfigReq>       │
//!    │                                 │  may this consumer?           │  Applications::authorize
//!    │                                 │  on a thread that may take    │
//!    │                                 │  long: are these archives?    │  Checked::configuration
//!    │                                 │ ────────────────────────────▶ │  Applications::configure
//!    │                                 │  changes: one transaction     │
//!    │                                 │ ◀──────────────────────────── │
//!    │  200, when it is written        │                               │
//!    │ ◀────────────────────────────── │                               │
//! ```
//!
//! [`Applications`] is plain functions of a request, the time and randomness over loaded state. A
//! function answers with an [`Outcome`]: the changes to write down, and the reply that may leave once
//! they are written.
#![forbid(unsafe_code)]

mod application;
mod applications;
pub mod calls;
mod change;
mod checked;
mod consumer;
mod outbox;
pub mod package;
mod repository;
mod target;

pub use application::{Application, Call, Package, StoredPackage, Version};
pub use applications::{Applications, Outcome};
pub use change::{Change, Notice, StoredSession};
pub use checked::Checked;
pub use consumer::{Consumer, Provider, Settings};
pub use outbox::{Answer, Down, End, Head, Notification, Outbox, OutboxSettings, Output};
pub use repository::{Beginnings, Given, Signer, Viewer};
pub use target::Targets;
