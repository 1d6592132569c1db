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

use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, Ipv4Addr};

use bytes::Bytes;
use core_iq::{Command, ContextId, MediaKind, Refusal, Reply, StreamId, StreamSettings};
use wire_sdp::attribute::{Direction, Mid};
use wire_sdp::{Attribute, Media, MediaIndex, Session};

use super::core_media::CoreMedia;
use super::origin::Written;
use super::payloads::{self, Pair};
use super::remove_fingerprint_from_offer::remove_fingerprint_and_ice;
use super::stream::{self, Agreement, Stream};
use super::wic_media::WicMedia;
use super::{
    Leg, PeerMisbehaved, Policy, Refused, Unsupported, feedback, write_to_core, write_to_wic,
};

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
    policy: Policy,
    context: Option<ContextId>,
    call: Call,
    to_wic: Written,
    to_core: Written,
    /// What held before the offer that is being negotiated.
    before: Option<Box<Call>>,
}

/// What a failed change puts back.
#[derive(Debug, Clone, Default)]
struct Call {
    /// The m-lines of the WIC (left) and of the core (right).
    index: MediaIndex,
    streams: BTreeMap<StreamId, Stream>,
    /// The `m=` lines that each leg has seen or said last, to be said again with port 0.
    wic_lines: Vec<Media>,
    core_lines: Vec<Media>,
    /// The identification of each of the WIC's m-lines.
    mids: Vec<Option<String>>,
    phase: Phase,
}

#[derive(Debug, Clone, Default)]
enum Phase {
    /// Nothing under way.
    #[default]
    Idle,
    /// An offer came; the gateway makes room for it.
    Preparing(Offer, VecDeque<Command>),
    /// It was sent on.
    Offered(Offer),
    /// Its answer came; the gateway is told.
    Answering(Offer, Answer, VecDeque<Command>),
    /// The answer was sent on.
    Answered(Offer, Answer),
}

#[derive(Debug, Clone)]
struct Offer {
    from: Leg,
    received: Session,
    /// The stream of each m-line of the offer; none for those that are not carried.
    streams: Vec<Option<StreamId>>,
    wic: BTreeMap<StreamId, WicMedia>,
    core: BTreeMap<StreamId, CoreMedia>,
    /// (offerer's number, other leg's number) of each format that was sent on.
    numbers: BTreeMap<StreamId, Vec<(u8, u8)>>,
    /// What the other leg was offered.
    sent: Option<Session>,
    /// The edge made it itself, out of an answer of this leg: the answer to it ends here.
    own: bool,
}

#[derive(Debug, Clone)]
struct Answer {
    received: Session,
    finality: Finality,
    agreed: BTreeMap<StreamId, Agreement>,
    /// What the offerer was answered before, if it was.
    given: Option<Given>,
    sent: Bytes,
    /// The offerer was answered otherwise before, and is to be offered this.
    diverged: bool,
}

