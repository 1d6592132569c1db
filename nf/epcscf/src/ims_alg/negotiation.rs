//! The offers and answers of one call, across both legs.
//!
//! ```text
//!            offer                replied…            answer              replied…
//!   Idle ───────────▶ Preparing ───────────▶ Offered ─────────▶ Answering ─────────▶ Answered
//!    ▲                    │                     │                   ▲                   │  │
//!    └──── rollback ──────┴─────────────────────┘                   └── another answer ─┘  │ offer
//!                                                                   (preview, fork)        ▼
//!                                                                                      Preparing
//! ```
//! An offer of the edge itself, to either leg, is made of what the other leg said last; its answer settles it.

use std::collections::{BTreeSet, VecDeque};

use bytes::Bytes;
use core_iq::{ChannelAt, Command, ContextId, Refusal, Reply, StreamId, StreamSettings};
use wire_sdp::attribute::Mid;
use wire_sdp::{Attribute, Session};

use super::call::{Agreed, Answer, Call, Given, Phase};
use super::data::{Announcements, bootstrap};
use super::origin::Written;
use super::stream::Stream;
use super::{Leg, PeerMisbehaved, Policy, Refused, write_to_core, write_to_wic};

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Ask the gateway, and hand its reply to [`Negotiation::replied`].
    Gateway(Command),
    /// Send this SDP to the other leg than the one it came from.
    Forward(Bytes),
    /// The edge's own offer ([`Negotiation::reoffer`]) is answered; the answer goes no further.
    Settled,
}

/// What kind of response carries an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finality {
    /// A 1xx: another fork may still answer otherwise, so nothing is given up yet.
    Provisional,
    /// A 2xx, an ACK, a PRACK, or a 1xx after which no fork can follow.
    Final,
}

/// The negotiation of one call. Kept by its dialog; a clone is a whole copy.
#[derive(Debug, Clone)]
pub struct Negotiation {
    pub(super) policy: Policy,
    context: Option<ContextId>,
    pub(super) call: Call,
    pub(super) to_wic: Written,
    pub(super) to_core: Written,
    /// What held before the offer that is being negotiated; and below it, what held before one that has had its answer
    /// in a provisional response, and may still fail (RFC 6141 §3).
    before: Vec<Call>,
    /// The WIC's first offer with the answer that it got, once a fork has gone on to negotiate something else
    /// before any was confirmed: another fork may still answer it.
    asked: Option<Box<Call>>,
    /// What the leg had seen before the offer that is out.
    pub(super) unseen: Option<Box<Written>>,
    /// Channels that the WIC opened in band.
    pub(super) announcements: Announcements,
    /// Of these, the ones that are to be closed.
    pub(super) closing: Vec<(StreamId, ChannelAt)>,
    pub(super) far_end_is_ours: bool,
}

impl Negotiation {
    /// A call without media yet. The two numbers (random, one a leg) become the session ids of our `o=` lines.
    pub fn new(policy: Policy, wic_session: u64, core_session: u64) -> Negotiation {
        Negotiation {
            policy,
            context: None,
            call: Call::default(),
            to_wic: Written::new(wic_session),
            to_core: Written::new(core_session),
            before: Vec::new(),
            asked: None,
            unseen: None,
            announcements: Announcements::default(),
            closing: Vec::new(),
            far_end_is_ours: false,
        }
    }

    /// An offer came from this leg (RFC 3264 §5, §8; TS 24.371 §7.4.2, §7.4.3).
    pub fn offer(&mut self, from: Leg, sdp: &[u8]) -> Result<Next, Refused> {
        self.offer_read(from, sdp, None)
    }

    /// The same of an offer that [`check_version`](Self::check_version) has read.
    pub fn offer_read(
        &mut self,
        from: Leg,
        sdp: &[u8],
        read: Option<Session>,
    ) -> Result<Next, Refused> {
        match self.offered_by() {
            Some(leg) if leg == from => return Err(PeerMisbehaved::SecondOffer.into()),
            Some(_) => return Err(PeerMisbehaved::OfferWhileOffered.into()),
            None => {}
        }
        if let Some(sent) = self.said_again(from, sdp)
            && let Phase::Agreed(agreed) = &self.call.phase
        {
            let again = Bytes::copy_from_slice(sdp);
            self.call.phase = Phase::Repeated(agreed.clone(), again);
            return Ok(Next::Forward(sent));
        }
        let received = match read {
            Some(received) => received,
            None => Session::parse(sdp)?,
        };
        self.take(from, received, false)
    }

