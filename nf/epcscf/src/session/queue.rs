//! The queue of a session: one message after the other, each with its SDP rewritten first.

use std::time::{Duration, Instant};

use bytes::Bytes;
use core_iq::{Event, Notification, Refusal, Reply, RequestId};
use core_sip::proxy::LoopHash;
use core_sip::{ClientTransactionId, ServerTransactionId, retry_after};
use wire_sip::{Message, Method, StatusCode};

use super::bootstrap::says_who;
use super::data_channels::names_data_channels;
use super::{
    Exchange, Inviting, LONGEST_QUEUE, Plan, Session, State, Waiting, cseq, description, reliable,
};
use crate::ims_alg::{Finality, Leg, Next, PeerMisbehaved, Refused};
use crate::timer::Timer;
use crate::{EpCscf, Output};

/// How long the gateway may take.
const GATEWAY_DEADLINE: Duration = Duration::from_secs(5);

/// A message of a session, on its way through.
#[derive(Debug)]
pub(crate) enum Item {
    Request {
        server: ServerTransactionId,
        message: Message,
        from: Leg,
        hash: LoopHash,
    },
    Response {
        server: ServerTransactionId,
        message: Message,
        from: Leg,
        /// Its request carried an offer.
        offered: bool,
    },
    Ack {
        message: Message,
        from: Leg,
    },
    /// A request of our own that is to go out.
    Own {
        message: Message,
        to: Leg,
        plan: Plan,
    },
    /// What it was answered.
    OwnResponse {
        client: ClientTransactionId,
        message: Message,
        from: Leg,
        plan: Plan,
    },
}

impl Item {
    pub(super) fn message(&self) -> &Message {
        match self {
            Self::Request { message, .. }
            | Self::Response { message, .. }
            | Self::Ack { message, .. }
            | Self::Own { message, .. }
            | Self::OwnResponse { message, .. } => message,
        }
    }

    fn message_mut(&mut self) -> &mut Message {
        match self {
            Self::Request { message, .. }
            | Self::Response { message, .. }
            | Self::Ack { message, .. }
            | Self::Own { message, .. }
            | Self::OwnResponse { message, .. } => message,
        }
    }

    fn is_from_core(&self) -> bool {
        match self {
            Self::Request { from, .. }
            | Self::Response { from, .. }
            | Self::Ack { from, .. }
            | Self::OwnResponse { from, .. } => *from == Leg::Core,
            Self::Own { .. } => false,
        }
    }

    /// The session description in it, when it carries one that counts.
    fn sdp(&self) -> Option<Bytes> {
        let message = self.message();
        // RFC 3261 §13.2.1: an error response says in its SDP what could be, and negotiates nothing.
        if message.status().is_some_and(StatusCode::is_failure) {
            return None;
        }
        description::find(message)
    }
}

impl EpCscf {
    /// Puts a message behind those that wait. Requests and provisional responses are bounded; what must not be lost
    /// is bounded by them.
    pub(crate) fn enqueue(&mut self, now: Instant, id: u64, item: Item) {
        let Some(session) = self.sessions.get_mut(id) else {
            return;
        };
        if session.queue.len() >= LONGEST_QUEUE {
            match item {
                Item::Request {
                    server, message, ..
                } => {
                    let unavailable = StatusCode::SERVICE_UNAVAILABLE;
                    let response = retry_after(&message, unavailable, &self.random.tag(), 5);
                    self.transactions.respond(now, server, response);
                    self.forget_forward(server);
                    return;
                }
                item if item
                    .message()
                    .status()
                    .is_some_and(StatusCode::is_provisional) =>
                {
                    return;
                }
                Item::Ack { .. } => return,
                _ if session.queue.len() >= 4 * LONGEST_QUEUE => return,
                _ => {}
            }
            let Some(session) = self.sessions.get_mut(id) else {
                return;
            };
            session.queue.push_back(item);
        } else {
            session.queue.push_back(item);
        }
        self.run_queue(now, id);
    }

    /// As far as the gateway lets it.
    pub(super) fn run_queue(&mut self, now: Instant, id: u64) {
        loop {
            let Some(session) = self.sessions.get_mut(id) else {
                return;
            };
            if session.waiting.is_some() {
                return;
            }
            let Some(item) = session.queue.pop_front() else {
                self.try_own(now, id);
                return;
            };
            self.pass(now, id, item);
        }
    }

