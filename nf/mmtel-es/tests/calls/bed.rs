//! The enabler with a scripted UE, a gateway that agrees, and a store that writes.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use api_mmtel_es::dc_app_call::{DcCallReq, DcCallResp, DcMediaUpdateReq, DcMediaUpdateResp};
use api_mmtel_es::dc_app_management::DcAppConfigReq;
use api_mmtel_es::{ProblemDetails, read};
use core_iq::{
    AnchoredStream, ChannelAction, Command, ContextId, CoreLocal, DataLocal, Event, Fingerprint,
    IceCredentials, MediaKind, Notification, Refusal, Reply, RequestId, Reserved, ReservedStream,
    StreamId, W3Local,
};
use core_sip::{Source, Transport, reply};
use nf_mmtel_es::calls::{Ask, AskId, Calls, CallsConfig, CommitId, Output, Told};
use nf_mmtel_es::{Applications, Change, Checked, Consumer, Notice, Settings, StoredSession};
use serde_json::{Value, json};
use testbed::Clock;
use wire_sip::{HeaderName, Message, Method, StatusCode};

pub(crate) const ENABLER: &str = "192.0.2.10:5080";
pub(crate) const CORE: &str = "192.0.2.1:5060";
pub(crate) const BOB: &str = "sip:bob@ims.example.com";
pub(crate) const TARGET: &str = "https://as.example.com/dc";

/// All of it.
pub(crate) struct Bed {
    pub(crate) clock: Clock,
    pub(crate) calls: Calls,
    pub(crate) applications: Applications,
    /// What the gateway was asked.
    pub(crate) asked: Vec<Command>,
    /// What it still has to say, when it is not to answer at once.
    pub(crate) gateway: Gateway,
    /// What the UEs got, oldest first.
    pub(crate) sip: VecDeque<Message>,
    pub(crate) replies: VecDeque<(AskId, Result<Told, Box<ProblemDetails>>)>,
    pub(crate) sessions: Vec<StoredSession>,
    pub(crate) told: VecDeque<Notice>,
    /// Commits that are not done yet, when the store is slow.
    pub(crate) uncommitted: Vec<CommitId>,
    pub(crate) slow_store: bool,
    /// What a gateway that thinks was asked.
    pub(crate) unanswered: Vec<(RequestId, Command)>,
    next_ask: u64,
    next_port: u16,
}

/// How the gateway answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Gateway {
    Agrees,
    Refuses(Refusal),
    /// Not yet: what it is asked waits.
    Thinks,
}

pub(crate) fn consumer() -> Consumer {
    Consumer::Client("provider".into())
}

impl Bed {
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    pub(crate) fn with(change: impl FnOnce(&mut CallsConfig)) -> Self {
        let address: SocketAddr = ENABLER.parse().unwrap();
        let mut config = CallsConfig::new(
            address,
            &format!("sip:{CORE};lr"),
            "sip:enabler@ims.example.com",
        );
        change(&mut config);
        Self {
            clock: Clock::new(),
            calls: Calls::new(config, [1; 32]),
            applications: Applications::new(Settings::default(), [2; 32], []),
            asked: Vec::new(),
            gateway: Gateway::Agrees,
            sip: VecDeque::new(),
            replies: VecDeque::new(),
            sessions: Vec::new(),
            told: VecDeque::new(),
            uncommitted: Vec::new(),
            slow_store: false,
            unanswered: Vec::new(),
            next_ask: 0,
            next_port: 20_000,
        }
    }

    /// An application of the provider.
    pub(crate) fn application(&mut self) -> String {
        self.application_of("1")
    }

    /// One of that version: the same twice is the same application.
    pub(crate) fn application_of(&mut self, version: &str) -> String {
        let body = json!({
            "reqId": "provider", "dcAppNum": 1,
            "dcAppConfigParamList": [{ "appIndex": "1", "appVer": version }],
        });
        let request: DcAppConfigReq = read(body.to_string().as_bytes()).expect("well formed");
        let checked = Checked::configuration(request, &self.applications.settings().package);
        let outcome = self.applications.configure(&consumer(), checked, 0);
        let reply = outcome.reply.expect("configured");
        reply.list[0].app_id.clone().expect("its identifier")
    }

