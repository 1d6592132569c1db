//! The channels that SDP negotiated (RFC 8864 §6).

use std::collections::BTreeMap;
use std::time::Instant;

use core_data_channel::{Channel, ChannelId, OpenError};
use core_iq::{ChannelAt, ChannelEnd, ChannelPlace, FarEnd, NegotiatedChannel, StreamEnd};

use super::ends::{Ends, other};
use super::join::Join;
use super::words;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Negotiated {
    channel: Channel,
    pub(super) place: ChannelPlace,
}

impl Negotiated {
    /// Whether it has an end there.
    fn is_at(&self, end: StreamEnd) -> bool {
        match self.place {
            ChannelPlace::Both => true,
            ChannelPlace::At(at) => at == end,
            ChannelPlace::For(request) => request.end != end,
        }
    }

    /// Its ends under this id, and the one that it stands for.
    pub(super) fn ends(&self, id: u16) -> impl Iterator<Item = ChannelAt> {
        let request = match self.place {
            ChannelPlace::For(request) => Some(request),
            ChannelPlace::Both | ChannelPlace::At(_) => None,
        };
        let there = BOTH.into_iter().filter(|end| self.is_at(*end));
        there.map(move |end| ChannelAt { end, id }).chain(request)
    }
}

const BOTH: [StreamEnd; 2] = [StreamEnd::W3, StreamEnd::Core];

impl Join {
    /// Those of the last [`negotiate`](Self::negotiate) that cannot be.
    pub(super) fn refused(&self) -> &[u16] {
        &self.refused
    }

    /// The channels that SDP has now. One that was requested in band under the same id is accepted so.
    pub(super) fn negotiate(
        &mut self,
        now: Instant,
        ends: &mut Ends,
        channels: &[NegotiatedChannel],
    ) {
        let wanted: BTreeMap<u16, Negotiated> = channels
            .iter()
            .map(|one| {
                let channel = words::channel_of(&one.channel);
                let place = one.place;
                (one.id, Negotiated { channel, place })
            })
            .collect();
        self.refused.clear();
        let there = std::mem::take(&mut self.negotiated);
        for (id, one) in there {
            if wanted
                .get(&id)
                .is_some_and(|wanted| wanted.place == one.place)
            {
                self.negotiated.insert(id, one);
            } else {
                self.drain(now, ends, id, one);
            }
        }
        for (id, one) in wanted {
            if self.negotiated.contains_key(&id) {
                self.open_again(now, ends, id);
                continue;
            }
            if self.comes_again(now, ends, id, one.place) {
                self.negotiated.insert(id, one);
                continue;
            }
            let ends_there = BOTH.into_iter().filter(|end| one.is_at(*end));
            let mut places = ends_there.map(|end| ChannelAt { end, id });
            let possible =
                places.all(|at| !self.is_in_use(ends, at)) && self.has_request(ends, &one);
            if !possible {
                self.refused.push(id);
                continue;
            }
            self.negotiated.insert(id, one);
            for end in BOTH {
                self.begin(now, ends, ChannelAt { end, id });
            }
        }
    }

    /// One that a peer has closed, and that SDP says again, is open again.
    fn open_again(&mut self, now: Instant, ends: &mut Ends, id: u16) {
        for end in BOTH {
            let association = ends.association(end);
            let closed = association.is_some_and(|there| !there.is_in_use(ChannelId(id)));
            if closed {
                self.begin(now, ends, ChannelAt { end, id });
            }
        }
    }

    /// Whether a channel that SDP does not know has this id; one that is requested is accepted with it.
    fn is_in_use(&self, ends: &mut Ends, at: ChannelAt) -> bool {
        let association = ends.association(at.end);
        let used = association.is_some_and(|association| association.is_in_use(ChannelId(at.id)));
        used && !self.requested.contains_key(&at)
    }

    /// Whether what it stands for is still there.
    fn has_request(&self, ends: &mut Ends, one: &Negotiated) -> bool {
        let ChannelPlace::For(request) = one.place else {
            return true;
        };
        let association = ends.association(request.end);
        let waits = association.is_some_and(|there| there.is_in_use(ChannelId(request.id)));
        waits && self.requested.contains_key(&request)
    }

    /// A negotiated channel begins at one end.
    pub(super) fn begin(&mut self, now: Instant, ends: &mut Ends, at: ChannelAt) {
        let Some(one) = self.negotiated.get(&at.id).cloned() else {
            return;
        };
        // What it stood for has gone with its association, and SDP is still to say so.
        if !one.is_at(at.end) || !self.has_request(ends, &one) {
            return;
        }
        let counterpart = match one.place {
            ChannelPlace::Both if self.far_end != FarEnd::Application => Some(ChannelAt {
                end: other(at.end),
                id: at.id,
            }),
            ChannelPlace::For(request) => Some(request),
            ChannelPlace::Both | ChannelPlace::At(_) => None,
        };
        if let Some(counterpart) = counterpart {
            self.links.insert(at, counterpart.id);
            self.links.insert(counterpart, at.id);
        }
        let Some(association) = ends.association(at.end) else {
            return;
        };
        let id = ChannelId(at.id);
        if self.requested.remove(&at).is_some() && association.accept(now, id) {
            return;
        }
        match association.negotiate(now, id, one.channel) {
            Ok(()) => {}
            Err(OpenError::Resetting) => {
                self.reopen.insert(at);
            }
            Err(error) => {
                // It was free a moment ago, or nobody asked: too late for SDP.
                let end = ChannelEnd::Failed(error.to_string());
                self.tell_closed(at, end);
                if let Some(counterpart) = counterpart {
                    self.links.remove(&at);
                    self.links.remove(&counterpart);
                    self.close(now, ends, counterpart);
                }
            }
        }
    }

    /// SCTP begins at one end.
    pub(super) fn begun(&mut self, now: Instant, ends: &mut Ends, end: StreamEnd) {
        let ids: Vec<u16> = self.negotiated.keys().copied().collect();
        for id in ids {
            self.begin(now, ends, ChannelAt { end, id });
        }
    }

    /// Whether SDP has a channel under this id at both ends.
    pub(super) fn is_at_both(&self, id: u16) -> bool {
        let one = self.negotiated.get(&id);
        one.is_some_and(|one| one.place == ChannelPlace::Both)
    }

    /// Whether SDP has a channel there for an application.
    pub(super) fn is_the_applications(&self, at: ChannelAt) -> bool {
        let one = self.negotiated.get(&at.id);
        one.is_some_and(|one| one.place == ChannelPlace::At(at.end))
    }

    /// Whether SDP has a channel that stands for this one.
    pub(super) fn is_announced(&self, at: ChannelAt) -> bool {
        let mut all = self.negotiated.values();
        all.any(|one| one.place == ChannelPlace::For(at))
    }
}
