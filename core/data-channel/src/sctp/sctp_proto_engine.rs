use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use sctp_proto::{
    AssociationError, AssociationHandle, ClientConfig, DatagramEvent, Endpoint, EndpointConfig,
    Error, Event, Payload, PayloadProtocolIdentifier, ReliabilityType, ServerConfig, Stream,
    StreamEvent, TransportConfig,
};

use super::discard::{self, Discard};
use super::horizon::Horizon;
use super::window::Window;
use super::{SctpConfig, SctpEngine, SctpEvent, StreamRefused};
use crate::{PayloadProtocol, Reliability, Role};

/// SCTP by the crate `sctp-proto`.
///
/// It draws random numbers from the system, and once the clock: tests compare what happens, never the
/// bytes.
#[derive(Debug)]
pub struct SctpProto {
    config: SctpConfig,
    transport: Arc<TransportConfig>,
    endpoint: Endpoint,
    state: State,
    window: Window,
    horizon: Horizon,
    discard: Discard,
    /// Associations that the peer began.
    begun: u32,
    /// Packets that the engine gave in one piece.
    packets: std::vec::IntoIter<Bytes>,
    /// It had nothing to send when it was asked last, and nothing has happened since: it looks at all that is under way
    /// for an answer.
    rests: bool,
}

#[derive(Debug)]
enum State {
    /// DTLS does not stand yet.
    Idle,
    /// The peer begins; after a while we do.
    Waiting { until: Instant },
    /// We began. The peer may have too: `theirs` takes the place of ours if nobody answers us.
    Connecting {
        since: Instant,
        ours: Box<Running>,
        theirs: Option<Box<Running>>,
    },
    /// The peer began, or the association stands, or stood.
    Running(Box<Running>),
}

#[derive(Debug)]
struct Running {
    handle: AssociationHandle,
    association: sctp_proto::Association,
}

/// What an SCTP packet may have so that a datagram with all headers has at most 1200 bytes of UDP
/// payload (RFC 8831 §5): 1160, and of these 28 are SCTP's own. Chunks are bundled without a look at
/// their padding: a packet of messages of one byte each has up to 1377.
const PAYLOAD: u32 = 1132;
/// Nobody looks at it: DTLS knows the way.
const NOWHERE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 5000);
/// So many associations may a peer begin until it must begin DTLS anew.
const ASSOCIATIONS: u32 = 8;
/// The other end has that long to begin.
const PATIENCE: Duration = Duration::from_secs(2);
/// The other end has that long to answer our INIT before we answer its own.
const ANSWER: Duration = Duration::from_millis(400);

impl SctpProto {
    /// An association that has not begun.
    pub fn new(config: SctpConfig) -> Self {
        let transport = TransportConfig::default()
            .with_max_receive_buffer_size(config.receive_buffer.max(config.receive_message))
            .with_max_receive_message_size(config.receive_message)
            .with_max_send_message_size(config.send_message)
            // ICE says when the peer is gone (RFC 7675): until then we try.
            .with_max_init_retransmits(None)
            .with_max_data_retransmits(None)
            .with_rto_initial_ms(500)
            .with_rto_min_ms(400)
            // A sender that meets a shut window looks again that often.
            .with_rto_max_ms(3_000)
            .with_local_port(config.local_port)
            .with_remote_port(config.remote_port);
        let transport = Arc::new(transport);
        let mut endpoint = EndpointConfig::default();
        endpoint.max_payload_size(PAYLOAD);
        let mut server = ServerConfig::default();
        server.transport = Arc::clone(&transport);
        Self {
            endpoint: Endpoint::new(Arc::new(endpoint), Some(Arc::new(server))),
            state: State::Idle,
            window: Window::new(config.receive_buffer.max(config.receive_message)),
            horizon: Horizon::default(),
            discard: Discard::default(),
            begun: 0,
            packets: Vec::new().into_iter(),
            rests: false,
            transport,
            config,
        }
    }

    fn connect(&mut self, now: Instant) {
        let mut client = ClientConfig::new();
        client.transport = Arc::clone(&self.transport);
        self.state = match self.endpoint.connect(client, NOWHERE) {
            Ok((handle, mut association)) => {
                association.set_max_send_message_size(self.config.send_message);
                State::Connecting {
                    since: now,
                    ours: Box::new(Running {
                        handle,
                        association,
                    }),
                    theirs: None,
                }
            }
            // It fails for ports that are 0; then the peer may begin, and nothing is tried again.
            Err(_) => State::Idle,
        };
    }

    /// RFC 9260 §5.2.1 — both may begin. The engine cannot answer an INIT in the name of its own: it is
    /// left to the peer to answer ours, and if it does not, ours is given up for the peer's.
    fn begun_by_peer(&mut self, mut running: Box<Running>) {
        self.begun += 1;
        if self.begun >= ASSOCIATIONS {
            self.endpoint.reject_new_associations();
        }
        let size = self.config.send_message;
        running.association.set_max_send_message_size(size);
        match &mut self.state {
            State::Connecting { theirs, .. } => *theirs = Some(running),
            State::Idle | State::Waiting { .. } => self.state = State::Running(running),
            State::Running(_) => {}
        }
    }

