//! The way of a packet: one lookup, decrypt or encrypt in place, out again. Nothing here allocates
//! unless something was lost.

use std::time::Instant;

use core_w3::Path;
use core_w3::srtp::SrtpError;
use core_w3::transport::{Received, SendError};
use wire_rtp::{Kind, RtpPacket};

use crate::feedback::{self, Relayed};
use crate::gateway::{Gateway, Role};
use crate::{Arrival, Departure, SocketId};

impl Gateway {
    /// A datagram came: `buffer` is the whole room it lies in, so that protection can be added.
    ///
    /// RFC 7983 — on W3 the first octet says what it is. What goes on leaves at once, from the same
    /// buffer; whatever else there is to send waits in [`poll_output`](Gateway::poll_output).
    pub fn handle_datagram(
        &mut self,
        now: Instant,
        arrival: Arrival,
        buffer: &mut [u8],
    ) -> Option<Departure> {
        let length = arrival.length;
        if length > buffer.len() || length == 0 {
            self.counters.dropped_malformed += 1;
            return None;
        }
        let kind = Kind::of(&buffer[..length]);
        match (self.role(arrival.socket), kind) {
            (Role::W3, Kind::Stun) => self.check(now, arrival, buffer),
            (Role::W3, Kind::Dtls | Kind::Rtp | Kind::Rtcp) => {
                let path = Path {
                    local: arrival.socket.0,
                    remote: arrival.source,
                };
                let Some(&index) = self.by_path.get(&path) else {
                    self.counters.dropped_unknown_source += 1;
                    return None;
                };
                let stream = self.streams.at_mut(index)?;
                match stream.w3.handle_datagram(now, path, buffer, length) {
                    Received::Rtp { length } => self.rtp_from_w3(now, index, buffer, length),
                    Received::Rtcp { length } => self.rtcp_from_w3(index, buffer, length),
                    Received::Consumed | Received::Reply { .. } if stream.data.is_some() => {
                        self.data_came(now, index);
                        None
                    }
                    Received::Consumed | Received::Reply { .. } => {
                        self.after_w3(now, index);
                        None
                    }
                    Received::Dropped => {
                        if kind == Kind::Dtls || !stream.w3.is_connected() {
                            self.counters.dropped_not_ready += 1;
                        } else {
                            self.counters.dropped_unauthentic += 1;
                        }
                        None
                    }
                }
            }
            (Role::Rtp(index, side), Kind::Stun | Kind::Dtls) if self.has_data(index) => {
                self.data_from_core(now, index, side, arrival, buffer)
            }
            (Role::Rtp(index, Side::Core), Kind::Rtp) => self.rtp_from_core(index, arrival, buffer),
            (Role::Rtp(index, Side::W3), Kind::Rtp) => {
                self.rtp_from_second(now, index, arrival, buffer)
            }
            // RFC 5761 §4: a far end that sends RTCP to the RTP port means RTCP all the same.
            (Role::Rtp(index, side), Kind::Rtcp) => {
                self.plain_rtcp(index, side, arrival, buffer, Port::Rtp)
            }
            (Role::Rtcp(index, side), Kind::Rtcp) => {
                self.plain_rtcp(index, side, arrival, buffer, Port::Rtcp)
            }
            (Role::None, _) => {
                self.counters.dropped_unknown_source += 1;
                None
            }
            _ => {
                self.counters.dropped_malformed += 1;
                None
            }
        }
    }

    /// WIC to far end, decrypted: gate, payload type. A closed gate comes after the decryption, so
    /// that a long hold does not lose the roll-over count (RFC 3711 §3.3.1).
    fn rtp_from_w3(
        &mut self,
        now: Instant,
        index: u32,
        buffer: &mut [u8],
        length: usize,
    ) -> Option<Departure> {
        let stream = self.streams.at_mut(index)?;
        let (ssrc, sequence) = source_and_sequence(&buffer[..length])?;
        stream.ssrc_of_wic = Some(ssrc);
        if !stream.open_to_core() {
            self.counters.dropped_gate += 1;
            return None;
        }
        let Some((socket, destination)) = stream.plain_rtp(Side::Core) else {
            self.counters.dropped_not_ready += 1;
            return None;
        };
        stream.payloads.to_core(buffer);
        if let Some(sent) = &mut stream.video.sent_to_core {
            sent.keep(ssrc, sequence, &buffer[..length]);
        }
        let lost = match &mut stream.video.missing_from_w3 {
            Some(gaps) => gaps.note(now, ssrc, sequence),
            None => false,
        };
        self.counters.relayed_to_core += 1;
        if lost {
            self.ask_again(now, index);
        }
        Some(Departure {
            socket,
            destination,
            range: 0..length,
        })
    }

    /// From the second Termination to the first: as from a WIC, but for the protection.
    fn rtp_from_second(
        &mut self,
        now: Instant,
        index: u32,
        arrival: Arrival,
        buffer: &mut [u8],
    ) -> Option<Departure> {
        let latch = self.config.symmetric_rtp;
        let second = self.streams.at_mut(index)?.second.as_mut()?;
        if !second.admits_rtp(arrival.source, latch) {
            self.counters.dropped_wrong_source += 1;
            return None;
        }
        self.rtp_from_w3(now, index, buffer, arrival.length)
    }