    /// RFC 3264 §8 — another description than this leg's last comes under another version in `o=`.
    /// Gives what was read; nothing of one that is the last one again.
    pub fn check_version(&self, from: Leg, sdp: &[u8]) -> Result<Option<Session>, Refused> {
        if self.said_again(from, sdp).is_some() {
            return Ok(None);
        }
        let received = Session::parse(sdp)?;
        let kept = |last: Session| last.origin() == received.origin() && last != received;
        if self.said(from).is_some_and(kept) {
            return Err(PeerMisbehaved::VersionKept.into());
        }
        Ok(Some(received))
    }

    /// The answer to the offer of the other leg came from this one (RFC 3264 §6). It may come again, in a
    /// later response or of another fork.
    pub fn answer(&mut self, from: Leg, sdp: &[u8], finality: Finality) -> Result<Next, Refused> {
        let asked = match &self.call.phase {
            Phase::Repeated(agreed, _) => agreed.from == from.other(),
            _ => false,
        };
        if asked {
            if let Some(next) = self.answered_again(sdp, finality) {
                return Ok(next);
            }
            self.read_after_all()?;
        }
        let (offer, given) = match &self.call.phase {
            Phase::Offered(offer) => (offer, None),
            Phase::Answered(offer, answer) => (offer, Some(answer)),
            _ => return Err(PeerMisbehaved::AnswerWithoutOffer.into()),
        };
        if offer.from == from || (offer.own && given.is_some()) {
            return Err(PeerMisbehaved::AnswerWithoutOffer.into());
        }
        let received = Session::parse(sdp)?;
        self.unseen = None;
        if let Some(given) = given.filter(|g| g.received == received && g.finality == finality) {
            return Ok(Next::Forward(given.sent.clone()));
        }
        let given = given.and_then(|answer| {
            let session = Session::parse(&answer.sent).ok()?;
            Some(Given {
                session,
                sent: answer.sent.clone(),
            })
        });
        let offer = offer.clone();
        let mut call = self.call.clone();
        let mut agreed = call.agree(&offer, &received)?;
        if offer.from == Leg::Wic {
            bootstrap::keep_served(&mut agreed, self.served());
        }
        let mut commands = VecDeque::new();
        let context = self
            .context
            .ok_or(Refused::Misuse("an answer before the gateway replied"))?;
        self.settle_announced(&agreed, finality);
        let (configure, subtract) = call.settle(
            &offer,
            &agreed,
            finality,
            given.as_ref(),
            &self.announcements,
        );
        if !configure.is_empty() {
            commands.push_back(Command::Configure {
                context,
                streams: configure,
            });
        }
        if !subtract.is_empty() {
            for stream in &subtract {
                self.announcements.forget(*stream);
            }
            commands.push_back(Command::Subtract {
                context,
                streams: subtract,
            });
        }
        let answer = Answer {
            received,
            finality,
            agreed,
            given,
            sent: Bytes::new(),
            diverged: false,
        };
        call.phase = Phase::Answering(offer, answer, commands);
        self.call = call;
        self.proceed()
    }

    /// The gateway answered the command of [`Next::Gateway`]. An offer that it has no room for has never been; when it
    /// refused to change what an answer says, [`Negotiation::rollback`] or [`Negotiation::release`] is what is left.
    pub fn replied(&mut self, reply: Result<Reply, Refusal>) -> Result<Next, Refused> {
        let reply = match reply {
            Ok(reply) => reply,
            Err(refusal) => {
                // Nothing of a refused command has taken effect.
                if matches!(self.call.phase, Phase::Preparing(..))
                    && let Some(before) = self.before.pop()
                {
                    self.call = before;
                }
                return Err(refusal.into());
            }
        };
        let reserved = match reply {
            Reply::Reserved(reserved) => {
                self.context = Some(reserved.context);
                reserved
            }
            Reply::Configured(reserved) => reserved,
            Reply::Released | Reply::ChannelDone | Reply::ChannelOpening { .. } => {
                return Err(Refused::Misuse("an answer to another question"));
            }
        };
        for told in &reserved.streams {
            self.call
                .streams
                .entry(told.stream)
                .and_modify(|stream| stream.told(told))
                .or_insert_with(|| Box::new(Stream::new(told)));
        }
        self.proceed()
    }

    /// The offer that was to be sent was not, so its leg has not seen it: then [`Negotiation::rollback`].
    pub fn unsent(&mut self) {
        let Phase::Offered(offer) = &self.call.phase else {
            return;
        };
        if let Some(before) = self.unseen.take() {
            match offer.from {
                Leg::Wic => self.to_core = *before,
                Leg::Core => self.to_wic = *before,
            }
        }
    }