/// An answer that the offerer has already.
#[derive(Debug, Clone)]
struct Given {
    session: Session,
    sent: Bytes,
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
            before: None,
        }
    }

    /// An offer came from this leg (RFC 3264 §5, §8; TS 24.371 §7.4.2, §7.4.3).
    pub fn offer(&mut self, from: Leg, sdp: &[u8]) -> Result<Next, Refused> {
        if matches!(
            self.call.phase,
            Phase::Preparing(..) | Phase::Offered(_) | Phase::Answering(..)
        ) {
            return Err(PeerMisbehaved::OfferWhileOffered.into());
        }
        let received = Session::parse(sdp)?;
        self.take(from, received, false)
    }

    /// The answer to the offer of the other leg came from this one (RFC 3264 §6). It may come again, in a
    /// later response or of another fork.
    pub fn answer(&mut self, from: Leg, sdp: &[u8], finality: Finality) -> Result<Next, Refused> {
        let (offer, given) = match &self.call.phase {
            Phase::Offered(offer) => (offer, None),
            Phase::Answered(offer, answer) => (offer, Some(answer)),
            _ => return Err(PeerMisbehaved::AnswerWithoutOffer.into()),
        };
        if offer.from == from {
            return Err(PeerMisbehaved::AnswerWithoutOffer.into());
        }
        let received = Session::parse(sdp)?;
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
        let agreed = call.agree(&offer, &received)?;
        let mut commands = VecDeque::new();
        let context = self
            .context
            .ok_or(Refused::Misuse("an answer before the gateway replied"))?;
        let (configure, subtract) = call.settle(&offer, &agreed, finality, given.as_ref());
        if !configure.is_empty() {
            commands.push_back(Command::Configure {
                context,
                streams: configure,
            });
        }
        if !subtract.is_empty() {
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

    /// The gateway answered the command of [`Next::Gateway`].
    pub fn replied(&mut self, reply: Result<Reply, Refusal>) -> Result<Next, Refused> {
        let reserved = match reply? {
            Reply::Reserved(reserved) => {
                self.context = Some(reserved.context);
                reserved
            }
            Reply::Configured(reserved) => reserved,
            Reply::Released => return Err(Refused::Misuse("nothing was to be released")),
        };
        for told in &reserved.streams {
            self.call
                .streams
                .entry(told.stream)
                .and_modify(|stream| stream.told(told))
                .or_insert_with(|| Stream::new(told));
        }
        self.proceed()
    }

    /// The offer came to nothing: what was agreed on before holds again, and the gateway is to be told so.
    /// The replies to these commands are of no interest.
    pub fn rollback(&mut self) -> Vec<Command> {
        let Some(before) = self.before.take() else {
            return Vec::new();
        };
        let failed = std::mem::replace(&mut self.call, *before);
        let Some(context) = self.context else {
            return Vec::new();
        };
        let gone: Vec<StreamId> = failed
            .streams
            .keys()
            .filter(|id| !self.call.streams.contains_key(id))
            .copied()
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
                streams: gone,
            });
        }
        commands
    }

    /// Whether the last answer was absorbed behind another one that the WIC already had, and agrees on
    /// something else: then the WIC is to be offered what the core confirmed, by [`Negotiation::reoffer`].
    pub fn diverged(&self) -> bool {
        matches!(&self.call.phase, Phase::Answered(_, answer) if answer.diverged)
    }

    /// An offer of the edge itself to the WIC: what the core's last answer says. The WIC's answer to it is
    /// [`Next::Settled`].
    pub fn reoffer(&mut self) -> Result<Next, Refused> {
        let Phase::Answered(offer, answer) = &self.call.phase else {
            return Err(Refused::Misuse("there is no answer to offer again"));
        };
        if offer.from != Leg::Wic {
            return Err(Refused::Misuse(
                "only the core's answer can be offered again",
            ));
        }
        let received = answer.received.clone();
        self.take(Leg::Core, received, true)
    }

    /// The call is over: what releases the gateway, if it has anything of this call.
    pub fn release(&mut self) -> Option<Command> {
        self.call = Call::default();
        self.before = None;
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
            Phase::Idle | Phase::Answered(..) => None,
        }
    }

    fn take(&mut self, from: Leg, received: Session, own: bool) -> Result<Next, Refused> {
        let mut call = self.call.clone();
        let (mut offer, reserve) = call.take_offer(from, received, &self.policy)?;
        offer.own = own;
        let mut commands = VecDeque::new();
        if !reserve.is_empty() {
            commands.push_back(Command::Reserve {
                context: self.context,
                streams: reserve,
            });
        }
        call.phase = Phase::Preparing(offer, commands);
        self.before = Some(Box::new(std::mem::replace(&mut self.call, call)));
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
                if answer.finality == Finality::Final {
                    self.before = None;
                }
                if offer.own {
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

    /// The offer as the other leg gets it.
    fn send_offer(&mut self, offer: &mut Offer) -> Result<Bytes, Refused> {
        let to = offer.from.other();
        let mut template = offer.received.clone();
        remove_fingerprint_and_ice(&mut template);
        let mut media = Vec::new();
        for at in 0..self.call.len(to) {
            let source = self.call.position(to, at, offer.from);
            let carried = source.and_then(|from| Some((from, (*offer.streams.get(from)?)?)));
            let written = match carried {
                Some((from, id)) => {
                    let stream = self.call.streams.get(&id).ok_or(MISSING)?;
                    let clean = template.media(from).cloned().ok_or(LOST)?;
                    let known = |payload: u8| {
                        let pair =
                            |p: &&Pair| payload == if to == Leg::Core { p.w3 } else { p.core };
                        stream
                            .pairs
                            .iter()
                            .find(pair)
                            .map(|p| if to == Leg::Core { p.core } else { p.w3 })
                    };
                    let numbers = payloads::for_other_leg(&clean, known);
                    let kind = offer.kind(id).ok_or(LOST)?;
                    let written = match to {
                        Leg::Core => {
                            let direction = offer.received.media_direction(from);
                            write_to_core::offered(
                                clean,
                                kind,
                                stream,
                                &numbers,
                                direction,
                                &self.policy,
                            )
                        }
                        Leg::Wic => {
                            let direction = offer
                                .core
                                .get(&id)
                                .map_or_else(Default::default, |c| c.direction);
                            let mid = self
                                .call
                                .mids
                                .get(at)
                                .cloned()
                                .flatten()
                                .unwrap_or_default();
                            write_to_wic::offered(clean, kind, stream, &numbers, direction, &mid)
                        }
                    };
                    offer.numbers.insert(id, numbers);
                    Some(written)
                }
                None => self
                    .call
                    .rejected(to, at, source.and_then(|from| template.media(from))),
            };
            media.push(written.ok_or(LOST)?);
        }
        self.call.remember(to, &media);
        let session = self.assembled(to, &template, media);
        let (bytes, session) = self.sign(to, session);
        offer.sent = Some(session);
        Ok(bytes)
    }

    /// The answer as the offerer gets it: once, whatever further answers say.
    fn send_answer(&mut self, offer: &Offer, answer: &mut Answer) -> Result<(), Refused> {
        let to = offer.from;
        let mut template = answer.received.clone();
        remove_fingerprint_and_ice(&mut template);
        let mut media = Vec::new();
        for (at, offered) in offer.received.medias().iter().enumerate() {
            let carried = offer.streams.get(at).copied().flatten();
            let agreed = carried.and_then(|id| Some((id, answer.agreed.get(&id)?)));
            let written = match (agreed, carried) {
                (Some((id, agreed)), _) => {
                    let stream = self.call.streams.get(&id).ok_or(MISSING)?;
                    let from = self.call.position(to, at, to.other()).ok_or(LOST)?;
                    let clean = template.media(from).cloned().ok_or(LOST)?;
                    let kind = agreed.wic.kind;
                    Some(match to {
                        Leg::Wic => {
                            let numbers: Vec<_> =
                                agreed.pairs.iter().map(|p| (p.core, p.w3)).collect();
                            let direction = agreed.direction.reversed();
                            write_to_wic::answered(
                                clean, kind, stream, &numbers, direction, offered,
                            )
                        }
                        Leg::Core => {
                            let numbers: Vec<_> =
                                agreed.pairs.iter().map(|p| (p.w3, p.core)).collect();
                            let direction = agreed.direction;
                            write_to_core::answered(
                                clean,
                                kind,
                                stream,
                                &numbers,
                                direction,
                                offered,
                                &self.policy,
                            )
                        }
                    })
                }
                // Another fork may still take what this one refused: the WIC is answered once.
                (None, Some(id)) if to == Leg::Wic && answer.keeps(at) => {
                    let stream = self.call.streams.get(&id).ok_or(MISSING)?;
                    let kind = offer.kind(id).ok_or(LOST)?;
                    let mut own = offer.received.clone();
                    remove_fingerprint_and_ice(&mut own);
                    let own = own.media(at).cloned().ok_or(LOST)?;
                    let sent = offer.numbers.get(&id).ok_or(LOST)?;
                    let numbers: Vec<_> = sent.iter().map(|(w3, _)| (*w3, *w3)).collect();
                    let direction = Direction::Inactive;
                    Some(write_to_wic::answered(
                        own, kind, stream, &numbers, direction, offered,
                    ))
                }
                (None, _) => match to {
                    Leg::Wic => write_to_wic::rejected(&offered.line(), offered.value(Mid::NAME)),
                    Leg::Core => write_to_core::rejected(&offered.line()),
                },
            };
            media.push(written.ok_or(LOST)?);
        }
        let session = self.assembled(to, &template, media);
        if let Some(given) = &answer.given {
            answer.diverged =
                answer.finality == Finality::Final && !same_agreement(&given.session, &session);
            answer.sent = given.sent.clone();
        } else {
            answer.sent = self.sign(to, session).0;
        }
        Ok(())
    }

    fn signed(&mut self, to: Leg, template: &Session, media: Vec<Media>) -> Bytes {
        let mut template = template.clone();
        remove_fingerprint_and_ice(&mut template);
        let session = self.assembled(to, &template, media);
        self.sign(to, session).0
    }

    fn assembled(&self, to: Leg, template: &Session, media: Vec<Media>) -> Session {
        match to {
            Leg::Wic => write_to_wic::assembled(template, media),
            Leg::Core => write_to_core::assembled(template, media, self.address(to)),
        }
    }

    fn sign(&mut self, to: Leg, session: Session) -> (Bytes, Session) {
        let address = self.address(to);
        let bytes = match to {
            Leg::Wic => self.to_wic.sign(session.clone(), address),
            Leg::Core => self.to_core.sign(session.clone(), address),
        };
        (bytes, session)
    }

    fn address(&self, to: Leg) -> IpAddr {
        let stream = self.call.streams.values().next();
        stream.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |stream| match to {
            Leg::Wic => write_to_wic::address(&stream.w3),
            Leg::Core => stream.core.rtp.ip(),
        })
    }
}

