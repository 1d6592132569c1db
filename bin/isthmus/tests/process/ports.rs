//! Ports that are known before anybody listens on them.

use std::net::{TcpListener, UdpSocket};
use std::sync::atomic::{AtomicU32, Ordering};

/// A port, of UDP and TCP, that nobody has and nobody is given: below those from which the system takes one for whoever
/// asks for any. Whoever is started twice finds it free again.
pub(crate) fn free_port() -> u16 {
    const PORTS: std::ops::Range<u32> = 20_000..32_000;
    static NEXT: AtomicU32 = AtomicU32::new(0);
    loop {
        // Programs that run side by side begin far apart.
        let step = NEXT.fetch_add(1, Ordering::Relaxed);
        let place = (std::process::id() * 97 + step) % (PORTS.end - PORTS.start);
        let port = (PORTS.start + place) as u16;
        let address = ("127.0.0.1", port);
        if UdpSocket::bind(address).is_ok() && TcpListener::bind(address).is_ok() {
            return port;
        }
    }
}
