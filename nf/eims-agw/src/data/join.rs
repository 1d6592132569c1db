//! What joins the channels of the two Terminations: with one another, or with whoever speaks Iq.
//!
//! A channel that is full stops the reading of its counterpart, whose window then fills and stops its
//! peer: nothing is kept here in between.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use core_data_channel::{Channel, ChannelId, Event, SendError};
use core_iq::{ChannelAt, ChannelEnd, Event as IqEvent, FarEnd, NegotiatedChannel, StreamEnd};

use super::ends::{Ends, other};
use super::words;

#[derive(Debug)]
pub(super) struct Join {
    far_end: FarEnd,
    negotiated: BTreeMap<u16, Channel>,
    /// Each channel and its counterpart at the other end, both ways.
    links: BTreeMap<ChannelAt, u16>,
    /// Opened in band, and not accepted yet: by whom, and what.
    requested: BTreeMap<ChannelAt, Channel>,
    /// Negotiated under ids that are still being reset.
    reopen: BTreeSet<ChannelAt>,
    /// How many messages more the application takes.
    credit: BTreeMap<ChannelAt, u32>,
    events: Vec<IqEvent>,
}

impl Default for Join {
    fn default() -> Self {
        Self {
            far_end: FarEnd::Nobody,
            negotiated: BTreeMap::new(),
            links: BTreeMap::new(),
            requested: BTreeMap::new(),
            reopen: BTreeSet::new(),
            credit: BTreeMap::new(),
            events: Vec::new(),
        }
    }
}

const BOTH: [StreamEnd; 2] = [StreamEnd::W3, StreamEnd::Core];

impl Join {
    pub(super) fn take_events(&mut self) -> Vec<IqEvent> {
        std::mem::take(&mut self.events)
    }

    /// What becomes of channels that wait follows at once; those that are open stay as they are.
    pub(super) fn set_far_end(&mut self, now: Instant, ends: &mut Ends, far_end: FarEnd) {
        if self.far_end == far_end {
            return;
        }
        self.far_end = far_end;
        for (at, channel) in std::mem::take(&mut self.requested) {
            self.requested(now, ends, at, channel);
        }
    }

    /// RFC 8864 §6 — the channels that SDP has now. One that was requested in band is accepted so.
    pub(super) fn negotiate(
        &mut self,
        now: Instant,
        ends: &mut Ends,
        channels: &[NegotiatedChannel],
    ) {
        let wanted: BTreeMap<u16, Channel> = channels
            .iter()
            .map(|one| (one.id, words::channel_of(&one.channel)))
            .collect();
        for id in std::mem::take(&mut self.negotiated).into_keys() {
            if !wanted.contains_key(&id) {
                for end in BOTH {
                    self.close(now, ends, ChannelAt { end, id });
                }
            } else if let Some(channel) = wanted.get(&id) {
                self.negotiated.insert(id, channel.clone());
            }
        }
        for (id, channel) in wanted {
            if self.negotiated.insert(id, channel).is_none() {
                for end in BOTH {
                    self.begin(now, ends, ChannelAt { end, id });
                }
            }
        }
    }

    /// A negotiated channel begins at one end.
    fn begin(&mut self, now: Instant, ends: &mut Ends, at: ChannelAt) {
        let Some(channel) = self.negotiated.get(&at.id).cloned() else {
            return;
        };
        let counterpart = ChannelAt {
            end: other(at.end),
            id: at.id,
        };
        self.links.insert(at, at.id);
        self.links.insert(counterpart, at.id);
        let Some(association) = ends.association(at.end) else {
            return;
        };
        if self.requested.remove(&at).is_some() {
            association.accept(now, ChannelId(at.id));
        } else if association
            .negotiate(now, ChannelId(at.id), channel)
            .is_err()
        {
            self.reopen.insert(at);
        }
    }

    /// SCTP begins at one end.
    pub(super) fn begun(&mut self, now: Instant, ends: &mut Ends, end: StreamEnd) {
        let ids: Vec<u16> = self.negotiated.keys().copied().collect();
        for id in ids {
            self.begin(now, ends, ChannelAt { end, id });
        }
    }

    /// SCTP ends at one end: its counterparts are closed.
    pub(super) fn ended(&mut self, now: Instant, ends: &mut Ends, end: StreamEnd) -> bool {
        let there = ends.drop_association(end);
        if there {
            self.requested.retain(|at, _| at.end != end);
            self.reopen.retain(|at| at.end != end);
            self.credit.retain(|at, _| at.end != end);
            let links: Vec<(ChannelAt, u16)> = self
                .links
                .range(ChannelAt { end, id: 0 }..=ChannelAt { end, id: u16::MAX })
                .map(|(at, id)| (*at, *id))
                .collect();
            for (at, id) in links {
                self.links.remove(&at);
                let end = other(end);
                self.close(now, ends, ChannelAt { end, id });
            }
        }
        there
    }

    pub(super) fn lost(&mut self, now: Instant, ends: &mut Ends, end: StreamEnd, reason: String) {
        if self.ended(now, ends, end) {
            self.events.push(IqEvent::DataEnded { end, reason });
        }
    }

    /// Something happened at one end.
    pub(super) fn handle_event(
        &mut self,
        now: Instant,
        ends: &mut Ends,
        end: StreamEnd,
        event: Event,
    ) {
        let at = |id: ChannelId| ChannelAt { end, id: id.0 };
        match event {
            Event::Connected => {
                self.events.push(IqEvent::DataConnected { end });
                // What waited for this end is opened now.
                for (at, channel) in std::mem::take(&mut self.requested) {
                    self.requested(now, ends, at, channel);
                }
            }
            Event::Requested { id, channel } => self.requested(now, ends, at(id), channel),
            Event::Opened { id } => self.opened(now, ends, at(id)),
            Event::Readable { id } => self.pump(now, ends, at(id)),
            Event::Writable { id } => self.writable(now, ends, at(id)),
            Event::Closed { id, reason } => self.closed(now, ends, at(id), words::end_of(reason)),
            Event::Released { id } => {
                if self.reopen.remove(&at(id)) {
                    self.begin(now, ends, at(id));
                }
            }
            Event::Ended(ended) => self.lost(now, ends, end, ended.to_string()),
        }
    }

