//! Batched datagrams: the one crate that may hold unsafe code, for `recvmmsg`, `sendmmsg` and `epoll`.
//!
//! A media worker owns [`Socket`]s, one [`Poller`] and one [`Batch`]. A round of its loop:
//!
//! ```text
//!   Poller::wait ─▶ tokens of sockets that have datagrams
//!   Batch::receive (many datagrams, one call)      ─▶ slots, worked on in place
//!   Batch::depart  (this slot, this range, thither)
//!   Batch::send    (all that leave by one socket, one call)
//! ```
//!
//! Nothing is copied between the two calls and nothing is allocated after construction. There is
//! no packet-info: a socket is bound to one address, and what leaves by it leaves from there.
//! Elsewhere than on Linux the same interface stands on `std`'s sockets, one call a datagram.
// The system calls that std and socket2 do not have; every block says why it holds.
#![allow(unsafe_code)]

mod socket;
#[cfg(not(target_os = "linux"))]
#[path = "portable.rs"]
mod system;
#[cfg(target_os = "linux")]
#[path = "linux/mod.rs"]
mod system;

pub use socket::Socket;
pub use system::{Batch, Poller, Waker};

/// The room of a slot: an Ethernet frame's datagram, what SRTP adds, and some to spare.
pub const SLOT: usize = 2048;

/// What [`Poller::wait`] calls the waker.
pub const WAKER: u64 = u64::MAX;
