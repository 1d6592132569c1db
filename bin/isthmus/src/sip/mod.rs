//! SIP over UDP, TCP and TLS, for the eP-CSCF's Mw and for the laboratory's core.
//!
//! ```text
//!   datagram, stream ──▶ gate ──▶ Message ──▶ SipEvent ──▶ the machine of this thread
//!                                    └──▶ 400, 513: what is no message (RFC 3261 §8.2.6)
//!   Target, bytes    ◀── send() ◀──────────────────────── its outputs
//! ```
//! Everything lives on one thread. A connection is a task with a bounded queue; a peer that does not
//! read loses its connection, and nobody waits for it. What one address may ask for is limited
//! before it is read ([`gate`]).

mod bind;
mod connection;
mod figures;
mod gate;
mod tls;

#[cfg(test)]
mod tests;

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use core_sip::{ConnectionId, Random, Source, Target, Transport, answer_malformed};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::mpsc;
use tracing::debug;
use wire_sip::{Malformed, Message};

use crate::fault::{Fault, Port};
use connection::Connection;
use gate::Gate;

pub(crate) use bind::tcp_listener;
pub(crate) use figures::SipFigures;
pub(crate) use tls::SipTls;

/// Messages that wait for one connection; a peer that is slower than that is cut off.
const QUEUE: usize = 256;
/// How long a peer may take to accept a connection.
const CONNECT: Duration = Duration::from_secs(10);

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

/// What sockets are opened from.
#[derive(Debug, Clone)]
pub(crate) struct SipSetup {
    /// For an operator whose port is taken.
    pub(crate) port: Port,
    /// UDP and TCP; port 0 is a free one.
    pub(crate) address: SocketAddr,
    /// TLS beside them.
    pub(crate) tls: Option<Arc<SipTls>>,
    /// Requests of one address in a second; 0: any number.
    pub(crate) requests_per_second: u32,
    /// Where it is counted.
    pub(crate) figures: Arc<SipFigures>,
    /// The number of the first connection.
    pub(crate) first: u64,
}

/// Where somebody listens.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SipAddresses {
    /// UDP and TCP.
    pub(crate) plain: SocketAddr,
    /// TLS.
    pub(crate) tls: Option<SocketAddr>,
}

/// The sockets of one thread.
pub(crate) struct SipSockets {
    local: SipAddresses,
    udp: UdpSocket,
    tcp: TcpListener,
    secure: Option<TcpListener>,
    tls: Option<Arc<SipTls>>,
    gate: RefCell<Gate>,
    connections: RefCell<HashMap<ConnectionId, Known>>,
    by_peer: RefCell<HashMap<(Transport, SocketAddr), ConnectionId>>,
    next: Cell<u64>,
    random: RefCell<Random>,
    events: RefCell<Option<OnEvent>>,
    figures: Arc<SipFigures>,
}

struct Known {
    transport: Transport,
    remote: SocketAddr,
    queue: mpsc::Sender<Bytes>,
}

impl SipSockets {
    /// Opens UDP and TCP on one port, and TLS on its own. Must be called in the runtime of the thread
    /// that uses it.
    pub(crate) fn bind(setup: SipSetup) -> Result<Rc<Self>, Fault> {
        let SipSetup { port, address, .. } = setup;
        let to_fault = |error: std::io::Error| Fault::bind(&port, address, &error);
        let (udp, tcp) = bind::pair(address).map_err(to_fault)?;
        let udp = UdpSocket::from_std(udp).map_err(to_fault)?;
        let tcp = TcpListener::from_std(tcp).map_err(to_fault)?;
        let plain = udp.local_addr().map_err(to_fault)?;
        let secure = match &setup.tls {
            Some(tls) => {
                let fail = |error: std::io::Error| Fault::bind(tls.port(), tls.listen(), &error);
                let listener = tcp_listener(tls.listen(), false).map_err(fail)?;
                Some(TcpListener::from_std(listener).map_err(fail)?)
            }
            None => None,
        };
        let tls = match &secure {
            Some(secure) => Some(secure.local_addr().map_err(to_fault)?),
            None => None,
        };
        let mut seed = [0; 32];
        getrandom::fill(&mut seed)
            .map_err(|error| Fault::new(format!("the system gives no random bytes: {error}")))?;
        Ok(Rc::new(Self {
            local: SipAddresses { plain, tls },
            udp,
            tcp,
            secure,
            tls: setup.tls,
            gate: RefCell::new(Gate::new(setup.requests_per_second)),
            connections: RefCell::default(),
            by_peer: RefCell::default(),
            next: Cell::new(setup.first),
            random: RefCell::new(Random::new(seed)),
            events: RefCell::new(None),
            figures: setup.figures,
        }))
    }

