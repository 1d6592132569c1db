//! The channels of a call, between what is wanted, what the descriptions say, and what SCTP has.
//!
//! ```text
//!   wanted ──offer──▶ offered ──answer──▶ agreed ──association──▶ begun ──▶ open ──▶ closed
//!      ▲                │ 401, 491                   (their offer begins here)
//!      └────────────────┘
//!
//!   their offer ──▶ requested ──answer_channel──▶ taken ──our answer──▶ agreed
//! ```

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use core_data_channel::{Channel, ChannelId};

use super::{
    ChannelApplication, ChannelClosed, ChannelEvent, ChannelRule, ChannelState, DataChannelId,
    DataChannelInit, ImsDataChannel,
};
use crate::CallId;

/// TS 26.114 §6.2.10.1 — streams below are not for applications.
pub(super) const FIRST_STREAM: u16 = 1000;

/// A channel as descriptions have it (RFC 8864 §5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NegotiatedChannel {
    pub(crate) stream: ChannelId,
    pub(crate) channel: Channel,
    pub(crate) attributes: Vec<String>,
    pub(crate) application: Option<ChannelApplication>,
    pub(crate) qos_hint: Option<String>,
}

#[derive(Debug)]
pub(crate) struct Channels {
    call: CallId,
    numbered: u32,
    entries: BTreeMap<u32, Entry>,
    rules: Vec<ChannelRule>,
    /// What its owner is asked about.
    ask: Vec<ChannelRule>,
    /// Streams that the last two descriptions agreed on.
    said: BTreeSet<ChannelId>,
    /// Streams that SCTP has not released.
    busy: BTreeSet<ChannelId>,
    /// We have closed one that the descriptions still have.
    dropping: bool,
    events: VecDeque<(DataChannelId, ChannelEvent)>,
}

#[derive(Debug)]
struct Entry {
    channel: ImsDataChannel,
    /// The stream that its opener asked for.
    asked: Option<ChannelId>,
    step: Step,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// The other end wants it, and our owner has said nothing.
    Requested,
    /// Our owner takes it, and the other end has not heard so.
    Taken,
    Wanted,
    Offered,
    Agreed,
    Begun,
}

impl Entry {
    /// Whether descriptions have it: until SCTP has closed it, since what was sent is to arrive.
    fn is_described(&self) -> bool {
        let said = !matches!(self.step, Step::Wanted | Step::Requested | Step::Taken);
        said && !self.channel.in_band
    }
}

impl NegotiatedChannel {
    /// One of the other end's.
    fn to_channel(&self) -> ImsDataChannel {
        ImsDataChannel {
            channel: self.channel.clone(),
            stream: Some(self.stream),
            in_band: false,
            attributes: self.attributes.clone(),
            application: self.application.clone(),
            qos_hint: None,
            ours: false,
            state: ChannelState::Connecting,
        }
    }
}

impl Channels {
    pub(crate) fn new(call: CallId, rules: &[ChannelRule], ask: &[ChannelRule]) -> Self {
        Self {
            call,
            numbered: 0,
            entries: BTreeMap::new(),
            rules: rules.to_vec(),
            ask: ask.to_vec(),
            said: BTreeSet::new(),
            busy: BTreeSet::new(),
            dropping: false,
            events: VecDeque::new(),
        }
    }

    fn id(&self, number: u32) -> DataChannelId {
        let call = self.call;
        DataChannelId { call, number }
    }

    pub(crate) fn ids(&self) -> Vec<DataChannelId> {
        self.entries.keys().map(|number| self.id(*number)).collect()
    }

    pub(crate) fn get(&self, id: DataChannelId) -> Option<&ImsDataChannel> {
        self.entries.get(&id.number).map(|entry| &entry.channel)
    }

    /// The stream that its opener asked for, before it is in a description.
    pub(crate) fn asked(&self, id: DataChannelId) -> Option<ChannelId> {
        self.entries.get(&id.number)?.asked
    }