    pub(crate) fn ask(&mut self, body: &Value) -> AskId {
        let request: DcCallReq = read(body.to_string().as_bytes()).expect("well formed");
        self.ask_as(&consumer(), Ask::Call(request))
    }

    pub(crate) fn update(&mut self, body: &Value) -> AskId {
        let request: DcMediaUpdateReq = read(body.to_string().as_bytes()).expect("well formed");
        self.ask_as(&consumer(), Ask::UpdateMedia(request))
    }

    pub(crate) fn ask_as(&mut self, who: &Consumer, ask: Ask) -> AskId {
        let id = AskId(self.next_ask);
        self.next_ask += 1;
        let now = self.clock.now();
        self.calls
            .handle_ask(now, 1_000, id, who, ask, &self.applications);
        self.drain();
        id
    }

    /// Works off what the enabler has to say.
    pub(crate) fn drain(&mut self) {
        while let Some(output) = self.calls.poll_output() {
            match output {
                Output::Send { message, .. } => {
                    let message = Message::parse(message).expect("a SIP message");
                    self.sip.push_back(message);
                }
                Output::Iq { id, command } => self.iq(id, command),
                Output::Commit { id, changes } => {
                    for change in changes {
                        match change {
                            Change::PutSession(session) => {
                                self.sessions.retain(|one| one.id != session.id);
                                self.sessions.push(session);
                            }
                            Change::RemoveSession(id) => {
                                self.sessions.retain(|one| one.id != id);
                            }
                            Change::Notify(notice) => self.told.push_back(notice),
                            other => panic!("calls change sessions alone, not {other:?}"),
                        }
                    }
                    if self.slow_store {
                        self.uncommitted.push(id);
                    } else {
                        self.calls.handle_committed(self.clock.now(), id);
                    }
                }
                Output::Reply { ask, result } => self.replies.push_back((ask, result)),
                Output::Resolve { host } => panic!("nothing to look up: {host}"),
            }
        }
    }

    /// The gateway has thought about it.
    pub(crate) fn gateway_answers(&mut self, gateway: Gateway) {
        self.gateway = gateway;
        for (id, command) in std::mem::take(&mut self.unanswered) {
            self.iq(id, command);
        }
        self.drain();
    }

    /// The gateway that thinks has not what it was asked for; of what comes of that it thinks on.
    pub(crate) fn gateway_refuses(&mut self) {
        for (id, command) in std::mem::take(&mut self.unanswered) {
            self.asked.push(command);
            let refused = Err(Refusal::UnknownStream);
            self.calls.handle_iq_reply(self.clock.now(), id, refused);
        }
        self.drain();
    }

    fn iq(&mut self, id: RequestId, command: Command) {
        let result = match (&self.gateway, &command) {
            (Gateway::Thinks, _) => return self.unanswered.push((id, command)),
            (_, Command::Release { .. }) => Ok(Reply::Released),
            (Gateway::Refuses(refusal), _) => Err(refusal.clone()),
            (Gateway::Agrees, Command::Reserve { context, streams }) => {
                let context = context.unwrap_or(ContextId(7));
                let mut reserved = Reserved::nothing(context);
                for stream in streams {
                    self.next_port += 2;
                    let one = local(stream.stream, stream.media, self.next_port);
                    if stream.second.is_none() {
                        reserved.streams.push(one);
                        continue;
                    }
                    self.next_port += 2;
                    let other = local(stream.stream, stream.media, self.next_port);
                    reserved.anchored.push(AnchoredStream {
                        stream: one.stream,
                        core: one.core,
                        second: other.core,
                        second_ice: one.data.is_some().then(|| one.w3.ice.clone()),
                        data: one.data,
                    });
                }
                Ok(Reply::Reserved(reserved))
            }
            (Gateway::Agrees, Command::Channel { action, .. }) => Ok(match action {
                ChannelAction::Open { .. } => Reply::ChannelOpening { id: 1 },
                _ => Reply::ChannelDone,
            }),
            (Gateway::Agrees, Command::Configure { context, streams }) => {
                let mut news = Reserved::nothing(*context);
                for stream in streams {
                    let data = stream.data.as_deref();
                    if data.is_some_and(|data| data.offered.is_some()) {
                        let mut one = local(stream.stream, stream.media, 30_000);
                        if let Some(data) = &mut one.data {
                            data.core_ice.ufrag = "anew".into();
                            data.core_tls_id = "fedcba9876543210fedc".into();
                        }
                        news.streams.push(one);
                    }
                }
                Ok(Reply::Configured(news))
            }
            (Gateway::Agrees, _) => Ok(Reply::ChannelDone),
        };
        self.asked.push(command);
        self.calls.handle_iq_reply(self.clock.now(), id, result);
    }

