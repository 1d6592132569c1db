//! UDP and TCP on one and the same port.

use std::io::{Error, ErrorKind};
use std::net::{SocketAddr, TcpListener, UdpSocket};

use socket2::{Domain, Protocol, Socket, Type};

/// How often a free UDP port is tried for TCP too.
const TRIES: usize = 32;
/// Room for what arrives while the thread is busy.
const RECEIVE_BUFFER: usize = 4 << 20;

/// Both, not blocking.
pub(super) fn pair(address: SocketAddr) -> Result<(UdpSocket, TcpListener), Error> {
    let tries = if address.port() == 0 { TRIES } else { 1 };
    let mut last = Error::from(ErrorKind::AddrInUse);
    for _ in 0..tries {
        let udp = udp(address)?;
        match tcp_listener(udp.local_addr()?, false) {
            Ok(tcp) => return Ok((udp, tcp)),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn udp(address: SocketAddr) -> Result<UdpSocket, Error> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::DGRAM,
        Some(Protocol::UDP),
    )?;
    socket.set_nonblocking(true)?;
    // The system may give less, and that is no fault.
    let _ = socket.set_recv_buffer_size(RECEIVE_BUFFER);
    socket.bind(&address.into())?;
    Ok(socket.into())
}

/// A TCP listener, not blocking; `shared` lets several threads listen on the same port.
pub(crate) fn tcp_listener(address: SocketAddr, shared: bool) -> Result<TcpListener, Error> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    socket.set_nonblocking(true)?;
    socket.set_reuse_address(true)?;
    #[cfg(unix)]
    if shared {
        socket.set_reuse_port(true)?;
    }
    socket.bind(&address.into())?;
    socket.listen(1024)?;
    Ok(socket.into())
}