    /// Far end to WIC: source, gate, payload type, protect.
    fn rtp_from_core(
        &mut self,
        index: u32,
        arrival: Arrival,
        buffer: &mut [u8],
    ) -> Option<Departure> {
        let latch = self.config.symmetric_rtp;
        let stream = self.streams.at_mut(index)?;
        if !stream.core.admits_rtp(arrival.source, latch) {
            self.counters.dropped_wrong_source += 1;
            return None;
        }
        let Some((ssrc, sequence)) = source_and_sequence(&buffer[..arrival.length]) else {
            self.counters.dropped_malformed += 1;
            return None;
        };
        stream.ssrc_of_far_end = Some(ssrc);
        if !stream.open_to_w3() {
            self.counters.dropped_gate += 1;
            return None;
        }
        if stream.second.is_some() {
            let Some((socket, destination)) = stream.plain_rtp(Side::W3) else {
                self.counters.dropped_not_ready += 1;
                return None;
            };
            stream.payloads.to_w3(buffer);
            if let Some(sent) = &mut stream.video.sent_to_w3 {
                sent.keep(ssrc, sequence, &buffer[..arrival.length]);
            }
            self.counters.relayed_to_core += 1;
            return Some(Departure {
                socket,
                destination,
                range: 0..arrival.length,
            });
        }
        let Some(path) = stream.w3.destination() else {
            self.counters.dropped_not_ready += 1;
            return None;
        };
        stream.payloads.to_w3(buffer);
        let length = match stream.w3.protect_rtp(buffer, arrival.length) {
            Ok(length) => length,
            Err(SendError::Srtp(SrtpError::Replayed | SrtpError::TooManySources)) => {
                self.counters.dropped_repeated += 1;
                return None;
            }
            Err(_) => {
                self.counters.dropped_malformed += 1;
                return None;
            }
        };
        if let Some(sent) = &mut stream.video.sent_to_w3 {
            sent.keep(ssrc, sequence, &buffer[..length]);
        }
        self.counters.relayed_to_w3 += 1;
        Some(Departure {
            socket: SocketId(path.local),
            destination: path.remote,
            range: 0..length,
        })
    }

    fn rtcp_from_w3(&mut self, index: u32, buffer: &mut [u8], length: usize) -> Option<Departure> {
        let stream = self.streams.at_mut(index)?;
        let relayed = feedback::relay(
            &mut buffer[..length],
            stream.core_takes(),
            stream.video.sent_to_w3.as_ref(),
        );
        let way = stream.plain_rtcp(Side::Core);
        self.after_rtcp(index, &relayed, Side::W3);
        if relayed.length == 0 {
            return None;
        }
        let Some((socket, destination)) = way else {
            self.counters.dropped_not_ready += 1;
            return None;
        };
        self.counters.rtcp_to_core += 1;
        Some(Departure {
            socket,
            destination,
            range: 0..relayed.length,
        })
    }

    /// RTCP of a Termination towards the core: source, then as from that side.
    fn plain_rtcp(
        &mut self,
        index: u32,
        side: Side,
        arrival: Arrival,
        buffer: &mut [u8],
        port: Port,
    ) -> Option<Departure> {
        let latch = self.config.symmetric_rtp;
        let core = self.streams.at_mut(index)?.core_side(side)?;
        let admitted = match port {
            Port::Rtp => core.admits_rtp(arrival.source, latch),
            Port::Rtcp => core.admits_rtcp(arrival.source, latch),
        };
        if !admitted {
            self.counters.dropped_wrong_source += 1;
            return None;
        }
        match side {
            Side::W3 => self.rtcp_from_w3(index, buffer, arrival.length),
            Side::Core => self.rtcp_from_core(index, arrival, buffer),
        }
    }

    fn rtcp_from_core(
        &mut self,
        index: u32,
        arrival: Arrival,
        buffer: &mut [u8],
    ) -> Option<Departure> {
        let stream = self.streams.at_mut(index)?;
        let relayed = feedback::relay(
            &mut buffer[..arrival.length],
            stream.w3_takes(),
            stream.video.sent_to_core.as_ref(),
        );
        self.after_rtcp(index, &relayed, Side::Core);
        if relayed.length == 0 {
            return None;
        }
        let stream = self.streams.at_mut(index)?;
        if stream.second.is_some() {
            let Some((socket, destination)) = stream.plain_rtcp(Side::W3) else {
                self.counters.dropped_not_ready += 1;
                return None;
            };
            self.counters.rtcp_to_core += 1;
            return Some(Departure {
                socket,
                destination,
                range: 0..relayed.length,
            });
        }
        let Some(path) = stream.w3.destination() else {
            self.counters.dropped_not_ready += 1;
            return None;
        };
        let Some(length) = stream.w3.protect_rtcp(buffer, relayed.length) else {
            self.counters.dropped_malformed += 1;
            return None;
        };
        self.counters.rtcp_to_w3 += 1;
        Some(Departure {
            socket: SocketId(path.local),
            destination: path.remote,
            range: 0..length,
        })
    }

    /// What an RTCP packet asked of the gateway itself.
    fn after_rtcp(&mut self, index: u32, relayed: &Relayed, from: Side) {
        if relayed.malformed {
            self.counters.dropped_malformed += 1;
        }
        for &(ssrc, sequence) in &relayed.repeat {
            self.repeat(index, from, ssrc, sequence);
        }
        if let Some(ssrc) = relayed.key_frame {
            let of = match from {
                Side::W3 => Side::Core,
                Side::Core => Side::W3,
            };
            self.ask_for_key_frame(index, of, Some(ssrc));
        }
    }
}

/// One of a stream's two sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    W3,
    Core,
}

/// By which of the two ports towards the core something came.
#[derive(Clone, Copy)]
enum Port {
    Rtp,
    Rtcp,
}

fn source_and_sequence(packet: &[u8]) -> Option<(u32, u16)> {
    let packet = RtpPacket::parse_header(packet).ok()?;
    Some((packet.ssrc(), packet.sequence()))
}
