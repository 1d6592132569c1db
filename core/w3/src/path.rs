use std::net::SocketAddr;

/// One way between a socket of ours and the peer: a candidate pair, once it was checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Path {
    /// Which of our sockets, as the shell numbers them.
    pub local: u32,
    /// Where the peer is.
    pub remote: SocketAddr,
}
