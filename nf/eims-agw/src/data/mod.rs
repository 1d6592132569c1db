//! Data channels of a stream: an SCTP association at each Termination, and what joins them
//! (TS 24.371 §8.4.1, TS 23.334 §5.20.2).
//!
//! ```text
//!   W3                                                                          core
//!   DTLS ─▶ packets ─▶ association ─▶ channel ─▶ join ─▶ channel ─▶ association ─▶ DTLS
//!        ◀─         ◀─             ◀─         ◀─      ◀─         ◀─             ◀─
//! ```
//! - `ends.rs` the two associations and the DTLS of the core side;
//! - `join.rs` channel by channel, message by message;
//! - `action.rs` what Iq asks of a channel.

mod action;
mod ends;
mod join;
mod words;

use std::time::Instant;

use core_iq::{DataLocal, DataSettings, Notification, Refusal, StreamEnd};
use core_w3::Path;
use core_w3::transport::{Event as W3Event, Output as W3Output, Received};

use crate::gateway::Gateway;
use crate::stream::Stream;
use crate::w3_side::{self, W3Side};
use crate::{Arrival, Departure, Output, SocketId};

use ends::Ends;
use join::Join;

/// What only a stream of data channels has.
#[derive(Debug)]
pub(crate) struct Data {
    /// DTLS towards the core, over the first of the stream's two ports.
    core: W3Side,
    ends: Ends,
    join: Join,
}

/// Ours, on both sides.
const SCTP_PORT: u16 = 5000;

/// Whether settings can be at all.
pub(crate) fn check(settings: &DataSettings) -> Result<(), Refusal> {
    let invalid = |reason: &str| Err(Refusal::Invalid(reason.into()));
    if let Some(dtls) = &settings.core_dtls {
        w3_side::check(&words::as_w3(dtls))?;
    }
    for sctp in [settings.w3, settings.core].into_iter().flatten() {
        if sctp.port == 0 {
            return invalid("an SCTP port of 0");
        }
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
    }
    Ok(())
}

impl Data {
    pub(crate) fn new(core: W3Side) -> Self {
        Self {
            core,
            ends: Ends::default(),
            join: Join::default(),
        }
    }

    /// Takes what the eP-CSCF says.
    fn apply(&mut self, now: Instant, settings: &DataSettings) {
        for (end, sctp) in [
            (StreamEnd::W3, settings.w3),
            (StreamEnd::Core, settings.core),
        ] {
            if let Some(sctp) = sctp {
                self.ends.set_sctp(end, sctp);
            }
        }
        if let Some(dtls) = &settings.core_dtls {
            let ours = self.core.local_ice().clone();
            // The far end's restart of ICE does not change our credentials: nobody asks for new ones.
            self.core.apply(now, &words::as_w3(dtls), || ours);
        }
        if let Some(far_end) = settings.far_end {
            self.join.set_far_end(now, &mut self.ends, far_end);
        }
        if let Some(channels) = &settings.channels {
            self.join.negotiate(now, &mut self.ends, channels);
        }
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        let ends = self.ends.poll_timeout();
        self.core.poll_timeout().into_iter().chain(ends).min()
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.core.handle_timeout(now);
        self.ends.handle_timeout(now);
    }
}

impl Gateway {
    /// TS 23.334 §8 — settings of a stream's data channels.
    pub(crate) fn apply_data(&mut self, now: Instant, index: u32, settings: &DataSettings) {
        if let Some(data) = self.data(index) {
            data.apply(now, settings);
        }
        self.place_data(now, index);
    }

    /// The far end's address, or our own port, is known: DTLS towards the core has its way.
    pub(crate) fn place_data(&mut self, now: Instant, index: u32) {
        let Some(stream) = self.streams.at_mut(index) else {
            return;
        };
        let way = stream.core.bound.zip(stream.core.rtp_destination());
        if let (Some(data), Some((bound, remote))) = (&mut stream.data, way) {
            let local = bound.rtp.0.0;
            data.core.set_fixed_path(now, Path { local, remote });
            self.after_data(now, index);
        }
    }

    /// What the SDP towards the core says.
    pub(crate) fn data_local(&self, stream: &Stream) -> Option<DataLocal> {
        let data = stream.data.as_ref()?;
        Some(DataLocal {
            core_ice: data.core.local_ice().clone(),
            core_fingerprint: self.identity.fingerprint().clone(),
            sctp_port: SCTP_PORT,
            max_message_size: ends::MAX_MESSAGE_SIZE,
        })
    }

    /// A datagram towards the core: a check of a far end that has ICE, or DTLS.
    pub(crate) fn data_from_core(
        &mut self,
        now: Instant,
        index: u32,
        arrival: Arrival,
        buffer: &mut [u8],
    ) -> Option<Departure> {
        let path = Path {
            local: arrival.socket.0,
            remote: arrival.source,
        };
        let data = self.data(index)?;
        let received = data.core.handle_datagram(now, path, buffer, arrival.length);
        self.after_data(now, index);
        match received {
            Received::Reply { length } => Some(Departure {
                socket: arrival.socket,
                destination: arrival.source,
                range: 0..length,
            }),
            Received::Dropped | Received::Rtp { .. } | Received::Rtcp { .. } => {
                self.counters.dropped_wrong_source += 1;
                None
            }
            Received::Consumed => None,
        }
    }

    pub(crate) fn data_timeout(&mut self, now: Instant, index: u32) {
        if let Some(data) = self.data(index) {
            data.handle_timeout(now);
        }
    }

    /// Moves what there is between DTLS, SCTP and the join until nothing moves any more, and keeps
    /// the deadline.
    pub(crate) fn after_data(&mut self, now: Instant, index: u32) {
        let Some(stream) = self.streams.at_mut(index) else {
            return;
        };
        let (context, id) = (stream.context, stream.id);
        let Stream { w3, data, .. } = stream;
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
                        W3Event::PathForgotten { path } if end == StreamEnd::W3 => {
                            self.by_path.remove(&path);
                        }
                        W3Event::IceConnected { .. } if end == StreamEnd::W3 => {
                            told.push(core_iq::Event::IceConnected);
                        }
                        W3Event::Silent if end == StreamEnd::W3 => {
                            self.counters.silent += 1;
                            told.push(core_iq::Event::WicSilent);
                        }
                        W3Event::Back if end == StreamEnd::W3 => {
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
