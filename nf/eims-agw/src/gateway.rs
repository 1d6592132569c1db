use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use core_iq::{Event, MediaKind, Notification};
use core_w3::Path;
use core_w3::srtp::Profile;
use core_w3::transport::{Event as W3Event, Output as W3Output, Received};

use crate::addresses::{ByPath, ByUfrag, Keyed};
use crate::context::Context;
use crate::deadlines::Deadlines;
use crate::feedback;
use crate::media::Side;
use crate::opening::PortWish;
use crate::ports::PortPool;
use crate::random::Random;
use crate::slab::Slab;
use crate::stream::Stream;
use crate::w3_side::{self, Identity};
use crate::{Arrival, Config, Counters, Departure, Output, SocketId};

/// One worker of the gateway: it owns its Contexts and answers for its sockets.
#[derive(Debug)]
pub struct Gateway {
    pub(crate) config: Config,
    pub(crate) identity: Identity,
    pub(crate) random: Random,
    /// Where the generations of Contexts begin, so that no name of a worker that sat here before is
    /// one of ours.
    pub(crate) epoch: u32,
    pub(crate) contexts: Slab<Context>,
    pub(crate) streams: Slab<Stream>,
    pub(crate) by_path: ByPath,
    pub(crate) by_ufrag: ByUfrag,
    pub(crate) roles: Vec<Role>,
    pub(crate) ports: PortPool,
    pub(crate) wishes: HashMap<u64, PortWish>,
    pub(crate) next_wish: u64,
    pub(crate) deadlines: Deadlines,
    pub(crate) outputs: VecDeque<Output>,
    /// Streams whose data channels something came for, and when the last came: what follows from it is done once for all
    /// that came together.
    pub(crate) moving: Vec<u32>,
    pub(crate) moved: Option<Instant>,
    pub(crate) counters: Counters,
    /// The SSRC of the RTCP that the gateway itself sends.
    pub(crate) own_ssrc: u32,
}

/// Long enough for a whole frame to have come.
const ONCE_MORE: Duration = Duration::from_secs(1);

/// Whose socket it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    None,
    W3,
    /// Of a pair towards the core: [`Side::W3`] when it is the second Termination's.
    Rtp(u32, Side),
    Rtcp(u32, Side),
}

impl Gateway {
    /// A worker without Contexts. Its W3 sockets are open.
    pub fn new(config: Config, identity: Identity) -> Self {
        let mut random = Random::new(config.seed);
        let by_path = ByPath::with_hasher(Keyed::new(random.bytes()));
        let by_ufrag = ByUfrag::with_hasher(Keyed::new(random.bytes()));
        let own_ssrc = u32::from_be_bytes(random.bytes());
        let epoch = u32::from_be_bytes(random.bytes());
        let mut gateway = Self {
            ports: PortPool::new(config.core_ports.clone()),
            identity,
            random,
            epoch,
            contexts: Slab::new(),
            streams: Slab::new(),
            by_path,
            by_ufrag,
            roles: Vec::new(),
            wishes: HashMap::new(),
            next_wish: 0,
            deadlines: Deadlines::default(),
            outputs: VecDeque::new(),
            moving: Vec::new(),
            moved: None,
            counters: Counters::default(),
            own_ssrc,
            config,
        };
        for index in 0..gateway.config.w3.len() {
            gateway.set_role(gateway.config.w3[index].socket, Role::W3);
        }
        gateway
    }

    /// What is to be done for the gateway, one at a time; to be asked until there is no more, after one datagram or after
    /// all that came together, which costs less.
    #[must_use]
    pub fn poll_output(&mut self) -> Option<Output> {
        if self.outputs.is_empty() {
            self.move_data();
        }
        self.outputs.pop_front()
    }

    /// Does what follows from all that came.
    pub(crate) fn move_data(&mut self) {
        let Some(now) = self.moved.take() else {
            return;
        };
        while let Some(index) = self.moving.pop() {
            self.after_data(now, index);
        }
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.deadlines.next()
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some(index) = self.deadlines.due(now) {
            let Some(stream) = self.streams.at_mut(index) else {
                continue;
            };
            stream.deadline = None;
            stream.w3.handle_timeout(now);
            self.data_timeout(now, index);
            let Some(stream) = self.streams.at_mut(index) else {
                continue;
            };
            let again = stream.video.once_more.take_if(|at| *at <= now).is_some();
            self.after_w3(now, index);
            self.ask_again(now, index);
            if again {
                self.ask_for_key_frame(index, Side::W3, None);
            }
        }
    }