    fn handle_event(
        &mut self,
        now: Instant,
        handle: AssociationHandle,
        event: sctp_proto::AssociationEvent,
    ) {
        match &mut self.state {
            State::Running(running) | State::Connecting { ours: running, .. }
                if running.handle == handle =>
            {
                running.association.handle_event(event);
            }
            State::Connecting { since, theirs, .. } if now >= *since + ANSWER => {
                if let Some(mut theirs) = theirs.take_if(|theirs| theirs.handle == handle) {
                    theirs.association.handle_event(event);
                    self.state = State::Running(theirs);
                }
            }
            State::Idle | State::Waiting { .. } | State::Connecting { .. } | State::Running(_) => {}
        }
    }

    fn connected(&mut self) {
        self.rests = false;
        self.state = match std::mem::replace(&mut self.state, State::Idle) {
            State::Connecting { ours, .. } => State::Running(ours),
            other => other,
        };
    }

    /// What nobody reads is not to fill the window.
    fn throw_away(&mut self, now: Instant, stream: u16) {
        while self.read(now, stream).is_some() {}
    }

    fn association(&mut self) -> Option<&mut sctp_proto::Association> {
        self.rests = false;
        self.there()
    }

    /// For what changes nothing.
    fn there(&mut self) -> Option<&mut sctp_proto::Association> {
        match &mut self.state {
            State::Running(running) | State::Connecting { ours: running, .. } => {
                Some(&mut running.association)
            }
            State::Idle | State::Waiting { .. } => None,
        }
    }

    fn stream(&mut self, stream: u16) -> Option<Stream<'_>> {
        self.association()?.stream(stream).ok()
    }
}

impl SctpEngine for SctpProto {
    /// Deviates: RFC 8841 §9.3 lets both ends begin at once; here the DTLS client does, and the other
    /// end after two seconds without an INIT.
    fn start(&mut self, now: Instant) {
        if !matches!(self.state, State::Idle) {
            return;
        }
        match self.config.role {
            Role::Client => self.connect(now),
            Role::Server => {
                self.state = State::Waiting {
                    until: now + PATIENCE,
                };
            }
        }
    }