    /// One message: what it means to the dialog, then what its SDP means to the media.
    fn pass(&mut self, now: Instant, id: u64, mut item: Item) {
        match &item {
            Item::Request {
                server, message, ..
            } if self.too_brief(message) => {
                let server = *server;
                self.refuse_interval(now, id, server, &item);
                return;
            }
            Item::Request {
                server,
                message,
                from,
                ..
            } if message.method() == Method::Invite => {
                let Some(session) = self.sessions.get_mut(id) else {
                    return;
                };
                let under_way = session.inviting.filter(|_| session.invite != Some(*server));
                let refused = under_way.map(|other| match other {
                    Inviting::Passed(leg, _) if leg == *from => PeerMisbehaved::SecondOffer,
                    _ => PeerMisbehaved::OfferWhileOffered,
                });
                if let Some(refused) = refused {
                    self.refuse_sdp(now, id, item, &refused.into());
                    return;
                }
                session.inviting = Some(Inviting::Passed(*from, *server));
                if *from == Leg::Wic {
                    session.unheard = Some((cseq(message), *server));
                }
            }
            _ => {}
        }
        if let Item::Response {
            server,
            message,
            from,
            ..
        } = &mut item
            && !self.is_new_response(id, *server, message, *from)
        {
            return;
        }
        let sdp = item.sdp();
        if item.is_from_core() && says_who(item.message()) {
            self.note_far_end(id, Leg::Core, item.message());
        }
        let Some(session) = self.sessions.get_mut(id) else {
            return;
        };
        if sdp.is_some() && item.is_from_core() && names_data_channels(item.message()) {
            session.negotiation.core_reads_channels();
        }
        let next = match (&item, sdp) {
            (Item::Request { .. }, None) => None,
            (
                Item::Request {
                    server,
                    message,
                    from,
                    ..
                },
                Some(sdp),
            ) => Some(session.requested(*server, message, *from, &sdp)),
            (Item::Ack { message, from }, sdp) => {
                session.acknowledged(*from, message, sdp.as_deref())
            }
            (
                Item::Response {
                    server,
                    message,
                    from,
                    offered,
                },
                sdp,
            ) => session.responded(*server, message, *from, *offered, sdp.as_deref()),
            (Item::Own { to, message, .. }, _) => {
                let offers = message.method() == Method::Invite;
                offers.then(|| session.negotiation.reoffer(*to))
            }
            (Item::OwnResponse { message, from, .. }, sdp) => {
                let success = message.status().is_some_and(StatusCode::is_success);
                let offered = message.method() == Method::Invite;
                match sdp {
                    Some(sdp) if success && offered => {
                        Some(session.negotiation.answer(*from, &sdp, Finality::Final))
                    }
                    None if success && offered => Some(Err(PeerMisbehaved::NoAnswer.into())),
                    _ => None,
                }
            }
        };
        if let Some(next) = next {
            self.proceed(now, id, item, next);
            return;
        }
        // SDP that is neither offer nor answer here means nothing, and is not for the other side.
        if item.sdp().is_some() {
            item.message_mut().remove_body();
        }
        self.dispatch(now, id, item);
    }

    fn proceed(&mut self, now: Instant, id: u64, mut item: Item, next: Result<Next, Refused>) {
        self.tell_closed(id);
        match next {
            Ok(Next::Gateway(command)) => {
                let request = RequestId(self.next_iq);
                self.next_iq += 1;
                let makes = matches!(command, core_iq::Command::Reserve { context: None, .. });
                self.iq.insert(request, (id, makes));
                let deadline = now + GATEWAY_DEADLINE;
                if let Some(session) = self.sessions.get_mut(id) {
                    let item = Box::new(item);
                    session.waiting = Some(Waiting {
                        request,
                        item,
                        deadline,
                    });
                }
                self.timers.set(deadline, Timer::GatewaySilent(id));
                self.outputs.push_back(Output::Iq {
                    id: request,
                    command,
                });
            }
            Ok(Next::Forward(sdp)) => {
                // A 2xx that stands for the answer that came before it stays without.
                if item.sdp().is_some() || matches!(item, Item::Own { .. }) {
                    description::replace(item.message_mut(), sdp);
                }
                self.dispatch(now, id, item);
            }
            Ok(Next::Settled) => self.dispatch(now, id, item),
            Err(refused) => self.refuse_sdp(now, id, item, &refused),
        }
    }

