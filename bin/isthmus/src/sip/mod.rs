//! SIP over UDP and TCP, for the eP-CSCF's Mw and for the laboratory's core.
//!
//! ```text
//!   datagram, stream ──▶ Message ──▶ SipEvent ──▶ the machine of this thread
//!   Target, bytes    ◀── send() ◀─────────────── its outputs
//! ```
//! Everything lives on one thread. A TCP connection is a task with a bounded queue; a peer that does
//! not read loses its connection, and nobody waits for it.

mod bind;
mod connection;

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::rc::Rc;

use bytes::Bytes;
use core_sip::{ConnectionId, Source, Target, Transport};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::mpsc;
use tracing::debug;
use wire_sip::Message;

use crate::fault::Fault;

pub(crate) use bind::tcp_listener;

/// Messages that wait for one connection; a peer that is slower than that is cut off.
const QUEUE: usize = 256;
/// Connections of one listener at a time.
const MOST_CONNECTIONS: usize = 10_000;

/// Whoever is told of it.
type OnEvent = Rc<dyn Fn(SipEvent)>;

/// What comes from the network.
#[derive(Debug)]
pub(crate) enum SipEvent {
    /// One whole message.
    Message(Source, Box<Message>),
    /// A connection is gone.
    Closed(ConnectionId),
    /// Nothing could be sent there.
    Failed(Target),
}

/// The sockets of one thread.
pub(crate) struct SipSockets {
    local: SocketAddr,
    udp: UdpSocket,
    tcp: TcpListener,
    connections: RefCell<HashMap<ConnectionId, Connection>>,
    by_peer: RefCell<HashMap<SocketAddr, ConnectionId>>,
    next: Cell<u64>,
    events: RefCell<Option<OnEvent>>,
    malformed: Cell<u64>,
}

struct Connection {
    remote: SocketAddr,
    queue: mpsc::Sender<Bytes>,
}

impl SipSockets {
    /// Opens UDP and TCP on one port; port 0 is a free one. Connections are numbered from `first`.
    /// Must be called in the runtime of the thread that uses it.
    pub(crate) fn bind(what: &str, address: SocketAddr, first: u64) -> Result<Rc<Self>, Fault> {
        let (udp, tcp) = bind::pair(address).map_err(|error| Fault::bind(what, address, &error))?;
        let to_tokio = |error: std::io::Error| Fault::bind(what, address, &error);
        let udp = UdpSocket::from_std(udp).map_err(to_tokio)?;
        let tcp = TcpListener::from_std(tcp).map_err(to_tokio)?;
        let local = udp.local_addr().map_err(to_tokio)?;
        Ok(Rc::new(Self {
            local,
            udp,
            tcp,
            connections: RefCell::default(),
            by_peer: RefCell::default(),
            next: Cell::new(first),
            events: RefCell::new(None),
            malformed: Cell::new(0),
        }))
    }

    /// The address, with the port that was found.
    pub(crate) fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// Datagrams and streams that held no SIP message, so far.
    pub(crate) fn malformed(&self) -> u64 {
        self.malformed.get()
    }

    /// Begins to receive. `on_event` is called on this thread, one event at a time.
    pub(crate) fn start(self: &Rc<Self>, on_event: impl Fn(SipEvent) + 'static) {
        *self.events.borrow_mut() = Some(Rc::new(on_event));
        tokio::task::spawn_local(Rc::clone(self).receive_datagrams());
        tokio::task::spawn_local(Rc::clone(self).accept_connections());
    }

    /// Sends one message. What cannot be sent comes back as [`SipEvent::Failed`].
    pub(crate) fn send(self: &Rc<Self>, target: Target, message: Bytes) {
        match target {
            Target::Connection { id, .. } => self.send_on(id, target, message),
            Target::Address {
                transport: Transport::Udp,
                addr,
            } => {
                if let Err(error) = self.udp.try_send_to(&message, addr)
                    && error.kind() != std::io::ErrorKind::WouldBlock
                {
                    // Later: the machine is in the middle of its outputs now.
                    let sockets = Rc::clone(self);
                    tokio::task::spawn_local(async move { sockets.emit(SipEvent::Failed(target)) });
                }
            }
            Target::Address { addr, .. } => {
                let known = self.by_peer.borrow().get(&addr).copied();
                match known {
                    Some(id) => self.send_on(id, target, message),
                    None => self.connect(addr, target, message),
                }
            }
        }
    }