    /// The offer came to nothing: what was agreed on before holds again, and the gateway is to be told so.
    /// The replies to these commands are of no interest.
    pub fn rollback(&mut self) -> Vec<Command> {
        self.unseen = None;
        self.announcements.withdrawn();
        if matches!(self.call.phase, Phase::Repeated(..)) {
            self.forget_repetition();
            return Vec::new();
        }
        let Some(before) = self.before.pop() else {
            return Vec::new();
        };
        let failed = std::mem::replace(&mut self.call, before);
        let Some(context) = self.context else {
            return Vec::new();
        };
        // What its answer gave up is with the gateway still, unless that has been told so.
        let untold = match &failed.phase {
            Phase::Answering(_, _, commands) => given_up(commands),
            _ => Vec::new(),
        };
        let gone: BTreeSet<StreamId> = failed
            .streams
            .keys()
            .copied()
            .chain(untold)
            .filter(|id| !self.call.streams.contains_key(id))
            .collect();
        let changed: Vec<StreamSettings> = self
            .call
            .streams
            .iter()
            .filter_map(|(id, stream)| {
                let settings = stream.settings.clone()?;
                let now = failed.streams.get(id)?.settings.as_ref();
                (now != Some(&settings)).then_some(settings)
            })
            .collect();
        let mut commands = Vec::new();
        if !changed.is_empty() {
            commands.push(Command::Configure {
                context,
                streams: changed,
            });
        }
        if !gone.is_empty() {
            commands.push(Command::Subtract {
                context,
                streams: gone.into_iter().collect(),
            });
        }
        commands
    }

    /// An offer that had its answer in a provisional response has failed, while another one that came after it is open:
    /// when that fails too, what holds is what was before both.
    pub fn failed_below(&mut self) {
        if self.before.len() > 1 {
            self.before.pop();
        }
    }

    /// The answer that came in a provisional response is the answer: a 2xx without SDP followed it
    /// (RFC 3262 §5), or an offer that could only come after it.
    pub fn confirm(&mut self) {
        self.asked = None;
        if let Phase::Answered(_, answer) = &mut self.call.phase {
            answer.finality = Finality::Final;
            self.before = Vec::new();
        }
    }

    /// The final answer of a fork to the WIC's first offer, when another fork has gone on since to negotiate
    /// something else: that is put back, and the WIC is to be offered what this fork says.
    pub fn answer_of_other_fork(&mut self, sdp: &[u8]) -> Result<Next, Refused> {
        let Some(mut asked) = self.asked.take() else {
            return Err(PeerMisbehaved::AnswerWithoutOffer.into());
        };
        for (id, stream) in &mut asked.streams {
            // What the gateway has given up since is not to be had again.
            let now = self
                .call
                .streams
                .get(id)
                .ok_or(Refused::Misuse("a fork's stream is gone"))?;
            stream.w3 = now.w3.clone();
        }
        self.call = *asked;
        self.before = Vec::new();
        let next = self.answer(Leg::Core, sdp, Finality::Final)?;
        self.mark_diverged();
        Ok(next)
    }

    fn mark_diverged(&mut self) {
        if let Phase::Answering(_, answer, _) | Phase::Answered(_, answer) = &mut self.call.phase {
            answer.diverged = true;
        }
    }

    /// Whether the last answer was absorbed behind another one that the WIC already had, and agrees on
    /// something else: then the WIC is to be offered what the core confirmed, by [`Negotiation::reoffer`].
    pub fn diverged(&self) -> bool {
        matches!(&self.call.phase, Phase::Answered(_, answer) if answer.diverged)
    }

    /// An offer of the edge itself to a leg: what the other leg said last. The answer to it is
    /// [`Next::Settled`].
    pub fn reoffer(&mut self, to: Leg) -> Result<Next, Refused> {
        if self.offered_by().is_some() {
            return Err(PeerMisbehaved::OfferWhileOffered.into());
        }
        let said = self.said(to.other());
        let received = said.ok_or(Refused::Misuse("there is nothing to offer again"))?;
        self.take(to.other(), received, true)
    }

    /// The last description of this leg's that took effect.
    pub(super) fn said(&self, leg: Leg) -> Option<Session> {
        match &self.call.phase {
            Phase::Answered(offer, _) if offer.from == leg => Some(offer.received.clone()),
            Phase::Answered(_, answer) => Some(answer.received.clone()),
            Phase::Agreed(agreed) | Phase::Repeated(agreed, _) => {
                let said = if agreed.from == leg {
                    &agreed.offered
                } else {
                    &agreed.answered
                };
                Session::parse(said).ok()
            }
            _ => None,
        }
    }

    /// The messages of the last offer and answer are through, and neither comes again: what only a repetition needs
    /// is forgotten.
    pub fn rest(&mut self) {
        let Phase::Answered(offer, answer) = &self.call.phase else {
            return;
        };
        if answer.finality == Finality::Final && self.before.is_empty() && !answer.diverged {
            self.call.phase = Phase::Agreed(Agreed::of(offer, answer));
        }
    }