    fn handle_packet(&mut self, now: Instant, packet: Bytes) {
        if matches!(self.state, State::Running(_)) {
            self.window.came(&packet);
        }
        self.rests = false;
        let length = packet.len();
        let admitted = self.horizon.admit(packet);
        if admitted.as_ref().map(Bytes::len) != Some(length)
            && let Some(again) = self.window.nudge()
        {
            self.handle_packet(now, again);
        }
        let Some(packet) = admitted else {
            return;
        };
        let packet = self.discard.divert(packet);
        match self.endpoint.handle(now, NOWHERE, None, None, packet) {
            Some((handle, DatagramEvent::NewAssociation(association))) => {
                self.begun_by_peer(Box::new(Running {
                    handle,
                    association,
                }));
            }
            Some((handle, DatagramEvent::AssociationEvent(event))) => {
                self.handle_event(now, handle, event);
            }
            None => {}
        }
        if self.discard.takes(discard::NOWHERE) {
            self.throw_away(now, discard::NOWHERE);
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.rests = false;
        match &mut self.state {
            State::Waiting { until } if *until <= now => self.connect(now),
            State::Idle | State::Waiting { .. } => {}
            State::Connecting { ours: running, .. } | State::Running(running) => {
                running.association.handle_timeout(now);
            }
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        match &self.state {
            State::Idle => None,
            State::Waiting { until } => Some(*until),
            State::Connecting { ours: running, .. } | State::Running(running) => {
                running.association.poll_timeout()
            }
        }
    }

    fn poll_packet(&mut self, now: Instant) -> Option<Bytes> {
        let packet = if let Some(packet) = self.packets.next() {
            packet
        } else if self.rests {
            return None;
        } else {
            let Some(transmit) = self.there()?.poll_transmit(now) else {
                self.rests = true;
                return None;
            };
            let Payload::RawEncode(packets) = transmit.payload else {
                return None;
            };
            self.packets = packets.into_iter();
            self.packets.next()?
        };
        if let Some((tsn, nothing_waits)) = self.window.leaves(&packet) {
            self.horizon.acknowledged(tsn, nothing_waits);
        }
        Some(packet)
    }

    fn poll_event(&mut self) -> Option<SctpEvent> {
        loop {
            let event = self.there()?.poll()?;
            self.rests = false;
            let event = match event {
                Event::Connected => {
                    self.connected();
                    SctpEvent::Connected
                }
                Event::HandshakeFailed { reason } | Event::AssociationLost { reason } => {
                    SctpEvent::Lost(reason_of(&reason))
                }
                Event::Stream(StreamEvent::Readable { id }) if self.discard.takes(id) => continue,
                Event::Stream(StreamEvent::Readable { id }) => SctpEvent::Readable(id),
                Event::Stream(StreamEvent::Finished { id }) => {
                    self.discard.end(id);
                    SctpEvent::Finished(id)
                }
                Event::Stream(StreamEvent::ResetComplete { id }) => SctpEvent::Reset(id),
                Event::Stream(StreamEvent::ResetFailed { id, .. }) => SctpEvent::ResetFailed(id),
                _ => continue,
            };
            return Some(event);
        }
    }

    fn open(&mut self, stream: u16) -> Result<(), StreamRefused> {
        let association = self.association().ok_or(StreamRefused::NotThere)?;
        match association.open_stream(stream, PayloadProtocolIdentifier::Unknown) {
            Ok(_) => Ok(()),
            Err(Error::ErrStreamResetPending) => Err(StreamRefused::Resetting),
            Err(Error::ErrStreamAlreadyExist) => match association.stream(stream) {
                // The peer began it. One that we closed is half gone already.
                Ok(stream) if stream.is_writable() && stream.is_readable() => Ok(()),
                _ => Err(StreamRefused::Resetting),
            },
            Err(_) => Err(StreamRefused::NotThere),
        }
    }

    fn set_reliability(&mut self, stream: u16, ordered: bool, reliability: Reliability) {
        let (reliability, value) = match reliability {
            Reliability::Reliable => (ReliabilityType::Reliable, 0),
            Reliability::MaxRetransmits(times) => (ReliabilityType::Rexmit, times),
            Reliability::MaxLifetime(milliseconds) => (ReliabilityType::Timed, milliseconds),
        };
        if let Some(mut stream) = self.stream(stream) {
            // It fails for a stream that is not there, and then nobody misses it.
            let _ = stream.set_reliability_params(!ordered, reliability, value);
        }
    }

    fn write(
        &mut self,
        stream: u16,
        protocol: PayloadProtocol,
        data: Bytes,
    ) -> Result<(), StreamRefused> {
        let mut stream = self.stream(stream).ok_or(StreamRefused::NotThere)?;
        match stream.write_sctp(&data, to_identifier(protocol)) {
            Ok(written) if written == data.len() => Ok(()),
            _ => Err(StreamRefused::NotThere),
        }
    }

    fn read(&mut self, now: Instant, stream: u16) -> Option<(PayloadProtocol, Bytes)> {
        let mut chunks = self.stream(stream)?.read_sctp().ok()??;
        let protocol = from_identifier(chunks.ppi);
        self.horizon.read(chunks.chunks.len());
        let length = chunks.len();
        let data = chunks.next(length).map(|all| all.bytes).unwrap_or_default();
        if let Some(packet) = self.window.read(data.len()) {
            self.handle_packet(now, packet);
        }
        Some((protocol, data))
    }

    fn buffered(&mut self, stream: u16) -> usize {
        self.there()
            .and_then(|association| association.stream(stream).ok())
            .and_then(|stream| stream.buffered_amount().ok())
            .unwrap_or(0)
    }

    fn reset(&mut self, now: Instant, stream: u16) -> bool {
        if self.stream(stream).is_none() {
            return false;
        }
        self.throw_away(now, stream);
        let Some(mut there) = self.stream(stream) else {
            // The peer's reset was behind what was just thrown away.
            return true;
        };
        let resetting = there.close().is_ok();
        if resetting {
            self.discard.begin(stream);
        }
        resetting
    }

    fn set_send_message(&mut self, bytes: u32) {
        self.config.send_message = bytes;
        if let Some(association) = self.association() {
            association.set_max_send_message_size(bytes);
        }
    }

    fn shutdown(&mut self) {
        if let Some(association) = self.association() {
            // It fails if the association does not stand, and then nothing is left to end.
            let _ = association.shutdown();
        }
    }
}

fn to_identifier(protocol: PayloadProtocol) -> PayloadProtocolIdentifier {
    match protocol {
        PayloadProtocol::Dcep => PayloadProtocolIdentifier::Dcep,
        PayloadProtocol::String => PayloadProtocolIdentifier::String,
        PayloadProtocol::Binary => PayloadProtocolIdentifier::Binary,
        PayloadProtocol::StringEmpty => PayloadProtocolIdentifier::StringEmpty,
        PayloadProtocol::BinaryEmpty => PayloadProtocolIdentifier::BinaryEmpty,
        PayloadProtocol::Other => PayloadProtocolIdentifier::Unknown,
    }
}

fn from_identifier(identifier: PayloadProtocolIdentifier) -> PayloadProtocol {
    match identifier {
        PayloadProtocolIdentifier::Dcep => PayloadProtocol::Dcep,
        PayloadProtocolIdentifier::String => PayloadProtocol::String,
        PayloadProtocolIdentifier::Binary => PayloadProtocol::Binary,
        PayloadProtocolIdentifier::StringEmpty => PayloadProtocol::StringEmpty,
        PayloadProtocolIdentifier::BinaryEmpty => PayloadProtocol::BinaryEmpty,
        PayloadProtocolIdentifier::Unknown => PayloadProtocol::Other,
    }
}

fn reason_of(reason: &AssociationError) -> String {
    reason.to_string()
}