    /// The addresses, with the ports that were found.
    pub(crate) fn addresses(&self) -> SipAddresses {
        self.local
    }

    /// Begins to receive. `on_event` is called on this thread, one event at a time.
    pub(crate) fn start(self: &Rc<Self>, on_event: impl Fn(SipEvent) + 'static) {
        *self.events.borrow_mut() = Some(Rc::new(on_event));
        tokio::task::spawn_local(Rc::clone(self).receive_datagrams());
        tokio::task::spawn_local(Rc::clone(self).accept_connections(Transport::Tcp));
        if let Some(tls) = self.tls.clone() {
            tokio::task::spawn_local(Rc::clone(self).accept_connections(Transport::Tls));
            tokio::task::spawn_local(async move {
                loop {
                    tokio::time::sleep(tls::LOOK).await;
                    tls.look_again();
                }
            });
        }
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
                    self.fail_later(target);
                }
            }
            Target::Address { transport, addr } => {
                let known = self.by_peer.borrow().get(&(transport, addr)).copied();
                match known {
                    Some(id) => self.send_on(id, target, message),
                    None => self.connect(transport, addr, target, message),
                }
            }
        }
    }

    fn send_on(self: &Rc<Self>, id: ConnectionId, target: Target, message: Bytes) {
        if !self.say_on(id, message) {
            self.forget(id);
            self.fail_later(target);
        }
    }

    /// Whether it may be said there.
    fn say_on(&self, id: ConnectionId, message: Bytes) -> bool {
        let connections = self.connections.borrow();
        let known = connections.get(&id);
        known.is_some_and(|known| known.queue.try_send(message).is_ok())
    }

    /// Later: the machine is in the middle of its outputs now.
    fn fail_later(self: &Rc<Self>, target: Target) {
        let sockets = Rc::clone(self);
        tokio::task::spawn_local(async move { sockets.emit(SipEvent::Failed(target)) });
    }

    /// RFC 3261 §18.1.1: a connection is opened when there is none to the peer.
    fn connect(
        self: &Rc<Self>,
        transport: Transport,
        addr: SocketAddr,
        target: Target,
        message: Bytes,
    ) {
        let tls = match (transport, &self.tls) {
            (Transport::Tcp, _) => None,
            (Transport::Tls, Some(tls)) => Some(Arc::clone(tls)),
            // WebSockets are opened by WICs alone.
            _ => {
                self.fail_later(target);
                return;
            }
        };
        let (connection, queue) = self.adopt(transport, addr, false);
        self.say_on(connection.id, message);
        let sockets = Rc::clone(self);
        let id = connection.id;
        tokio::task::spawn_local(async move {
            let failed = match tls {
                None => match tokio::time::timeout(CONNECT, TcpStream::connect(addr)).await {
                    Ok(Ok(stream)) => {
                        let _ = stream.set_nodelay(true);
                        if let Ok(local) = stream.local_addr() {
                            connection.serve(local, stream, queue).await;
                        }
                        None
                    }
                    Ok(Err(error)) => Some(error),
                    Err(late) => Some(late.into()),
                },
                Some(tls) => match tls.connect(addr).await {
                    Ok(stream) => {
                        if let Ok(local) = stream.get_ref().0.local_addr() {
                            connection.serve(local, stream, queue).await;
                        }
                        None
                    }
                    Err(error) => {
                        sockets.figures.tls_failed();
                        Some(error)
                    }
                },
            };
            match failed {
                None => {
                    sockets.emit(SipEvent::Closed(id));
                    // RFC 3261 §17.1.4, §18.4: what went over it and has no answer gets none now.
                    if !sockets.by_peer.borrow().contains_key(&(transport, addr)) {
                        sockets.emit(SipEvent::Failed(target));
                    }
                }
                Some(error) => {
                    debug!(%error, %transport, "no connection to a peer");
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
            let cost = if bytes.starts_with(b"SIP/2.0 ") {
                gate::RESPONSE
            } else {
                gate::REQUEST
            };
            let leave = self
                .gate
                .borrow_mut()
                .take(Instant::now(), remote.ip(), cost);
            if leave.is_err() {
                self.figures.flooded();
                continue;
            }
            // RFC 5626 §3.5.1 and common practice: keep-alives of phones behind a NAT.
            if bytes.iter().all(|byte| matches!(byte, b'\r' | b'\n' | 0)) {
                continue;
            }
            let source = Source {
                transport: Transport::Udp,
                local: self.local.plain,
                remote,
                connection: None,
            };
            let octets = Bytes::copy_from_slice(bytes);
            let parsed = Message::parse(octets.clone());
            match parsed.and_then(|message| message.check().map(|()| message)) {
                Ok(message) => self.emit(SipEvent::Message(source, Box::new(message))),
                Err(fault) => {
                    self.refuse(source, &octets, &fault);
                }
            }
        }
    }

    async fn accept_connections(self: Rc<Self>, transport: Transport) {
        let listener = match (transport, &self.secure) {
            (Transport::Tls, Some(secure)) => secure,
            _ => &self.tcp,
        };
        loop {
            let Ok((stream, remote)) = listener.accept().await else {
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            };
            let may = self.gate.borrow_mut().open(Instant::now(), remote.ip());
            if !may {
                self.figures.connection_refused();
                continue;
            }
            let (connection, queue) = self.adopt(transport, remote, true);
            let sockets = Rc::clone(&self);
            tokio::task::spawn_local(async move {
                let id = connection.id;
                connection.accepted(stream, queue).await;
                sockets.emit(SipEvent::Closed(id));
            });
        }
    }

    /// What is no message: answered where it says enough of itself, dropped otherwise. Says which.
    fn refuse(self: &Rc<Self>, source: Source, octets: &[u8], fault: &Malformed) -> bool {
        self.figures.malformed();
        debug!(%fault, transport = %source.transport, "what is no SIP message");
        let tag = self.random.borrow_mut().tag();
        let answer = answer_malformed(octets, fault, &source, &tag);
        let answered = answer.is_some();
        if let Some((target, response)) = answer {
            self.send(target, response);
        }
        answered
    }

    fn adopt(
        self: &Rc<Self>,
        transport: Transport,
        remote: SocketAddr,
        accepted: bool,
    ) -> (Connection, mpsc::Receiver<Bytes>) {
        let id = ConnectionId(self.next.get());
        self.next.set(id.0 + 1);
        let (queue, waiting) = mpsc::channel(QUEUE);
        let known = Known {
            transport,
            remote,
            queue,
        };
        self.connections.borrow_mut().insert(id, known);
        self.by_peer.borrow_mut().insert((transport, remote), id);
        let connection = Connection {
            sockets: Rc::clone(self),
            id,
            transport,
            remote,
            accepted,
            silent: accepted,
        };
        (connection, waiting)
    }

    fn forget(&self, id: ConnectionId) {
        let Some(known) = self.connections.borrow_mut().remove(&id) else {
            return;
        };
        let peer = (known.transport, known.remote);
        let mut by_peer = self.by_peer.borrow_mut();
        if by_peer.get(&peer) == Some(&id) {
            by_peer.remove(&peer);
        }
    }

    fn emit(&self, event: SipEvent) {
        let on_event = self.events.borrow().clone();
        if let Some(on_event) = on_event {
            on_event(event);
        }
    }
}
