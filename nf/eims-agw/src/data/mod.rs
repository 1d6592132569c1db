//! Data channels of a stream: an SCTP association at each Termination, and what joins them
//! (TS 24.371 §8.4.1, TS 23.334 §5.20.2).
//!
//! ```text
//!   W3                                                                          core
//!   DTLS ─▶ packets ─▶ association ─▶ channel ─▶ join ─▶ channel ─▶ association ─▶ DTLS
//!        ◀─         ◀─             ◀─         ◀─      ◀─         ◀─             ◀─
//! ```
//! - `names.rs` which DTLS association it is;
//! - `ends.rs` the two SCTP associations;
//! - `join.rs` channel by channel, message by message; `negotiated.rs` those of SDP; `draining.rs` those
//!   that it has dropped;
//! - `action.rs` what Iq asks of a channel.

mod action;
mod draining;
mod ends;
mod join;
mod names;
mod negotiated;
mod pace;
mod words;

use std::time::Instant;

use core_iq::{
    DataLocal, DataSettings, DtlsSettings, Notification, Refusal, StreamEnd, StreamSettings,
};
use core_w3::Path;
use core_w3::transport::{Event as W3Event, Output as W3Output, Received};
use wire_rtp::Kind;

use crate::gateway::Gateway;
use crate::media::Side;
use crate::random::Random;
use crate::stream::Stream;
use crate::w3_side::{self, W3Side};
use crate::{Arrival, Departure, Output, SocketId};

use ends::Ends;
use join::Join;
use names::Names;

/// What only a stream of data channels has.
#[derive(Debug)]
pub(crate) struct Data {
    /// DTLS towards the core, over the first of the stream's two ports.
    core: W3Side,
    ends: Ends,
    join: Join,
    /// Of the DTLS associations of W3 and of the core.
    names: [Names; 2],
}

/// Ours, on both sides.
const SCTP_PORT: u16 = 5000;

/// Whether settings can be at all.
pub(crate) fn check(settings: &DataSettings) -> Result<(), Refusal> {
    let invalid = |reason: &str| Err(Refusal::Invalid(reason.into()));
    if let Some(dtls) = &settings.core_dtls {
        check_dtls(dtls)?;
    }
    names::check(settings.w3_tls_id.as_deref())?;
    for sctp in [settings.w3, settings.core].into_iter().flatten() {
        if sctp.port == 0 {
            return invalid("an SCTP port of 0");
        }
    }
    if let Some(awaited) = &settings.awaited
        && (awaited.len() > DataSettings::MAX_CHANNELS
            || awaited
                .iter()
                .any(|one| one.label.len() > DataSettings::MAX_NAME))
    {
        return invalid("data channels awaited that are too many, or a label that is too long");
    }
    let Some(channels) = &settings.channels else {
        return Ok(());
    };
    if channels.len() > DataSettings::MAX_CHANNELS {
        return invalid("too many data channels");
    }
    for (position, one) in channels.iter().enumerate() {
        if one.id == u16::MAX || channels[..position].iter().any(|other| other.id == one.id) {
            return invalid("a data channel's id that cannot be, or is there twice");
        }
        let names = [&one.channel.label, &one.channel.protocol];
        if names.iter().any(|name| name.len() > DataSettings::MAX_NAME) {
            return invalid("a data channel's label or subprotocol that is too long");
        }
    }
    Ok(())
}

/// Whether DTLS can be so.
pub(crate) fn check_dtls(dtls: &DtlsSettings) -> Result<(), Refusal> {
    names::check(dtls.remote_tls_id.as_deref())?;
    w3_side::check(&words::as_w3(dtls))
}

impl Data {
    pub(crate) fn new(core: W3Side, random: &mut Random) -> Self {
        Self {
            names: [Names::new(random), Names::new(random)],
            core,
            ends: Ends::default(),
            join: Join::default(),
        }
    }