impl Call {
    /// Reads an offer, gives each of its m-lines a place on the other leg, and says what the gateway is to make.
    fn take_offer(
        &mut self,
        from: Leg,
        received: Session,
        policy: &Policy,
    ) -> Result<(Offer, Vec<StreamSettings>), Refused> {
        if received.medias().len() < self.len(from) {
            return Err(PeerMisbehaved::OfferLostMedia.into());
        }
        if from == Leg::Wic {
            self.take_mids(&received)?;
        }
        let mut offer = Offer {
            from,
            streams: Vec::with_capacity(received.medias().len()),
            received,
            wic: BTreeMap::new(),
            core: BTreeMap::new(),
            numbers: BTreeMap::new(),
            sent: None,
            own: false,
        };
        let mut refused = None;
        for at in 0..offer.received.medias().len() {
            let read = if offer.streams.iter().flatten().count() < policy.streams {
                read(from, &offer.received, at, policy)
            } else {
                Err(Unsupported::TooMany.into())
            };
            let id = match read {
                Ok(None) => {
                    self.leave_out(from, at);
                    None
                }
                Ok(Some(media)) => {
                    let id = self.carry(from, at);
                    match media {
                        Read::Wic(media) => drop(offer.wic.insert(id, media)),
                        Read::Core(media) => drop(offer.core.insert(id, media)),
                    }
                    Some(id)
                }
                Err(Refused::Unsupported(why)) => {
                    self.leave_out(from, at);
                    refused = refused.or(Some(why));
                    None
                }
                Err(other) => return Err(other),
            };
            offer.streams.push(id);
        }
        if offer.streams.iter().flatten().count() == 0 {
            // Every m-line ended is a change of a call that has some; otherwise there is nothing to serve.
            if let Some(why) = refused {
                return Err(why.into());
            }
            if self.streams.is_empty() {
                return Err(Unsupported::NoMedia.into());
            }
        }
        self.remember_received(from, &offer.received);
        let new = offer
            .streams
            .iter()
            .flatten()
            .filter(|id| !self.streams.contains_key(id));
        let reserve = new
            .filter_map(|id| stream::reserve(*id, offer.wic.get(id), offer.core.get(id)))
            .collect();
        Ok((offer, reserve))
    }

