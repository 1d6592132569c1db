//! A call as it is kept: its UEs, its media, its channels.
//!
//! ```text
//!   Reserving ──▶ Calling(first) ──▶ [Calling(second)] ──▶ Standing ──▶ Ending
//!       └───────────────┴─────────────────┴──────────────────────────────▲
//! ```

use std::time::{Duration, Instant};

use api_mmtel_es::call_control::ImsSession;
use api_mmtel_es::common::Uri;
use api_mmtel_es::dc_app_call::DcCallReq;
use core_iq::{
    AnchoredStream, AwaitedChannel, ContextId, DataLocal, IceCredentials, MediaKind,
    PayloadMapping, Reserved, ReservedStream, StreamEnd, StreamId,
};
use core_sip::dialog::Dialog;
use core_sip::{ClientTransactionId, ServerTransactionId};
use smallvec::SmallVec;
use wire_sdp::Session;
use wire_sip::Message;

use super::again::Sameness;
use super::anchor::Anchor;
use super::asked::Described;
use super::change::Changing;
use super::channel::{AppChannel, ChannelState};
use super::config::Format;
use super::description::{Far, Local, LocalData, Origin};
use super::output::AskId;
use super::refresh::Refresh;
use super::session::MediaChange;
use crate::Consumer;

/// A call.
#[derive(Debug)]
pub(crate) struct Call {
    /// Its identifier, as consumers know it.
    pub(crate) session: String,
    /// Who made it: to others it is not there. None made a subscriber's own call.
    pub(crate) owner: Option<Consumer>,
    /// What it was asked by, of MMTel_DCAppCall.
    pub(crate) request: Option<Box<DcCallReq>>,
    /// What it is in MMTel_CallControl.
    pub(crate) resource: Option<Box<ImsSession>>,
    /// Where it is told what becomes of it.
    pub(crate) target: Option<Uri>,
    /// Whether something of it is written down.
    pub(crate) written: bool,
    /// A change of media that a consumer asked for.
    pub(crate) media_change: Option<MediaChange>,
    /// Who waits for it to be answered.
    pub(crate) askers: SmallVec<[AskId; 1]>,
    /// What it was asked by, and until when the same asks for it again; without end while nobody was
    /// answered.
    pub(crate) same: Option<Sameness>,
    pub(crate) again_until: Option<Instant>,
    pub(crate) stage: Stage,
    pub(crate) context: Option<ContextId>,
    pub(crate) streams: Vec<Stream>,
    pub(crate) legs: SmallVec<[Leg; 2]>,
    pub(crate) channels: Vec<AppChannel>,
    /// Of a subscriber's own call: what is needed to be in its middle.
    pub(crate) anchor: Option<Box<Anchor>>,
    /// An offer of a UE that the gateway must make something new for.
    pub(crate) restarting: Option<Box<Restarting>>,
    /// Whether the gateway is asked for room for something new, in a call that stands: once at a time.
    pub(crate) adding: bool,
    /// Whether an application waits for data channels until a change of media is over.
    pub(crate) data_wanted: bool,
    /// When its stage has lasted too long.
    pub(crate) deadline: Option<Instant>,
    /// The INVITEs of it whose answers may still come, and come again, and since when.
    pub(crate) invites: Vec<(Instant, ClientTransactionId)>,
}

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// The gateway makes room.
    Reserving,
    /// This leg is called.
    Calling(usize),
    /// All have answered.
    Standing,
    /// It is over, and something is still to be heard of a UE.
    Ending,
}