    /// Takes what the eP-CSCF says; says whether there is something to be told of it. `w3` is the other
    /// Termination's DTLS.
    fn apply(
        &mut self,
        now: Instant,
        settings: &StreamSettings,
        w3: &mut W3Side,
        random: &mut Random,
    ) -> bool {
        let nothing = DataSettings::default();
        let said = settings.data.as_deref().unwrap_or(&nothing);
        for (end, sctp) in [(StreamEnd::W3, said.w3), (StreamEnd::Core, said.core)] {
            if let Some(sctp) = sctp {
                self.ends.set_sctp(end, sctp);
            }
        }
        let second = settings.second.as_ref().and_then(|s| s.dtls.as_ref());
        let second_tls_id = second.and_then(|dtls| dtls.remote_tls_id.as_deref());
        let core = said.core_dtls.as_ref();
        let core_tls_id = core.and_then(|dtls| dtls.remote_tls_id.as_deref());
        let mut news = false;
        for (end, transport, dtls, tls_id) in [
            (
                StreamEnd::W3,
                w3,
                second,
                said.w3_tls_id.as_deref().or(second_tls_id),
            ),
            (StreamEnd::Core, &mut self.core, core, core_tls_id),
        ] {
            let offered = said.offered == Some(end);
            if let Some(dtls) = dtls {
                let ours = transport.local_ice().clone();
                // RFC 8839 §4.4.1.1.1: an answer to what we offered is no restart.
                let restarted = transport.apply(now, &words::as_w3(dtls), || {
                    if offered {
                        w3_side::credentials(random)
                    } else {
                        ours
                    }
                });
                news |= restarted && offered;
                while transport.stale_ufrag().is_some() {}
            }
            let name = &mut self.names[names::place(end)];
            if name.is_other(now, tls_id, transport) {
                let reason = "DTLS begins anew".to_owned();
                self.join.lost(now, &mut self.ends, end, reason);
                if offered {
                    name.renew(random);
                    news = true;
                }
            }
        }
        if let Some(awaited) = &said.awaited {
            self.join.set_awaited(now, &mut self.ends, awaited);
        }
        if let Some(far_end) = said.far_end {
            self.join.set_far_end(now, &mut self.ends, far_end);
        }
        if let Some(channels) = &said.channels {
            self.join.negotiate(now, &mut self.ends, channels);
            news |= !self.join.refused().is_empty();
        }
        news
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        let ends = self.ends.poll_timeout();
        let times = self.core.poll_timeout().into_iter().chain(ends);
        times.chain(self.join.poll_timeout()).min()
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.core.handle_timeout(now);
        self.ends.handle_timeout(now);
        self.join.handle_timeout(now, &mut self.ends);
    }
}

impl Gateway {
    /// TS 23.334 §8 — settings of a stream, as far as its data channels go; says whether there is
    /// something to be told of it.
    pub(crate) fn apply_data(
        &mut self,
        now: Instant,
        index: u32,
        settings: &StreamSettings,
    ) -> bool {
        let Some(stream) = self.streams.at_mut(index) else {
            return false;
        };
        let Some(data) = &mut stream.data else {
            return false;
        };
        let news = data.apply(now, settings, &mut stream.w3, &mut self.random);
        self.place_data(now, index);
        news
    }

    /// The far end's address, or our own port, is known: DTLS towards the core has its way.
    pub(crate) fn place_data(&mut self, now: Instant, index: u32) {
        let Some(stream) = self.streams.at_mut(index) else {
            return;
        };
        if stream.data.is_none() {
            return;
        }
        for side in [Side::W3, Side::Core] {
            let Some((socket, remote)) = stream.plain_rtp(side) else {
                continue;
            };
            let local = socket.0;
            if let Some(transport) = stream.dtls(side) {
                transport.set_fixed_path(now, Path { local, remote });
            }
        }
        self.after_data(now, index);
    }

    /// What the SDP says of data channels.
    pub(crate) fn data_local(&self, stream: &Stream) -> Option<DataLocal> {
        let data = stream.data.as_ref()?;
        let name = |end| data.names[names::place(end)].ours();
        Some(DataLocal {
            core_ice: data.core.local_ice().clone(),
            core_fingerprint: self.identity.fingerprint().clone(),
            w3_tls_id: name(StreamEnd::W3),
            core_tls_id: name(StreamEnd::Core),
            sctp_port: SCTP_PORT,
            max_message_size: ends::MAX_MESSAGE_SIZE,
            refused: data.join.refused().to_vec(),
        })
    }

    /// A datagram towards the core: a check of a far end that has ICE, or DTLS.
    pub(crate) fn data_from_core(
        &mut self,
        now: Instant,
        index: u32,
        side: Side,
        arrival: Arrival,
        buffer: &mut [u8],
    ) -> Option<Departure> {
        let path = Path {
            local: arrival.socket.0,
            remote: arrival.source,
        };
        let check = Kind::of(&buffer[..arrival.length]) == Kind::Stun;
        let transport = self.streams.at_mut(index)?.dtls(side)?;
        let received = transport.handle_datagram(now, path, buffer, arrival.length);
        let admitted = transport.is_admitted(path);
        self.data_came(now, index);
        let counters = &mut self.counters;
        let counter = match received {
            Received::Reply { .. } if admitted => &mut counters.checks_answered,
            Received::Reply { .. } => &mut counters.checks_refused,
            Received::Consumed => return None,
            _ if check => &mut counters.checks_refused,
            _ if !admitted => &mut counters.dropped_wrong_source,
            _ => &mut counters.dropped_not_ready,
        };
        *counter += 1;
        match received {
            Received::Reply { length } => Some(Departure {
                socket: arrival.socket,
                destination: arrival.source,
                range: 0..length,
            }),
            _ => None,
        }
    }