    /// RFC 5888 §4 — notes the identifications, which are unique.
    fn take_mids(&mut self, received: &Session) -> Result<(), Refused> {
        let mids: Vec<Option<String>> = received
            .medias()
            .iter()
            .map(|m| m.value(Mid::NAME).map(str::to_owned))
            .collect();
        let mut seen: Vec<&String> = mids.iter().flatten().collect();
        seen.sort();
        if seen.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(PeerMisbehaved::DuplicateMid.into());
        }
        self.mids = mids;
        Ok(())
    }

    /// What an answer settles, stream by stream. A stream that is missing was refused.
    fn agree(
        &self,
        offer: &Offer,
        answer: &Session,
    ) -> Result<BTreeMap<StreamId, Agreement>, Refused> {
        let sent = offer.sent.as_ref().ok_or(LOST)?;
        if sent.medias().len() != answer.medias().len() {
            return Err(PeerMisbehaved::AnswerMediaCount.into());
        }
        let mut lines = sent.medias().iter().zip(answer.medias());
        if !lines.all(|(a, b)| a.line().media == b.line().media) {
            return Err(PeerMisbehaved::AnswerMediaType.into());
        }
        let mut agreed = BTreeMap::new();
        for (at, id) in offer.streams.iter().enumerate() {
            let Some(id) = id else { continue };
            let to = self
                .position(offer.from, at, offer.from.other())
                .ok_or(LOST)?;
            let (Some(asked), Some(media)) = (sent.media(to), answer.media(to)) else {
                continue;
            };
            if media.line().port == 0 {
                continue;
            }
            let (wic, core) = match offer.from {
                Leg::Wic => (
                    offer.wic.get(id).cloned().ok_or(LOST)?,
                    CoreMedia::read(answer, to)?,
                ),
                Leg::Core => (
                    WicMedia::answered(answer, to)?,
                    offer.core.get(id).cloned().ok_or(LOST)?,
                ),
            };
            if offer.from == Leg::Core && wic.setup == wire_sdp::attribute::Setup::ActPass {
                return Err(PeerMisbehaved::AnswerActPass.into());
            }
            let numbers = offer.numbers.get(id).ok_or(LOST)?;
            let pairs: Vec<Pair> = payloads::answered(asked, media)
                .into_iter()
                .filter_map(|(asked, answered)| {
                    let (offered, _) = numbers.iter().find(|(_, sent)| *sent == asked)?;
                    Some(match offer.from {
                        Leg::Wic => Pair {
                            w3: *offered,
                            core: answered,
                        },
                        Leg::Core => Pair {
                            w3: answered,
                            core: *offered,
                        },
                    })
                })
                .collect();
            if pairs.is_empty() {
                return Err(Unsupported::Formats.into());
            }
            let offered = offer.received.media(at).ok_or(LOST)?;
            let (wic_said, wic_media, core_media) = match offer.from {
                Leg::Wic => (offer.received.media_direction(at), offered, media),
                Leg::Core => (answer.media_direction(to), media, offered),
            };
            let direction = wic_said.intersection(core.direction.reversed());
            let feedback = feedback::agreed(wic_media, core_media);
            agreed.insert(
                *id,
                Agreement {
                    wic,
                    core,
                    direction,
                    pairs,
                    feedback,
                },
            );
        }
        Ok(agreed)
    }

    /// What the gateway is told of an answer: streams to change, and streams to end.
    fn settle(
        &mut self,
        offer: &Offer,
        agreed: &BTreeMap<StreamId, Agreement>,
        finality: Finality,
        given: Option<&Given>,
    ) -> (Vec<StreamSettings>, Vec<StreamId>) {
        let mut configure = Vec::new();
        let mut subtract = Vec::new();
        let ids: Vec<StreamId> = self.streams.keys().copied().collect();
        for id in ids {
            let Some(stream) = self.streams.get_mut(&id) else {
                continue;
            };
            if let Some(agreement) = agreed.get(&id) {
                configure.push(stream::configure(
                    id,
                    stream,
                    agreement,
                    offer.from == Leg::Wic,
                ));
            } else if keeps(finality, given, usize::from(id.0))
                && offer.from == Leg::Wic
                && let Some(kind) = offer.kind(id)
            {
                configure.push(stream::close(id, kind));
            } else {
                self.streams.remove(&id);
                subtract.push(id);
            }
        }
        (configure, subtract)
    }

    /// The place of an m-line that is carried, on both legs; its stream has the number that the WIC sees.
    fn carry(&mut self, from: Leg, at: usize) -> StreamId {
        let wic = match from {
            Leg::Wic => {
                if self.index.right_of(at).is_none() {
                    self.index.join(at, self.index.right_len());
                }
                at
            }
            Leg::Core => self.index.left_of(at).unwrap_or_else(|| {
                let wic = self.index.left_len();
                self.index.join(wic, at);
                wic
            }),
        };
        if self.mids.len() <= wic {
            self.mids.resize(wic + 1, None);
        }
        if self.mids[wic].is_none() && from == Leg::Core {
            self.mids[wic] = self.free_mid(wic);
        }
        StreamId(wic as u16)
    }

    fn free_mid(&self, at: usize) -> Option<String> {
        (at..at + 64)
            .map(|n| n.to_string())
            .find(|mid| !self.mids.iter().flatten().any(|taken| taken == mid))
    }

    /// An m-line that is not carried has a place on its own leg only, unless it had one on the other before.
    fn leave_out(&mut self, from: Leg, at: usize) {
        match from {
            Leg::Wic => self.index.left_only(at),
            Leg::Core => self.index.right_only(at),
        }
    }

    /// Where this m-line of one leg stands on another.
    fn position(&self, of: Leg, at: usize, on: Leg) -> Option<usize> {
        match (of, on) {
            (Leg::Wic, Leg::Core) => self.index.right_of(at),
            (Leg::Core, Leg::Wic) => self.index.left_of(at),
            _ => Some(at),
        }
    }

    fn len(&self, leg: Leg) -> usize {
        match leg {
            Leg::Wic => self.index.left_len(),
            Leg::Core => self.index.right_len(),
        }
    }

    /// An m-line of a leg that has nothing to carry now, as that leg knows it.
    fn rejected(&self, leg: Leg, at: usize, source: Option<&Media>) -> Option<Media> {
        match leg {
            Leg::Wic => {
                let line = self.wic_lines.get(at).or(source)?.line();
                write_to_wic::rejected(&line, self.mids.get(at)?.as_deref())
            }
            Leg::Core => write_to_core::rejected(&self.core_lines.get(at).or(source)?.line()),
        }
    }

    fn remember_received(&mut self, leg: Leg, session: &Session) {
        self.remember(leg, session.medias());
    }

    fn remember(&mut self, leg: Leg, media: &[Media]) {
        let lines = media
            .iter()
            .filter_map(|m| Media::new(&m.line()).ok())
            .collect();
        match leg {
            Leg::Wic => self.wic_lines = lines,
            Leg::Core => self.core_lines = lines,
        }
    }
}