/// One medium: an m-line, the same in the SDP of all legs.
#[derive(Clone, Debug)]
pub(crate) struct Stream {
    pub(crate) id: StreamId,
    pub(crate) kind: MediaKind,
    /// The gateway's side of each leg.
    pub(crate) local: SmallVec<[Local; 2]>,
    /// What is used, or offered, of formats.
    pub(crate) formats: Vec<Format>,
    /// Where the second leg calls formats otherwise than the first.
    pub(crate) renamed: Vec<PayloadMapping>,
    /// What SDP says of channels.
    pub(crate) negotiated: Vec<Described>,
    /// What each leg said; `None` before it said anything, and where it refused.
    pub(crate) far: [Option<Far>; 2],
    /// Whether it is in the SDP of each leg, be it in an offer of ours that is not answered.
    pub(crate) told: [bool; 2],
    /// Whether the last offer of ours to each leg has it in use: its answer says nothing about any other.
    pub(crate) offered: [bool; 2],
    /// Whether each leg has agreed to SDP that has it, in use or not.
    pub(crate) agreed: [bool; 2],
    /// Whether a UE has refused it.
    pub(crate) refused: bool,
}

impl Stream {
    /// One that nobody knows of yet.
    pub(crate) fn new(id: StreamId, kind: MediaKind, formats: Vec<Format>) -> Self {
        Self {
            id,
            kind,
            local: SmallVec::new(),
            formats,
            renamed: Vec::new(),
            negotiated: Vec::new(),
            far: [None, None],
            told: [false, false],
            offered: [false, false],
            agreed: [false, false],
            refused: false,
        }
    }

    /// The channels of applications that SDP has.
    pub(crate) fn served(&self) -> impl Iterator<Item = &Described> {
        self.negotiated.iter().filter(|one| one.app.is_some())
    }

    /// The gateway's side, of a stream between two UEs.
    pub(crate) fn two(reserved: AnchoredStream) -> SmallVec<[Local; 2]> {
        let AnchoredStream {
            core,
            second,
            data,
            second_ice,
            ..
        } = reserved;
        let of = |ice: IceCredentials, tls_id: &str, data: &DataLocal| LocalData {
            ice,
            fingerprint: data.core_fingerprint.clone(),
            sctp_port: data.sctp_port,
            max_message_size: data.max_message_size,
            tls_id: tls_id.to_owned(),
        };
        let first = data.as_ref();
        let first = first.map(|data| of(data.core_ice.clone(), &data.core_tls_id, data));
        let other = data.as_ref().zip(second_ice);
        let other = other.map(|(data, ice)| of(ice, &data.w3_tls_id, data));
        SmallVec::from_iter([
            Local {
                rtp: core.rtp,
                rtcp: core.rtcp,
                data: first,
            },
            Local {
                rtp: second.rtp,
                rtcp: second.rtcp,
                data: other,
            },
        ])
    }

    /// The gateway's side, of a stream with one Termination that is used.
    pub(crate) fn one(reserved: ReservedStream) -> SmallVec<[Local; 2]> {
        let data = reserved.data.map(|data| LocalData {
            ice: data.core_ice,
            fingerprint: data.core_fingerprint,
            sctp_port: data.sctp_port,
            max_message_size: data.max_message_size,
            tls_id: data.core_tls_id,
        });
        SmallVec::from_iter([Local {
            rtp: reserved.core.rtp,
            rtcp: reserved.core.rtcp,
            data,
        }])
    }
}

/// One UE of a call.
#[derive(Debug)]
pub(crate) struct Leg {
    /// Who it is, as a URI.
    pub(crate) party: String,
    pub(crate) call_id: String,
    pub(crate) local_tag: String,
    pub(crate) origin: Origin,
    pub(crate) state: LegState,
    /// Whether its answer was acknowledged: what comes again is, too.
    pub(crate) acknowledged: bool,
    /// An offer of ours within the dialog.
    pub(crate) changing: Option<Changing>,
    /// Our 2xx to an INVITE within the dialog, until its ACK.
    pub(crate) answering: Option<Box<Answering>>,
    /// RFC 4028: when the session is looked after.
    pub(crate) refresh: Option<Refresh>,
}

/// A 2xx of ours that is not acknowledged yet (RFC 3261 §13.3.1.4).
#[derive(Debug)]
pub(crate) struct Answering {
    pub(crate) id: ServerTransactionId,
    pub(crate) response: Message,
    /// Whether it has an offer, so that the ACK has the answer.
    pub(crate) offered: bool,
    /// When it goes again.
    pub(crate) at: Instant,
    pub(crate) interval: Duration,
    /// When the UE is given up.
    pub(crate) until: Instant,
}

