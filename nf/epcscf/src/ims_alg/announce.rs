//! What the core is told of channels that the WIC opened in band (`data/announce.rs`).

use std::collections::BTreeMap;

use core_iq::{ChannelAction, ChannelAt, ChannelDescription, Command, MediaKind, StreamId};
use wire_sdp::attribute::Dcmap;

use super::call::Offer;
use super::data::{Served, bootstrap};
use super::stream::Agreement;
use super::{DataChannels, Finality, Leg, Negotiation};

impl Negotiation {
    /// The core has announced data channels (TS 24.186): a WIC may offer them.
    pub fn core_has_channels(&mut self) {
        self.announcements.core_has_channels = true;
    }

    /// The core's messages say that its channels are in SDP: it is an IMS that knows data channels (TS 26.114
    /// §6.2.10.1), or such a client is behind it.
    pub fn core_reads_channels(&mut self) {
        self.announcements.core_has_channels = true;
        self.announcements.core_reads_sdp = true;
    }

    /// Whose network the far end's is decides who answers on its bootstrap channels (TS 26.114 §6.2.10.1).
    pub fn far_end_is_ours(&mut self, ours: bool) {
        self.far_end_is_ours = ours;
    }

    /// Which bootstrap channels the edge ends itself.
    pub(super) fn served(&self) -> Served {
        if !self.policy.serves_bootstrap() {
            Served::None
        } else if self.far_end_is_ours {
            Served::All
        } else {
            Served::Local
        }
    }

    /// What that stream's end at the WIC takes at most in one message, if the edge ends this channel of it.
    pub fn serves(&self, stream: StreamId, channel: u16) -> Option<u64> {
        let settings = self.call.streams.get(&stream)?.data_settings()?;
        bootstrap::agreed(Some(settings)).find(|one| one.id == channel)?;
        // RFC 8841 §6.1: 64 KiB if nothing is said, and any size if it is 0.
        Some(match settings.w3?.max_message_size {
            None => 65536,
            Some(0) => u64::MAX,
            Some(size) => size,
        })
    }

    /// Whether the call has video now.
    pub fn has_video(&self) -> bool {
        let mut settings = self
            .call
            .streams
            .values()
            .filter_map(|s| s.settings.as_ref());
        settings.any(|settings| settings.media == MediaKind::Video)
    }

    /// Whether data channels go to the far end now.
    pub fn has_far_channels(&self) -> bool {
        let mut streams = self.call.streams.values();
        streams.any(|stream| {
            stream
                .data_settings()
                .is_some_and(|data| data.core.is_some())
        })
    }

    /// Whether an offer's data channels are carried.
    pub(super) fn carries_data(&mut self, from: Leg) -> bool {
        match self.policy.data_channels {
            DataChannels::Never => false,
            DataChannels::Announced if from == Leg::Wic => self.announcements.core_has_channels,
            DataChannels::Announced | DataChannels::Always => true,
        }
    }

    /// The WIC opened a channel in band. Where there is no way to announce it, [`Negotiation::take_closed`] says so.
    pub fn requested(&mut self, stream: StreamId, at: ChannelAt, channel: &ChannelDescription) {
        let taken: Vec<u16> = [Leg::Wic, Leg::Core]
            .into_iter()
            .filter_map(|leg| self.said(leg))
            .flat_map(|said| {
                let maps = said.medias().iter().flat_map(|media| media.attributes());
                let maps = maps.flatten().map(|map: Dcmap<'_>| map.stream);
                maps.collect::<Vec<u16>>()
            })
            .collect();
        if !self.announcements.add(stream, at, channel, &taken) {
            self.closing.push((stream, at));
        }
    }

    /// It closed one.
    pub fn closed(&mut self, stream: StreamId, at: ChannelAt) {
        self.announcements.remove(stream, at);
    }

    /// A stream has no channels of the WIC's any more.
    pub fn channels_ended(&mut self, stream: StreamId) {
        self.announcements.forget(stream);
    }

    /// Whether the core is to be told of more than it was, by [`Negotiation::reoffer`].
    pub fn wants_to_announce(&self) -> bool {
        self.announcements.is_wanting()
    }

    /// The core does not want to know of what it was offered so.
    pub fn refuse_announced(&mut self) {
        let refused = self.announcements.refuse();
        self.closing.extend(refused);
    }

    /// What the gateway is told of channels that come to nothing. The replies are of no interest.
    pub fn take_closed(&mut self) -> Vec<Command> {
        let closing = std::mem::take(&mut self.closing);
        let Some(context) = self.context() else {
            return Vec::new();
        };
        let command = |(stream, at)| Command::Channel {
            context,
            stream,
            action: ChannelAction::Close(at),
        };
        closing.into_iter().map(command).collect()
    }

    /// An offer has channels of its own.
    pub(super) fn make_way(&mut self, offer: &Offer) {
        for stream in offer.streams.iter().flatten() {
            if let Some(said) = offer.data(*stream) {
                self.announcements.core_has_channels |= offer.from == Leg::Core;
                let by_wic = offer.from == Leg::Wic;
                let closed = self.announcements.make_way(*stream, &said.ids(), by_wic);
                let closed = closed.into_iter().map(|at| (*stream, at));
                self.closing.extend(closed);
            }
        }
    }

    /// An answer says which channels the core has.
    pub(super) fn settle_announced(
        &mut self,
        agreed: &BTreeMap<StreamId, Agreement>,
        finality: Finality,
    ) {
        for (stream, agreement) in agreed {
            let core = agreement.core.data.as_ref().map(|(core, _)| core.ids());
            let core = core.unwrap_or_default();
            // RFC 8864 §6: who writes dcmap reads it too.
            self.announcements.core_reads_sdp |= !core.is_empty();
            if finality == Finality::Final {
                let closed = self.announcements.settle(*stream, &core);
                let closed = closed.into_iter().map(|at| (*stream, at));
                self.closing.extend(closed);
            }
        }
    }
}
