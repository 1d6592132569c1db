//! The shell of the media gateway: worker threads round `nf-eims-agw`, and Iq to them, in this
//! process or over the network.
//!
//! ```text
//!   shard ── GatewayClient ──┬─▶ worker threads of this process            (local.rs, worker.rs)
//!                            └─▶ one authenticated connection ─▶ serve.rs ─▶ worker threads there
//!                                (remote.rs)
//! ```
//! - `config.rs`  what a configuration file may say;
//! - `handle.rs`  the one interface that shards see;
//! - `worker.rs`  a thread that owns its sockets;
//! - `seat.rs`    the place of a worker, which gets another when the first has died;
//! - `local.rs`   the workers of this process;
//! - `remote.rs`, `serve.rs`, `link.rs`  Iq between two machines.

mod config;
mod handle;
mod link;
mod local;
#[cfg(test)]
mod media_tests;
#[cfg(test)]
#[path = "../../../../nf/eims-agw/tests/gateway/support/mod.rs"]
mod peers;
mod remote;
mod seat;
mod serve;
#[cfg(test)]
mod tests;
mod worker;

pub use config::{GatewayConfig, PortRange, default_route};
pub use handle::{Figures, GatewayClient, GatewayEvent, GatewayHandle};
pub use link::{IqConfig, Secret};
pub use local::{Workers, start};
pub use remote::connect;
pub use serve::{IqServer, serve};
