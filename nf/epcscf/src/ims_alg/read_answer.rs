//! Reads an answer: what it settles for each stream, and what the gateway is told of it.

use std::collections::BTreeMap;

use core_iq::{MediaKind, StreamId, StreamSettings};
use wire_sdp::Session;
use wire_sdp::attribute::Setup;

use super::call::{Call, Given, LOST, Offer, keeps};
use super::core_media::CoreMedia;
use super::data::Announcements;
use super::payloads::{self, Pair};
use super::stream::{self, Agreement};
use super::wic_media::WicMedia;
use super::{Finality, Leg, PeerMisbehaved, Refused, Unsupported, feedback};

impl Call {
    /// What an answer settles, stream by stream. A stream that is missing was refused.
    pub(super) fn agree(
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
            let alone = || {
                let wic = offer.wic.get(id).filter(|_| offer.from == Leg::Wic)?;
                Agreement::alone(wic.clone())
            };
            let Some(to) = self.position(offer.from, at, offer.from.other()) else {
                agreed.insert(*id, alone().ok_or(LOST)?);
                continue;
            };
            let (Some(asked), Some(media)) = (sent.media(to), answer.media(to)) else {
                continue;
            };
            if media.line().port == 0 {
                agreed.extend(alone().map(|alone| (*id, alone)));
                continue;
            }
            let (wic, core) = match offer.from {
                Leg::Wic => (
                    offer.wic.get(id).cloned().ok_or(LOST)?,
                    CoreMedia::answered(answer, to)?,
                ),
                Leg::Core => (
                    WicMedia::answered(answer, to, offer.served)?,
                    offer.core.get(id).cloned().ok_or(LOST)?,
                ),
            };
            if offer.from == Leg::Core && wic.setup == Setup::ActPass {
                return Err(PeerMisbehaved::AnswerActPass.into());
            }
            let numbers = offer.numbers.get(id).ok_or(LOST)?;
            let pairs: Vec<Pair> = payloads::answered(asked, media, offer.from.other())
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
            if pairs.is_empty() && wic.kind != MediaKind::Data {
                return Err(Unsupported::Formats.into());
            }
            let offered = offer.received.media(at).ok_or(LOST)?;
            let (wic_said, wic_media, core_media) = match offer.from {
                Leg::Wic => (offer.received.media_direction(at), offered, media),
                Leg::Core => (answer.media_direction(to), media, offered),
            };
            let direction = wic_said.intersection(core.direction.reversed());
            let feedback = feedback::agreed(wic.kind, wic_media, core_media);
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
        for id in &offer.kept {
            let at = usize::from(id.0);
            if answer.media(at).is_none_or(|media| media.line().port == 0) {
                continue;
            }
            let wic = WicMedia::answered(answer, at, offer.served)?;
            if wic.setup == Setup::ActPass {
                return Err(PeerMisbehaved::AnswerActPass.into());
            }
            agreed.extend(Agreement::alone(wic).map(|alone| (*id, alone)));
        }
        Ok(agreed)
    }

    /// What the gateway is told of an answer: streams to change, and streams to end.
    pub(super) fn settle(
        &mut self,
        offer: &Offer,
        agreed: &BTreeMap<StreamId, Agreement>,
        finality: Finality,
        given: Option<&Given>,
        announcements: &Announcements,
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
                    offer.from,
                    announcements,
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
}
