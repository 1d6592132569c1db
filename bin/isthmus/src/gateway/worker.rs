//! One media thread: it owns its sockets and one [`Gateway`], and does everything for its Contexts.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use core_iq::{Command, ContextId, Refusal, Reply, RequestId};
use isthmus_socket::{Batch, Poller, Socket, WAKER, Waker};
use nf_eims_agw::{Arrival, BoundPorts, Gateway, Output, PortRequest, SocketId};

use super::handle::{ClientId, Figures, GatewayEvent, Sink};

/// Datagrams a round.
const BATCH: usize = 64;

/// Datagrams one port towards the core may have of a round: none starves the others, and to receive
/// a single one is cheapest. What is left makes the next round begin at once.
const CORE_SHARE: usize = 1;

/// How stale figures may be.
const FIGURES_EVERY: Duration = Duration::from_millis(250);

/// How often a neighbour pair of ports is looked for when the system picks.
const PAIR_TRIES: usize = 16;

/// What a worker is told.
pub(super) enum ToWorker {
    /// A new client.
    Join(ClientId, Sink),
    /// A client is gone.
    Leave(ClientId),
    /// A request of a client.
    Request(ClientId, RequestId, Command),
    /// The process ends.
    Stop,
    /// A test wants to see what follows.
    #[cfg(test)]
    Panic,
}

/// Why a worker is no more.
pub(super) enum Ended {
    /// It was told to stop.
    Told,
    /// The system has failed it.
    Failed(io::Error),
}

/// The other end of a worker, for whoever sends to it.
#[derive(Clone)]
pub(super) struct WorkerHandle {
    sender: Sender<ToWorker>,
    waker: Waker,
    figures: Arc<Mutex<Figures>>,
    alive: Arc<AtomicBool>,
}

impl WorkerHandle {
    /// Says it; false if the worker is no more.
    pub(super) fn tell(&self, message: ToWorker) -> bool {
        if self.sender.send(message).is_err() {
            return false;
        }
        self.waker.wake();
        true
    }

    pub(super) fn is_alive(&self) -> bool {
        self.alive.load(Ordering::Relaxed)
    }