/// An offer whose answer waits for the gateway.
#[derive(Debug)]
pub(crate) struct Restarting {
    pub(crate) leg: usize,
    pub(crate) id: ServerTransactionId,
    pub(crate) request: Message,
    pub(crate) offer: Session,
    /// What was chosen of each m-line.
    pub(crate) chosen: Vec<Vec<Format>>,
}

/// How far a leg is.
#[derive(Debug)]
pub(crate) enum LegState {
    /// Not called yet.
    Idle,
    /// Called.
    Inviting {
        /// `None` while the next hop is being looked up.
        client: Option<ClientTransactionId>,
        invite: Box<Message>,
        /// Nobody wants it any more.
        cancelled: bool,
    },
    /// It has answered.
    Standing(Box<Dialog>),
    /// It is gone.
    Gone,
}

impl Stream {
    /// RFC 3264 §6.1, §7 — what an answer chose of the offer. The numbers of the first leg are those of
    /// the stream; where the second has others, the gateway changes them. Whether something is left.
    pub(crate) fn agree(&mut self, far: &Far, leg: usize) -> bool {
        let offered = std::mem::take(&mut self.formats);
        if leg == 0 {
            let known = far.formats.iter();
            let known = known.filter(|one| offered.iter().any(|other| other.is_like(one)));
            self.formats = known.cloned().collect();
            return !self.formats.is_empty();
        }
        self.renamed.clear();
        for answered in &far.formats {
            let same = |one: &&Format| one.payload == answered.payload && one.is_like(answered);
            let like = |one: &&Format| one.is_like(answered);
            let found = offered
                .iter()
                .find(same)
                .or_else(|| offered.iter().find(like));
            let Some(found) = found.filter(|found| !self.formats.contains(found)) else {
                continue;
            };
            if found.payload != answered.payload {
                self.renamed.push(PayloadMapping {
                    w3: answered.payload,
                    core: found.payload,
                });
            }
            self.formats.push(found.clone());
        }
        !self.formats.is_empty()
    }

    /// Whether the first leg sends what the second does not take, or takes it under another name.
    fn narrowed(&self) -> bool {
        let [Some(first), _] = &self.far else {
            return false;
        };
        let chosen = |formats: &[Format]| formats.first().map(|format| format.payload);
        self.refused || first.data.is_none() && chosen(&first.formats) != chosen(&self.formats)
    }
}

impl Leg {
    pub(crate) fn dialog(&mut self) -> Option<&mut Dialog> {
        match &mut self.state {
            LegState::Standing(dialog) => Some(dialog),
            _ => None,
        }
    }

    /// Whether an offer of ours waits for its answer.
    pub(crate) fn offers(&self) -> bool {
        matches!(self.changing, Some(Changing::Offered { .. }))
    }

    fn is_due_at(&self, at: Instant) -> bool {
        let changing = match self.changing {
            Some(Changing::Offered { until, .. }) => until == at,
            Some(Changing::Again(then)) => then == at,
            None => false,
        };
        changing
            || self.answering.as_ref().is_some_and(|one| one.at == at)
            || self.refresh.is_some_and(|refresh| refresh.at == Some(at))
    }

    pub(crate) fn is_open(&self) -> bool {
        matches!(
            self.state,
            LegState::Inviting { .. } | LegState::Standing(_)
        )
    }
}

/// The end of streams at which a leg is.
pub(crate) fn end_of(leg: usize) -> StreamEnd {
    match leg {
        0 => StreamEnd::Core,
        _ => StreamEnd::W3,
    }
}

impl Call {
    /// One of which nothing is there yet.
    pub(crate) fn new(session: String, owner: Option<Consumer>, legs: SmallVec<[Leg; 2]>) -> Self {
        Self {
            session,
            owner,
            request: None,
            resource: None,
            target: None,
            written: false,
            media_change: None,
            askers: SmallVec::new(),
            same: None,
            again_until: None,
            stage: Stage::Reserving,
            context: None,
            streams: Vec::new(),
            legs,
            channels: Vec::new(),
            anchor: None,
            restarting: None,
            adding: false,
            data_wanted: false,
            deadline: None,
            invites: Vec::new(),
        }
    }

