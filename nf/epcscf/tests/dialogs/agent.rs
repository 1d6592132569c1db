//! A user agent that does by chance what user agents do, and now and then what they must not.

use std::collections::VecDeque;
use std::fmt::Write;
use std::time::{Duration, Instant};

use bytes::Bytes;
use core_sip::{
    ClientTransactionId, ConnectionId, Output, ServerTransactionId, Source, Target,
    TransactionConfig, Transactions, Transport, reply,
};
use testbed::Dice;
use wire_sip::header::{RAck, RSeq};
use wire_sip::{HeaderName, Message, Method, StatusCode};

use crate::text::{CORE, DIRECTIONS, HOME, direction, message, sdp};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Side {
    Wic,
    Core,
}

/// What one side believes of the media: its own port and direction, and the other's direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Belief {
    pub(crate) port: u16,
    pub(crate) mine: &'static str,
    pub(crate) theirs: &'static str,
}

/// A description of ours that waits for its answer.
#[derive(Debug, Clone, Copy)]
struct Said {
    port: u16,
    direction: &'static str,
}

/// Sent again until it is acknowledged.
#[derive(Debug, Clone)]
struct Repeat {
    server: ServerTransactionId,
    message: Message,
    at: Instant,
    interval: Duration,
    until: Instant,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    Early,
    Confirmed,
    Over,
}

#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) name: String,
    pub(crate) local_tag: String,
    pub(crate) remote_tag: Option<String>,
    local: String,
    remote: String,
    target: String,
    routes: Vec<String>,
    cseq: u32,
    remote_cseq: Option<u32>,
    pub(crate) stage: Stage,
    /// Our own INVITE that has no final response.
    client: Option<ClientTransactionId>,
    /// Our own UPDATE.
    update: Option<ClientTransactionId>,
    /// It carried an offer.
    update_offers: bool,
    /// Their INVITE that has none.
    invite: Option<(ServerTransactionId, Message)>,
    /// The description that we offered, and the direction that they did.
    offered: Option<Said>,
    theirs: Option<&'static str>,
    ok: Option<Repeat>,
    early: Option<Repeat>,
    rseq: u32,
    pub(crate) belief: Option<Belief>,
    /// It hangs up as soon as it may.
    leaving: bool,
    /// How often it was ended by the other side.
    pub(crate) released: u32,
}

/// What an agent may be asked to do.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Deed {
    Call,
    Ring,
    Preview,
    Reliable,
    Answer,
    Fork,
    Refuse,
    Cancel,
    Update,
    Reinvite,
    Bye,
    Info,
    Nonsense,
}

pub(crate) struct Agent {
    pub(crate) side: Side,
    transactions: Transactions,
    pub(crate) dice: Dice,
    pub(crate) calls: Vec<Call>,
    acks: Vec<(ClientTransactionId, String, Message)>,
    pub(crate) out: VecDeque<(Target, Bytes)>,
    made: u32,
    /// The way to the WIC, for the core.
    pub(crate) path: String,
    /// It knows reliable responses, and session timers, in the call of the moment.
    reliable: bool,
    timer: bool,
    /// It wants no calls any more.
    ending: bool,
}

const WAY: Duration = Duration::from_secs(32);

impl Agent {
    pub(crate) fn new(side: Side, seed: u64) -> Self {
        let host = match side {
            Side::Wic => "alice.invalid",
            Side::Core => CORE,
        };
        let mut bytes = [side as u8; 32];
        bytes[..8].copy_from_slice(&seed.to_be_bytes());
        Self {
            side,
            transactions: Transactions::new(TransactionConfig::new(host), bytes),
            dice: Dice::new(seed),
            calls: Vec::new(),
            acks: Vec::new(),
            out: VecDeque::new(),
            made: 0,
            path: String::new(),
            reliable: false,
            timer: false,
            ending: false,
        }
    }

    /// Another schedule.
    pub(crate) fn begin(&mut self, seed: u64) {
        self.dice = Dice::new(seed ^ (self.side as u64 + 1) << 60);
        self.ending = false;
        self.calls.clear();
        self.acks.clear();
    }

    fn edge(&self) -> Target {
        match self.side {
            Side::Wic => Target::Connection {
                id: ConnectionId(1),
                transport: Transport::Ws,
            },
            Side::Core => Target::Address {
                transport: Transport::Udp,
                addr: "198.51.100.1:5070".parse().expect("an address"),
            },
        }
    }