    pub(super) fn figures(&self) -> Figures {
        *self.figures.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Everything a media thread has.
pub(super) struct Worker {
    /// As its Contexts name it.
    number: u16,
    gateway: Gateway,
    poller: Poller,
    inbox: Receiver<ToWorker>,
    /// By `SocketId`.
    sockets: Vec<Option<Socket>>,
    free: Vec<u32>,
    w3_sockets: usize,
    batch: Batch,
    /// What leaves at the end of a round: by which socket, and in which slot it lies.
    leaving: Vec<(SocketId, usize)>,
    clients: HashMap<ClientId, Sink>,
    /// Requests of clients have numbers of our own towards the gateway.
    requests: HashMap<RequestId, Asked>,
    next_request: u64,
    owners: HashMap<ContextId, ClientId>,
    figures: Arc<Mutex<Figures>>,
    alive: Arc<AtomicBool>,
}

struct Asked {
    client: ClientId,
    id: RequestId,
}

impl Worker {
    /// Takes over the W3 sockets, which have the numbers from 0 on.
    pub(super) fn new(
        number: u16,
        gateway: Gateway,
        w3: Vec<Socket>,
    ) -> io::Result<(Self, WorkerHandle)> {
        let poller = Poller::new()?;
        for (token, socket) in w3.iter().enumerate() {
            poller.add(socket, token as u64)?;
        }
        let (sender, inbox) = channel();
        let figures = Arc::<Mutex<Figures>>::default();
        let alive = Arc::new(AtomicBool::new(true));
        let handle = WorkerHandle {
            sender,
            waker: poller.waker(),
            figures: Arc::clone(&figures),
            alive: Arc::clone(&alive),
        };
        let worker = Self {
            number,
            gateway,
            poller,
            inbox,
            w3_sockets: w3.len(),
            sockets: w3.into_iter().map(Some).collect(),
            free: Vec::new(),
            batch: Batch::new(BATCH),
            leaving: Vec::with_capacity(BATCH),
            clients: HashMap::new(),
            requests: HashMap::new(),
            next_request: 0,
            owners: HashMap::new(),
            figures,
            alive,
        };
        Ok((worker, handle))
    }

    /// Works until it is told to stop, or the system fails it.
    pub(super) fn run(mut self) -> Ended {
        self.rounds().err().map_or(Ended::Told, Ended::Failed)
    }

    fn rounds(&mut self) -> io::Result<()> {
        let mut ready = Vec::new();
        let mut told = Instant::now();
        let mut stale = true;
        loop {
            let before = Instant::now();
            let due = self.gateway.poll_timeout();
            let mut timeout = due.map(|at| at.saturating_duration_since(before));
            if stale {
                let left = (told + FIGURES_EVERY).saturating_duration_since(before);
                timeout = Some(timeout.map_or(left, |timeout| timeout.min(left)));
            }
            self.poller.wait(timeout, &mut ready)?;
            let now = Instant::now();
            for &token in &ready {
                if token == WAKER {
                    if !self.hear(now) {
                        return Ok(());
                    }
                } else {
                    self.receive(now, token)?;
                }
            }
            self.flush();
            self.drain(now);
            if self.gateway.poll_timeout().is_some_and(|at| at <= now) {
                self.gateway.handle_timeout(now);
                self.drain(now);
            }
            stale |= !ready.is_empty();
            if stale && now >= told + FIGURES_EVERY {
                told = now;
                stale = false;
                *self.figures.lock().unwrap_or_else(PoisonError::into_inner) = Figures {
                    contexts: self.gateway.contexts(),
                    counters: *self.gateway.counters(),
                };
            }
        }
    }

    fn receive(&mut self, now: Instant, token: u64) -> io::Result<()> {
        if self.batch.free() == 0 {
            self.flush();
        }
        let index = token as usize;
        let Some(Some(socket)) = self.sockets.get(index) else {
            return Ok(());
        };
        let limit = if index < self.w3_sockets {
            BATCH
        } else {
            CORE_SHARE
        };
        let slots = match self.batch.receive(socket, limit) {
            Ok(slots) => slots,
            Err(error) if index >= self.w3_sockets => {
                // One stream's loss is not everybody's. Asked again it would say the same for ever.
                tracing::warn!(%error, "a port towards the core is of no use any more");
                return self.poller.remove(socket);
            }
            Err(error) => return Err(error),
        };
        let socket = SocketId(index as u32);
        for slot in slots {
            let Some((source, length, buffer)) = self.batch.datagram(slot) else {
                continue;
            };
            let arrival = Arrival {
                socket,
                source,
                length,
            };
            if let Some(departure) = self.gateway.handle_datagram(now, arrival, buffer) {
                self.batch
                    .depart(slot, departure.range, departure.destination);
                self.leaving.push((departure.socket, slot));
            }
        }
        Ok(())
    }

    /// Sends what the round has to send, one call a socket.
    fn flush(&mut self) {
        self.leaving.sort_unstable();
        let mut slots = [0; BATCH];
        for group in self.leaving.chunk_by(|one, next| one.0 == next.0) {
            let Some(Some(socket)) = self.sockets.get(group[0].0.0 as usize) else {
                continue;
            };
            for (slot, (_, index)) in slots.iter_mut().zip(group) {
                *slot = *index;
            }
            self.batch.send(socket, &slots[..group.len()]);
        }
        self.leaving.clear();
        self.batch.clear();
    }

    /// Does what others said; false when that was to stop.
    fn hear(&mut self, now: Instant) -> bool {
        while let Ok(message) = self.inbox.try_recv() {
            match message {
                ToWorker::Join(client, sink) => {
                    self.clients.insert(client, sink);
                }
                ToWorker::Leave(client) => self.leave(now, client),
                ToWorker::Request(client, id, command) => self.ask(now, client, id, command),
                ToWorker::Stop => return false,
                #[cfg(test)]
                ToWorker::Panic => panic!("a test has asked for it"),
            }
        }
        true
    }

    fn ask(&mut self, now: Instant, client: ClientId, id: RequestId, command: Command) {
        let named = match &command {
            Command::Reserve { context, .. } => *context,
            Command::Configure { context, .. }
            | Command::Subtract { context, .. }
            | Command::Channel { context, .. }
            | Command::Release { context } => Some(*context),
        };
        // Another client's Context is not there for this one.
        if let Some(context) = named
            && self.owners.get(&context) != Some(&client)
        {
            if let Some(sink) = self.clients.get(&client) {
                let result = match command {
                    Command::Release { .. } => Ok(Reply::Released),
                    _ => Err(Refusal::UnknownContext),
                };
                sink(GatewayEvent::Reply { id, result });
            }
            return;
        }
        if let Command::Release { context } = &command {
            self.owners.remove(context);
        }
        let own = self.number(client, id);
        self.gateway.handle_iq(now, own, command);
        self.drain(now);
    }

    fn leave(&mut self, now: Instant, client: ClientId) {
        self.clients.remove(&client);
        let held: Vec<ContextId> = self
            .owners
            .iter()
            .filter(|(_, owner)| **owner == client)
            .map(|(context, _)| *context)
            .collect();
        for context in held {
            self.release(now, client, context);
        }
    }

    fn release(&mut self, now: Instant, client: ClientId, context: ContextId) {
        self.owners.remove(&context);
        let own = self.number(client, RequestId(0));
        self.gateway
            .handle_iq(now, own, Command::Release { context });
        self.drain(now);
    }

    fn number(&mut self, client: ClientId, id: RequestId) -> RequestId {
        let own = RequestId(self.next_request);
        self.next_request += 1;
        self.requests.insert(own, Asked { client, id });
        own
    }

    fn drain(&mut self, now: Instant) {
        while let Some(output) = self.gateway.poll_output() {
            match output {
                Output::Transmit {
                    socket,
                    destination,
                    bytes,
                } => {
                    if let Some(Some(socket)) = self.sockets.get(socket.0 as usize) {
                        // A full buffer or an unreachable peer: lost, as on the way.
                        let _ = socket.send_to(&bytes, destination);
                    }
                }
                Output::IqReply { id, result } => self.reply(now, id, result),
                Output::Notification(notification) => {
                    let owner = self.owners.get(&notification.context);
                    if let Some(sink) = owner.and_then(|owner| self.clients.get(owner)) {
                        sink(GatewayEvent::Notification(notification));
                    }
                }
                Output::BindPorts { request, rtp, rtcp } => self.bind(now, request, rtp, rtcp),
                Output::ReleasePorts { rtp, rtcp } => {
                    self.close(rtp);
                    self.close(rtcp);
                }
            }
        }
    }

    fn reply(&mut self, now: Instant, own: RequestId, result: Result<Reply, Refusal>) {
        let Some(Asked { client, id }) = self.requests.remove(&own) else {
            return;
        };
        if let Ok(Reply::Reserved(reserved)) = &result {
            if !self.clients.contains_key(&client) {
                // Gone while the ports were opened.
                self.release(now, client, reserved.context);
                return;
            }
            self.owners.insert(reserved.context, client);
        }
        if let Some(sink) = self.clients.get(&client) {
            sink(GatewayEvent::Reply { id, result });
        }
    }

    fn bind(&mut self, now: Instant, request: PortRequest, rtp: SocketAddr, rtcp: SocketAddr) {
        let result = bind_pair(rtp, rtcp)
            .and_then(|(rtp, rtcp)| {
                let rtp = self.open(rtp)?;
                let rtcp = self.open(rtcp).inspect_err(|_| self.close(rtp.0))?;
                Ok(BoundPorts { rtp, rtcp })
            })
            .map_err(|error| format!("no port towards the core: {error}"));
        self.gateway.handle_ports_bound(now, request, result);
    }

    fn open(&mut self, socket: Socket) -> io::Result<(SocketId, SocketAddr)> {
        let address = socket.local_addr()?;
        let index = self.free.pop().unwrap_or_else(|| {
            self.sockets.push(None);
            (self.sockets.len() - 1) as u32
        });
        if let Err(error) = self.poller.add(&socket, u64::from(index)) {
            self.free.push(index);
            return Err(error);
        }
        self.sockets[index as usize] = Some(socket);
        Ok((SocketId(index), address))
    }

    fn close(&mut self, id: SocketId) {
        if let Some(place) = self.sockets.get_mut(id.0 as usize)
            && let Some(socket) = place.take()
        {
            // Closing takes it out of the poller too; where it does not, this does.
            let _ = self.poller.remove(&socket);
            self.free.push(id.0);
        }
    }
}

impl Drop for Worker {
    /// Also when the thread panics: the clients learn that their Contexts are gone.
    fn drop(&mut self) {
        self.alive.store(false, Ordering::Relaxed);
        for sink in self.clients.values() {
            sink(GatewayEvent::WorkerLost(self.number));
        }
        // What came too late to be asked is answered all the same.
        while let Ok(message) = self.inbox.try_recv() {
            if let ToWorker::Request(client, id, _) = message
                && let Some(sink) = self.clients.get(&client)
            {
                let result = Err(Refusal::Unreachable);
                sink(GatewayEvent::Reply { id, result });
            }
        }
    }
}

/// Opens a pair of ports: those two, or for port 0 neighbours that the system has, since some
/// phones take RTCP for granted there (RFC 3550 §11).
fn bind_pair(rtp: SocketAddr, rtcp: SocketAddr) -> io::Result<(Socket, Socket)> {
    if rtp.port() != 0 {
        return Ok((Socket::bind(rtp, None)?, Socket::bind(rtcp, None)?));
    }
    let mut odd = Vec::new();
    for _ in 0..PAIR_TRIES {
        let first = Socket::bind(rtp, None)?;
        let port = first.local_addr()?.port();
        if port % 2 == 0
            && let Ok(second) = Socket::bind(SocketAddr::new(rtcp.ip(), port + 1), None)
        {
            return Ok((first, second));
        }
        // Kept until the end, so that the system does not offer it again.
        odd.push(first);
    }
    Ok((Socket::bind(rtp, None)?, Socket::bind(rtcp, None)?))
}