    pub(crate) fn poll_event(&mut self) -> Option<(DataChannelId, ChannelEvent)> {
        self.events.pop_front()
    }

    /// Whether channels of the other end may be taken.
    pub(crate) fn takes_any(&self) -> bool {
        !self.rules.is_empty() || !self.ask.is_empty()
    }

    pub(crate) fn has_any(&self) -> bool {
        !self.entries.is_empty()
    }

    /// One of ours.
    pub(crate) fn want(&mut self, init: DataChannelInit) -> DataChannelId {
        let channel = ImsDataChannel {
            channel: init.channel,
            stream: None,
            in_band: init.in_band,
            attributes: init.attributes,
            application: init.application,
            qos_hint: init.qos_hint,
            ours: true,
            state: ChannelState::Connecting,
        };
        self.add(channel, init.stream, Step::Wanted)
    }

    fn add(
        &mut self,
        channel: ImsDataChannel,
        asked: Option<ChannelId>,
        step: Step,
    ) -> DataChannelId {
        self.numbered += 1;
        let entry = Entry {
            channel,
            asked,
            step,
        };
        self.entries.insert(self.numbered, entry);
        self.id(self.numbered)
    }

    /// There is an m-line: what is opened in band waits for SCTP alone.
    pub(crate) fn line_is_there(&mut self) {
        for entry in self.entries.values_mut() {
            if entry.channel.in_band && entry.step == Step::Wanted {
                entry.step = Step::Agreed;
            }
        }
    }

    /// There is none after all.
    pub(crate) fn line_is_gone(&mut self) {
        for entry in self.entries.values_mut() {
            if entry.channel.in_band && entry.step == Step::Agreed {
                entry.step = Step::Wanted;
            }
        }
    }

    /// Whether nobody has that stream: neither SCTP nor a description nor another channel.
    fn is_free(&self, stream: ChannelId) -> bool {
        let mut entries = self.entries.values();
        !self.busy.contains(&stream)
            && !self.said.contains(&stream)
            && !entries.any(|entry| entry.channel.stream == Some(stream))
    }

    /// Streams that descriptions have, and nobody uses any more.
    fn has_stale(&self) -> bool {
        let is_used = |stream: &ChannelId| {
            let mut entries = self.entries.values();
            entries.any(|entry| entry.is_described() && entry.channel.stream == Some(*stream))
        };
        !self.said.iter().all(is_used)
    }

    /// Whether an offer of ours has something to say; `line`: there is an m-line already.
    pub(crate) fn needs_offer(&self, line: bool) -> bool {
        let mut entries = self.entries.values();
        let wanted = entries.any(|entry| {
            let can_be = |asked: ChannelId| {
                // What only the descriptions still have goes with the next one.
                self.is_free(asked) || self.said.contains(&asked) && self.has_stale()
            };
            entry.step == Step::Wanted
                && if entry.channel.in_band {
                    !line
                } else {
                    entry.asked.is_none_or(can_be)
                }
        });
        wanted || line && self.dropping && self.has_stale()
    }

    /// RFC 8864 §6.1 — the channels of an offer of ours: all that are to be.
    pub(crate) fn offer(&mut self) -> Vec<NegotiatedChannel> {
        let wanted: Vec<u32> = self
            .entries
            .iter()
            .filter(|(_, entry)| entry.step == Step::Wanted && !entry.channel.in_band)
            .map(|(number, _)| *number)
            .collect();
        for number in wanted {
            let asked = self.entries.get(&number).and_then(|entry| entry.asked);
            let stream = match asked {
                Some(asked) => self.is_free(asked).then_some(asked),
                None => (FIRST_STREAM..=ChannelId::MAX.0)
                    .map(ChannelId)
                    .find(|stream| self.is_free(*stream)),
            };
            if let (Some(stream), Some(entry)) = (stream, self.entries.get_mut(&number)) {
                entry.channel.stream = Some(stream);
                entry.step = Step::Offered;
            }
        }
        self.described()
    }