    /// RFC 8832 §6 — the peer opens one in band: the other end is asked, or whoever decides.
    fn requested(&mut self, now: Instant, ends: &mut Ends, at: ChannelAt, channel: Channel) {
        let to = other(at.end);
        match self.far_end {
            FarEnd::Nobody => self.close(now, ends, at),
            FarEnd::Relay { announce: true } | FarEnd::Application => {
                if self.requested.insert(at, channel.clone()).is_none() {
                    self.events.push(IqEvent::ChannelRequested {
                        at,
                        channel: words::description_of(&channel),
                    });
                }
            }
            FarEnd::Relay { announce: false } => match ends.association(to) {
                Some(association) if association.is_connected() => {
                    match association.open(now, channel.clone()) {
                        Ok(id) => {
                            let counterpart = ChannelAt { end: to, id: id.0 };
                            self.links.insert(at, id.0);
                            self.links.insert(counterpart, at.id);
                            self.requested.insert(at, channel);
                        }
                        Err(_) => self.close(now, ends, at),
                    }
                }
                _ => {
                    self.requested.insert(at, channel);
                }
            },
        }
    }

    /// Open at one end: who asked for it hears so, and what waited goes on.
    fn opened(&mut self, now: Instant, ends: &mut Ends, at: ChannelAt) {
        self.events.push(IqEvent::ChannelOpened { at });
        if let Some(&id) = self.links.get(&at) {
            let counterpart = ChannelAt {
                end: other(at.end),
                id,
            };
            if self.requested.remove(&counterpart).is_some()
                && let Some(association) = ends.association(counterpart.end)
            {
                association.accept(now, ChannelId(id));
                self.events.push(IqEvent::ChannelOpened { at: counterpart });
            }
            self.pump(now, ends, counterpart);
        }
    }

    fn writable(&mut self, now: Instant, ends: &mut Ends, at: ChannelAt) {
        match self.links.get(&at) {
            Some(&id) => {
                let end = other(at.end);
                self.pump(now, ends, ChannelAt { end, id });
            }
            None => self.events.push(IqEvent::ChannelWritable { at }),
        }
    }

    /// Moves messages from a channel to where they go, as long as there is room.
    fn pump(&mut self, now: Instant, ends: &mut Ends, from: ChannelAt) {
        let Some(&id) = self.links.get(&from) else {
            return self.deliver(now, ends, from);
        };
        let to = ChannelAt {
            end: other(from.end),
            id,
        };
        loop {
            let room = ends
                .association(to.end)
                .is_some_and(|association| association.has_room(ChannelId(to.id)));
            if !room {
                return;
            }
            let Some(message) = ends
                .association(from.end)
                .and_then(|association| association.read(now, ChannelId(from.id)))
            else {
                return;
            };
            let sent = ends
                .association(to.end)
                .map(|association| association.send(now, ChannelId(to.id), message));
            if let Some(Err(error @ SendError::TooLarge(_))) = sent {
                // RFC 8841 §6.1: the far side takes no such message, and a relay cannot cut it.
                let end = ChannelEnd::Failed(error.to_string());
                self.events.push(IqEvent::ChannelClosed { at: from, end });
                self.close(now, ends, from);
                self.close(now, ends, to);
                return;
            }
        }
    }

    /// Tells the application what came, as far as it takes it.
    fn deliver(&mut self, now: Instant, ends: &mut Ends, at: ChannelAt) {
        let Some(credit) = self.credit.get_mut(&at) else {
            return;
        };
        while *credit > 0 {
            let Some(message) = ends
                .association(at.end)
                .and_then(|association| association.read(now, ChannelId(at.id)))
            else {
                return;
            };
            *credit -= 1;
            let message = words::told(&message);
            self.events.push(IqEvent::ChannelMessage { at, message });
        }
    }

    /// The application takes so many more.
    pub(super) fn add_credit(&mut self, now: Instant, ends: &mut Ends, at: ChannelAt, more: u32) {
        let credit = self.credit.entry(at).or_default();
        *credit = credit.saturating_add(more);
        self.deliver(now, ends, at);
    }

    /// Takes a request that the application accepts.
    pub(super) fn take_request(&mut self, at: ChannelAt) -> bool {
        self.requested.remove(&at).is_some()
    }

    /// All in it was read before it was closed: its counterpart is closed behind what it still sends.
    fn closed(&mut self, now: Instant, ends: &mut Ends, at: ChannelAt, end: ChannelEnd) {
        self.events.push(IqEvent::ChannelClosed { at, end });
        self.requested.remove(&at);
        self.credit.remove(&at);
        // One that is negotiated anew already has a counterpart that is new too.
        if !self.reopen.contains(&at)
            && let Some(id) = self.links.remove(&at)
        {
            let end = other(at.end);
            let counterpart = ChannelAt { end, id };
            self.links.remove(&counterpart);
            self.close(now, ends, counterpart);
        }
    }

    pub(super) fn close(&mut self, now: Instant, ends: &mut Ends, at: ChannelAt) {
        self.requested.remove(&at);
        self.reopen.remove(&at);
        if let Some(association) = ends.association(at.end) {
            association.close(now, ChannelId(at.id));
        }
    }
}