    /// Something happens in the data channels of the call.
    pub(crate) fn event(&mut self, stream: u16, event: Event) {
        let notification = Notification {
            context: ContextId(7),
            stream: StreamId(stream),
            event,
        };
        let now = self.clock.now();
        self.calls.handle_iq_notification(now, notification);
        self.drain();
    }

    /// The next message to a UE, which must be a request of this method.
    pub(crate) fn request(&mut self, method: Method<'_>) -> Message {
        let message = self.sip.pop_front().expect("a message");
        assert_eq!(message.method(), method, "{message:?}");
        message
    }

    /// The next message to a UE, which must be a response of this status.
    pub(crate) fn response(&mut self, status: u16) -> Message {
        let message = self.sip.pop_front().expect("a message");
        let got = message.status().map(StatusCode::as_u16);
        assert_eq!(got, Some(status), "{message:?}");
        message
    }

    pub(crate) fn nothing_more(&mut self) {
        assert!(self.sip.is_empty(), "{:?}", self.sip);
    }

    /// A UE says this.
    pub(crate) fn say(&mut self, message: &Message) {
        let source = Source {
            transport: Transport::Udp,
            local: ENABLER.parse().unwrap(),
            remote: CORE.parse().unwrap(),
            connection: None,
        };
        // As from the wire.
        let message = Message::parse(message.to_bytes()).expect("a SIP message");
        self.calls.handle_message(self.clock.now(), source, message);
        self.drain();
    }

    /// A UE answers.
    pub(crate) fn answer(&mut self, request: &Message, status: u16, sdp: Option<&str>) {
        self.answer_allowing("INVITE, ACK, BYE, UPDATE", request, status, sdp);
    }

    /// A UE answers whose session is refreshed by INVITE: it does not say that it knows UPDATE.
    pub(crate) fn answer_without_update(&mut self, request: &Message, sdp: &str) {
        self.answer_allowing("INVITE, ACK, BYE", request, 200, Some(sdp));
    }

    fn answer_allowing(&mut self, allow: &str, request: &Message, status: u16, sdp: Option<&str>) {
        let status = StatusCode::new(status).expect("a status");
        let mut response = reply(request, status, "ue-tag");
        response.push_back(HeaderName::Contact, "<sip:bob@192.0.2.30:5060>");
        response.push_back(HeaderName::Allow, allow);
        if let Some(sdp) = sdp {
            response.set_body(Some("application/sdp"), sdp.to_owned());
        }
        self.say(&response);
    }

    /// A request of the UE within the dialog of `invite`, which it has answered.
    pub(crate) fn within(invite: &Message, method: Method<'_>, number: u32) -> Message {
        let mut request = Message::request(method, "sip:mmtel-es@192.0.2.10:5080");
        let branch = format!("z9hG4bK-ue-{method}-{number}");
        request.push_back(
            HeaderName::Via,
            format_args!("SIP/2.0/UDP {CORE};branch={branch}"),
        );
        request.push_back(HeaderName::MaxForwards, 70);
        let to = invite.header(HeaderName::To).unwrap();
        request.push_back(HeaderName::From, format_args!("{to};tag=ue-tag"));
        request.push_back(HeaderName::To, invite.header(HeaderName::From).unwrap());
        request.push_back(HeaderName::CallId, invite.call_id());
        request.push_back(HeaderName::CSeq, format_args!("{number} {method}"));
        request.push_back(HeaderName::Contact, "<sip:bob@192.0.2.30:5060>");
        request.set_body(None, "");
        request
    }

