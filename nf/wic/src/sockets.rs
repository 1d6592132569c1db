use std::collections::VecDeque;
use std::net::SocketAddr;

/// Sockets for media that are open and in no call.
#[derive(Debug)]
pub(crate) struct Sockets {
    free: VecDeque<SocketAddr>,
    /// Not needed any more.
    closed: Vec<SocketAddr>,
}

impl Sockets {
    pub(crate) fn new(free: &[SocketAddr]) -> Self {
        Self {
            free: free.iter().copied().collect(),
            closed: Vec::new(),
        }
    }

    /// The newest is the next one to be taken.
    pub(crate) fn add(&mut self, local: SocketAddr) {
        self.free.push_front(local);
    }

    pub(crate) fn take(&mut self) -> Option<SocketAddr> {
        self.free.pop_front()
    }

    /// It was not used, or its call is over.
    pub(crate) fn give_back(&mut self, local: SocketAddr) {
        self.free.push_back(local);
    }

    /// It was left behind in a restart.
    pub(crate) fn close(&mut self, local: Option<SocketAddr>) {
        self.closed.extend(local);
    }

    pub(crate) fn poll_closed(&mut self) -> Option<SocketAddr> {
        self.closed.pop()
    }
}
