//! Requests on their way out: next hop, transport, Record-Route (RFC 3261 §16.6, RFC 3263).

use std::{net::SocketAddr, time::Instant};

use core_sip::{
    Source, Target, TimerSet, Transport,
    next_hop::{NextHop, Resolution},
    proxy::{LoopHash, record_route},
};
use wire_sip::{Message, StatusCode};

use crate::{LabCore, filter::Chain, lab_core::Purpose, users::UserId};

/// A request that waits for the address of its next hop.
#[derive(Debug)]
pub(crate) struct Waiting {
    hop: NextHop,
    errand: Errand,
    message: Message,
}

/// What a request that is sent is for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Errand {
    Branch {
        call: u64,
        contact: Option<(UserId, u64)>,
        hash: LoopHash,
        /// How the request came, for Record-Route; `None` if it is not recorded.
        record: Option<Transport>,
        /// To an application server: what comes behind it, and whether that comes without it, too.
        server: Option<(Chain, bool)>,
    },
    Notify {
        subscription: u64,
    },
    Ack,
}

/// Where a request goes.
#[derive(Debug, Clone)]
pub(crate) enum Way {
    /// Straight there.
    Direct(Target),
    /// By a URI.
    Hop(NextHop),
}

impl LabCore {
    /// A NOTIFY goes out; the way is its own.
    pub(crate) fn send_notify(
        &mut self,
        now: Instant,
        subscription: u64,
        phone: Option<Source>,
        next: &str,
        message: Message,
    ) {
        let way = match phone {
            Some(source) => Some(direct(&source, next)),
            None => self.way(next),
        };
        match way {
            Some(way) => self.send_by(now, &way, Errand::Notify { subscription }, message),
            None => self.notified(now, subscription, StatusCode::CALL_DOES_NOT_EXIST),
        }
    }

    pub(crate) fn send_waiting(&mut self, now: Instant) {
        for waiting in std::mem::take(&mut self.waiting) {
            let Waiting {
                hop,
                errand,
                message,
            } = waiting;
            if let Errand::Branch { call, .. } = errand
                && let Some(found) = self.calls.get_mut(&call)
            {
                found.waiting -= 1;
            }
            self.send_by(now, &Way::Hop(hop), errand, message);
            if let Errand::Branch { call, .. } = errand {
                self.give_up_without_branches(now, call);
            }
        }
    }

    /// RFC 3261 §16.6 items 7 to 10.
    pub(crate) fn send_by(
        &mut self,
        now: Instant,
        way: &Way,
        errand: Errand,
        mut message: Message,
    ) {
        let (explicit, addr) = match way {
            Way::Direct(target) => (Some(*target), None),
            Way::Hop(hop) => match self.lookups.resolve(now, hop) {
                Resolution::Ready(addresses) => {
                    let addr = addresses.first().copied();
                    let explicit = hop.transport.zip(addr);
                    let explicit =
                        explicit.map(|(transport, addr)| Target::Address { transport, addr });
                    (explicit, addr)
                }
                Resolution::Pending => {
                    if let Errand::Branch { call, .. } = errand
                        && let Some(found) = self.calls.get_mut(&call)
                    {
                        found.waiting += 1;
                    }
                    self.waiting.push(Waiting {
                        hop: hop.clone(),
                        errand,
                        message,
                    });
                    return;
                }
                Resolution::Failed => {
                    if let Errand::Notify { subscription } = errand {
                        self.notified(now, subscription, StatusCode::SERVICE_UNAVAILABLE);
                    }
                    return;
                }
            },
        };
        let by_size = |core: &Self, addr: SocketAddr, message: &Message| {
            // Via and Record-Route are still to come.
            let length = message.wire_len() + 250;
            core.transactions.transport_by_size(now, addr, length)
        };
        if let Errand::Branch {
            record: Some(incoming),
            ..
        } = errand
        {
            let outgoing = match (explicit, addr) {
                (Some(target), _) => target.transport(),
                (None, Some(addr)) => by_size(self, addr, &message),
                (None, None) => return,
            };
            record_route(
                &mut message,
                &self.config.own_uri(None, incoming),
                &self.config.own_uri(None, outgoing),
            );
        }
        let timers = TimerSet::core();
        let hash = match errand {
            Errand::Branch { hash, .. } => Some(hash),
            Errand::Notify { .. } | Errand::Ack => None,
        };
        if matches!(errand, Errand::Ack) {
            let target = match (explicit, addr) {
                (Some(target), _) => target,
                (None, Some(addr)) => Target::Address {
                    transport: by_size(self, addr, &message),
                    addr,
                },
                (None, None) => return,
            };
            self.transactions.send(now, target, message);
            return;
        }
        let id = match (explicit, addr, hash) {
            (Some(target), _, Some(hash)) => self
                .transactions
                .forward_request(now, target, message, timers, hash),
            (Some(target), _, None) => self.transactions.send_request(now, target, message, timers),
            (None, Some(addr), hash) => self
                .transactions
                .send_request_by_size(now, addr, message, timers, hash),
            (None, None, _) => return,
        };
        match errand {
            Errand::Branch {
                call,
                contact,
                server,
                ..
            } => {
                let purpose = Purpose::Branch {
                    call,
                    contact,
                    server,
                };
                self.by_client.insert(id, purpose);
                if let Some(found) = self.calls.get_mut(&call) {
                    found.context.add_branch(now, id);
                    if found.context.is_cancelled() {
                        self.transactions.cancel(now, id, None);
                    }
                }
            }
            Errand::Notify { subscription } => {
                self.by_client.insert(id, Purpose::Notify { subscription });
                self.notifying(subscription, id);
            }
            Errand::Ack => {}
        }
    }

    /// The way that a URI names: to a phone back by where it registered from, else by its host.
    pub(crate) fn way(&self, next: &str) -> Option<Way> {
        if let Some(source) = self.locations.direct(next) {
            return Some(direct(source, next));
        }
        NextHop::of_uri(next).map(Way::Hop)
    }
}

/// To a phone that registered by itself: back to where its REGISTER came from, so that NAT does not
/// matter; where that was a connection which is gone, to the address in its Contact.
pub(crate) fn direct(source: &Source, uri: &str) -> Way {
    if source.transport == Transport::Udp || source.connection.is_some() {
        return Way::Direct(source.back());
    }
    match NextHop::of_uri(uri) {
        Some(hop) => Way::Hop(hop),
        None => Way::Direct(source.back()),
    }
}