    /// The channels of our description.
    pub(crate) fn described(&self) -> Vec<NegotiatedChannel> {
        let entries = self.entries.values();
        let described = entries.filter(|entry| entry.is_described());
        let mut described: Vec<NegotiatedChannel> = described
            .filter_map(|entry| {
                Some(NegotiatedChannel {
                    stream: entry.channel.stream?,
                    channel: entry.channel.channel.clone(),
                    attributes: entry.channel.attributes.clone(),
                    application: entry.channel.application.clone(),
                    qos_hint: entry.channel.qos_hint.clone(),
                })
            })
            .collect();
        described.sort_by_key(|channel| channel.stream);
        described
    }

    /// Our offer was refused, or is to be repeated.
    pub(crate) fn take_back(&mut self) {
        for entry in self.entries.values_mut() {
            if entry.step == Step::Offered {
                entry.step = Step::Wanted;
                entry.channel.stream = None;
            }
        }
    }

    /// The other end will have none of what we wanted.
    pub(crate) fn give_up(&mut self, reason: &ChannelClosed) {
        self.dropping = false;
        let wanted = |entry: &Entry| matches!(entry.step, Step::Wanted | Step::Offered);
        self.close_those(wanted, reason);
    }

    /// There is no m-line, or no association, or no call any more.
    pub(crate) fn lose(&mut self, reason: &ChannelClosed) {
        self.close_those(|_| true, reason);
        self.said.clear();
        self.busy.clear();
        self.dropping = false;
    }

    /// As [`lose`](Self::lose), for those that were in that association.
    pub(crate) fn lose_begun(&mut self, reason: &ChannelClosed) {
        self.close_those(
            |entry| match entry.step {
                Step::Requested => entry.channel.in_band,
                step => matches!(step, Step::Agreed | Step::Begun),
            },
            reason,
        );
        self.busy.clear();
        self.dropping = false;
    }

    /// They are no more; the streams that SCTP has to close.
    fn close_those(
        &mut self,
        which: impl Fn(&Entry) -> bool,
        reason: &ChannelClosed,
    ) -> Vec<ChannelId> {
        let mut streams = Vec::new();
        let numbers: Vec<u32> = self
            .entries
            .iter()
            .filter(|(_, entry)| which(entry))
            .map(|(number, _)| *number)
            .collect();
        for number in numbers {
            let Some(entry) = self.entries.remove(&number) else {
                continue;
            };
            if entry.step == Step::Begun {
                streams.extend(entry.channel.stream);
            }
            let event = ChannelEvent::Closed(reason.clone());
            self.events.push_back((self.id(number), event));
        }
        streams
    }

    /// RFC 8864 §6.4 — the answer to our offer; the streams that SCTP has to close.
    pub(crate) fn answered(&mut self, theirs: &[NegotiatedChannel]) -> Vec<ChannelId> {
        let has = |stream: Option<ChannelId>| {
            let mut theirs = theirs.iter();
            theirs.any(|channel| Some(channel.stream) == stream)
        };
        let missing = |entry: &Entry| entry.is_described() && !has(entry.channel.stream);
        let refused = |entry: &Entry| missing(entry) && entry.step == Step::Offered;
        self.close_those(refused, &ChannelClosed::Refused);
        let streams = self.close_those(missing, &ChannelClosed::ByPeer);
        self.line_is_there();
        for entry in self.entries.values_mut() {
            if entry.step == Step::Offered {
                entry.step = Step::Agreed;
            }
        }
        self.said = theirs.iter().map(|channel| channel.stream).collect();
        // One that we offered was closed before the answer came.
        self.dropping = self.has_stale();
        streams
    }

