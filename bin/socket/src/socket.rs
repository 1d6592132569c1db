use std::io;
use std::net::{SocketAddr, UdpSocket};

use socket2::{Domain, Protocol, Type};

/// A UDP socket that never blocks, bound to one address.
#[derive(Debug)]
pub struct Socket {
    pub(crate) inner: UdpSocket,
}

impl Socket {
    /// Binds. `receive_buffer` is a wish: the system gives what it allows.
    pub fn bind(address: SocketAddr, receive_buffer: Option<usize>) -> io::Result<Self> {
        let socket = socket2::Socket::new(
            Domain::for_address(address),
            Type::DGRAM,
            Some(Protocol::UDP),
        )?;
        if address.is_ipv6() {
            socket.set_only_v6(true)?;
        }
        if let Some(size) = receive_buffer {
            // Best effort: an unprivileged process may be held to less.
            let _ = socket.set_recv_buffer_size(size);
            let _ = socket.set_send_buffer_size(size);
        }
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        Ok(Self {
            inner: socket.into(),
        })
    }

    /// Where it is bound, with the port that was chosen for port 0.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.inner.local_addr()
    }

    /// One datagram, outside a batch. A full send buffer drops it, as the network would.
    pub fn send_to(&self, bytes: &[u8], destination: SocketAddr) -> io::Result<usize> {
        self.inner.send_to(bytes, destination)
    }
}