impl Answer {
    fn keeps(&self, at: usize) -> bool {
        keeps(self.finality, self.given.as_ref(), at)
    }
}

/// Whether an m-line that this answer refuses lives on, inactive: another fork may still take it, or the
/// offerer was told so and has a transport up.
fn keeps(finality: Finality, given: Option<&Given>, at: usize) -> bool {
    let was_kept = || given?.session.media(at).map(|media| media.line().port != 0);
    finality == Finality::Provisional || was_kept().unwrap_or(false)
}

/// Whether two answers to one offer take the same m-lines, with the same formats, in the same directions.
fn same_agreement(a: &Session, b: &Session) -> bool {
    let agreement = |session: &Session| -> Vec<(bool, String, Direction)> {
        let media = session.medias().iter().enumerate();
        media
            .map(|(at, m)| {
                (
                    m.line().port == 0,
                    m.line().formats.to_owned(),
                    session.media_direction(at),
                )
            })
            .collect()
    };
    agreement(a) == agreement(b)
}

impl Offer {
    fn kind(&self, id: StreamId) -> Option<MediaKind> {
        self.wic
            .get(&id)
            .map(|m| m.kind)
            .or_else(|| self.core.get(&id).map(|m| m.kind))
    }
}

enum Read {
    Wic(WicMedia),
    Core(CoreMedia),
}

/// Reads an m-line of an offer; none when it is ended (port 0).
fn read(from: Leg, session: &Session, at: usize, policy: &Policy) -> Result<Option<Read>, Refused> {
    let Some(media) = session.media(at) else {
        return Err(Unsupported::NoMedia.into());
    };
    let bundle_only = from == Leg::Wic && media.has("bundle-only");
    // RFC 9143 §6: a bundle-only m-line has port 0 and is not rejected; TS 24.371 §7.4.2 refuses it all the same.
    if media.line().port == 0 && !bundle_only {
        return Ok(None);
    }
    let read = match from {
        Leg::Wic => Read::Wic(WicMedia::offered(session, at, policy)?),
        Leg::Core => Read::Core(CoreMedia::read(session, at)?),
    };
    if payloads::carried(media).is_empty() {
        return Err(Unsupported::Formats.into());
    }
    Ok(Some(read))
}

/// The gateway's reply did not have a stream that it was asked for.
const MISSING: Refused = Refused::Misuse("the gateway did not tell of a stream");
/// Our own tables do not fit together.
const LOST: Refused = Refused::Misuse("an m-line has lost its place");
