//! A user agent that does by chance what user agents do, and now and then what they must not.
//!
//! | question | file |
//! | --- | --- |
//! | What does it know of a call? | `call.rs` |
//! | What does it do of its own accord? | `does.rs` |
//! | What when it is asked? | `hears.rs` |
//! | What when it is answered? | `learns.rs` |
//! | How does it write that? | `writes.rs` |
//! | What should it never say? | `nonsense.rs` |

mod call;
mod does;
mod hears;
mod learns;
mod nonsense;
mod writes;

pub(crate) use call::Stage;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::Bytes;
use core_sip::{
    ClientTransactionId, ConnectionId, Output, Source, Target, TransactionConfig, Transactions,
    Transport,
};
use testbed::Dice;
use wire_sip::{HeaderName, Message};

use self::call::Call;
use crate::text::CORE;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Side {
    Wic,
    Core,
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
    /// It requires reliable responses.
    requires: bool,
    /// It knows data channels, in this schedule.
    channels: bool,
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
            requires: false,
            channels: false,
            ending: false,
        }
    }

    /// Another schedule.
    pub(crate) fn begin(&mut self, seed: u64) {
        self.dice = Dice::new(seed ^ (self.side as u64 + 1) << 60);
        self.ending = false;
        self.channels = self.dice.chance(750);
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
}

fn target(message: &Message) -> String {
    let contact = message
        .values(HeaderName::Contact)
        .next()
        .unwrap_or("<sip:nobody@nowhere.invalid>");
    let address = contact.split('>').next().unwrap_or_default();
    address.trim_matches(['<', '>']).to_owned()
}
