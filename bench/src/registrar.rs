//! The core behind the edge, as small as it can be: it answers every REGISTER with 200 at once, so
//! that the edge alone is measured.

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Result;
use bytes::Bytes;
use wire_sip::{HeaderName, Message, StatusCode};

/// A running one; it ends when this is dropped.
pub struct Registrar {
    /// Where it listens, UDP.
    pub address: SocketAddr,
    ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Registrar {
    /// Starts one on a free port.
    pub fn start() -> Result<Self> {
        let socket = UdpSocket::bind("127.0.0.1:0")?;
        socket.set_read_timeout(Some(Duration::from_millis(100)))?;
        let address = socket.local_addr()?;
        let ended = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&ended);
        let thread = std::thread::spawn(move || {
            let mut buffer = vec![0; 65_536];
            while !flag.load(Ordering::Relaxed) {
                let Ok((length, from)) = socket.recv_from(&mut buffer) else {
                    continue;
                };
                let Some(reply) = answer(&buffer[..length], address) else {
                    continue;
                };
                let _ = socket.send_to(&reply, from);
            }
        });
        Ok(Self {
            address,
            ended,
            thread: Some(thread),
        })
    }
}

impl Drop for Registrar {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn answer(bytes: &[u8], own: SocketAddr) -> Option<Bytes> {
    let request = Message::parse(Bytes::copy_from_slice(bytes)).ok()?;
    if !request.is_request() || request.method().as_str() == "ACK" {
        return None;
    }
    let mut reply = Message::response_to(&request, StatusCode::OK, None);
    if let Some(contact) = request.header(HeaderName::Contact) {
        reply.push_back(HeaderName::Contact, format!("{contact};expires=600"));
    }
    if let Some(path) = request.header(HeaderName::Path) {
        reply.push_back(HeaderName::Path, path);
    }
    reply.push_back(HeaderName::ServiceRoute, format!("<sip:orig@{own};lr>"));
    if let Some(to) = request.header(HeaderName::To) {
        reply.push_back(HeaderName::PAssociatedUri, to);
    }
    Some(reply.to_bytes())
}