    /// Whether our owner is to be asked about channels of an offer. They are requested then.
    pub(crate) fn ask_about(&mut self, theirs: &[NegotiatedChannel]) -> bool {
        for described in theirs {
            let application = described.application.as_ref();
            let takes = |rule: &ChannelRule| rule.takes(&described.channel, application);
            let mut entries = self.entries.values();
            let known = entries.any(|entry| entry.channel.stream == Some(described.stream));
            if known || self.rules.iter().any(takes) || !self.ask.iter().any(takes) {
                continue;
            }
            let id = self.add(described.to_channel(), None, Step::Requested);
            self.events.push_back((id, ChannelEvent::Requested));
        }
        self.is_asking()
    }

    /// Whether something that is in SDP waits for our owner.
    pub(crate) fn is_asking(&self) -> bool {
        let mut entries = self.entries.values();
        entries.any(|entry| entry.step == Step::Requested && !entry.channel.in_band)
    }

    /// Whether our owner is to say something of it.
    pub(crate) fn is_requested(&self, id: DataChannelId) -> bool {
        let entry = self.entries.get(&id.number);
        entry.is_some_and(|entry| entry.step == Step::Requested)
    }

    /// What our owner says of one that is requested; its stream, where it was requested in band.
    pub(crate) fn decide(&mut self, id: DataChannelId, take: bool) -> Option<ChannelId> {
        let entry = self.entries.get_mut(&id.number)?;
        let in_band = entry.channel.stream.filter(|_| entry.channel.in_band);
        if take && in_band.is_some() {
            entry.step = Step::Begun;
            entry.channel.state = ChannelState::Open;
            self.events.push_back((id, ChannelEvent::Opened));
        } else if take {
            entry.step = Step::Taken;
        } else {
            self.entries.remove(&id.number);
            let event = ChannelEvent::Closed(ChannelClosed::RefusedByUs);
            self.events.push_back((id, event));
        }
        in_band
    }

    /// What our owner has said nothing of is refused; nothing of it is answered any more.
    pub(crate) fn refuse_requested(&mut self) {
        let asked = |entry: &Entry| {
            matches!(entry.step, Step::Requested | Step::Taken) && !entry.channel.in_band
        };
        self.close_those(asked, &ChannelClosed::RefusedByUs);
    }

    /// RFC 8864 §6.3 — an offer of the other end; the streams that SCTP has to close.
    pub(crate) fn offered(&mut self, theirs: &[NegotiatedChannel]) -> Vec<ChannelId> {
        let missing = |entry: &Entry| {
            let has = |channel: &NegotiatedChannel| Some(channel.stream) == entry.channel.stream;
            entry.is_described() && !theirs.iter().any(has)
        };
        let streams = self.close_those(missing, &ChannelClosed::ByPeer);
        for described in theirs {
            let is_it = |entry: &Entry| entry.channel.stream == Some(described.stream);
            let mut entries = self.entries.values_mut();
            if let Some(taken) = entries.find(|entry| is_it(entry) && entry.step == Step::Taken) {
                taken.step = Step::Agreed;
                continue;
            }
            let mut entries = self.entries.values();
            let application = described.application.as_ref();
            let takes = |rule: &ChannelRule| rule.takes(&described.channel, application);
            // What we have closed is not opened again by who has not heard it yet.
            if entries.any(is_it) || !self.rules.iter().any(takes) {
                continue;
            }
            let id = self.add(described.to_channel(), None, Step::Agreed);
            self.events.push_back((id, ChannelEvent::Incoming));
        }
        self.line_is_there();
        let described = self.described().into_iter();
        self.said = described.map(|channel| channel.stream).collect();
        self.dropping = false;
        streams
    }

    /// What SCTP is to be told of; an id whose stream is not released waits.
    pub(crate) fn to_begin(&self) -> Vec<(DataChannelId, ImsDataChannel)> {
        let agreed = self.entries.iter().filter(|(_, entry)| {
            let stream = entry.channel.stream;
            entry.step == Step::Agreed && !stream.is_some_and(|id| self.busy.contains(&id))
        });
        agreed
            .map(|(number, entry)| (self.id(*number), entry.channel.clone()))
            .collect()
    }

