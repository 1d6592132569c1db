use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Instant;

use bytes::Bytes;

use super::entry::{Entry, Phase};
use super::{CloseReason, Event, Output};
use crate::dcep;
use crate::sctp::{SctpConfig, SctpEngine, SctpEvent, SctpProto, StreamRefused};
use crate::{
    Channel, ChannelId, Ended, Limits, Message, Misbehaved, OpenError, PayloadProtocol, Role,
    SendError,
};

/// What an association begins with. It is made when DTLS stands, for then the role is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AssociationConfig {
    /// Our role in DTLS.
    pub role: Role,
    /// Our `a=sctp-port`.
    pub local_port: u16,
    /// The peer's.
    pub remote_port: u16,
    /// The largest message that the peer takes, see [`max_message_size`](crate::max_message_size).
    pub send_message: Option<u32>,
    /// Channels that we open in band have ids from here on.
    pub in_band_from: u16,
    /// How much there may be of everything.
    pub limits: Limits,
}

impl AssociationConfig {
    /// With the ports that everybody uses, and a peer that says nothing of sizes.
    pub fn new(role: Role) -> Self {
        Self {
            role,
            local_port: 5000,
            remote_port: 5000,
            send_message: crate::max_message_size(None),
            in_band_from: 0,
            limits: Limits::default(),
        }
    }

    fn send_message(&self) -> u32 {
        let ours = self.limits.send_message();
        self.send_message.map_or(ours, |theirs| theirs.min(ours))
    }
}

/// All channels of one SCTP association (RFC 8831).
#[derive(Debug)]
pub struct Association {
    pub(super) config: AssociationConfig,
    pub(super) engine: Box<dyn SctpEngine>,
    state: State,
    pub(super) channels: BTreeMap<ChannelId, Entry>,
    /// Streams that the peer began beyond the limit, and that are being reset.
    pub(super) refused: BTreeSet<u16>,
    /// The sum of what [`Entry::buffered`] says.
    pub(super) buffered: usize,
    pub(super) path: super::room::Path,
    /// The sum of the messages that these are of.
    pub(super) messages: usize,
    /// Channels that wait for room.
    pub(super) blocked: usize,
    pub(super) outputs: VecDeque<Event>,
    pub(super) now: Instant,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Connecting,
    Connected,
    Ended,
}

impl Association {
    /// An association that begins now, over DTLS that stands.
    pub fn new(now: Instant, config: AssociationConfig) -> Self {
        let engine = SctpProto::new(SctpConfig {
            role: config.role,
            local_port: config.local_port,
            remote_port: config.remote_port,
            receive_message: config.limits.receive_message,
            receive_buffer: config.limits.receive_buffer,
            send_message: config.send_message(),
        });
        Self::with_engine(now, config, Box::new(engine))
    }

    /// The same over another engine.
    pub fn with_engine(
        now: Instant,
        config: AssociationConfig,
        mut engine: Box<dyn SctpEngine>,
    ) -> Self {
        engine.start(now);
        Self {
            config,
            engine,
            state: State::Connecting,
            channels: BTreeMap::new(),
            refused: BTreeSet::new(),
            buffered: 0,
            path: super::room::Path::default(),
            messages: 0,
            blocked: 0,
            outputs: VecDeque::new(),
            now,
        }
    }

    /// Whether it stands.
    pub fn is_connected(&self) -> bool {
        self.state == State::Connected
    }

    /// How many ids are in use.
    pub fn channels(&self) -> usize {
        self.channels.len()
    }

    /// Bytes that wait to be sent or acknowledged, in all channels.
    pub fn buffered(&mut self) -> usize {
        self.measure();
        self.buffered
    }

    /// RFC 8841 §6.1 — what the peer's SDP says now of the messages that it takes.
    pub fn set_send_message(&mut self, size: Option<u32>) {
        self.config.send_message = size;
        self.engine.set_send_message(self.config.send_message());
    }

    /// RFC 8832 §6 — opens a channel in band, under an id of our role's parity. Data may be sent at
    /// once; they arrive in order until the peer has acknowledged.
    pub fn open(&mut self, now: Instant, channel: Channel) -> Result<ChannelId, OpenError> {
        self.check_open(&channel, self.config.limits.channels)?;
        let ours = |id: &ChannelId| self.config.role.opens(*id);
        let id = (self.config.in_band_from..=ChannelId::MAX.0)
            .map(ChannelId)
            .filter(ours)
            .find(|id| !self.channels.contains_key(id) && !self.refused.contains(&id.0))
            .ok_or(OpenError::TooMany)?;
        self.begin(now, id, channel, true);
        Ok(id)
    }

