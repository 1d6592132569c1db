//! Virtual clock and network, and peers that are small enough to read, for tests.
//!
//! Time is virtual: a test says what time it is. The usual loop is
//!
//! ```
//! use std::time::Duration;
//! use testbed::{Clock, LinkQuality, Net};
//!
//! let clock = Clock::new();
//! let mut net: Net<&str, u32> = Net::new(7, LinkQuality::good());
//! net.send(clock.now(), "alice", "bob", 42);
//! while let Some(at) = net.next_delivery() {
//!     let delivery = net.deliver(at).expect("something is due at its own time");
//!     assert_eq!(delivery.payload, 42);
//!     assert_eq!(clock.since_start(at), Duration::from_millis(10));
//! }
//! ```
//!
//! - [`Clock`] — where virtual time begins;
//! - [`Net`], [`LinkQuality`] — a network with loss, duplication, reordering and latency, the same
//!   on every run with one seed;
//! - [`Dice`] — the small generator behind it;
//! - [`Target`] — the one that is on the real network, and waits: a server for what is told over HTTP.
#![forbid(unsafe_code)]

mod clock;
mod dice;
mod net;
mod target;

pub use clock::Clock;
pub use dice::Dice;
pub use net::{Delivery, LinkQuality, Net};
pub use target::{Target, Told, response};
