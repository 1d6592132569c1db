use std::collections::{BTreeMap, HashMap, VecDeque};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use bytes::Bytes;
use core_sip::{
    ClientTransactionId, ConnectionId, Output as SipOutput, Random, Source, Target, TimerSet,
    TransactionConfig, Transactions,
};
use wire_sip::Message;

use crate::applications::Asker;
use crate::authentication::Authentication;
use crate::call::{Call, CallId, Calls, Stage, code};
use crate::media::{MediaEvent, MediaReport, VideoReport, VideoSession};
use crate::registration::{Registration, State};
use crate::several::Next;
use crate::sockets::Sockets;
use crate::{Config, Credentials, DataChannelId, Event, NotDone, Output};

/// A WIC: one registration, and few calls; one of them is the current one.
#[derive(Debug)]
pub struct Wic {
    pub(crate) config: Config,
    pub(crate) random: Random,
    pub(crate) transactions: Transactions,
    pub(crate) authentication: Authentication,
    pub(crate) registration: Registration,
    pub(crate) calls: Calls,
    /// The call that is talked in, or that is about to be.
    pub(crate) current: Option<CallId>,
    pub(crate) next: Option<Next>,
    pub(crate) sockets: Sockets,
    /// Who asks on bootstrap channels.
    pub(crate) askers: BTreeMap<DataChannelId, Asker>,
    pub(crate) numbered: u32,
    pub(crate) outputs: VecDeque<Output>,
    /// Our Contact, without parameters of the header field.
    pub(crate) contact: String,
    pub(crate) instance: String,
    link: Link,
    pending: HashMap<ClientTransactionId, Pending>,
}

/// The WebSocket.
#[derive(Debug)]
enum Link {
    /// None is wanted.
    Idle,
    /// One was asked for.
    Connecting { attempts: u32 },
    /// It is open.
    Open(ConnectionId),
    /// The last attempt failed; once more at that time.
    Waiting { attempts: u32, until: Instant },
}

/// What a request of ours is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    Register,
    Invite(CallId),
    Change(CallId),
    /// In a dialog.
    Other(CallId),
    /// Of a call that is over.
    Last,
}

/// A request of ours that has no final response.
#[derive(Debug)]
struct Pending {
    purpose: Purpose,
    /// Without Via, to be sent again.
    request: Message,
    tries: u8,
}

impl Wic {
    /// A WIC that does nothing yet.
    pub fn new(config: Config) -> Self {
        let mut random = Random::new(config.seed);
        let host = format!("{}.invalid", hex(&random.bytes::<6>()));
        let mut transaction_config = TransactionConfig::new(&host);
        transaction_config.refuse_merged = true;
        let transactions = Transactions::new(transaction_config, random.seed());
        let user = config.identity.public.strip_prefix("sip:");
        let user = user.and_then(|rest| rest.split_once('@'));
        let user = user.map_or("wic", |(user, _)| user);
        Self {
            // RFC 7118 §5.1.1: nobody can reach that host; the flow is the way.
            contact: format!("sip:{user}@{host};transport=ws"),
            instance: uuid(random.bytes()),
            registration: Registration::new(random.token(16), config.expires),
            authentication: Authentication::default(),
            calls: Calls::default(),
            current: None,
            next: None,
            sockets: Sockets::new(&config.sockets),
            askers: BTreeMap::new(),
            numbered: 0,
            outputs: VecDeque::new(),
            link: Link::Idle,
            pending: HashMap::new(),
            transactions,
            random,
            config,
        }
    }

    /// Connects and registers, and stays so.
    pub fn start(&mut self) {
        self.link = Link::Connecting { attempts: 0 };
        self.outputs.push_back(Output::Connect);
    }

    /// Ends the registration.
    pub fn stop(&mut self, now: Instant) {
        if self.is_connected() {
            self.unregister(now);
            self.drain(now);
        }
    }