    pub(crate) fn data_timeout(&mut self, now: Instant, index: u32) {
        if let Some(data) = self.data(index) {
            data.handle_timeout(now);
        }
    }

    /// A datagram came for a stream's data channels.
    pub(crate) fn data_came(&mut self, now: Instant, index: u32) {
        self.moved = Some(now);
        if !self.moving.contains(&index) {
            self.moving.push(index);
        }
    }

    /// Moves what there is between DTLS, SCTP and the join until nothing moves any more, and keeps
    /// the deadline.
    pub(crate) fn after_data(&mut self, now: Instant, index: u32) {
        let Some(stream) = self.streams.at_mut(index) else {
            return;
        };
        let (context, id) = (stream.context, stream.id);
        let Stream {
            w3, data, second, ..
        } = stream;
        let Some(data) = data else {
            return;
        };
        let mut told = Vec::new();
        let mut moved = true;
        while moved {
            moved = false;
            for end in [StreamEnd::W3, StreamEnd::Core] {
                let transport = match end {
                    StreamEnd::W3 => &mut *w3,
                    StreamEnd::Core => &mut data.core,
                };
                let wic = end == StreamEnd::W3 && second.is_none();
                while let Some(output) = transport.poll() {
                    moved = true;
                    let event = match output {
                        W3Output::Transmit { path, bytes } => {
                            self.outputs.push_back(Output::Transmit {
                                socket: SocketId(path.local),
                                destination: path.remote,
                                bytes,
                            });
                            continue;
                        }
                        W3Output::Event(event) => event,
                    };
                    match event {
                        W3Event::Data(packet) => data.ends.handle_packet(now, end, packet),
                        W3Event::DtlsConnected { .. } => {
                            self.counters.dtls_connected += 1;
                            if let Some(role) = transport.role() {
                                data.join.ended(now, &mut data.ends, end);
                                data.ends.begin(now, end, role);
                                data.join.begun(now, &mut data.ends, end);
                            }
                        }
                        W3Event::DtlsFailed { reason } => {
                            self.counters.dtls_failed += 1;
                            let reason = reason.to_string();
                            data.join.ended(now, &mut data.ends, end);
                            told.push(core_iq::Event::DataEnded { end, reason });
                        }
                        W3Event::DtlsClosed => {
                            let reason = "the peer closed DTLS".to_owned();
                            data.join.lost(now, &mut data.ends, end, reason);
                        }
                        W3Event::PathForgotten { path } if wic => {
                            // Somebody else may have it by now.
                            if self.by_path.get(&path) == Some(&index) {
                                self.by_path.remove(&path);
                            }
                        }
                        W3Event::IceConnected { .. } if wic => {
                            told.push(core_iq::Event::IceConnected);
                        }
                        W3Event::Silent if wic => {
                            self.counters.silent += 1;
                            told.push(core_iq::Event::WicSilent);
                        }
                        W3Event::Back if wic => {
                            told.push(core_iq::Event::WicBack);
                        }
                        W3Event::PathForgotten { .. }
                        | W3Event::IceConnected { .. }
                        | W3Event::Silent
                        | W3Event::Back
                        | W3Event::Moved { .. } => {}
                    }
                }
                while let Some(output) = data.ends.poll_output(end) {
                    moved = true;
                    match output {
                        core_data_channel::Output::Packet(packet) => {
                            // Without DTLS the packet is lost, as on any network.
                            let _ = transport.send_data(&packet);
                        }
                        core_data_channel::Output::Event(event) => {
                            data.join.handle_event(now, &mut data.ends, end, event);
                        }
                    }
                }
            }
        }
        self.counters.channels_too_fast += data.join.take_too_fast();
        told.extend(data.join.take_events());
        for event in told {
            self.outputs.push_back(Output::Notification(Notification {
                context,
                stream: id,
                event,
            }));
        }
        self.keep_deadline(index);
    }

    pub(crate) fn has_data(&self, index: u32) -> bool {
        self.streams
            .at(index)
            .is_some_and(|stream| stream.data.is_some())
    }

    fn data(&mut self, index: u32) -> Option<&mut Data> {
        self.streams.at_mut(index)?.data.as_deref_mut()
    }
}

impl Stream {
    /// DTLS over the port of a side.
    fn dtls(&mut self, side: Side) -> Option<&mut W3Side> {
        match side {
            Side::W3 => Some(&mut self.w3),
            Side::Core => Some(&mut self.data.as_mut()?.core),
        }
    }
}
