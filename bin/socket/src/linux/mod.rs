//! Linux: `recvmmsg`, `sendmmsg`, `epoll`, `eventfd`.

mod address;
mod batch;
mod poller;

pub use batch::Batch;
pub use poller::{Poller, Waker};
