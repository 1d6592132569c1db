//! What joins the channels of the two Terminations: with one another, or with whoever speaks Iq.
//!
//! A channel that is full stops the reading of its counterpart, whose window then fills and stops its
//! peer: nothing is kept here in between.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use core_data_channel::{Channel, ChannelId, Event, SendError};
use core_iq::{AwaitedChannel, ChannelAt, ChannelEnd, Event as IqEvent, FarEnd, StreamEnd};

use super::draining::Draining;
use super::ends::{Ends, other};
use super::negotiated::Negotiated;
use super::pace::Pace;
use super::words;

#[derive(Debug)]
pub(super) struct Join {
    pub(super) far_end: FarEnd,
    /// What the application waits for, wherever others go.
    awaited: BTreeSet<AwaitedChannel>,
    pub(super) negotiated: BTreeMap<u16, Negotiated>,
    /// Of those that SDP has, the ones that cannot be.
    pub(super) refused: Vec<u16>,
    /// Those that SDP has dropped, until what is in them has arrived.
    pub(super) draining: BTreeMap<u16, Draining>,
    /// Each channel and its counterpart at the other end, both ways.
    pub(super) links: BTreeMap<ChannelAt, u16>,
    /// Opened in band, and not accepted yet: by whom, and what.
    pub(super) requested: BTreeMap<ChannelAt, Channel>,
    /// Of these, the ones that were told on Iq.
    told: BTreeSet<ChannelAt>,
    /// Opened or accepted for whoever speaks Iq: theirs, whatever the others are joined with.
    spoken_for: BTreeSet<ChannelAt>,
    /// Negotiated under ids that are still being reset.
    pub(super) reopen: BTreeSet<ChannelAt>,
    /// Closed by us for what the peer did, until the peer has closed too.
    failed: BTreeMap<ChannelAt, String>,
    /// How many messages more the application takes.
    credit: BTreeMap<ChannelAt, u32>,
    /// Of what a peer asks.
    pace: Pace,
    /// What was reset for it, and not counted yet.
    too_fast: u64,
    events: Vec<IqEvent>,
}

impl Default for Join {
    fn default() -> Self {
        Self {
            far_end: FarEnd::Nobody,
            awaited: BTreeSet::new(),
            negotiated: BTreeMap::new(),
            refused: Vec::new(),
            draining: BTreeMap::new(),
            links: BTreeMap::new(),
            requested: BTreeMap::new(),
            told: BTreeSet::new(),
            spoken_for: BTreeSet::new(),
            reopen: BTreeSet::new(),
            failed: BTreeMap::new(),
            credit: BTreeMap::new(),
            pace: Pace::default(),
            too_fast: 0,
            events: Vec::new(),
        }
    }
}

impl Join {
    /// How many channels more were reset since their peer opens them too fast.
    pub(super) fn take_too_fast(&mut self) -> u64 {
        std::mem::take(&mut self.too_fast)
    }

    pub(super) fn take_events(&mut self) -> Vec<IqEvent> {
        std::mem::take(&mut self.events)
    }

    /// What becomes of channels that wait follows at once; those that are open stay as they are.
    pub(super) fn set_far_end(&mut self, now: Instant, ends: &mut Ends, far_end: FarEnd) {
        if self.far_end == far_end {
            return;
        }
        self.far_end = far_end;
        self.told.clear();
        self.ask_again(now, ends);
    }

    /// Other channels than before are the application's when they are opened in band.
    pub(super) fn set_awaited(
        &mut self,
        now: Instant,
        ends: &mut Ends,
        awaited: &[AwaitedChannel],
    ) {
        self.awaited = awaited.iter().cloned().collect();
        self.ask_again(now, ends);
    }

    /// What was requested, is not joined with anything yet, and of which nobody was told, is looked at anew.
    fn ask_again(&mut self, now: Instant, ends: &mut Ends) {
        let waiting = self.requested.iter();
        let waiting: Vec<(ChannelAt, Channel)> = waiting
            .filter(|(at, _)| !self.links.contains_key(at) && !self.told.contains(at))
            .map(|(at, channel)| (*at, channel.clone()))
            .collect();
        for (at, channel) in waiting {
            self.requested.remove(&at);
            self.requested(now, ends, at, channel);
        }
    }

    /// Who is to announce it, or speaks for the far end, hears of it; of those that a peer opens and closes without end,
    /// only so many.
    fn tell_requested(&mut self, now: Instant, ends: &mut Ends, at: ChannelAt, channel: Channel) {
        if !self.pace.take(now) {
            self.too_fast += 1;
            return self.close(now, ends, at);
        }
        self.told.insert(at);
        self.events.push(IqEvent::ChannelRequested {
            at,
            channel: words::description_of(&channel),
        });
        self.requested.insert(at, channel);
    }