    /// An open socket that media may use: for another call, for video, or after a network change.
    pub fn add_socket(&mut self, local: SocketAddr) {
        self.sockets.add(local);
    }

    /// Gives the WebSocket up and opens another one; calls go on.
    pub fn reconnect(&mut self, now: Instant) -> Result<(), NotDone> {
        if !self.is_connected() {
            return Err(NotDone::NoConnection);
        }
        self.outputs.push_back(Output::Disconnect);
        self.handle_closed(now);
        Ok(())
    }

    /// A new access token, after [`Event::TokenRefused`] or before it expires.
    pub fn set_token(&mut self, now: Instant, token: String) {
        self.config.credentials = Credentials::Token { token };
        if matches!(self.registration.state, State::WaitingForToken) && self.is_connected() {
            self.register(now);
            self.drain(now);
        }
    }

    /// The WebSocket is open.
    pub fn handle_connected(&mut self, now: Instant, connection: ConnectionId) {
        self.link = Link::Open(connection);
        self.register(now);
        self.drain(now);
    }

    /// The WebSocket is gone, or could not be opened. A call goes on, and another one is tried for.
    pub fn handle_closed(&mut self, now: Instant) {
        let attempts = match std::mem::replace(&mut self.link, Link::Idle) {
            Link::Idle => return,
            Link::Open(connection) => {
                self.transactions.handle_connection_closed(now, connection);
                0
            }
            Link::Connecting { attempts } | Link::Waiting { attempts, .. } => attempts + 1,
        };
        if matches!(self.registration.state, State::Ending | State::None) {
            return;
        }
        // At once after a loss; then 1, 2, 4 … 32 s, each with a little chance (RFC 5626 §4.5).
        let wait = if attempts == 0 {
            Duration::from_millis(100)
        } else {
            Duration::from_secs(1 << (attempts - 1).min(5))
        };
        let chance = Duration::from_millis(self.random.below(1 + wait.as_millis() as u64 / 2));
        self.link = Link::Waiting {
            attempts,
            until: now + wait + chance,
        };
        self.drain(now);
        if attempts == 0 {
            self.event(Event::ConnectionLost);
        }
    }

    /// A SIP message from the WebSocket. What is none is dropped.
    pub fn handle_message(&mut self, now: Instant, bytes: Bytes) {
        let Link::Open(connection) = self.link else {
            return;
        };
        let Ok(message) = Message::parse(bytes) else {
            return;
        };
        let nowhere = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
        let source = Source {
            transport: self.config.transport,
            local: nowhere,
            remote: nowhere,
            connection: Some(connection),
        };
        self.transactions.handle_message(now, source, message);
        self.drain(now);
    }

    /// A datagram came to `local`, one of our sockets for media.
    pub fn handle_media(
        &mut self,
        now: Instant,
        local: SocketAddr,
        from: SocketAddr,
        datagram: &[u8],
    ) {
        let Some(call) = self.calls.at(local) else {
            return;
        };
        match &mut call.video {
            Some(video) if video.local() == local => video.handle_datagram(now, from, datagram),
            _ if call.data.as_ref().is_some_and(|data| data.local() == local) => {
                if let Some(data) = &mut call.data {
                    data.handle_datagram(now, from, datagram);
                }
            }
            _ => call.media.handle_datagram(now, from, datagram),
        }
        self.drain_media(now);
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.transactions.handle_timeout(now);
        self.drain(now);
        if let Link::Waiting { attempts, until } = self.link
            && until <= now
        {
            self.link = Link::Connecting { attempts };
            self.outputs.push_back(Output::Connect);
        }
        self.registration_timeout(now);
        for id in self.calls.ids() {
            self.call_timeout(now, id);
        }
        self.drain(now);
        self.drain_media(now);
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let link = match self.link {
            Link::Waiting { until, .. } => Some(until),
            _ => None,
        };
        let registration = self.registration.poll_timeout();
        [
            self.transactions.poll_timeout(),
            registration.filter(|_| self.is_connected()),
            link,
        ]
        .into_iter()
        .flatten()
        .chain(self.calls.iter().filter_map(Call::poll_timeout))
        .min()
    }