    /// RFC 8864 §6 — a channel that SDP negotiated under an id of its own: nothing is said in band.
    pub fn negotiate(
        &mut self,
        now: Instant,
        id: ChannelId,
        channel: Channel,
    ) -> Result<(), OpenError> {
        if !id.is_valid() {
            return Err(OpenError::InvalidId);
        }
        match self.channels.get(&id).map(|entry| &entry.phase) {
            Some(Phase::Early { .. }) => {}
            Some(Phase::Closing { .. } | Phase::Resetting) => return Err(OpenError::Resetting),
            Some(_) => return Err(OpenError::InUse),
            None if self.refused.contains(&id.0) => return Err(OpenError::Resetting),
            None => {}
        }
        self.check_open(&channel, 2 * self.config.limits.channels)?;
        let early = self.channels.remove(&id);
        self.begin(now, id, channel, false);
        if let Some(early) = early
            && let Some(entry) = self.channels.get_mut(&id)
        {
            entry.first = early.first;
            self.outputs.push_back(Event::Readable { id });
        }
        Ok(())
    }

    /// Whether there is such a channel, and it is not closing.
    pub fn is_in_use(&self, id: ChannelId) -> bool {
        let entry = self.channels.get(&id);
        entry.is_some_and(|entry| !entry.is_gone() && !matches!(entry.phase, Phase::Early { .. }))
    }

    /// Whether messages may be sent and read in it.
    pub fn is_open(&self, id: ChannelId) -> bool {
        self.channels.get(&id).is_some_and(Entry::is_readable)
    }

    /// RFC 8832 §6 — accepts a channel that the peer asked for. Whether it did.
    pub fn accept(&mut self, now: Instant, id: ChannelId) -> bool {
        self.now = now;
        let Some(entry) = self.channels.get_mut(&id) else {
            return false;
        };
        let Phase::Requested { channel } = &entry.phase else {
            return false;
        };
        // What was written keeps the reliability that it was written with: an ACK arrives.
        let ack = Bytes::from_static(&[0x02]);
        let written = self.engine.write(id.0, PayloadProtocol::Dcep, ack);
        self.engine
            .set_reliability(id.0, channel.ordered, channel.reliability);
        entry.phase = Phase::Open;
        if written.is_ok() {
            self.outputs.push_back(Event::Readable { id });
        }
        true
    }

    /// Whether a message can be sent now; if not, [`Event::Writable`] or [`Event::Opened`] says when.
    pub fn has_room(&mut self, id: ChannelId) -> bool {
        let Some(entry) = self.channels.get(&id) else {
            return false;
        };
        if !entry.is_readable() || entry.blocked {
            return false;
        }
        if !self.is_full(entry) {
            return true;
        }
        self.measure();
        if self
            .channels
            .get(&id)
            .is_some_and(|entry| !self.is_full(entry))
        {
            return true;
        }
        if let Some(entry) = self.channels.get_mut(&id) {
            entry.blocked = true;
            self.blocked += 1;
        }
        false
    }

    /// Sends a message, if there is room.
    pub fn send(&mut self, now: Instant, id: ChannelId, message: Message) -> Result<(), SendError> {
        self.now = now;
        let most = self.config.send_message();
        let length = message.data.len();
        let entry = self.channels.get(&id).ok_or(SendError::NotOpen)?;
        if !entry.is_readable() {
            return Err(SendError::NotOpen);
        }
        if length > most as usize {
            return Err(SendError::TooLarge(most));
        }
        if !self.has_room(id) {
            return Err(SendError::Full);
        }
        let (protocol, data) = message.into_payload();
        let written = data.len();
        self.engine
            .write(id.0, protocol, data)
            .map_err(|_| SendError::NotOpen)?;
        if let Some(entry) = self.channels.get_mut(&id) {
            entry.buffered += written;
            self.buffered += written;
            entry
                .sizes
                .push_back(u32::try_from(written).unwrap_or(u32::MAX));
            self.messages += 1;
        }
        self.path.written(written);
        if !self.path.is_probed() && self.channels.get(&id).is_some_and(|one| self.is_full(one)) {
            self.path.probe(now, self.buffered);
        }
        Ok(())
    }

