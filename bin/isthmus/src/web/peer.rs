//! What only the one who accepted a connection knows of it.

use std::net::SocketAddr;

/// Who is at the other end, and whether TLS is between. Goes with each request, as an extension.
#[derive(Debug, Clone, Copy)]
pub struct Peer {
    /// The other end.
    pub remote: SocketAddr,
    /// Whether it came over TLS.
    pub secure: bool,
}