    fn source(&self) -> Source {
        Source {
            transport: match self.side {
                Side::Wic => Transport::Ws,
                Side::Core => Transport::Udp,
            },
            local: "192.0.2.10:5060".parse().expect("an address"),
            remote: "198.51.100.1:5070".parse().expect("an address"),
            connection: (self.side == Side::Wic).then_some(ConnectionId(1)),
        }
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        let repeats = self
            .calls
            .iter()
            .flat_map(|call| call.ok.iter().chain(&call.early))
            .map(|repeat| repeat.at.min(repeat.until));
        repeats.chain(self.transactions.poll_timeout()).min()
    }

    /// Nothing is under way.
    pub(crate) fn is_quiet(&self) -> bool {
        self.transactions.is_empty()
            && self.calls.iter().all(|call| {
                call.client.is_none()
                    && call.invite.is_none()
                    && call.ok.is_none()
                    && call.early.is_none()
            })
    }

    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        self.transactions.handle_timeout(now);
        let mut again = Vec::new();
        let mut dead = Vec::new();
        for (at, call) in self.calls.iter_mut().enumerate() {
            for slot in [&mut call.ok, &mut call.early] {
                let Some(repeat) = slot else { continue };
                if repeat.until <= now {
                    // RFC 3261 §13.3.1.4: nobody acknowledges it.
                    *slot = None;
                    dead.push(at);
                } else if repeat.at <= now {
                    repeat.interval = (repeat.interval * 2).min(Duration::from_secs(4));
                    repeat.at = now + repeat.interval;
                    again.push((repeat.server, repeat.message.clone()));
                }
            }
        }
        for (server, message) in again {
            self.transactions.respond(now, server, message);
        }
        for at in dead {
            self.bye(now, at);
        }
        self.drain(now);
    }

    pub(crate) fn receive(&mut self, now: Instant, message: Message) {
        let source = self.source();
        self.transactions.handle_message(now, source, message);
        self.drain(now);
    }

    /// Its WebSocket is gone, and whatever was under way on it.
    pub(crate) fn disconnected(&mut self, now: Instant) {
        self.transactions
            .handle_connection_closed(now, ConnectionId(1));
        self.drain(now);
        for call in &mut self.calls {
            // What it was asked cannot be answered any more.
            (call.invite, call.ok, call.early, call.theirs) = (None, None, None, None);
            if call.stage == Stage::Early {
                call.stage = Stage::Over;
            }
        }
    }

    fn drain(&mut self, now: Instant) {
        while let Some(output) = self.transactions.poll_output() {
            match output {
                Output::Send { target, message } => self.out.push_back((target, message)),
                Output::Request { id, message, .. } => self.request(now, id, message),
                Output::Ack { message, .. } => self.ack(now, &message),
                Output::Response { id, message } => self.response(now, id, &message),
                Output::Cancel { id, .. } => self.cancelled(now, id),
                Output::Timeout { id } | Output::TransportFailed { id } => self.failed(now, id),
                Output::StrayResponse { .. } => {}
            }
        }
    }

    fn find(&self, message: &Message) -> Option<usize> {
        let (local, remote) = if message.is_request() {
            (message.to_tag(), message.from_tag())
        } else {
            (message.from_tag(), message.to_tag())
        };
        self.calls.iter().position(|call| {
            call.name == message.call_id()
                && Some(call.local_tag.as_str()) == local
                && call.remote_tag.as_deref() == remote
        })
    }

    // What comes.

    fn request(&mut self, now: Instant, id: ServerTransactionId, request: Message) {
        if request.to_tag().is_none() {
            match request.method() {
                Method::Invite if self.ending => self.respond(now, id, &request, 486, None),
                Method::Invite => self.called(id, request),
                _ => self.respond(now, id, &request, 200, None),
            }
            return;
        }
        let known = self
            .find(&request)
            .filter(|at| self.calls[*at].stage != Stage::Over);
        let Some(at) = known else {
            self.respond(now, id, &request, 481, None);
            return;
        };
        let (number, _) = request.cseq().expect("the edge writes CSeq");
        if self.calls[at]
            .remote_cseq
            .is_some_and(|last| number <= last)
        {
            self.respond(now, id, &request, 500, None);
            return;
        }
        self.calls[at].remote_cseq = Some(number);
        match request.method() {
            Method::Bye => {
                self.respond(now, id, &request, 200, None);
                let call = &mut self.calls[at];
                call.released += 1;
                self.over(now, at);
            }
            Method::Invite => {
                let call = &mut self.calls[at];
                if call.invite.is_some() || call.client.is_some() || call.update.is_some() {
                    self.respond(now, id, &request, 491, None);
                    return;
                }
                call.theirs = direction(request.body());
                call.invite = Some((id, request));
                if self.dice.chance(850) {
                    self.answer(now, at);
                }
            }
            Method::Update if !request.body().is_empty() => {
                let call = &mut self.calls[at];
                let busy = call.client.is_some() && call.offered.is_some();
                if call.update.is_some() || busy || call.theirs.is_some() {
                    self.respond(now, id, &request, 491, None);
                } else if self.dice.chance(150) {
                    self.respond(now, id, &request, 488, None);
                } else {
                    let theirs = direction(request.body());
                    let body = self.answer_to(at, theirs, &request);
                    self.respond(now, id, &request, 200, Some(body));
                }
            }
            Method::Prack => {
                let call = &mut self.calls[at];
                let prack: Option<RAck> = request.typed().ok().flatten();
                if prack.is_some_and(|prack| prack.rseq == call.rseq) {
                    call.early = None;
                }
                if let (Some(said), Some(theirs)) = (call.offered, direction(request.body())) {
                    call.belief = Some(Belief {
                        port: said.port,
                        mine: said.direction,
                        theirs,
                    });
                    call.offered = None;
                }
                self.respond(now, id, &request, 200, None);
            }
            _ => self.respond(now, id, &request, 200, None),
        }
    }

    fn called(&mut self, id: ServerTransactionId, request: Message) {
        self.made += 1;
        let local_tag = format!("{:?}{}", self.side, self.made);
        let to = request.header(HeaderName::To).expect("a To").to_owned();
        self.calls.push(Call {
            name: request.call_id().to_owned(),
            local: format!("{to};tag={local_tag}"),
            local_tag,
            remote_tag: request.from_tag().map(str::to_owned),
            remote: request.header(HeaderName::From).expect("a From").to_owned(),
            target: target(&request),
            routes: request
                .values(HeaderName::RecordRoute)
                .map(str::to_owned)
                .collect(),
            cseq: self.dice.below(3) as u32,
            remote_cseq: request.cseq().map(|(number, _)| number),
            stage: Stage::Early,
            client: None,
            update: None,
            update_offers: false,
            theirs: direction(request.body()),
            invite: Some((id, request)),
            offered: None,
            ok: None,
            early: None,
            rseq: 0,
            belief: None,
            leaving: false,
            released: 0,
        });
    }

    fn ack(&mut self, now: Instant, ack: &Message) {
        let Some(at) = self.find(ack) else { return };
        let call = &mut self.calls[at];
        let number = |message: &Message| message.cseq().map(|(number, _)| number);
        let for_it = |ok: &mut Repeat| number(&ok.message) == number(ack);
        if call.ok.take_if(for_it).is_none() {
            return;
        }
        if let Some(theirs) = direction(ack.body())
            && let Some(said) = call.offered.take()
        {
            call.belief = Some(Belief {
                port: said.port,
                mine: said.direction,
                theirs,
            });
        }
        if self.calls[at].leaving {
            self.bye(now, at);
        }
    }

    fn cancelled(&mut self, now: Instant, id: ServerTransactionId) {
        let of_it = |call: &Call| {
            call.invite
                .as_ref()
                .is_some_and(|(server, _)| *server == id)
        };
        let all: Vec<usize> = (0..self.calls.len())
            .filter(|at| of_it(&self.calls[*at]))
            .collect();
        for (nth, at) in all.into_iter().enumerate() {
            let Some((server, request)) = self.calls[at].invite.take() else {
                continue;
            };
            self.calls[at].theirs = None;
            if nth == 0 {
                self.respond_in(now, at, server, &request, 487, None);
            }
            if self.calls[at].stage == Stage::Early {
                self.calls[at].stage = Stage::Over;
                self.calls[at].early = None;
            }
        }
    }

    fn response(&mut self, now: Instant, id: ClientTransactionId, response: &Message) {
        let status = response.status().expect("a response");
        if let Some((_, _, ack)) = self
            .acks
            .iter()
            .find(|(client, tag, _)| *client == id && Some(tag.as_str()) == response.to_tag())
        {
            let (ack, edge) = (ack.clone(), self.edge());
            self.transactions.send(now, edge, ack);
            return;
        }
        if let Some(at) = self.calls.iter().position(|call| call.update == Some(id)) {
            if status.is_final() {
                self.calls[at].update = None;
                let offers = self.calls[at].update_offers;
                let said = self.calls[at].offered.take_if(|_| offers);
                if status.is_success()
                    && let (Some(said), Some(theirs)) = (said, direction(response.body()))
                {
                    self.calls[at].belief = Some(Belief {
                        port: said.port,
                        mine: said.direction,
                        theirs,
                    });
                }
                if matches!(status.as_u16(), 408 | 481) {
                    self.bye(now, at);
                }
            }
            return;
        }
        let Some(first) = self.calls.iter().position(|call| call.client == Some(id)) else {
            return;
        };
        if status.is_failure() {
            for at in 0..self.calls.len() {
                if self.calls[at].client != Some(id) {
                    continue;
                }
                self.calls[at].client = None;
                let updating = self.calls[at].update.is_some() && self.calls[at].update_offers;
                self.calls[at].offered.take_if(|_| !updating);
                if self.calls[at].stage == Stage::Early {
                    self.calls[at].stage = Stage::Over;
                } else if matches!(status.as_u16(), 408 | 481) {
                    self.bye(now, at);
                }
            }
            return;
        }
        let Some(tag) = response.to_tag().filter(|_| status != StatusCode::TRYING) else {
            return;
        };
        let at = self.find(response).unwrap_or_else(|| {
            if self.calls[first].remote_tag.is_none() {
                return first;
            }
            let mut fork = self.calls[first].clone();
            (fork.belief, fork.rseq, fork.remote_cseq) = (None, 0, None);
            self.calls.push(fork);
            self.calls.len() - 1
        });
        let call = &mut self.calls[at];
        if call.stage == Stage::Early {
            call.remote_tag = Some(tag.to_owned());
            let to = response.header(HeaderName::To).expect("a To");
            to.clone_into(&mut call.remote);
            call.routes = response
                .values(HeaderName::RecordRoute)
                .map(str::to_owned)
                .collect();
            call.routes.reverse();
        }
        call.target = target(response);
        if status.is_provisional() {
            self.progress(now, at, response);
        } else {
            self.answered(now, at, id, response);
        }
    }

    fn progress(&mut self, now: Instant, at: usize, response: &Message) {
        let Some(RSeq(rseq)) = response.typed().ok().flatten() else {
            return;
        };
        let call = &mut self.calls[at];
        if rseq <= call.rseq {
            return;
        }
        call.rseq = rseq;
        let theirs = direction(response.body());
        let mut body = None;
        let updating = call.update.is_some() && call.update_offers;
        if let Some(theirs) = theirs.filter(|_| !updating) {
            match call.offered {
                Some(said) => {
                    call.belief = Some(Belief {
                        port: said.port,
                        mine: said.direction,
                        theirs,
                    });
                    call.offered = None;
                }
                None => body = Some(self.answer_to(at, Some(theirs), response)),
            }
        }
        let (number, _) = response.cseq().expect("a CSeq");
        let mut prack = self.make(at, Method::Prack);
        prack.push_back(HeaderName::RAck, format_args!("{rseq} {number} INVITE"));
        if let Some(body) = body {
            prack.set_body(Some("application/sdp"), body);
        }
        self.send(now, prack);
    }

    fn answered(&mut self, now: Instant, at: usize, id: ClientTransactionId, response: &Message) {
        let theirs = direction(response.body());
        // An offer in an UPDATE waits for that one's answer.
        let updating = self.calls[at].update.is_some() && self.calls[at].update_offers;
        let said = self.calls[at].offered.take_if(|_| !updating);
        let body = match (said, theirs) {
            (Some(said), Some(theirs)) => {
                self.calls[at].belief = Some(Belief {
                    port: said.port,
                    mine: said.direction,
                    theirs,
                });
                None
            }
            (None, Some(_)) if updating => None,
            // A late offer. Now and then it is left without its answer.
            (None, Some(theirs)) if !self.dice.chance(50) => {
                Some(self.answer_to(at, Some(theirs), response))
            }
            _ => None,
        };
        let (number, _) = response.cseq().expect("a CSeq");
        let cseq = self.calls[at].cseq;
        let mut ack = self.make(at, Method::Ack);
        self.calls[at].cseq = cseq;
        ack.set(HeaderName::CSeq, format_args!("{number} ACK"));
        if let Some(body) = body {
            ack.set_body(Some("application/sdp"), body);
        }
        let tag = response.to_tag().unwrap_or_default().to_owned();
        self.acks.push((id, tag, ack.clone()));
        let edge = self.edge();
        self.transactions.send(now, edge, ack);
        let name = self.calls[at].name.clone();
        let local = self.calls[at].local_tag.clone();
        self.calls[at].client = None;
        // We may have hung up meanwhile.
        if self.calls[at].stage == Stage::Over {
            return;
        }
        self.calls[at].stage = Stage::Confirmed;
        // The other forks are over, but the one that was confirmed first stays.
        for other in 0..self.calls.len() {
            let call = &mut self.calls[other];
            if other != at
                && call.name == name
                && call.local_tag == local
                && call.stage == Stage::Early
            {
                (call.stage, call.client) = (Stage::Over, None);
            }
        }
        if self.ending {
            self.bye(now, at);
        }
    }

    fn failed(&mut self, now: Instant, id: ClientTransactionId) {
        for at in 0..self.calls.len() {
            let call = &mut self.calls[at];
            if call.client == Some(id) || call.update == Some(id) {
                (call.client, call.update, call.offered) = (None, None, None);
                if call.stage == Stage::Early {
                    call.stage = Stage::Over;
                } else {
                    self.bye(now, at);
                }
            }
        }
    }

    // What it does.

    /// Does something, if it can.
    pub(crate) fn act(&mut self, now: Instant, deed: Deed) {
        match deed {
            Deed::Call => self.call(now),
            Deed::Ring | Deed::Preview | Deed::Reliable => {
                if let Some(at) = self.ringing() {
                    self.ring(now, at, deed);
                }
            }
            Deed::Answer => {
                let asked = |call: &Call| call.invite.is_some();
                if let Some(at) = self.some(asked) {
                    self.answer(now, at);
                }
            }
            Deed::Fork => {
                if let Some(at) = self.ringing().filter(|_| self.side == Side::Core)
                    && self.calls.len() < 4
                {
                    self.made += 1;
                    let mut fork = self.calls[at].clone();
                    let tag = format!("Fork{}", self.made);
                    fork.local = fork.local.replace(&fork.local_tag, &tag);
                    (fork.local_tag, fork.rseq, fork.belief) = (tag, 0, None);
                    (fork.early, fork.offered) = (None, None);
                    fork.theirs = fork.invite.as_ref().and_then(|(_, m)| direction(m.body()));
                    self.calls.push(fork);
                    let at = self.calls.len() - 1;
                    self.ring(now, at, Deed::Preview);
                }
            }
            Deed::Refuse => {
                if let Some(at) = self.some(|call| call.invite.is_some()) {
                    self.refuse(now, at);
                }
            }
            Deed::Cancel => {
                let Some(at) = self.some(|call| call.client.is_some()) else {
                    return;
                };
                if let Some(id) = self.calls[at].client {
                    self.transactions.cancel(now, id, None);
                }
            }
            Deed::Update => {
                let free = |call: &Call| {
                    call.remote_tag.is_some() && call.stage != Stage::Over && call.update.is_none()
                };
                let Some(at) = self.some(free) else { return };
                let mut update = self.make(at, Method::Update);
                let quiet = self.calls[at].offered.is_none() && self.calls[at].theirs.is_none();
                let offers = quiet && self.dice.chance(800);
                if offers {
                    let body = self.offer(at);
                    update.set_body(Some("application/sdp"), body);
                }
                let id = self.send(now, update);
                self.calls[at].update = Some(id);
                self.calls[at].update_offers = offers;
            }
            Deed::Reinvite => {
                let Some(at) = self.some(|call| call.stage == Stage::Confirmed && call.is_free())
                else {
                    return;
                };
                let mut invite = self.make(at, Method::Invite);
                if self.dice.chance(700) {
                    let body = self.offer(at);
                    invite.set_body(Some("application/sdp"), body);
                }
                let id = self.send(now, invite);
                self.calls[at].client = Some(id);
            }
            Deed::Bye => {
                if let Some(at) = self.some(|call| call.stage == Stage::Confirmed) {
                    self.bye(now, at);
                }
            }
            Deed::Info => {
                let Some(at) =
                    self.some(|call| call.remote_tag.is_some() && call.stage != Stage::Over)
                else {
                    return;
                };
                let info = self.make(at, Method::Info);
                self.send(now, info);
            }
            Deed::Nonsense => self.nonsense(now),
        }
        self.drain(now);
    }

    /// Ends whatever there is.
    pub(crate) fn end(&mut self, now: Instant) {
        self.ending = true;
        for at in 0..self.calls.len() {
            if self.calls[at].stage == Stage::Confirmed {
                self.bye(now, at);
            } else if let Some(id) = self.calls[at].client {
                self.transactions.cancel(now, id, None);
            } else if self.calls[at].invite.is_some() && self.calls[at].stage == Stage::Early {
                self.refuse(now, at);
            }
        }
        self.drain(now);
    }

    fn some(&mut self, wanted: impl Fn(&Call) -> bool) -> Option<usize> {
        let found: Vec<usize> = (0..self.calls.len())
            .filter(|at| wanted(&self.calls[*at]))
            .collect();
        found
            .get(self.dice.below(found.len() as u64) as usize)
            .copied()
    }

    fn ringing(&mut self) -> Option<usize> {
        self.some(|call| {
            call.stage == Stage::Early && call.invite.is_some() && call.early.is_none()
        })
    }

    fn call(&mut self, now: Instant) {
        if self.calls.iter().any(|call| call.stage != Stage::Over) {
            return;
        }
        self.made += 1;
        let seed = self.dice.next_u64();
        let name = format!("{:?}{}x{seed:x}", self.side, self.made);
        let local_tag = format!("{:?}{}", self.side, self.made);
        (self.reliable, self.timer) = (self.dice.chance(600), self.dice.chance(500));
        let (local, remote, target, routes) = match self.side {
            Side::Wic => ("alice", "bob", format!("sip:bob@{HOME}"), Vec::new()),
            Side::Core => (
                "bob",
                "alice",
                "sip:alice@alice.invalid;transport=ws".to_owned(),
                vec![self.path.clone()],
            ),
        };
        self.calls.push(Call {
            name,
            local: format!("<sip:{local}@{HOME}>;tag={local_tag}"),
            local_tag,
            remote_tag: None,
            remote: format!("<sip:{remote}@{HOME}>"),
            target,
            routes,
            cseq: self.dice.below(100) as u32,
            remote_cseq: None,
            stage: Stage::Early,
            client: None,
            update: None,
            update_offers: false,
            invite: None,
            offered: None,
            theirs: None,
            ok: None,
            early: None,
            rseq: 0,
            belief: None,
            leaving: false,
            released: 0,
        });
        let at = self.calls.len() - 1;
        let mut invite = self.make(at, Method::Invite);
        if self.dice.chance(750) {
            let body = self.offer(at);
            invite.set_body(Some("application/sdp"), body);
        }
        let id = self.send(now, invite);
        self.calls[at].client = Some(id);
    }

    fn ring(&mut self, now: Instant, at: usize, deed: Deed) {
        let Some((server, request)) = self.calls[at].invite.clone() else {
            return;
        };
        let lists = |name| request.lists(name, "100rel");
        let reliable = lists(HeaderName::Supported) || lists(HeaderName::Require);
        let (status, body) = match deed {
            Deed::Ring => (180, None),
            Deed::Preview => match self.calls[at].theirs {
                // A preview is not the answer yet.
                Some(theirs) => {
                    let belief = self.calls[at].belief;
                    let body = self.answer_to(at, Some(theirs), &request);
                    (self.calls[at].belief, self.calls[at].theirs) = (belief, Some(theirs));
                    (183, Some(body))
                }
                None => (183, None),
            },
            _ if !reliable => {
                // Now and then the core requires what the WIC cannot do.
                if self.side == Side::Core && self.dice.chance(300) {
                    self.require(now, at);
                }
                return;
            }
            _ if self.calls[at].update.is_some() && self.calls[at].update_offers => return,
            _ => match self.calls[at].theirs.take() {
                Some(theirs) => (183, Some(self.answer_to(at, Some(theirs), &request))),
                None if request.body().is_empty()
                    && self.calls[at].offered.is_none()
                    && self.calls[at].rseq == 0 =>
                {
                    (183, Some(self.offer(at)))
                }
                None => (183, None),
            },
        };
        let mut response = self.write(at, &request, status, body);
        if matches!(deed, Deed::Reliable) {
            self.calls[at].rseq += 1 + self.dice.below(3) as u32;
            response.push_back(HeaderName::Require, "100rel");
            response.push_back(HeaderName::RSeq, self.calls[at].rseq);
            let interval = Duration::from_millis(500);
            self.calls[at].early = Some(Repeat {
                server,
                message: response.clone(),
                at: now + interval,
                interval,
                until: now + WAY,
            });
        }
        self.transactions.respond(now, server, response);
    }

    /// RFC 3262 §3: 421.
    fn require(&mut self, now: Instant, at: usize) {
        if self.calls.len() > 1 {
            return;
        }
        let Some((server, request)) = self.calls[at].invite.take() else {
            return;
        };
        let mut response = self.write(at, &request, 421, None);
        response.push_back(HeaderName::Require, "100rel");
        self.calls[at].stage = Stage::Over;
        self.transactions.respond(now, server, response);
    }

    fn answer(&mut self, now: Instant, at: usize) {
        let Some((server, request)) = self.calls[at].invite.clone() else {
            return;
        };
        // RFC 3262 §5: not while an offer of ours waits for PRACK, nor while one in an UPDATE waits.
        let call = &self.calls[at];
        if call.early.is_some() || (call.update.is_some() && call.update_offers) {
            return;
        }
        if self.calls[at].stage == Stage::Confirmed && self.dice.chance(120) {
            self.refuse(now, at);
            return;
        }
        self.calls[at].invite = None;
        let body = match self.calls[at].theirs.take() {
            Some(theirs) => Some(self.answer_to(at, Some(theirs), &request)),
            None if request.body().is_empty()
                && (self.calls[at].rseq == 0 || self.calls[at].stage == Stage::Confirmed) =>
            {
                Some(self.offer(at))
            }
            None => None,
        };
        self.calls[at].stage = Stage::Confirmed;
        let mut response = self.write(at, &request, 200, body);
        if self.dice.chance(300) && request.lists(HeaderName::Supported, "timer") {
            let who = if self.dice.chance(500) { "uac" } else { "uas" };
            response.push_back(
                HeaderName::SessionExpires,
                format_args!("1800;refresher={who}"),
            );
        }
        let interval = Duration::from_millis(500);
        self.calls[at].ok = Some(Repeat {
            server,
            message: response.clone(),
            at: now + interval,
            interval,
            until: now + WAY * 4,
        });
        self.transactions.respond(now, server, response);
    }

    fn refuse(&mut self, now: Instant, at: usize) {
        let Some((server, request)) = self.calls[at].invite.take() else {
            return;
        };
        let status = [486, 488, 500, 603, 302][self.dice.below(5) as usize];
        self.respond_in(now, at, server, &request, status, None);
        self.calls[at].theirs = None;
        let of_it = |call: &Call| call.invite.as_ref().is_some_and(|(id, _)| *id == server);
        for call in self.calls.iter_mut().filter(|call| of_it(call)) {
            (call.invite, call.early, call.stage) = (None, None, Stage::Over);
        }
        if self.calls[at].stage == Stage::Early {
            (self.calls[at].stage, self.calls[at].early) = (Stage::Over, None);
        }
    }

    fn bye(&mut self, now: Instant, at: usize) {
        // RFC 3261 §15: whoever was called waits for the ACK.
        if self.calls[at].ok.is_some() {
            self.calls[at].leaving = true;
        } else if self.calls[at].stage != Stage::Over {
            let bye = self.make(at, Method::Bye);
            self.send(now, bye);
            self.over(now, at);
        }
    }

    /// RFC 3261 §15.1.2: what is pending gets 487.
    fn over(&mut self, now: Instant, at: usize) {
        self.calls[at].stage = Stage::Over;
        if let Some((server, request)) = self.calls[at].invite.take() {
            self.respond_in(now, at, server, &request, 487, None);
        }
        let call = &mut self.calls[at];
        (call.ok, call.early, call.theirs) = (None, None, None);
    }

    /// What no agent should say.
    fn nonsense(&mut self, now: Instant) {
        let Some(at) = self.some(|call| call.remote_tag.is_some() && call.stage != Stage::Over)
        else {
            return;
        };
        let cseq = self.calls[at].cseq;
        let mut said = match self.dice.below(6) {
            0 => {
                let mut stranger = self.make(at, Method::Update);
                let to = stranger
                    .header(HeaderName::To)
                    .unwrap_or_default()
                    .to_owned();
                stranger.set(HeaderName::To, format_args!("{to}x"));
                stranger
            }
            1 => {
                let mut back = self.make(at, Method::Info);
                back.set(
                    HeaderName::CSeq,
                    format_args!("{} INFO", cseq.saturating_sub(1)),
                );
                self.calls[at].cseq = cseq;
                back
            }
            2 => {
                let mut prack = self.make(at, Method::Prack);
                prack.push_back(HeaderName::RAck, "99 1 INVITE");
                prack
            }
            3 => {
                // A second offer, whatever is under way.
                let mut second = self.make(at, Method::Update);
                let body = sdp(self.side, 9999, 9, "sendrecv", true, 0);
                second.set_body(Some("application/sdp"), body.into_bytes());
                second
            }
            4 => {
                let mut broken = self.make(at, Method::Update);
                broken.set_body(Some("application/sdp"), &b"v=0\r\nthis is no SDP"[..]);
                broken
            }
            _ => {
                let mut brief = self.make(at, Method::Update);
                brief.push_back(HeaderName::Supported, "timer");
                brief.push_back(HeaderName::SessionExpires, "5");
                brief
            }
        };
        said.remove(HeaderName::Contact);
        self.send(now, said);
    }

    // What it writes.

    fn make(&mut self, at: usize, method: Method<'_>) -> Message {
        let user = match self.side {
            Side::Wic => "alice@alice.invalid;transport=ws",
            Side::Core => "bob@192.0.2.99:5060",
        };
        let (reliable, timer) = (self.reliable, self.timer);
        let call = &mut self.calls[at];
        call.cseq += 1;
        let mut text = format!(
            "{method} {} SIP/2.0\r\nVia: SIP/2.0/UDP x;branch=z9hG4bKx\r\nMax-Forwards: 60\r\n",
            call.target
        );
        for route in &call.routes {
            let _ = write!(text, "Route: {route}\r\n");
        }
        let _ = write!(
            text,
            "From: {}\r\nTo: {}\r\nCall-ID: {}\r\nCSeq: {} {method}\r\nContact: <sip:{user}>\r\n\
             Allow: INVITE, ACK, BYE, UPDATE\r\n",
            call.local, call.remote, call.name, call.cseq
        );
        if method == Method::Invite && reliable {
            text += "Supported: 100rel\r\n";
        }
        if method == Method::Invite && timer {
            text += "Supported: timer\r\n";
        }
        let mut request = message(&(text + "Content-Length: 0\r\n\r\n"));
        request.remove(HeaderName::Via);
        request
    }

    fn send(&mut self, now: Instant, request: Message) -> ClientTransactionId {
        let timers = core_sip::TimerSet::core();
        let edge = self.edge();
        self.transactions.send_request(now, edge, request, timers)
    }

    fn offer(&mut self, at: usize) -> Vec<u8> {
        let (version, port, direction) = self.describe(DIRECTIONS.as_slice());
        self.calls[at].offered = Some(Said { port, direction });
        sdp(self.side, version, port, direction, true, 1).into_bytes()
    }

    /// Now and then with other m-lines than the offer.
    fn answer_to(&mut self, at: usize, theirs: Option<&'static str>, offer: &Message) -> Vec<u8> {
        let theirs = theirs.unwrap_or("sendrecv");
        let allowed: &[&'static str] = match theirs {
            "sendrecv" => &DIRECTIONS,
            "sendonly" => &["recvonly", "inactive"],
            "recvonly" => &["sendonly", "inactive"],
            _ => &["inactive"],
        };
        let (version, port, direction) = self.describe(allowed);
        let mut lines = String::from_utf8_lossy(offer.body())
            .matches("\r\nm=")
            .count();
        if self.dice.chance(20) {
            lines += 1;
        }
        self.calls[at].theirs = None;
        self.calls[at].belief = Some(Belief {
            port,
            mine: direction,
            theirs,
        });
        sdp(self.side, version, port, direction, false, lines).into_bytes()
    }

    fn describe(&mut self, allowed: &[&'static str]) -> (u32, u16, &'static str) {
        self.made += 1;
        let direction = allowed[self.dice.below(allowed.len() as u64) as usize];
        (
            self.made,
            10_000 + (self.made % 20_000) as u16 * 2,
            direction,
        )
    }

    fn write(
        &mut self,
        at: usize,
        request: &Message,
        status: u16,
        body: Option<Vec<u8>>,
    ) -> Message {
        let status = StatusCode::new(status).expect("a status");
        let mut response = reply(request, status, &self.calls[at].local_tag);
        let user = match self.side {
            Side::Wic => "alice@alice.invalid;transport=ws",
            Side::Core => "bob@192.0.2.99:5060",
        };
        response.push_back(HeaderName::Contact, format_args!("<sip:{user}>"));
        if let Some(body) = body {
            response.set_body(Some("application/sdp"), body);
        }
        response
    }

    fn respond_in(
        &mut self,
        now: Instant,
        at: usize,
        id: ServerTransactionId,
        request: &Message,
        status: u16,
        body: Option<Vec<u8>>,
    ) {
        let response = self.write(at, request, status, body);
        self.transactions.respond(now, id, response);
    }

    fn respond(
        &mut self,
        now: Instant,
        id: ServerTransactionId,
        request: &Message,
        status: u16,
        body: Option<Vec<u8>>,
    ) {
        let status = StatusCode::new(status).expect("a status");
        let mut response = reply(request, status, "stranger");
        if let Some(body) = body {
            response.push_back(
                HeaderName::Contact,
                format_args!("<sip:bob@192.0.2.99:5060>"),
            );
            response.set_body(Some("application/sdp"), body);
        }
        self.transactions.respond(now, id, response);
    }
}

impl Call {
    fn is_free(&self) -> bool {
        self.client.is_none()
            && self.update.is_none()
            && self.invite.is_none()
            && self.offered.is_none()
            && self.theirs.is_none()
    }
}

fn target(message: &Message) -> String {
    let contact = message
        .values(HeaderName::Contact)
        .next()
        .unwrap_or("<sip:nobody@nowhere.invalid>");
    contact.trim_matches(['<', '>']).to_owned()
}