    /// The next message of a channel. What is not read stays in the window that the peer sees.
    pub fn read(&mut self, now: Instant, id: ChannelId) -> Option<Message> {
        self.now = now;
        let entry = self.channels.get_mut(&id)?;
        if !entry.is_readable() {
            return None;
        }
        if let Some(first) = entry.first.take() {
            return Some(first);
        }
        loop {
            let (protocol, data) = self.engine.read(now, id.0)?;
            let broken = match protocol {
                PayloadProtocol::Dcep => self.dcep_in_use(id, &data),
                other => match Message::from_payload(other, data) {
                    Some(message) => {
                        self.acknowledged(id);
                        return Some(message);
                    }
                    None => Err(Misbehaved::UnknownPayload),
                },
            };
            if let Err(broken) = broken {
                self.reset(id, CloseReason::Misbehaved(broken));
                return None;
            }
        }
    }

    /// RFC 8831 §6.7 — closes a channel: what was sent arrives, what came and was not read is lost.
    /// A channel that the peer asked for is refused so.
    pub fn close(&mut self, now: Instant, id: ChannelId) {
        self.now = now;
        if self.channels.get(&id).is_some_and(|entry| !entry.is_gone()) {
            self.reset(id, CloseReason::ByUs);
        }
    }

    /// Ends the association.
    pub fn shutdown(&mut self, now: Instant) {
        self.now = now;
        self.end(Ended::ByUs);
    }

    /// A packet that came through DTLS.
    pub fn handle_packet(&mut self, now: Instant, packet: Bytes) {
        self.now = now;
        self.engine.handle_packet(now, packet);
        self.drain();
        self.unblock();
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.now = now;
        self.engine.handle_timeout(now);
        self.drain();
        self.unblock();
        let late: Vec<ChannelId> = self
            .channels
            .iter()
            .filter(|(_, entry)| matches!(entry.phase, Phase::Early { until } if until <= now))
            .map(|(id, _)| *id)
            .collect();
        for id in late {
            self.reset(id, CloseReason::Misbehaved(Misbehaved::UnopenedStream));
        }
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let early = self
            .channels
            .values()
            .filter_map(|entry| match entry.phase {
                Phase::Early { until } => Some(until),
                _ => None,
            });
        early.chain(self.engine.poll_timeout()).min()
    }

    /// What is to be done, one at a time.
    #[must_use]
    pub fn poll_output(&mut self) -> Option<Output> {
        if self.outputs.is_empty() {
            self.drain();
        }
        if let Some(event) = self.outputs.pop_front() {
            return Some(Output::Event(event));
        }
        let packet = self.engine.poll_packet(self.now)?;
        Some(Output::Packet(packet))
    }

    fn check_open(&self, channel: &Channel, channels: usize) -> Result<(), OpenError> {
        let most = self.config.limits.name;
        if self.state == State::Ended {
            Err(OpenError::Ended)
        } else if channel.label.len() > most || channel.protocol.len() > most {
            Err(OpenError::NameTooLong)
        } else if self.channels.len() >= channels {
            Err(OpenError::TooMany)
        } else {
            Ok(())
        }
    }

    fn begin(&mut self, now: Instant, id: ChannelId, channel: Channel, in_band: bool) {
        self.now = now;
        let priority = channel.priority;
        let phase = Phase::Waiting { channel, in_band };
        self.channels.insert(id, Entry::new(phase, priority));
        if self.state == State::Connected {
            self.start(id);
        }
    }

    /// A channel that waits begins, if the association stands and the id is free.
    fn start(&mut self, id: ChannelId) {
        let Some(entry) = self.channels.get_mut(&id) else {
            return;
        };
        let Phase::Waiting { channel, in_band } = &entry.phase else {
            return;
        };
        match self.engine.open(id.0) {
            Ok(()) => {}
            Err(StreamRefused::Resetting) => return,
            Err(StreamRefused::NotThere) => return self.closed(id, CloseReason::ByPeer, false),
        }
        if !in_band {
            self.engine
                .set_reliability(id.0, channel.ordered, channel.reliability);
            entry.phase = Phase::Open;
            return self.outputs.push_back(Event::Opened { id });
        }
        let channel = channel.clone();
        let open = dcep::Message::Open(channel.clone()).to_bytes();
        let written = open
            .map_err(|_| StreamRefused::NotThere)
            .and_then(|open| self.engine.write(id.0, PayloadProtocol::Dcep, open.into()));
        if written.is_err() {
            return self.closed(id, CloseReason::ByPeer, false);
        }
        // RFC 8832 §6: in order until the peer knows the channel.
        self.engine.set_reliability(id.0, true, channel.reliability);
        entry.phase = Phase::Opening { channel };
    }