    /// SCTP ends at one end: its counterparts are closed.
    pub(super) fn ended(&mut self, now: Instant, ends: &mut Ends, end: StreamEnd) -> bool {
        let there = ends.drop_association(end);
        if there {
            self.requested.retain(|at, _| at.end != end);
            self.told.retain(|at| at.end != end);
            self.spoken_for.retain(|at| at.end != end);
            self.reopen.retain(|at| at.end != end);
            self.credit.retain(|at, _| at.end != end);
            self.failed.retain(|at, _| at.end != end);
            self.stop_draining(end);
            let links: Vec<(ChannelAt, u16)> = self
                .links
                .range(ChannelAt { end, id: 0 }..=ChannelAt { end, id: u16::MAX })
                .map(|(at, id)| (*at, *id))
                .collect();
            for (at, id) in links {
                self.links.remove(&at);
                let end = other(end);
                let counterpart = ChannelAt { end, id };
                self.close(now, ends, counterpart);
                // What SDP has is there again with the next association.
                if self.is_at_both(id) && ends.association(end).is_some() {
                    self.reopen.insert(counterpart);
                } else {
                    self.links.remove(&counterpart);
                }
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
                self.ask_again(now, ends);
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
        let announced = at.end == StreamEnd::W3;
        let named = AwaitedChannel {
            end: at.end,
            label: channel.label.clone(),
        };
        if self.awaited.contains(&named) {
            return self.tell_requested(now, ends, at, channel);
        }
        match self.far_end {
            FarEnd::Nobody => self.close(now, ends, at),
            FarEnd::Application => self.tell_requested(now, ends, at, channel),
            FarEnd::Relay { announce: true } if announced => {
                self.tell_requested(now, ends, at, channel);
            }
            FarEnd::Relay { .. } => match ends.association(to) {
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
        if self.is_told(at) {
            self.events.push(IqEvent::ChannelOpened { at });
        }
        if let Some(&id) = self.links.get(&at) {
            let counterpart = ChannelAt {
                end: other(at.end),
                id,
            };
            if self.requested.remove(&counterpart).is_some()
                && let Some(association) = ends.association(counterpart.end)
            {
                association.accept(now, ChannelId(id));
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
            None if self.is_told(at) => self.events.push(IqEvent::ChannelWritable { at }),
            None => {}
        }
    }

    /// Moves messages from a channel to where they go, as long as there is room.
    pub(super) fn pump(&mut self, now: Instant, ends: &mut Ends, from: ChannelAt) {
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
                return self.not_quiet(now, from);
            }
            let Some(message) = ends
                .association(from.end)
                .and_then(|association| association.read(now, ChannelId(from.id)))
            else {
                return;
            };
            self.not_quiet(now, from);
            let sent = ends
                .association(to.end)
                .map(|association| association.send(now, ChannelId(to.id), message));
            if let Some(Err(error @ SendError::TooLarge(_))) = sent {
                // RFC 8841 §6.1: the far side takes no such message, and a relay cannot cut it.
                self.failed.insert(from, error.to_string());
                self.close(now, ends, from);
                self.close(now, ends, to);
                return;
            }
        }
    }

    /// Tells the application what came, as far as it takes it.
    fn deliver(&mut self, now: Instant, ends: &mut Ends, at: ChannelAt) {
        loop {
            let Some(credit) = self.credit.get_mut(&at).filter(|credit| **credit > 0) else {
                return self.not_quiet(now, at);
            };
            let Some(message) = ends
                .association(at.end)
                .and_then(|association| association.read(now, ChannelId(at.id)))
            else {
                return;
            };
            *credit -= 1;
            let message = words::told(&message);
            self.events.push(IqEvent::ChannelMessage { at, message });
            self.not_quiet(now, at);
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
        let there = self.requested.remove(&at).is_some();
        if there {
            self.speak_for(at);
        }
        there
    }

    /// Whoever speaks Iq opened it: what becomes of it is told, and what comes in it.
    pub(super) fn speak_for(&mut self, at: ChannelAt) {
        self.spoken_for.insert(at);
    }

    /// All in it was read before it was closed: its counterpart is closed behind what it still sends.
    fn closed(&mut self, now: Instant, ends: &mut Ends, at: ChannelAt, end: ChannelEnd) {
        let failed = self.failed.remove(&at).map(ChannelEnd::Failed);
        if failed.is_some() || self.is_told(at) {
            self.tell_closed(at, failed.unwrap_or(end));
        }
        self.requested.remove(&at);
        self.told.remove(&at);
        self.spoken_for.remove(&at);
        self.credit.remove(&at);
        if let Some(id) = self.draining_of(at) {
            self.drained(now, ends, id);
        }
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

    pub(super) fn tell_closed(&mut self, at: ChannelAt, end: ChannelEnd) {
        self.events.push(IqEvent::ChannelClosed { at, end });
    }

    /// Whether somebody speaks for this end of the channel on Iq, or waits for what becomes of it. What is
    /// just joined comes and goes without a word.
    fn is_told(&self, at: ChannelAt) -> bool {
        self.is_the_applications(at)
            || self.spoken_for.contains(&at)
            || self.is_announced(at)
            || match self.far_end {
                FarEnd::Nobody | FarEnd::Relay { announce: false } => false,
                FarEnd::Relay { announce: true } => {
                    at.end == StreamEnd::W3 && self.requested.contains_key(&at)
                }
                FarEnd::Application => !self.links.contains_key(&at),
            }
    }

    pub(super) fn close(&mut self, now: Instant, ends: &mut Ends, at: ChannelAt) {
        self.reopen.remove(&at);
        if let Some(association) = ends.association(at.end) {
            association.close(now, ChannelId(at.id));
        }
    }
}