    /// The call is over: what releases the gateway, if it has anything of this call.
    pub fn release(&mut self) -> Option<Command> {
        self.call = Call::default();
        self.before = Vec::new();
        self.asked = None;
        self.context
            .take()
            .map(|context| Command::Release { context })
    }

    /// An answer to the offer of this leg that takes none of it: every m-line with port 0. It is what an ACK
    /// carries when the offer in a 200 cannot be served (RFC 3261 §13.2.2.4).
    pub fn refusing_answer(&mut self, to: Leg, offer: &[u8]) -> Result<Bytes, Refused> {
        let offer = Session::parse(offer)?;
        let media = offer.medias().iter();
        let refused = match to {
            Leg::Wic => media
                .filter_map(|m| write_to_wic::rejected(&m.line(), m.value(Mid::NAME)))
                .collect(),
            Leg::Core => media
                .filter_map(|m| write_to_core::rejected(&m.line()))
                .collect(),
        };
        Ok(self.signed(to, &offer, refused))
    }

    /// The gateway's Context of this call.
    pub fn context(&self) -> Option<ContextId> {
        self.context
    }

    /// Whether an offer waits for its answer, and whose: an offer of either side now is glare (RFC 3264 §4).
    pub fn offered_by(&self) -> Option<Leg> {
        match &self.call.phase {
            Phase::Preparing(offer, _) | Phase::Offered(offer) | Phase::Answering(offer, ..) => {
                Some(offer.from)
            }
            Phase::Repeated(agreed, _) => Some(agreed.from),
            Phase::Idle | Phase::Answered(..) | Phase::Agreed(..) => None,
        }
    }

    /// Whether the gateway still makes room for an offer.
    pub fn is_preparing(&self) -> bool {
        matches!(self.call.phase, Phase::Preparing(..))
    }

    /// Whether the last offer has been answered in provisional responses only.
    pub fn is_previewed(&self) -> bool {
        matches!(&self.call.phase, Phase::Answered(_, answer) if answer.finality == Finality::Provisional)
    }

    pub(super) fn take(
        &mut self,
        from: Leg,
        received: Session,
        own: bool,
    ) -> Result<Next, Refused> {
        let mut call = self.call.clone();
        let data = self.carries_data(from);
        let (mut offer, reserve) =
            call.take_offer(from, received, &self.policy, data, self.served())?;
        offer.own = own;
        self.make_way(&offer);
        let mut commands = VecDeque::new();
        if !reserve.is_empty() {
            commands.push_back(Command::Reserve {
                context: self.context,
                streams: reserve,
            });
        }
        let undecided = matches!(&self.call.phase,
            Phase::Answered(offer, answer) if offer.from == Leg::Wic && answer.finality == Finality::Provisional);
        if undecided && self.asked.is_none() && !own {
            self.asked = Some(Box::new(self.call.clone()));
        }
        if !self.is_previewed() {
            self.before.clear();
        }
        call.phase = Phase::Preparing(offer, commands);
        self.before.push(std::mem::replace(&mut self.call, call));
        self.proceed()
    }

    /// The next command, or what it was all for.
    fn proceed(&mut self) -> Result<Next, Refused> {
        match &mut self.call.phase {
            Phase::Preparing(_, commands) | Phase::Answering(_, _, commands) => {
                if let Some(command) = commands.pop_front() {
                    return Ok(Next::Gateway(command));
                }
            }
            _ => return Err(Refused::Misuse("nothing is under way")),
        }
        match std::mem::take(&mut self.call.phase) {
            Phase::Preparing(mut offer, _) => {
                let sdp = self.send_offer(&mut offer)?;
                self.call.phase = Phase::Offered(offer);
                Ok(Next::Forward(sdp))
            }
            Phase::Answering(offer, mut answer, _) => {
                // RFC 6141 §3.4: what was agreed on in full stays, whatever becomes of the request around it.
                if answer.finality == Finality::Final {
                    self.before = Vec::new();
                }
                if offer.own {
                    self.call.phase = Phase::Answered(offer, answer);
                    return Ok(Next::Settled);
                }
                self.send_answer(&offer, &mut answer)?;
                let sdp = answer.sent.clone();
                self.call.phase = Phase::Answered(offer, answer);
                Ok(Next::Forward(sdp))
            }
            _ => Err(Refused::Misuse("nothing is under way")),
        }
    }
}

/// The streams that these commands would give up.
fn given_up(commands: &VecDeque<Command>) -> Vec<StreamId> {
    let of_one = commands.iter().filter_map(|command| match command {
        Command::Subtract { streams, .. } => Some(streams),
        _ => None,
    });
    of_one.flatten().copied().collect()
}