    /// What was done since the beginning.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// How many Contexts there are.
    pub fn contexts(&self) -> usize {
        self.contexts.len()
    }

    pub(crate) fn role(&self, socket: SocketId) -> Role {
        let place = self.roles.get(socket.0 as usize);
        place.copied().unwrap_or(Role::None)
    }

    pub(crate) fn set_role(&mut self, socket: SocketId, role: Role) {
        let index = socket.0 as usize;
        if self.roles.len() <= index {
            self.roles.resize(index + 1, Role::None);
        }
        self.roles[index] = role;
    }

    /// RFC 8445 §7.3 — a connectivity check. Of a known source it is its stream's; a new source
    /// shows by the username which stream it means, and by the password that it may.
    pub(crate) fn check(
        &mut self,
        now: Instant,
        arrival: Arrival,
        buffer: &mut [u8],
    ) -> Option<Departure> {
        let path = Path {
            local: arrival.socket.0,
            remote: arrival.source,
        };
        let Some(index) = w3_side::ufrag_of(&buffer[..arrival.length])
            .and_then(|ufrag| self.by_ufrag.get(ufrag).copied())
        else {
            self.counters.checks_refused += 1;
            return None;
        };
        let stream = self.streams.at_mut(index)?;
        let received = stream.w3.handle_datagram(now, path, buffer, arrival.length);
        let admitted = stream.w3.is_admitted(path);
        let Received::Reply { length } = received else {
            self.counters.checks_refused += 1;
            return None;
        };
        if admitted {
            self.counters.checks_answered += 1;
            self.admit(index, path);
            self.after_w3(now, index);
        } else {
            self.counters.checks_refused += 1;
        }
        Some(Departure {
            socket: arrival.socket,
            destination: arrival.source,
            range: 0..length,
        })
    }

    /// From now on what comes from there is this stream's.
    fn admit(&mut self, index: u32, path: Path) {
        // A port that another call's WIC had before: that one has moved on.
        if let Some(other) = self.by_path.insert(path, index)
            && other != index
            && let Some(other) = self.streams.at_mut(other)
        {
            other.w3.forget(path);
        }
    }

    /// Drains what the W3 side of a stream has to say, and keeps its deadline.
    pub(crate) fn after_w3(&mut self, now: Instant, index: u32) {
        let Some(stream) = self.streams.at_mut(index) else {
            return;
        };
        if stream.data.is_some() {
            return self.after_data(now, index);
        }
        let (context, id) = (stream.context, stream.id);
        let mut connected = false;
        while let Some(output) = stream.w3.poll() {
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
            let event = match event {
                W3Event::IceConnected { .. } => Event::IceConnected,
                W3Event::DtlsConnected { profile } => {
                    self.counters.dtls_connected += 1;
                    connected = true;
                    Event::DtlsConnected {
                        profile: profile.map_or("", Profile::name).to_owned(),
                    }
                }
                W3Event::DtlsFailed { reason } => {
                    self.counters.dtls_failed += 1;
                    Event::DtlsFailed {
                        reason: reason.to_string(),
                    }
                }
                W3Event::Silent => {
                    self.counters.silent += 1;
                    Event::WicSilent
                }
                W3Event::Back => Event::WicBack,
                W3Event::PathForgotten { path } => {
                    self.by_path.remove(&path);
                    continue;
                }
                // Media lines carry no data; a goodbye is said in SIP too, and that one counts.
                W3Event::Moved { .. } | W3Event::Data(_) | W3Event::DtlsClosed => continue,
            };
            self.outputs.push_back(Output::Notification(Notification {
                context,
                stream: id,
                event,
            }));
        }
        self.keep_deadline(index);
        if connected {
            // What the far end sent until now was lost: it is to begin again with a whole frame.
            self.ask_for_key_frame(index, Side::Core, None);
        }
    }

    pub(crate) fn keep_deadline(&mut self, index: u32) {
        if let Some(stream) = self.streams.at_mut(index) {
            let next = stream.next_deadline();
            self.deadlines.set(index, &mut stream.deadline, next);
        }
    }