    pub(crate) fn gateway_replied(
        &mut self,
        now: Instant,
        request: RequestId,
        result: Result<Reply, Refusal>,
    ) {
        if self.served_replied(request, &result) {
            return;
        }
        let asked = self.iq.remove(&request);
        let Some((id, session)) = asked.and_then(|(id, _)| Some((id, self.sessions.get_mut(id)?)))
        else {
            // The session ended while it was made, or we had given the gateway up: nobody wants the
            // Context, unless it is one that a session has. One that was there before is released already.
            if let Ok(Reply::Reserved(reserved)) = result
                && asked.is_none_or(|(_, makes)| makes)
                && self.sessions.by_context(reserved.context).is_none()
            {
                self.tell_gateway(core_iq::Command::Release {
                    context: reserved.context,
                });
            }
            return;
        };
        let Some(waiting) = session
            .waiting
            .take_if(|waiting| waiting.request == request)
        else {
            return;
        };
        let never_was = result.is_err() && session.negotiation.is_preparing();
        let next = session.negotiation.replied(result);
        if never_was && !matches!(*waiting.item, Item::Own { .. }) {
            // There is no offer to be taken back: what is open is what was before.
            session.exchange = session.previous.take();
        }
        self.sessions.note_context(id);
        self.proceed(now, id, *waiting.item, next);
        self.run_queue(now, id);
    }

    pub(crate) fn gateway_silent(&mut self, now: Instant, id: u64) {
        let Some(session) = self.sessions.get_mut(id) else {
            return;
        };
        let Some(waiting) = &session.waiting else {
            return;
        };
        if waiting.deadline <= now {
            let request = waiting.request;
            self.gateway_replied(now, request, Err(Refusal::Unreachable));
        }
    }

    pub(crate) fn gateway_notified(&mut self, now: Instant, notification: &Notification) {
        let Some(id) = self.sessions.by_context(notification.context) else {
            return;
        };
        if self.served_notified(id, notification.stream, &notification.event) {
            return;
        }
        match &notification.event {
            Event::DtlsFailed { reason } => {
                tracing::info!(session = id, reason, "no DTLS with a WIC");
                self.release(now, id, "the media could not be secured");
            }
            Event::ChannelRequested { .. }
            | Event::ChannelClosed { .. }
            | Event::DataEnded { .. } => self.channel_notified(now, id, notification),
            // A WIC whose media is silent while its WebSocket lives may be behind a sleeping radio;
            // one without a WebSocket is released by its own timer.
            event => tracing::debug!(session = id, ?event, "gateway"),
        }
    }

    /// A command whose reply nobody waits for.
    pub(crate) fn tell_gateway(&mut self, command: core_iq::Command) {
        let id = RequestId(self.next_iq);
        self.next_iq += 1;
        self.outputs.push_back(Output::Iq { id, command });
    }
}

impl Session {
    /// SDP in a request: an offer, or in a PRACK the answer to the offer that it acknowledges (RFC 3262 §5).
    fn requested(
        &mut self,
        server: ServerTransactionId,
        message: &Message,
        from: Leg,
        sdp: &[u8],
    ) -> Result<Next, Refused> {
        let asked = matches!(self.exchange, Some(Exchange::Response { .. }))
            && self.negotiation.offered_by() == Some(from.other());
        if message.method() == Method::Prack && asked {
            return self.negotiation.answer(from, sdp, Finality::Final);
        }
        let read = self.negotiation.check_version(from, sdp)?;
        if self.is_unsettled(from, message) {
            let misbehaved = if from == self.initiator {
                PeerMisbehaved::SecondOffer
            } else {
                PeerMisbehaved::OfferWhileOffered
            };
            return Err(misbehaved.into());
        }
        let next = self.negotiation.offer_read(from, sdp, read)?;
        self.previous = self.exchange.replace(Exchange::Request(server));
        self.negotiated = match self.state {
            State::Early => self.callee_tag(from, message).map(Into::into),
            State::Confirmed => None,
        };
        Ok(next)
    }

    /// RFC 3311 §5.1 — whether the offer of an INVITE has had nothing but previews in the dialog of this request.
    fn is_unsettled(&self, from: Leg, message: &Message) -> bool {
        let Some(Exchange::Request(asked)) = self.exchange else {
            return false;
        };
        let dialog = self.callee_tag(from, message);
        let dialog = dialog.and_then(|tag| self.dialogs.get(tag));
        self.negotiation.is_previewed() && dialog.is_none_or(|d| d.settled != Some(asked))
    }

