//! What leaves: SIP by the way that a URI names, and what waits for the store.

use std::time::Instant;

use api_mmtel_es::{Cause, ProblemDetails};
use core_iq::{ChannelAction, ChannelAt, Command, StreamId};
use core_sip::next_hop::{NextHop, Resolution};
use core_sip::proxy::LoopHash;
use core_sip::{ClientTransactionId, Target, TimerSet};
use wire_sip::{Message, StatusCode};

use super::call::LegState;
use super::ending::Why;
use super::machine::{Calls, IqPurpose};
use super::output::{AskId, CommitId, Output, Told};
use crate::Change;

/// What a SIP request of ours is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// The INVITE that calls this leg.
    Invite(u64, usize),
    /// An INVITE within the dialog of this leg.
    ReInvite(u64, usize),
    /// To refresh the session of this leg.
    Refresh(u64, usize),
    /// To end something that nobody needs any more.
    Bye,
    /// A request of somebody else that was forwarded.
    Forward(u64),
}

/// A message on its way out.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) next: String,
    pub(super) message: Message,
    pub(super) errand: Errand,
}

/// What a message on its way out is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Errand {
    /// A request with a transaction.
    Request(Purpose),
    /// A request of somebody else.
    Forward(u64, LoopHash),
    /// The ACK of a 2xx of this leg; of none when it is not kept.
    Ack(Option<(u64, usize)>),
}

/// What leaves when it is written down why.
#[derive(Debug)]
#[allow(clippy::large_enum_variant)] // few at a time
pub(super) enum After {
    /// The ACK of this leg's INVITE.
    Ack(u64, usize),
    /// This leg is offered the media as they are now.
    Offer(u64, usize),
    /// A consumer is answered.
    Reply(AskId, Result<Told, Box<ProblemDetails>>),
    /// The channel may say one more thing.
    Credit(u64, StreamId, ChannelAt),
}

impl Calls {
    /// RFC 3261 §8.1.2, RFC 3263: sends by the way that the URI `next` names.
    pub(super) fn send(&mut self, now: Instant, next: &str, message: Message, errand: Errand) {
        let waiting = Waiting {
            next: next.to_owned(),
            message,
            errand,
        };
        self.dispatch(now, waiting);
    }

    pub(super) fn dispatch(&mut self, now: Instant, waiting: Waiting) {
        let hop = NextHop::of_uri(&waiting.next);
        let resolution = hop.as_ref().map(|hop| self.lookups.resolve(now, hop));
        let addr = match resolution {
            Some(Resolution::Ready(addresses)) => addresses.first().copied(),
            Some(Resolution::Pending) => {
                self.waiting.push(waiting);
                return;
            }
            Some(Resolution::Failed) | None => None,
        };
        let Waiting {
            message, errand, ..
        } = waiting;
        let Some((hop, addr)) = hop.zip(addr) else {
            match errand {
                Errand::Request(purpose) => {
                    self.no_response(now, purpose, StatusCode::SERVICE_UNAVAILABLE);
                }
                Errand::Forward(number, _) => {
                    let status = StatusCode::SERVICE_UNAVAILABLE;
                    self.forwarded_in_vain(now, number, None, status);
                }
                Errand::Ack(_) => {}
            }
            return;
        };
        let (purpose, hash) = match errand {
            Errand::Ack(leg) => {
                let length = message.wire_len() + 120;
                let by_size = self.transactions.transport_by_size(now, addr, length);
                let target = hop.target(addr, by_size);
                if let Some((call, leg)) = leg
                    && let Some(leg) = self.leg(call, leg)
                {
                    leg.acknowledged = true;
                }
                self.transactions.send(now, target, message);
                return;
            }
            Errand::Request(purpose) => (purpose, None),
            Errand::Forward(number, hash) => (Purpose::Forward(number), Some(hash)),
        };
        let timers = TimerSet::core();
        let id = match hop.transport {
            Some(transport) => {
                let target = Target::Address { transport, addr };
                match hash {
                    Some(hash) => self
                        .transactions
                        .forward_request(now, target, message, timers, hash),
                    None => self.transactions.send_request(now, target, message, timers),
                }
            }
            None => self
                .transactions
                .send_request_by_size(now, addr, message, timers, hash),
        };
        self.remember(now, id, purpose);
        if let Purpose::Forward(number) = purpose {
            self.branch_sent(now, number, id);
        }
        if let Purpose::ReInvite(call, leg) = purpose {
            self.offer_sent(now, call, leg, id);
        }
        if let Purpose::Invite(call, leg) = purpose
            && let Some(leg) = self.leg(call, leg)
            && let LegState::Inviting {
                client, cancelled, ..
            } = &mut leg.state
        {
            *client = Some(id);
            if *cancelled {
                self.transactions.cancel(now, id, None);
            }
        }
    }

    /// What comes back for it is known by that, for as long as something may.
    fn remember(&mut self, now: Instant, id: ClientTransactionId, purpose: Purpose) {
        if let Purpose::Invite(call, _) | Purpose::ReInvite(call, _) = purpose {
            // RFC 3261 §13.2.2.4: of a call that is over, all that is answered is hung up on.
            let Some(call) = self.by_number.get_mut(&call) else {
                return;
            };
            // RFC 6026 §7.2: 2xx come again for a while; and it is cancelled when it had its time.
            let longest = self.config.answer_within + 2 * TimerSet::core().transaction();
            let by_client = &mut self.by_client;
            call.invites.retain(|(since, id)| {
                let known = *since + longest > now;
                if !known {
                    by_client.remove(id);
                }
                known
            });
            call.invites.push((now, id));
        }
        self.by_client.insert(id, purpose);
    }

    /// Writes down what changed; `after` follows when that is done.
    pub(super) fn commit(&mut self, changes: Vec<Change>, after: Vec<After>) {
        let id = CommitId(self.next_commit);
        self.next_commit += 1;
        self.commits.insert(id, after);
        self.outputs.push_back(Output::Commit { id, changes });
    }

    pub(super) fn after(&mut self, now: Instant, after: After) {
        match after {
            After::Ack(call, leg) => self.acknowledge(now, call, leg, None),
            After::Offer(call, leg) => self.re_invite(now, call, leg),
            After::Reply(ask, result) => self.reply(ask, result),
            After::Credit(call, stream, at) => {
                let context = self.by_number.get(&call).and_then(|call| call.context);
                if let Some(context) = context {
                    let action = ChannelAction::Credit(at, 1);
                    let command = Command::Channel {
                        context,
                        stream,
                        action,
                    };
                    self.ask_gateway(IqPurpose::Nothing, command);
                }
            }
        }
    }

    pub(super) fn after_failure(&mut self, now: Instant, after: After) {
        match after {
            After::Ack(call, leg) => {
                self.acknowledge(now, call, leg, None);
                self.fail(now, call, &Why::Store);
            }
            After::Reply(ask, _) => {
                let problem = ProblemDetails::new(503).cause(&Cause::InsufficientResources);
                let problem = problem.detail("The request could not be written down.");
                self.reply(ask, Err(Box::new(problem)));
            }
            // The call is ended by then.
            After::Offer(..) => {}
            // What was not told is lost with the store; what follows may be told.
            credit @ After::Credit(..) => self.after(now, credit),
        }
    }

    pub(super) fn reply(&mut self, ask: AskId, result: Result<Told, Box<ProblemDetails>>) {
        self.outputs.push_back(Output::Reply { ask, result });
    }
}