    fn send_on(self: &Rc<Self>, id: ConnectionId, target: Target, message: Bytes) {
        let sent = self
            .connections
            .borrow()
            .get(&id)
            .is_some_and(|connection| connection.queue.try_send(message).is_ok());
        if !sent {
            self.forget(id);
            let sockets = Rc::clone(self);
            tokio::task::spawn_local(async move { sockets.emit(SipEvent::Failed(target)) });
        }
    }

    /// RFC 3261 §18.1.1: a connection is opened when there is none to the peer.
    fn connect(self: &Rc<Self>, addr: SocketAddr, target: Target, message: Bytes) {
        let (id, queue) = self.adopt(addr);
        let _ = self
            .connections
            .borrow()
            .get(&id)
            .map(|connection| connection.queue.try_send(message));
        let sockets = Rc::clone(self);
        tokio::task::spawn_local(async move {
            match TcpStream::connect(addr).await {
                Ok(stream) => connection::serve(sockets, id, stream, queue).await,
                Err(error) => {
                    debug!(%error, "no TCP connection to a peer");
                    sockets.forget(id);
                    sockets.emit(SipEvent::Failed(target));
                }
            }
        });
    }

    async fn receive_datagrams(self: Rc<Self>) {
        let mut buffer = vec![0; 65_536];
        loop {
            let (length, remote) = match self.udp.recv_from(&mut buffer).await {
                Ok(received) => received,
                // An ICMP error for what was sent before: the transaction's timer tells.
                Err(error) => {
                    debug!(%error, "UDP");
                    continue;
                }
            };
            let bytes = &buffer[..length];
            // RFC 5626 §3.5.1 and common practice: keep-alives of phones behind a NAT.
            if bytes.iter().all(|byte| matches!(byte, b'\r' | b'\n' | 0)) {
                continue;
            }
            match Message::parse(Bytes::copy_from_slice(bytes)) {
                Ok(message) => {
                    let source = Source {
                        transport: Transport::Udp,
                        local: self.local,
                        remote,
                        connection: None,
                    };
                    self.emit(SipEvent::Message(source, Box::new(message)));
                }
                Err(error) => self.count_malformed(&error),
            }
        }
    }

    async fn accept_connections(self: Rc<Self>) {
        loop {
            let Ok((stream, remote)) = self.tcp.accept().await else {
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                continue;
            };
            if self.connections.borrow().len() >= MOST_CONNECTIONS {
                continue;
            }
            let (id, queue) = self.adopt(remote);
            tokio::task::spawn_local(connection::serve(Rc::clone(&self), id, stream, queue));
        }
    }

    fn adopt(&self, remote: SocketAddr) -> (ConnectionId, mpsc::Receiver<Bytes>) {
        let id = ConnectionId(self.next.get());
        self.next.set(id.0 + 1);
        let (queue, waiting) = mpsc::channel(QUEUE);
        self.connections
            .borrow_mut()
            .insert(id, Connection { remote, queue });
        self.by_peer.borrow_mut().insert(remote, id);
        (id, waiting)
    }

    fn forget(&self, id: ConnectionId) -> bool {
        let Some(connection) = self.connections.borrow_mut().remove(&id) else {
            return false;
        };
        let mut by_peer = self.by_peer.borrow_mut();
        if by_peer.get(&connection.remote) == Some(&id) {
            by_peer.remove(&connection.remote);
        }
        true
    }

    fn emit(&self, event: SipEvent) {
        let on_event = self.events.borrow().clone();
        if let Some(on_event) = on_event {
            on_event(event);
        }
    }

    fn count_malformed(&self, error: &dyn std::fmt::Display) {
        self.malformed.set(self.malformed.get() + 1);
        debug!(%error, "dropped what is no SIP message");
    }
}