    /// Whether something of it is due then.
    pub(crate) fn is_due_at(&self, at: Instant) -> bool {
        self.deadline == Some(at)
            || self.legs.iter().any(|leg| leg.is_due_at(at))
            || self.channels.iter().any(|one| one.until == Some(at))
    }

    /// What the gateway made room for.
    pub(crate) fn has_room(&mut self, reserved: Reserved) {
        for local in reserved.streams {
            let mut streams = self.streams.iter_mut();
            if let Some(stream) = streams.find(|stream| stream.id == local.stream) {
                stream.local = Stream::one(local);
            }
        }
        for local in reserved.anchored {
            let mut streams = self.streams.iter_mut();
            if let Some(stream) = streams.find(|stream| stream.id == local.stream) {
                stream.local = Stream::two(local);
            }
        }
    }

    /// RFC 3261 §14.1 — an offer of ours was refused: all is as if it had not been.
    pub(crate) fn not_offered(&mut self, leg: usize) {
        for stream in &mut self.streams {
            stream.told[leg.min(1)] = stream.agreed[leg.min(1)];
        }
    }

    /// The m-lines of an offer to a leg, and which of them are in use: what the media are now; or, as long as a change of
    /// media waits for another leg, what they were before.
    pub(crate) fn to_offer(&self, leg: usize) -> Vec<bool> {
        let change = self.media_change.as_ref();
        let streams = self.streams.iter().enumerate();
        let used = streams.map(|(index, stream)| {
            let before = change.and_then(|change| change.before(leg, index));
            before.unwrap_or(!stream.refused)
        });
        let mut used: Vec<bool> = used.collect();
        if change.is_some_and(|change| change.before(leg, 0).is_some()) {
            // RFC 3264 §8: a line never goes away, and what nobody knows of has none yet.
            let mut lines = used.iter().zip(&self.streams);
            let last = lines.rposition(|(used, stream)| *used || stream.told[leg.min(1)]);
            used.truncate(last.map_or(0, |last| last + 1));
        }
        used
    }

    pub(crate) fn stream_of(&self, kind: MediaKind) -> Option<&Stream> {
        self.streams.iter().find(|stream| stream.kind == kind)
    }

    /// Whether it has data channels, or offers them.
    pub(crate) fn has_data(&self) -> bool {
        let data = self.stream_of(MediaKind::Data);
        data.is_some_and(|stream| !stream.refused && !stream.local.is_empty())
    }

    /// RFC 3725 §4.4 — whether the first leg is to be offered what the second one chose.
    pub(crate) fn narrowed(&self) -> bool {
        self.streams.iter().any(Stream::narrowed)
    }

    /// The leg whose UE has the channels of applications: the one that is called, or the subscriber.
    pub(crate) fn app_leg(&self) -> usize {
        match &self.anchor {
            Some(anchor) => anchor.subscriber,
            None => self.legs.len().saturating_sub(1),
        }
    }

    /// The channels that its UE is to open in band, for the gateway: between two it would join them otherwise.
    pub(crate) fn awaited(&self) -> Vec<AwaitedChannel> {
        let end = self.app_end();
        let awaited = self.channels.iter();
        let awaited = awaited.filter(|one| one.state == ChannelState::Awaited);
        awaited
            .map(|one| AwaitedChannel {
                end,
                label: one.app.clone(),
            })
            .collect()
    }

    /// The end of streams at which it is.
    pub(crate) fn app_end(&self) -> StreamEnd {
        end_of(self.app_leg())
    }

    pub(crate) fn stream_of_mut(&mut self, kind: MediaKind) -> Option<&mut Stream> {
        self.streams.iter_mut().find(|stream| stream.kind == kind)
    }
}