    /// RFC 3261 §13.2.2.4 — an ACK answers the offer of its 2xx, or has nothing to say.
    fn acknowledged(
        &mut self,
        from: Leg,
        ack: &Message,
        sdp: Option<&[u8]>,
    ) -> Option<Result<Next, Refused>> {
        let for_it =
            |exchange| matches!(exchange, Exchange::Response { invite, .. } if invite == cseq(ack));
        let asked = self.exchange.is_some_and(for_it)
            && self.negotiation.offered_by() == Some(from.other());
        match sdp {
            _ if !asked => None,
            Some(sdp) => Some(self.negotiation.answer(from, sdp, Finality::Final)),
            None => Some(Err(PeerMisbehaved::NoAnswer.into())),
        }
    }

    /// RFC 3261 §13.2.1, RFC 3262 §5, RFC 6337 §2 — SDP in a response: the answer to the offer of its request, be it a
    /// preview; or an offer, in a reliable provisional response or a 2xx to an INVITE that had none.
    fn responded(
        &mut self,
        server: ServerTransactionId,
        response: &Message,
        from: Leg,
        offered: bool,
        sdp: Option<&[u8]>,
    ) -> Option<Result<Next, Refused>> {
        let status = response.status()?;
        if status.is_failure() {
            return None;
        }
        let finality = if status.is_provisional() {
            Finality::Provisional
        } else {
            Finality::Final
        };
        let current = self.exchange == Some(Exchange::Request(server));
        let other_fork = self.invite == Some(server) && self.is_other_fork(from, response);
        let Some(sdp) = sdp else {
            if status.is_provisional() {
                return None;
            }
            let dialog = self.dialog_of(from, response);
            let unserved = dialog.is_some_and(|dialog| dialog.unserved == Some(server));
            if unserved || (!current && other_fork) {
                return Some(Err(PeerMisbehaved::NoAnswer.into()));
            }
            if !current {
                if self.invite == Some(server) {
                    self.negotiation.confirm();
                }
                return None;
            }
            if self.negotiation.offered_by().is_some() {
                return Some(Err(PeerMisbehaved::NoAnswer.into()));
            }
            // Another fork has shown its answer since; the one that is confirmed has given its own before.
            let tag = self.callee_tag(from, response);
            let other = self.invite == Some(server) && self.answered_by.as_deref() != tag;
            let own = tag.and_then(|tag| self.dialogs.get(tag)?.answer.clone());
            if let Some(own) = own.filter(|_| other) {
                return Some(self.negotiation.answer(from, &own, Finality::Final));
            }
            self.negotiation.confirm();
            return None;
        };
        if current && response.method() == Method::Invite {
            let reliably = reliable(response).is_some();
            let initial = self.invite == Some(server);
            if let Some(dialog) = self.dialog_of(from, response) {
                // RFC 6337 §3.1.1 — a preview that comes after the reliable answer, late or once more, says nothing new.
                if status.is_provisional() && !reliably && dialog.answered == Some(server) {
                    return None;
                }
                if reliably {
                    dialog.answered = Some(server);
                    dialog.answer = initial.then(|| Bytes::copy_from_slice(sdp));
                }
            }
            if initial {
                let tag = self.callee_tag(from, response);
                self.answered_by = tag.map(Into::into);
            }
        }
        if current {
            return Some(self.negotiation.answer(from, sdp, finality));
        }
        let invite = response.method() == Method::Invite;
        if offered {
            // Another fork has gone on to something else meanwhile.
            if finality == Finality::Final && other_fork {
                self.exchange = Some(Exchange::Request(server));
                return Some(self.negotiation.answer_of_other_fork(sdp));
            }
            if finality == Finality::Final && self.invite == Some(server) {
                self.negotiation.confirm();
            }
            return None;
        }
        let offers = invite && (finality == Finality::Final || reliable(response).is_some());
        let again =
            |exchange| matches!(exchange, Exchange::Response { server: s, .. } if s == server);
        if !offers || self.exchange.is_some_and(again) {
            return None;
        }
        let next = self.negotiation.offer(from, sdp);
        if next.is_ok() {
            let invite = cseq(response);
            let exchange = Exchange::Response { server, invite };
            self.previous = self.exchange.replace(exchange);
        }
        Some(next)
    }

    /// Whether this response comes from another fork than the one that has negotiated since.
    fn is_other_fork(&self, from: Leg, response: &Message) -> bool {
        let tag = self.callee_tag(from, response);
        self.negotiated
            .as_deref()
            .is_some_and(|last| Some(last) != tag)
    }
}