    /// RFC 4585 §6.2.1 — asks the WIC for what is missing, if the far end cannot.
    pub(crate) fn ask_again(&mut self, now: Instant, index: u32) {
        let own = self.own_ssrc;
        let Some(stream) = self.streams.at_mut(index) else {
            return;
        };
        let Some(gaps) = &mut stream.video.missing_from_w3 else {
            return;
        };
        if let Some((ssrc, missing)) = gaps.ask(now) {
            self.counters.asked_again += missing.len() as u64;
            let request = feedback::nack_request(own, ssrc, &missing);
            self.send_rtcp(index, Side::W3, &request);
        }
        self.keep_deadline(index);
    }

    /// RFC 4585 §6.3.1, RFC 5104 §4.3.1 — asks a side for a key frame, in the words it knows.
    pub(crate) fn ask_for_key_frame(&mut self, index: u32, of: Side, ssrc: Option<u32>) {
        let own = self.own_ssrc;
        let Some(stream) = self.streams.at_mut(index) else {
            return;
        };
        if stream.media != MediaKind::Video {
            return;
        }
        let (takes, known) = match of {
            Side::W3 => (stream.w3_takes(), stream.ssrc_of_wic),
            Side::Core => (stream.core_takes(), stream.ssrc_of_far_end),
        };
        // Nobody has sent yet: what comes first is a whole frame anyway.
        let Some(media) = ssrc.or(known) else {
            return;
        };
        let fir = (takes.fir && !takes.pli).then(|| {
            stream.video.firs = stream.video.firs.wrapping_add(1);
            stream.video.firs
        });
        if self.send_rtcp(index, of, &feedback::key_frame_request(own, media, fir)) {
            self.counters.key_frames_asked += 1;
        }
    }

    /// The far end looks for the first time: the WIC is asked for a whole frame. If the far end
    /// cannot ask for itself when that is lost, the WIC is asked once more; never again and again.
    pub(crate) fn far_end_begins(&mut self, now: Instant, index: u32) {
        self.ask_for_key_frame(index, Side::W3, None);
        if let Some(stream) = self.streams.at_mut(index)
            && stream.media == MediaKind::Video
            && !stream.far_end_asks()
        {
            stream.video.once_more = Some(now + ONCE_MORE);
            self.keep_deadline(index);
        }
    }

    /// Repeats a packet towards the side that missed it.
    pub(crate) fn repeat(&mut self, index: u32, towards: Side, ssrc: u32, sequence: u16) {
        let Some(stream) = self.streams.at_mut(index) else {
            return;
        };
        let way = if towards == Side::W3 && stream.second.is_none() {
            let path = stream.w3.destination();
            path.map(|path| (SocketId(path.local), path.remote))
        } else {
            stream.plain_rtp(towards)
        };
        let sent = match towards {
            Side::W3 => &mut stream.video.sent_to_w3,
            Side::Core => &mut stream.video.sent_to_core,
        };
        if let Some((socket, destination)) = way
            && let Some(bytes) = sent.as_mut().and_then(|sent| sent.repeat(ssrc, sequence))
        {
            self.counters.repeated += 1;
            self.outputs.push_back(Output::Transmit {
                socket,
                destination,
                bytes: bytes.to_vec(),
            });
        }
    }

    /// Sends RTCP of our own to a side, if there is a way.
    fn send_rtcp(&mut self, index: u32, to: Side, compound: &[u8]) -> bool {
        let Some(stream) = self.streams.at_mut(index) else {
            return false;
        };
        let mut bytes = compound.to_vec();
        let way = match to {
            _ if to == Side::Core || stream.second.is_some() => stream.plain_rtcp(to),
            _ => stream.w3.destination().and_then(|path| {
                let length = bytes.len();
                bytes.resize(length + w3_side::RTCP_ROOM, 0);
                let protected = stream.w3.protect_rtcp(&mut bytes, length)?;
                bytes.truncate(protected);
                Some((SocketId(path.local), path.remote))
            }),
        };
        let Some((socket, destination)) = way else {
            return false;
        };
        self.outputs.push_back(Output::Transmit {
            socket,
            destination,
            bytes,
        });
        true
    }
}
