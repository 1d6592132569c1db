//! Sends an offer or answer on: cleaned of the leg it came from, written for the leg it goes to.

use std::net::{IpAddr, Ipv4Addr};

use bytes::Bytes;
use core_iq::{MediaKind, StreamId};
use wire_sdp::attribute::{Direction, Mid};
use wire_sdp::{Attribute, Line, Media, Session};

use super::call::{Answer, LOST, MISSING, Offer, same_agreement};
use super::data::{self, DataMedia, bootstrap};
use super::payloads::{self, Pair};
use super::remove_fingerprint_from_offer::remove_fingerprint_and_ice;
use super::{Finality, Leg, Negotiation, Refused, write_to_core, write_to_wic};

impl Negotiation {
    /// The offer as the other leg gets it.
    pub(super) fn send_offer(&mut self, offer: &mut Offer) -> Result<Bytes, Refused> {
        let to = offer.from.other();
        let mut template = offer.received.clone();
        remove_fingerprint_and_ice(&mut template);
        let mut media = Vec::new();
        for at in 0..self.call.len(to) {
            let source = self.call.position(to, at, offer.from);
            let carried = source.and_then(|from| Some((from, (*offer.streams.get(from)?)?)));
            if to == Leg::Wic && offer.kept.contains(&StreamId(at as u16)) {
                media.push(self.offer_kept(StreamId(at as u16))?);
                continue;
            }
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
                    let numbers = payloads::for_other_leg(&clean, to, known);
                    let kind = offer.kind(id).ok_or(LOST)?;
                    let written = match to {
                        _ if kind == MediaKind::Data => {
                            let mid = self.call.mids.get(at).cloned().flatten();
                            let said = offer.data(id).ok_or(LOST)?;
                            self.offer_data(clean, to, id, said, mid.as_deref())?
                        }
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
        if to == Leg::Core {
            self.announcements.offered();
        }
        self.call.remember(to, &media);
        let session = self.assembled(to, &template, media);
        let before = match to {
            Leg::Wic => &self.to_wic,
            Leg::Core => &self.to_core,
        };
        self.unseen = Some(Box::new(before.clone()));
        let (bytes, session) = self.sign(to, session);
        offer.sent = Some(session);
        offer.written = bytes.clone();
        Ok(bytes)
    }

    /// The answer as the offerer gets it: once, whatever further answers say.
    pub(super) fn send_answer(
        &mut self,
        offer: &Offer,
        answer: &mut Answer,
    ) -> Result<(), Refused> {
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
                    let kind = agreed.wic.kind;
                    if kind == MediaKind::Data && agreed.core.data.is_none() {
                        // The core has no part in it.
                        let mut own = offer.received.clone();
                        remove_fingerprint_and_ice(&mut own);
                        let own = own.media(at).cloned().ok_or(LOST)?;
                        media.push(self.answer_data(own, to, id, Some(offered))?);
                        continue;
                    }
                    let from = self.call.position(to, at, to.other()).ok_or(LOST)?;
                    let clean = template.media(from).cloned().ok_or(LOST)?;
                    Some(match to {
                        _ if kind == MediaKind::Data => {
                            self.answer_data(clean, to, id, Some(offered))?
                        }
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
                    if kind == MediaKind::Data {
                        let mid = offered.value(Mid::NAME);
                        media.push(data::to_wic(own, stream, mid, Some(offered), &[]));
                        continue;
                    }
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
            let differs = !same_agreement(&given.session, &session);
            answer.diverged |= answer.finality == Finality::Final && differs;
            answer.sent = given.sent.clone();
        } else {
            answer.sent = self.sign(to, session).0;
        }
        Ok(())
    }

    /// An m-line of data channels as the other leg is offered it.
    fn offer_data(
        &self,
        clean: Media,
        to: Leg,
        id: StreamId,
        said: &DataMedia,
        mid: Option<&str>,
    ) -> Result<Media, Refused> {
        let stream = self.call.streams.get(&id).ok_or(MISSING)?;
        let mut channels = said.ids();
        let clean = self.without_used_by(clean);
        Ok(match to {
            Leg::Core => {
                let announced = self.announcements.of(id);
                data::to_core(clean, stream, None, &channels, announced)
            }
            Leg::Wic => {
                // The WIC knows these by the ids that it gave them itself.
                channels.retain(|channel| !self.announcements.agreed(id).any(|a| a.is(*channel)));
                let mut media = data::to_wic(clean, stream, mid, None, &channels);
                // Those that are there stay there.
                bootstrap::describe(&mut media, bootstrap::agreed(stream.data_settings()));
                media
            }
        })
    }

    /// The same as the offerer is answered: with what was settled.
    fn answer_data(
        &self,
        clean: Media,
        to: Leg,
        id: StreamId,
        offered: Option<&Media>,
    ) -> Result<Media, Refused> {
        let stream = self.call.streams.get(&id).ok_or(MISSING)?;
        let settings = stream.data_settings();
        let used_by = offered.and_then(|offered| offered.value(bootstrap::USED_BY));
        let clean = self.without_used_by(clean);
        let refused = stream.data.as_ref().map_or(&[][..], |data| &data.refused);
        let channels = data::settled(settings.ok_or(LOST)?, refused, to);
        Ok(match to {
            Leg::Core => {
                let agreed = self.announcements.agreed(id);
                let announced = agreed.filter(|one| channels.iter().any(|id| one.is(*id)));
                data::to_core(clean, stream, offered, &channels, announced)
            }
            Leg::Wic => {
                let mid = offered.and_then(|offered| offered.value(Mid::NAME));
                let mut media = data::to_wic(clean, stream, mid, offered, &channels);
                let ours = || bootstrap::agreed(settings).filter(|one| channels.contains(&one.id));
                bootstrap::describe(&mut media, ours());
                if let Some(whose) = used_by.filter(|_| bootstrap::is_remote(ours())) {
                    let name = bootstrap::USED_BY;
                    media.insert(Line::new('a', format_args!("{name}:{}", whose.trim())));
                }
                media
            }
        })
    }

    /// Whose remote bootstrap channels are is said to whom they end at, and no further.
    fn without_used_by(&self, mut media: Media) -> Media {
        if self.policy.bootstrap {
            media.remove_attribute(bootstrap::USED_BY);
        }
        media
    }

    /// An m-line whose bootstrap channels are all there is of it, in an offer to the WIC: as it was agreed on.
    fn offer_kept(&self, id: StreamId) -> Result<Media, Refused> {
        let stream = self.call.streams.get(&id).ok_or(MISSING)?;
        let at = usize::from(id.0);
        let mid = self.call.mids.get(at).cloned().flatten();
        let line = self.call.wic_lines.get(at).ok_or(LOST)?.line();
        let empty = Media::new(&line).map_err(|_| LOST)?;
        let mut media = data::to_wic(empty, stream, mid.as_deref(), None, &[]);
        bootstrap::describe(&mut media, bootstrap::agreed(stream.data_settings()));
        Ok(media)
    }

    pub(super) fn signed(&mut self, to: Leg, template: &Session, media: Vec<Media>) -> Bytes {
        let mut template = template.clone();
        remove_fingerprint_and_ice(&mut template);
        let session = self.assembled(to, &template, media);
        self.sign(to, session).0
    }

    pub(super) fn assembled(&self, to: Leg, template: &Session, media: Vec<Media>) -> Session {
        match to {
            Leg::Wic => write_to_wic::assembled(template, media),
            Leg::Core => write_to_core::assembled(template, media, self.address(to)),
        }
    }

    pub(super) fn sign(&mut self, to: Leg, session: Session) -> (Bytes, Session) {
        let address = self.address(to);
        let bytes = match to {
            Leg::Wic => self.to_wic.sign(session.clone(), address),
            Leg::Core => self.to_core.sign(session.clone(), address),
        };
        (bytes, session)
    }

    pub(super) fn address(&self, to: Leg) -> IpAddr {
        let stream = self.call.streams.values().next();
        stream.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |stream| match to {
            Leg::Wic => write_to_wic::address(&stream.w3),
            Leg::Core => stream.core.rtp.ip(),
        })
    }
}