    /// Time passes, with all that is due on the way.
    pub(crate) fn pass(&mut self, time: Duration) {
        let until: Instant = self.clock.now() + time;
        while let Some(at) = self.calls.poll_timeout().filter(|at| *at <= until) {
            self.clock.advance_to(at.max(self.clock.now()));
            self.calls.handle_timeout(self.clock.now());
            self.drain();
        }
        self.clock.advance_to(until);
    }

    pub(crate) fn written(&mut self) {
        for id in std::mem::take(&mut self.uncommitted) {
            self.calls.handle_committed(self.clock.now(), id);
        }
        self.drain();
    }

    pub(crate) fn called(&mut self) -> DcCallResp {
        match self.replies.pop_front() {
            Some((_, Ok(Told::Call(response)))) => response,
            other => panic!("not the answer to a call: {other:?}"),
        }
    }

    pub(crate) fn updated(&mut self) -> DcMediaUpdateResp {
        match self.replies.pop_front() {
            Some((_, Ok(Told::MediaUpdated(response)))) => response,
            other => panic!("not the answer to an update: {other:?}"),
        }
    }

    pub(crate) fn problem(&mut self) -> ProblemDetails {
        match self.replies.pop_front() {
            Some((_, Err(problem))) => *problem,
            other => panic!("not a problem: {other:?}"),
        }
    }

    /// The next notification, which must go to the usual target.
    pub(crate) fn notified(&mut self) -> Value {
        let notice = self.told.pop_front().expect("a notification");
        assert_eq!(notice.target.as_str(), TARGET);
        serde_json::from_slice(&notice.body).expect("JSON")
    }

    /// A call with Bob that stands, and its INVITE.
    pub(crate) fn standing(&mut self, body: &Value, sdp: &str) -> (String, Message) {
        self.ask(body);
        let invite = self.request(Method::Invite);
        self.answer(&invite, 200, Some(sdp));
        self.request(Method::Ack);
        let response = self.called();
        let session = response.session_id.expect("answered");
        (session, invite)
    }
}

fn local(stream: StreamId, media: MediaKind, port: u16) -> ReservedStream {
    let ice = || IceCredentials {
        ufrag: "gate".into(),
        pwd: "0123456789012345678901".into(),
    };
    let fingerprint = || Fingerprint {
        algorithm: "sha-256".into(),
        digest: vec![0xab; 32],
    };
    let address = |port| SocketAddr::new([192, 0, 2, 20].into(), port);
    ReservedStream {
        stream,
        w3: W3Local {
            ice: ice(),
            fingerprint: fingerprint(),
            candidates: vec![address(1)],
        },
        core: CoreLocal {
            rtp: address(port),
            rtcp: address(port + 1),
        },
        data: (media == MediaKind::Data).then(|| DataLocal {
            core_ice: ice(),
            core_fingerprint: fingerprint(),
            sctp_port: 5000,
            max_message_size: 262_144,
            w3_tls_id: String::new(),
            core_tls_id: "0123456789abcdef0123".into(),
            refused: Vec::new(),
        }),
    }
}

/// A request to call Bob.
pub(crate) fn call_bob(media: &[&str], data: bool) -> Value {
    json!({
        "terminatingId": BOB, "mediaInfo": media, "dcMediaInfo": data,
        "notificationInfo": TARGET, "callType": "A2P",
    })
}

const HEAD: &str = "v=0\r\no=bob 1 1 IN IP4 192.0.2.30\r\ns=-\r\nc=IN IP4 192.0.2.30\r\nt=0 0\r\n";

/// Sound as a UE answers it.
pub(crate) fn audio() -> String {
    format!("{HEAD}m=audio 4000 RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\n")
}

/// Sound and data channels as a UE answers them, with these lines about the channels.
pub(crate) fn audio_and_data(lines: &str) -> String {
    let fingerprint = vec!["CD"; 32].join(":");
    let audio = audio();
    format!(
        "{audio}m=application 4002 UDP/DTLS/SCTP webrtc-datachannel\r\na=sctp-port:5000\r\n\
         a=max-message-size:65536\r\na=fingerprint:sha-256 {fingerprint}\r\na=setup:active\r\n{lines}"
    )
}
