//! What a call has agreed on, what is under way, and the places of its m-lines on both legs.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use core_iq::{Command, MediaKind, StreamId};
use wire_sdp::attribute::{Direction, Mid};
use wire_sdp::{Attribute, Media, MediaIndex, Session};

use super::core_media::CoreMedia;
use super::data::{DataMedia, Served, bootstrap};
use super::stream::{Agreement, Stream};
use super::wic_media::WicMedia;
use super::{Finality, Leg, PeerMisbehaved, Refused, write_to_core, write_to_wic};

/// What a failed change puts back.
#[derive(Debug, Clone, Default)]
pub(super) struct Call {
    /// The m-lines of the WIC (left) and of the core (right).
    pub(super) index: MediaIndex,
    pub(super) streams: BTreeMap<StreamId, Box<Stream>>,
    /// The `m=` lines that each leg has seen or said last, to be said again with port 0.
    pub(super) wic_lines: Vec<Media>,
    pub(super) core_lines: Vec<Media>,
    /// The identification of each of the WIC's m-lines.
    pub(super) mids: Vec<Option<String>>,
    pub(super) phase: Phase,
}

#[derive(Debug, Clone, Default)]
pub(super) enum Phase {
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
    /// Nothing can follow it but another offer.
    Agreed(Agreed),
    /// The same offer came again, in these words, and was sent on.
    Repeated(Agreed, Bytes),
}

/// What is kept of an offer and its answer: what each leg said, and what the other was told if that may be said again.
#[derive(Debug, Clone)]
pub(super) struct Agreed {
    pub(super) from: Leg,
    pub(super) offered: Bytes,
    pub(super) answered: Bytes,
    pub(super) sent: Option<(Bytes, Bytes)>,
}

#[derive(Debug, Clone)]
pub(super) struct Offer {
    pub(super) from: Leg,
    pub(super) received: Session,
    /// The stream of each m-line of the offer; none for those that are not carried.
    pub(super) streams: Vec<Option<StreamId>>,
    pub(super) wic: BTreeMap<StreamId, WicMedia>,
    pub(super) core: BTreeMap<StreamId, CoreMedia>,
    /// (offerer's number, other leg's number) of each format that was sent on.
    pub(super) numbers: BTreeMap<StreamId, Vec<(u8, u8)>>,
    /// What the other leg was offered, and as it was written.
    pub(super) sent: Option<Session>,
    pub(super) written: Bytes,
    /// The edge made it itself, out of an answer of this leg: the answer to it ends here.
    pub(super) own: bool,
    /// Which bootstrap channels the edge ends itself.
    pub(super) served: Served,
    /// Streams of which the core's offer says nothing, and whose bootstrap channels go on.
    pub(super) kept: Vec<StreamId>,
}

#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub(super) received: Session,
    pub(super) finality: Finality,
    pub(super) agreed: BTreeMap<StreamId, Agreement>,
    /// What the offerer was answered before, if it was.
    pub(super) given: Option<Given>,
    pub(super) sent: Bytes,
    /// The offerer was answered otherwise before, and is to be offered this.
    pub(super) diverged: bool,
}

/// An answer that the offerer has already.
#[derive(Debug, Clone)]
pub(super) struct Given {
    pub(super) session: Session,
    pub(super) sent: Bytes,
}