    fn drain(&mut self) {
        while let Some(event) = self.engine.poll_event() {
            match (event, self.state) {
                (_, State::Ended) => {}
                (SctpEvent::Connected, _) => self.connected(),
                (SctpEvent::Lost(reason), _) => self.end(Ended::Lost(reason)),
                (SctpEvent::Readable(stream), _) => self.readable(stream),
                // After a reset that failed the id is of no use, but the channel is closed.
                (SctpEvent::Finished(stream) | SctpEvent::ResetFailed(stream), _) => {
                    self.finished(ChannelId(stream));
                }
                (SctpEvent::Reset(stream), _) => self.released(stream),
            }
        }
    }

    fn connected(&mut self) {
        if self.state != State::Connecting {
            return;
        }
        self.state = State::Connected;
        self.outputs.push_back(Event::Connected);
        let waiting: Vec<ChannelId> = self.channels.keys().copied().collect();
        for id in waiting {
            self.start(id);
        }
    }

    pub(super) fn end(&mut self, ended: Ended) {
        if self.state == State::Ended {
            return;
        }
        self.engine.shutdown();
        self.state = State::Ended;
        self.channels.clear();
        self.refused.clear();
        self.buffered = 0;
        self.messages = 0;
        self.blocked = 0;
        self.outputs.push_back(Event::Ended(ended));
    }

    fn readable(&mut self, stream: u16) {
        let id = ChannelId(stream);
        let Some(entry) = self.channels.get(&id) else {
            return self.begun_by_peer(id);
        };
        match &entry.phase {
            Phase::Open => self.tell_readable(id),
            Phase::Opening { .. } => self.answered(id),
            // It waits for the owner, or for a description, or nobody wants it.
            Phase::Requested { .. }
            | Phase::Early { .. }
            | Phase::Waiting { .. }
            | Phase::Closing { .. }
            | Phase::Resetting => {}
        }
    }

    /// Once is enough until it was polled.
    pub(super) fn tell_readable(&mut self, id: ChannelId) {
        let readable = Event::Readable { id };
        if self.outputs.back() != Some(&readable) {
            self.outputs.push_back(readable);
        }
    }

    /// RFC 8831 §6.7 — our direction is reset.
    pub(super) fn reset(&mut self, id: ChannelId, reason: CloseReason) {
        let resetting = self.engine.reset(self.now, id.0);
        self.forget_buffer(id);
        let Some(entry) = self.channels.get_mut(&id) else {
            return;
        };
        entry.first = None;
        match (&entry.phase, resetting) {
            // Nobody was told of a channel that was never described.
            (Phase::Early { .. }, true) => entry.phase = Phase::Resetting,
            (Phase::Early { .. }, false) => drop(self.channels.remove(&id)),
            (_, true) => entry.phase = Phase::Closing { reason },
            (_, false) => self.closed(id, reason, false),
        }
    }

    /// The peer's direction is reset, and ours will be.
    fn finished(&mut self, id: ChannelId) {
        let Some(entry) = self.channels.get(&id) else {
            return;
        };
        match entry.phase {
            Phase::Closing { reason } => self.closed(id, reason, true),
            Phase::Open | Phase::Opening { .. } | Phase::Requested { .. } => {
                self.closed(id, CloseReason::ByPeer, true);
            }
            Phase::Early { .. } => {
                if let Some(entry) = self.channels.get_mut(&id) {
                    entry.phase = Phase::Resetting;
                    entry.first = None;
                }
            }
            // Of a former channel of that id.
            Phase::Waiting { .. } | Phase::Resetting => {}
        }
    }

    /// A channel is closed; its id stays until the resets are done.
    fn closed(&mut self, id: ChannelId, reason: CloseReason, resetting: bool) {
        self.forget_buffer(id);
        self.outputs.push_back(Event::Closed { id, reason });
        if resetting {
            if let Some(entry) = self.channels.get_mut(&id) {
                entry.phase = Phase::Resetting;
                entry.first = None;
            }
        } else {
            self.channels.remove(&id);
            self.outputs.push_back(Event::Released { id });
        }
    }

    fn released(&mut self, stream: u16) {
        self.refused.remove(&stream);
        let id = ChannelId(stream);
        match self.channels.get(&id).map(|entry| &entry.phase) {
            Some(Phase::Resetting) => {
                self.channels.remove(&id);
                self.outputs.push_back(Event::Released { id });
            }
            Some(Phase::Waiting { .. }) => self.start(id),
            _ => {}
        }
    }
}
