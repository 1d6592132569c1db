//! Reads an offer: which of its m-lines are carried, and what the gateway is to make for them.

use std::collections::BTreeMap;

use bytes::Bytes;
use core_iq::{MediaKind, StreamId, StreamSettings};
use wire_sdp::Session;

use super::call::{Call, Offer};
use super::core_media::CoreMedia;
use super::data::{Served, bootstrap, is_data};
use super::wic_media::WicMedia;
use super::{Leg, PeerMisbehaved, Policy, Refused, Unsupported, payloads, stream};

impl Call {
    /// Reads an offer, gives each of its m-lines a place on the other leg, and says what the gateway is to make.
    pub(super) fn take_offer(
        &mut self,
        from: Leg,
        received: Session,
        policy: &Policy,
        data_channels: bool,
        served: Served,
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
            written: Bytes::new(),
            own: false,
            served,
            kept: Vec::new(),
        };
        let mut refused = None;
        for at in 0..offer.received.medias().len() {
            let carried = offer.streams.iter().flatten().count();
            let read = read(from, &offer.received, at, policy, data_channels, served);
            let read = match read {
                Ok(Some(_)) if carried == policy.streams => Err(Unsupported::TooMany.into()),
                Ok(Some(media)) if self.is_other_kind(from, at, media.kind()) => {
                    Err(Unsupported::MediaType.into())
                }
                read => read,
            };
            let id = match read {
                Ok(None) => {
                    self.leave_out(from, at);
                    None
                }
                Ok(Some(media)) => {
                    let id = self.place(from, at, media.kind(), data_channels);
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
        if from == Leg::Core {
            let streams = self.streams.iter().filter(|(id, stream)| {
                !offer.streams.contains(&Some(**id))
                    && bootstrap::agreed(stream.data_settings()).next().is_some()
            });
            offer.kept = streams.map(|(id, _)| *id).collect();
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

    /// The stream of an m-line that is carried.
    fn place(&mut self, from: Leg, at: usize, kind: MediaKind, data_channels: bool) -> StreamId {
        if kind != MediaKind::Data {
            return self.carry(from, at);
        }
        if from == Leg::Wic && !data_channels {
            // The core does not hear of it.
            self.leave_out(from, at);
            return StreamId(at as u16);
        }
        if from == Leg::Core
            && self.index.left_of(at).is_none()
            && let Some(alone) = self.alone()
        {
            // RFC 8841 §10.1: a client has one association; the core joins it.
            self.index.join(usize::from(alone.0), at);
        }
        self.carry(from, at)
    }
}

enum Read {
    Wic(WicMedia),
    Core(CoreMedia),
}

impl Read {
    fn kind(&self) -> MediaKind {
        match self {
            Read::Wic(media) => media.kind,
            Read::Core(media) => media.kind,
        }
    }
}

/// Reads an m-line of an offer; none when it is ended (port 0).
fn read(
    from: Leg,
    session: &Session,
    at: usize,
    policy: &Policy,
    data_channels: bool,
    served: Served,
) -> Result<Option<Read>, Refused> {
    let Some(media) = session.media(at) else {
        return Err(Unsupported::NoMedia.into());
    };
    let bundle_only = from == Leg::Wic && media.has("bundle-only");
    // RFC 9143 §6: a bundle-only m-line has port 0 and is not rejected; TS 24.371 §7.4.2 refuses it all the same.
    if media.line().port == 0 && !bundle_only {
        return Ok(None);
    }
    // Bootstrap channels of the WIC's are ours, whatever the core carries.
    let alone = !data_channels && from == Leg::Wic && served != Served::None;
    if is_data(&media.line()) && !data_channels && !alone {
        return Err(Unsupported::MediaType.into());
    }
    let mut read = match from {
        Leg::Wic => Read::Wic(WicMedia::offered(session, at, policy)?),
        Leg::Core => Read::Core(CoreMedia::offered(session, at)?),
    };
    match &mut read {
        Read::Wic(WicMedia {
            data: Some(data), ..
        }) => {
            data.take_bootstrap(served, media);
            if alone && data.bootstrap.is_empty() {
                return Err(Unsupported::MediaType.into());
            }
        }
        Read::Core(CoreMedia {
            data: Some((data, _)),
            ..
        }) => data.take_bootstrap(served, media),
        _ => {}
    }
    if read.kind() == MediaKind::Data {
        return Ok(Some(read));
    }
    if payloads::carried(media, from).is_empty() {
        return Err(Unsupported::Formats.into());
    }
    Ok(Some(read))
}
