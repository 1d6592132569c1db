use std::collections::VecDeque;
use std::time::Instant;

use super::{DtlsEngine, DtlsError, DtlsOutput, Fingerprint, Role};
use crate::srtp::KeyingMaterial;

/// One DTLS association, from the first ClientHello to the last goodbye.
///
/// ```text
///   handshake ─▶ certificate, keys ─▶ done ─▶ fingerprint announced? ─ no ─▶ wait for it
///                                                  │ yes: fits? ─ no ─▶ failed
///                                                  ▼
///                                              connected: keys are given out
/// ```
#[derive(Debug)]
pub struct Association {
    engine: Box<dyn DtlsEngine>,
    role: Role,
    state: State,
    events: VecDeque<AssociationEvent>,
}

/// A datagram, and a little.
const ROOM: usize = 2048;

#[derive(Debug)]
enum State {
    Handshaking {
        certificate: Option<Vec<u8>>,
        keys: Option<KeyingMaterial>,
        done: bool,
    },
    /// RFC 5763 §5 — the handshake was faster than the answer with the fingerprint.
    Unverified {
        certificate: Vec<u8>,
        keys: Option<KeyingMaterial>,
    },
    Connected,
    Failed,
}

/// What an association does.
#[derive(Clone, Debug)]
pub enum AssociationEvent {
    /// Send this datagram.
    Transmit(Vec<u8>),
    /// The peer is the announced one, and these are the keys, if a profile was agreed.
    Connected(Option<KeyingMaterial>),
    /// Application data.
    Data(Vec<u8>),
    /// There is no association, and there will be none.
    Failed(DtlsError),
    /// The peer said goodbye.
    Closed,
}

impl Association {
    /// An association in one role. A client begins with the first
    /// [`handle_timeout`](Self::handle_timeout).
    pub fn new(engine: Box<dyn DtlsEngine>, role: Role) -> Self {
        Self {
            engine,
            role,
            state: State::Handshaking {
                certificate: None,
                keys: None,
                done: false,
            },
            events: VecDeque::new(),
        }
    }

    /// Our role.
    pub fn role(&self) -> Role {
        self.role
    }

    /// Whether the handshake is done and the peer is the announced one.
    pub fn is_connected(&self) -> bool {
        matches!(self.state, State::Connected)
    }

    /// A datagram from the peer.
    pub fn handle_packet(&mut self, now: Instant, packet: &[u8], announced: &[Fingerprint]) {
        let result = self.engine.handle_packet(now, packet);
        self.after(result, announced);
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Instant, announced: &[Fingerprint]) {
        let result = self.engine.handle_timeout(now);
        self.after(result, announced);
    }

    /// The peer's fingerprints are known now.
    pub fn handle_fingerprints(&mut self, announced: &[Fingerprint]) {
        self.verify(announced);
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due.
    pub fn poll_timeout(&self) -> Option<Instant> {
        match self.state {
            State::Failed => None,
            _ => self.engine.poll_timeout(),
        }
    }

    /// What is to be done, one at a time.
    #[must_use]
    pub fn poll_event(&mut self) -> Option<AssociationEvent> {
        self.events.pop_front()
    }

    /// Sends application data.
    pub fn send(&mut self, data: &[u8]) -> Result<(), DtlsError> {
        if !self.is_connected() {
            return Err(DtlsError::NotConnected);
        }
        let result = self.engine.send(data);
        self.after(Ok(()), &[]);
        result
    }

    /// Says goodbye.
    pub fn close(&mut self) {
        self.engine.close();
        self.after(Ok(()), &[]);
    }

    fn after(&mut self, result: Result<(), DtlsError>, announced: &[Fingerprint]) {
        if matches!(self.state, State::Failed) {
            return;
        }
        // Most of what comes has a place here; an association that rests keeps none.
        let mut usual = [0; ROOM];
        let mut large = Vec::new();
        loop {
            let room = if large.is_empty() {
                &mut usual[..]
            } else {
                &mut large
            };
            let Some(output) = self.engine.poll_output(room) else {
                break;
            };
            let bytes = |length| room.get(..length).unwrap_or_default().to_vec();
            match (output, &mut self.state) {
                (DtlsOutput::NoRoom(needed), _) => large = vec![0; needed],
                (DtlsOutput::Packet(length), _) => {
                    let packet = bytes(length);
                    self.events.push_back(AssociationEvent::Transmit(packet));
                }
                (DtlsOutput::PeerCertificate(length), State::Handshaking { certificate, .. }) => {
                    *certificate = Some(bytes(length));
                }
                (DtlsOutput::Keys(material), State::Handshaking { keys, .. }) => {
                    *keys = Some(material);
                }
                (DtlsOutput::Connected, State::Handshaking { done, .. }) => *done = true,
                (DtlsOutput::Data(length), State::Connected) => {
                    let data = bytes(length);
                    self.events.push_back(AssociationEvent::Data(data));
                }
                (DtlsOutput::Closed, _) => self.events.push_back(AssociationEvent::Closed),
                // Data of a peer that is not verified is dropped.
                (
                    DtlsOutput::Connected
                    | DtlsOutput::PeerCertificate(_)
                    | DtlsOutput::Keys(_)
                    | DtlsOutput::Data(_),
                    _,
                ) => {}
            }
        }
        if let Err(error) = result {
            return self.fail(error);
        }
        self.complete(announced);
    }

    /// The handshake is done, and all that it gives was given: keys come in the same breath.
    fn complete(&mut self, announced: &[Fingerprint]) {
        if let State::Handshaking {
            certificate,
            keys,
            done: true,
        } = &mut self.state
        {
            let keys = keys.take();
            // RFC 5763 §5: both ends have certificates; we demand one of a client.
            match certificate.take() {
                Some(certificate) => {
                    self.state = State::Unverified { certificate, keys };
                    self.verify(announced);
                }
                None => self.fail(DtlsError::WrongFingerprint),
            }
        }
    }

    /// RFC 5763 §5, RFC 8122 §6.2.
    fn verify(&mut self, announced: &[Fingerprint]) {
        let State::Unverified { certificate, keys } = &self.state else {
            return;
        };
        if announced.is_empty() {
            return;
        }
        match Fingerprint::verify(announced, certificate) {
            Ok(()) => {
                let connected = AssociationEvent::Connected(keys.clone());
                self.events.push_back(connected);
                self.state = State::Connected;
            }
            Err(error) => self.fail(error),
        }
    }

    fn fail(&mut self, error: DtlsError) {
        self.state = State::Failed;
        self.events.push_back(AssociationEvent::Failed(error));
    }
}