    /// SCTP has it under that stream.
    pub(crate) fn begun(&mut self, id: DataChannelId, stream: ChannelId) {
        self.busy.insert(stream);
        if let Some(entry) = self.entries.get_mut(&id.number) {
            entry.channel.stream = Some(stream);
            entry.step = Step::Begun;
        }
    }

    /// SCTP will not have it.
    pub(crate) fn not_begun(&mut self, id: DataChannelId, reason: String) {
        if self.entries.remove(&id.number).is_some() {
            let event = ChannelEvent::Closed(ChannelClosed::NotOpened(reason));
            self.events.push_back((id, event));
        }
    }

    /// RFC 8832 §6 — the other end asks for one in band; whether it is taken, if that is known.
    pub(crate) fn requested(&mut self, stream: ChannelId, channel: Channel) -> Option<bool> {
        let takes = |rule: &ChannelRule| rule.takes(&channel, None);
        let asks = !self.rules.iter().any(takes);
        if asks && !self.ask.iter().any(takes) {
            return Some(false);
        }
        let channel = ImsDataChannel {
            channel,
            stream: Some(stream),
            in_band: true,
            attributes: Vec::new(),
            application: None,
            qos_hint: None,
            ours: false,
            state: if asks {
                ChannelState::Connecting
            } else {
                ChannelState::Open
            },
        };
        self.busy.insert(stream);
        if asks {
            let id = self.add(channel, None, Step::Requested);
            self.events.push_back((id, ChannelEvent::Requested));
            return None;
        }
        let id = self.add(channel, None, Step::Begun);
        self.events.push_back((id, ChannelEvent::Incoming));
        self.events.push_back((id, ChannelEvent::Opened));
        Some(true)
    }

    fn find(&mut self, stream: ChannelId) -> Option<(DataChannelId, &mut Entry)> {
        let call = self.call;
        let mut entries = self.entries.iter_mut();
        let (number, entry) = entries.find(|(_, entry)| {
            // One that is requested in band is there, too.
            let begun = entry.step == Step::Begun;
            let there = begun || entry.step == Step::Requested && entry.channel.in_band;
            there && entry.channel.stream == Some(stream)
        })?;
        let number = *number;
        Some((DataChannelId { call, number }, entry))
    }

    pub(crate) fn opened(&mut self, stream: ChannelId) {
        if let Some((id, entry)) = self.find(stream)
            && entry.channel.state == ChannelState::Connecting
        {
            entry.channel.state = ChannelState::Open;
            self.events.push_back((id, ChannelEvent::Opened));
        }
    }

    pub(crate) fn tell(&mut self, stream: ChannelId, event: ChannelEvent) {
        if let Some((id, _)) = self.find(stream) {
            self.events.push_back((id, event));
        }
    }

    /// We close it. Its stream, where SCTP has to do so; else it is no more.
    pub(crate) fn close(&mut self, id: DataChannelId) -> Option<ChannelId> {
        let entry = self.entries.get_mut(&id.number)?;
        if entry.step == Step::Begun {
            entry.channel.state = ChannelState::Closing;
            return entry.channel.stream;
        }
        self.dropping |= entry.step == Step::Agreed;
        self.entries.remove(&id.number);
        let event = ChannelEvent::Closed(ChannelClosed::ByUs);
        self.events.push_back((id, event));
        None
    }

    /// SCTP has closed it. RFC 8864 §6.6.1 — who closes says so in SDP, too.
    pub(crate) fn closed(&mut self, stream: ChannelId, reason: ChannelClosed) {
        if let Some((id, entry)) = self.find(stream) {
            let ours =
                entry.channel.state == ChannelState::Closing || reason == ChannelClosed::ByUs;
            self.dropping |= ours;
            self.entries.remove(&id.number);
            self.events.push_back((id, ChannelEvent::Closed(reason)));
        }
    }

    pub(crate) fn released(&mut self, stream: ChannelId) {
        self.busy.remove(&stream);
    }
}