    /// What is to be done, one at a time.
    #[must_use]
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Whether the registration stands.
    pub fn is_registered(&self) -> bool {
        self.registration.is_registered()
    }

    /// TS 24.186 — whether the network says that it has data channels (`g.3gpp.datachannel`).
    pub fn network_has_data_channels(&self) -> bool {
        self.registration.data_channels
    }

    /// Whether there is a call, in whatever stage.
    pub fn in_call(&self) -> bool {
        self.calls.len() > 0
    }

    /// The calls that there are, in the order in which they began.
    pub fn calls(&self) -> Vec<CallId> {
        self.calls.ids()
    }

    /// The call that is talked in, that rings, or that is being made: what commands are for.
    pub fn current(&self) -> Option<CallId> {
        self.current
    }

    /// Whether we hold a call, and whether the other end does.
    pub fn holds(&self, id: CallId) -> Option<(bool, bool)> {
        let call = self.calls.seen(id)?;
        Some((call.hold_granted, call.remote_held))
    }

    /// What was heard and said in the current call.
    pub fn media_report(&self) -> Option<&MediaReport> {
        self.media_report_of(self.current?)
    }

    /// What was heard and said in a call.
    pub fn media_report_of(&self, id: CallId) -> Option<&MediaReport> {
        self.calls.seen(id).map(|call| call.media.report())
    }

    /// What was seen and shown in the current call.
    pub fn video_report(&self) -> Option<&VideoReport> {
        self.video_report_of(self.current?)
    }

    /// What was seen and shown in a call, also when there is no video any more.
    pub fn video_report_of(&self, id: CallId) -> Option<&VideoReport> {
        let call = self.calls.seen(id)?;
        let video = call.video.as_ref().map(VideoSession::report);
        video.or(call.seen.as_ref())
    }

    /// Whether there is video in a call.
    pub fn has_video(&self, id: CallId) -> bool {
        self.calls.seen(id).is_some_and(Call::has_video)
    }

    /// Whether the WebSocket is open.
    pub fn is_connected(&self) -> bool {
        matches!(self.link, Link::Open(_))
    }

    pub(crate) fn event(&mut self, event: Event) {
        self.outputs.push_back(Output::Event { event, call: None });
    }

    pub(crate) fn call_event(&mut self, id: CallId, event: Event) {
        let call = Some(id);
        self.outputs.push_back(Output::Event { event, call });
    }

    /// Sends a request with what proves who we are; without a WebSocket it is as good as refused.
    pub(crate) fn send(
        &mut self,
        now: Instant,
        purpose: Purpose,
        mut request: Message,
        tries: u8,
    ) -> Option<ClientTransactionId> {
        let target = self.target()?;
        self.authentication
            .apply(&self.config, &mut self.random, &mut request);
        let id = self
            .transactions
            .send_request(now, target, request.clone(), TimerSet::access());
        let pending = Pending {
            purpose,
            request,
            tries,
        };
        self.pending.insert(id, pending);
        Some(id)
    }

    /// Sends an ACK.
    pub(crate) fn send_ack(&mut self, now: Instant, mut ack: Message) {
        if let Some(target) = self.target() {
            self.authentication
                .apply(&self.config, &mut self.random, &mut ack);
            self.transactions.send(now, target, ack);
        }
    }

    fn target(&self) -> Option<Target> {
        match self.link {
            Link::Open(id) => Some(Target::Connection {
                id,
                transport: self.config.transport,
            }),
            _ => None,
        }
    }