impl Call {
    /// RFC 5888 §4 — notes the identifications, which are unique.
    pub(super) fn take_mids(&mut self, received: &Session) -> Result<(), Refused> {
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
    /// A stream whose bootstrap channels are all that there is of it: the core has no part in it.
    pub(super) fn alone(&self) -> Option<StreamId> {
        let mut streams = self.streams.iter();
        let found = streams.find(|(id, stream)| {
            let core = self.index.right_of(usize::from(id.0));
            core.is_none() && bootstrap::agreed(stream.data_settings()).next().is_some()
        });
        found.map(|(id, _)| *id)
    }

    /// The place of an m-line that is carried, on both legs; its stream has the number that the WIC sees.
    pub(super) fn carry(&mut self, from: Leg, at: usize) -> StreamId {
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

    pub(super) fn free_mid(&self, at: usize) -> Option<String> {
        (at..at + 64)
            .map(|n| n.to_string())
            .find(|mid| !self.mids.iter().flatten().any(|taken| taken == mid))
    }

    /// Whether an m-line that carries a stream now is to carry another kind of media. RFC 3264 §8.3.3 lets a
    /// peer change it in place; the gateway's stream cannot, so the m-line is rejected and may be used anew.
    pub(super) fn is_other_kind(&self, from: Leg, at: usize, kind: MediaKind) -> bool {
        let wic = self.position(from, at, Leg::Wic);
        let stream = wic.and_then(|wic| self.streams.get(&StreamId(wic as u16)));
        let settings = stream.and_then(|stream| stream.settings.as_ref());
        settings.is_some_and(|settings| settings.media != kind)
    }

    /// An m-line that is not carried has a place on its own leg only, unless it had one on the other before.
    pub(super) fn leave_out(&mut self, from: Leg, at: usize) {
        match from {
            Leg::Wic => self.index.left_only(at),
            Leg::Core => self.index.right_only(at),
        }
    }

    /// Where this m-line of one leg stands on another.
    pub(super) fn position(&self, of: Leg, at: usize, on: Leg) -> Option<usize> {
        match (of, on) {
            (Leg::Wic, Leg::Core) => self.index.right_of(at),
            (Leg::Core, Leg::Wic) => self.index.left_of(at),
            _ => Some(at),
        }
    }

    pub(super) fn len(&self, leg: Leg) -> usize {
        match leg {
            Leg::Wic => self.index.left_len(),
            Leg::Core => self.index.right_len(),
        }
    }

    /// An m-line of a leg that has nothing to carry now, as that leg knows it.
    pub(super) fn rejected(&self, leg: Leg, at: usize, source: Option<&Media>) -> Option<Media> {
        match leg {
            Leg::Wic => {
                let line = self.wic_lines.get(at).or(source)?.line();
                write_to_wic::rejected(&line, self.mids.get(at)?.as_deref())
            }
            Leg::Core => write_to_core::rejected(&self.core_lines.get(at).or(source)?.line()),
        }
    }

    pub(super) fn remember_received(&mut self, leg: Leg, session: &Session) {
        self.remember(leg, session.medias());
    }

    pub(super) fn remember(&mut self, leg: Leg, media: &[Media]) {
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
    pub(super) fn keeps(&self, at: usize) -> bool {
        keeps(self.finality, self.given.as_ref(), at)
    }
}

/// Whether an m-line that this answer refuses lives on, inactive: another fork may still take it, or the
/// offerer was told so and has a transport up.
pub(super) fn keeps(finality: Finality, given: Option<&Given>, at: usize) -> bool {
    let was_kept = || given?.session.media(at).map(|media| media.line().port != 0);
    finality == Finality::Provisional || was_kept().unwrap_or(false)
}

/// Whether two answers to one offer take the same m-lines, with the same formats, in the same directions.
pub(super) fn same_agreement(a: &Session, b: &Session) -> bool {
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
    /// What it says of data channels.
    pub(super) fn data(&self, id: StreamId) -> Option<&DataMedia> {
        let wic = self.wic.get(&id).and_then(|wic| wic.data.as_ref());
        let core = || self.core.get(&id)?.data.as_ref();
        wic.or_else(|| Some(&core()?.0))
    }

    pub(super) fn kind(&self, id: StreamId) -> Option<MediaKind> {
        self.wic
            .get(&id)
            .map(|m| m.kind)
            .or_else(|| self.core.get(&id).map(|m| m.kind))
    }
}

/// The gateway's reply did not have a stream that it was asked for.
pub(super) const MISSING: Refused = Refused::Misuse("the gateway did not tell of a stream");
/// Our own tables do not fit together.
pub(super) const LOST: Refused = Refused::Misuse("an m-line has lost its place");
