//! What the core is told of channels that the WIC opened in band (`data/announce.rs`).

use std::collections::BTreeMap;

use core_iq::{ChannelAction, ChannelAt, ChannelDescription, Command, StreamId};
use wire_sdp::attribute::Dcmap;

use super::call::Offer;
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
            let Some((core, _)) = &agreement.core.data else {
                continue;
            };
            // RFC 8864 §6: who writes dcmap reads it too.
            self.announcements.core_reads_sdp |= !core.channels.is_empty();
            if finality == Finality::Final {
                let closed = self.announcements.settle(*stream, &core.ids());
                let closed = closed.into_iter().map(|at| (*stream, at));
                self.closing.extend(closed);
            }
        }
    }
}