    /// Does what the transactions say, until they say no more.
    pub(crate) fn drain(&mut self, now: Instant) {
        while let Some(output) = self.transactions.poll_output() {
            match output {
                SipOutput::Send { message, .. } => self.outputs.push_back(Output::Send(message)),
                SipOutput::Request { id, message, .. } => self.request(now, id, message),
                SipOutput::Ack { message, .. } => self.ack(now, &message),
                SipOutput::Response { id, message } => self.response(now, id, &message),
                SipOutput::StrayResponse { message, .. } => self.stray_response(now, &message),
                SipOutput::Cancel { id, .. } => self.cancelled(now, id),
                SipOutput::Timeout { id } => self.failed(now, id, 408, "Request Timeout"),
                SipOutput::TransportFailed { id } => {
                    self.failed(now, id, 503, "the connection was lost");
                }
            }
        }
    }

    pub(crate) fn drain_media(&mut self, now: Instant) {
        self.drain_data(now);
        while let Some(local) = self.sockets.poll_closed() {
            self.outputs.push_back(Output::Close(local));
        }
        for id in self.calls.ids() {
            self.drain_media_of(id);
        }
    }

    fn drain_media_of(&mut self, id: CallId) {
        let Some(call) = self.calls.find(id) else {
            return;
        };
        let call_id = Some(id);
        loop {
            let audio = call.media.poll_event();
            let event = audio.or_else(|| call.video.as_mut().and_then(VideoSession::poll_event));
            let Some(event) = event else { return };
            let event = match event {
                MediaEvent::Transmit { from, to, bytes } => {
                    self.outputs.push_back(Output::Transmit { from, to, bytes });
                    continue;
                }
                MediaEvent::Connected(part) => Event::MediaConnected(part),
                MediaEvent::Digit(digit) => Event::Digit(digit),
                // The call itself goes on: the other end, or its edge, will end it.
                MediaEvent::Failed(_) => continue,
            };
            let call = call_id;
            self.outputs.push_back(Output::Event { event, call });
        }
    }

    fn response(&mut self, now: Instant, id: ClientTransactionId, response: &Message) {
        if self.acknowledge_again(now, id) {
            return;
        }
        let Some(status) = response.status() else {
            return;
        };
        let Some(pending) = self.pending.get(&id) else {
            return;
        };
        let (purpose, tries) = (pending.purpose, pending.tries);
        let request = pending.request.clone();
        if status.is_final() {
            self.pending.remove(&id);
        }
        match purpose {
            Purpose::Register => self.register_response(now, response, tries, request),
            Purpose::Invite(call) => {
                self.invite_response(now, id, call, response, tries, request);
            }
            Purpose::Change(call) => self.change_response(now, id, call, response, tries),
            Purpose::Other(call) => {
                if matches!(status.as_u16(), 408 | 481) {
                    self.ended(now, call, code(Some(status)), status.reason());
                }
            }
            Purpose::Last => {}
        }
    }

    fn failed(&mut self, now: Instant, id: ClientTransactionId, status: u16, reason: &str) {
        let Some(pending) = self.pending.remove(&id) else {
            return;
        };
        match pending.purpose {
            // A lost connection is tried again with the next one.
            Purpose::Register if status == 503 => {}
            Purpose::Register => self.registration_failed(now, None, reason.to_owned(), None),
            Purpose::Invite(call) if self.is_invited(call, id) => {
                self.ended(now, call, status, reason);
            }
            Purpose::Change(call) => self.change_failed(now, call, status, reason),
            Purpose::Invite(_) | Purpose::Other(_) | Purpose::Last => {}
        }
    }

    /// Whether a call still waits for that INVITE.
    pub(crate) fn is_invited(&self, call: CallId, id: ClientTransactionId) -> bool {
        let stage = self.calls.seen(call).map(|call| &call.stage);
        matches!(stage, Some(Stage::Inviting { transaction, .. }) if *transaction == id)
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// RFC 9562 §5.4 — a random UUID.
fn uuid(mut bytes: [u8; 16]) -> String {
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let hex = hex(&bytes);
    let parts = [
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..],
    ];
    parts.join("-")
}
