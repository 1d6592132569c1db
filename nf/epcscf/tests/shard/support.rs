//! The three neighbours.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use core_iq::{
    ChannelAction, Command, ContextId, CoreLocal, DataLocal, Event, Fingerprint, IceCredentials,
    MediaKind, Notification, Refusal, Reply, Reserved, ReservedStream, StreamId, W3Local,
};
use core_sip::{ConnectionId, Source, Target, Transport};
use nf_epcscf::{ApplicationsQuery, Config, EpCscf, Output, W2Peer};
use testbed::Clock;
use wire_sip::{HeaderName, Message, Method, StatusCode};

pub(crate) const HOME: &str = "home.example";
pub(crate) const CORE: &str = "192.0.2.10:5060";
/// What the wall clock says when a test begins.
pub(crate) const NOW: u64 = 1_800_000_000;
pub(crate) const WIC: ConnectionId = ConnectionId(7);

/// The shard and what has come out of it.
pub(crate) struct Bench {
    pub(crate) shard: EpCscf,
    pub(crate) now: Instant,
    pub(crate) to_wic: VecDeque<(ConnectionId, Message)>,
    pub(crate) to_core: VecDeque<(Target, Message)>,
    pub(crate) closed: Vec<(ConnectionId, u16)>,
    pub(crate) commands: Vec<Command>,
    /// While true the gateway's replies wait.
    pub(crate) gateway_holds: bool,
    /// The gateway has no room for the next change.
    pub(crate) gateway_refuses_change: bool,
    /// The next Reserve is refused.
    pub(crate) gateway_is_full: bool,
    /// While true no name is found, nor known to be none.
    pub(crate) names_wait: bool,
    held: Vec<(core_iq::RequestId, Command)>,
    contexts: u64,
    /// What issuers were asked: the question's number, the issuer, the token.
    pub(crate) questions: Vec<(u64, String, String)>,
    /// How many messages the core has sent to alice.
    pub(crate) messages: u32,
    /// What was asked of the application repository.
    pub(crate) queries: Vec<(u64, ApplicationsQuery)>,
    /// Sends on a data channel that are refused, the first ones.
    pub(crate) full: usize,
    /// What the shell was told of leases.
    pub(crate) leases: Vec<String>,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    /// With another configuration.
    pub(crate) fn with(change: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config::new(HOME, "198.51.100.1:5070", &format!("sip:{CORE}"));
        config.w2 = "edge.home.example:8443".into();
        change(&mut config);
        let now = Clock::new().now();
        let wall = SystemTime::UNIX_EPOCH + Duration::from_secs(NOW);
        let mut bench = Self {
            shard: EpCscf::new(config, now, wall, [3; 32]),
            now,
            to_wic: VecDeque::new(),
            to_core: VecDeque::new(),
            closed: Vec::new(),
            commands: Vec::new(),
            gateway_holds: false,
            gateway_refuses_change: false,
            gateway_is_full: false,
            names_wait: false,
            held: Vec::new(),
            contexts: 0,
            questions: Vec::new(),
            messages: 0,
            queries: Vec::new(),
            full: 0,
            leases: Vec::new(),
        };
        bench.open(WIC);
        bench
    }

    pub(crate) fn open(&mut self, connection: ConnectionId) {
        let peer = W2Peer {
            remote: "203.0.113.5:50000".parse().unwrap(),
            local: "198.51.100.1:8443".parse().unwrap(),
            secure: true,
        };
        self.shard.handle_w2_open(self.now, connection, peer);
        self.drain();
    }

    pub(crate) fn wic_says(&mut self, message: &Message) {
        self.wic_says_on(WIC, message.to_bytes());
    }

    pub(crate) fn wic_says_on(&mut self, connection: ConnectionId, bytes: Bytes) {
        self.shard.handle_w2_message(self.now, connection, bytes);
        self.drain();
    }

    pub(crate) fn core_says(&mut self, message: &Message) {
        let source = Source {
            transport: Transport::Udp,
            local: "198.51.100.1:5070".parse().unwrap(),
            remote: CORE.parse().unwrap(),
            connection: None,
        };
        let message = Message::parse(message.to_bytes()).unwrap();
        self.shard.handle_mw_message(self.now, source, message);
        self.drain();
    }

    /// Time passes, and every deadline in it.
    pub(crate) fn wait(&mut self, span: Duration) {
        let end = self.now + span;
        while let Some(at) = self.shard.poll_timeout().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            self.shard.handle_timeout(self.now);
            self.drain();
        }
        self.now = end;
    }

    /// The process ends, and its calls before it.
    pub(crate) fn shut_down(&mut self) {
        self.shard.handle_shutdown(self.now);
        self.drain();
    }

    /// Every shard was told that nobody is registered by a lease any more.
    pub(crate) fn lease_ends(&mut self, lease: &str) {
        self.shard.handle_lease_ended(self.now, lease);
        self.drain();
    }

    /// The gateway tells of a stream of the first call.
    pub(crate) fn gateway_tells(&mut self, stream: u16, event: Event) {
        let notification = Notification {
            context: ContextId(1),
            stream: StreamId(stream),
            event,
        };
        self.shard.handle_iq_notification(self.now, &notification);
        self.drain();
    }

    pub(crate) fn gateway_goes_on(&mut self) {
        self.gateway_holds = false;
        for (id, command) in std::mem::take(&mut self.held) {
            self.reply(id, command);
        }
        self.drain();
    }

    /// The next message for the WIC that is not 100.
    pub(crate) fn at_wic(&mut self) -> Message {
        loop {
            let (_, message) = self.to_wic.pop_front().expect("a message for the WIC");
            if message.status() != Some(StatusCode::TRYING) {
                return message;
            }
        }
    }

    /// The next message for the core that is not 100.
    pub(crate) fn at_core(&mut self) -> Message {
        loop {
            let (_, message) = self.to_core.pop_front().expect("a message for the core");
            let passed_over = message.method() == Method::Subscribe;
            if message.status() != Some(StatusCode::TRYING) && !passed_over {
                return message;
            }
        }
    }

    /// What the shard subscribed to, as the core sees it.
    pub(crate) fn subscription(&mut self) -> Message {
        let subscribes =
            |(_, m): &(Target, Message)| m.is_request() && m.method() == Method::Subscribe;
        let at = self
            .to_core
            .iter()
            .position(subscribes)
            .expect("a SUBSCRIBE");
        self.to_core.remove(at).map(|(_, message)| message).unwrap()
    }

    /// The core was told nothing but that we watch.
    pub(crate) fn core_is_quiet(&self) -> bool {
        self.to_core
            .iter()
            .all(|(_, m)| m.method() == Method::Subscribe)
    }

    /// The same on one WebSocket.
    pub(crate) fn at_wic_on(&mut self, connection: ConnectionId) -> Message {
        let trying = |message: &Message| message.status() == Some(StatusCode::TRYING);
        self.to_wic.retain(|(_, message)| !trying(message));
        let at = self.to_wic.iter().position(|(on, _)| *on == connection);
        let at = at.expect("a message on that WebSocket");
        self.to_wic.remove(at).map(|(_, message)| message).unwrap()
    }

    pub(crate) fn quiet(&self) -> bool {
        let only_100 = |message: &Message| message.status() == Some(StatusCode::TRYING);
        self.to_wic.iter().all(|(_, m)| only_100(m))
            && self.to_core.iter().all(|(_, m)| only_100(m))
    }

    fn drain(&mut self) {
        while let Some(output) = self.shard.poll_output() {
            match output {
                Output::W2Send {
                    connection,
                    message,
                } => {
                    self.to_wic
                        .push_back((connection, Message::parse(message).unwrap()));
                }
                Output::MwSend { target, message } => {
                    self.to_core
                        .push_back((target, Message::parse(message).unwrap()));
                }
                Output::W2Close {
                    connection, code, ..
                } => self.closed.push((connection, code)),
                Output::Iq { id, command } => {
                    self.commands.push(command.clone());
                    if self.gateway_holds {
                        self.held.push((id, command));
                    } else {
                        self.reply(id, command);
                    }
                }
                Output::Resolve { .. } if self.names_wait => {}
                Output::Resolve { host } => {
                    self.shard.handle_resolved(self.now, &host, Vec::new());
                }
                Output::Applications { id, query } => self.queries.push((id, *query)),
                Output::LeaseHeld { lease } => self.leases.push(format!("held {lease}")),
                Output::LeaseLeft { lease } => self.leases.push(format!("left {lease}")),
                Output::Introspect { id, issuer, token } => {
                    self.questions.push((id, issuer, token.expose().to_owned()));
                }
                other => panic!("{other:?}"),
            }
        }
    }

    /// The application repository answers.
    pub(crate) fn repository_says(&mut self, question: u64, answer: &core_bootstrap::Response) {
        self.shard.handle_applications(self.now, question, answer);
        self.drain();
    }

    /// An issuer answers, or does not.
    pub(crate) fn issuer_says(&mut self, question: u64, answer: Option<&str>) {
        self.shard
            .handle_introspected(self.now, question, answer.map(str::as_bytes));
        self.drain();
    }

    fn reply(&mut self, id: core_iq::RequestId, command: Command) {
        let refused = match command {
            Command::Configure { .. } => std::mem::take(&mut self.gateway_refuses_change),
            Command::Reserve { .. } => std::mem::take(&mut self.gateway_is_full),
            _ => false,
        };
        if refused {
            let refusal = Refusal::NoResources("ports".into());
            self.shard.handle_iq_reply(self.now, id, Err(refusal));
            return;
        }
        let (context, streams) = match command {
            Command::Reserve { context, streams } => {
                self.contexts += u64::from(context.is_none());
                (context.unwrap_or(ContextId(self.contexts)), streams)
            }
            Command::Channel {
                action: ChannelAction::Send(..),
                ..
            } if self.full > 0 => {
                self.full -= 1;
                let full = Err(Refusal::ChannelFull);
                self.shard.handle_iq_reply(self.now, id, full);
                return;
            }
            Command::Configure { context, .. }
            | Command::Subtract { context, .. }
            | Command::Channel { context, .. } => (context, Vec::new()),
            Command::Release { .. } => {
                self.shard
                    .handle_iq_reply(self.now, id, Ok(Reply::Released));
                return;
            }
        };
        let told = streams.iter().map(|settings| {
            let port = 40_000 + settings.stream.0 * 2;
            ReservedStream {
                stream: settings.stream,
                w3: W3Local {
                    ice: IceCredentials {
                        ufrag: "gate".into(),
                        pwd: "p".repeat(24),
                    },
                    fingerprint: Fingerprint {
                        algorithm: "sha-256".into(),
                        digest: vec![7; 32],
                    },
                    candidates: vec!["198.51.100.9:3478".parse().unwrap()],
                },
                core: CoreLocal {
                    rtp: SocketAddr::from(([198, 51, 100, 9], port)),
                    rtcp: SocketAddr::from(([198, 51, 100, 9], port + 1)),
                },
                data: (settings.media == MediaKind::Data).then(|| DataLocal {
                    core_ice: IceCredentials {
                        ufrag: "core".into(),
                        pwd: "p".repeat(24),
                    },
                    core_fingerprint: Fingerprint {
                        algorithm: "sha-256".into(),
                        digest: vec![8; 32],
                    },
                    w3_tls_id: "3".repeat(32),
                    core_tls_id: "c".repeat(32),
                    sctp_port: 5000,
                    max_message_size: 262_144,
                    refused: Vec::new(),
                }),
            }
        });
        let reserved = Reserved {
            streams: told.collect(),
            ..Reserved::nothing(context)
        };
        let reply = match context.0 {
            _ if streams.is_empty() => Reply::Configured(reserved),
            _ => Reply::Reserved(reserved),
        };
        self.shard.handle_iq_reply(self.now, id, Ok(reply));
    }

    /// Registers alice by Digest over the first WebSocket.
    pub(crate) fn register(&mut self) {
        self.wic_says(&register(
            1,
            "response=\"6629fae49393a05397450978507c4ef1\"",
        ));
        let request = self.at_core();
        self.core_says(&registered(&request));
        let answer = self.at_wic();
        assert_eq!(answer.status(), Some(StatusCode::OK));
    }

    /// Registers another subscriber, and gives the Path that the core has.
    pub(crate) fn register_as(&mut self, connection: ConnectionId, name: &str) -> String {
        let text = String::from_utf8(register(1, "response=\"1\"").to_bytes().to_vec()).unwrap();
        let text = text
            .replace("alice", name)
            .replace("000000000001", &format!("{name:0>12}"));
        self.wic_says_on(connection, text.replace("z9hG4bKreg", name).into());
        let request = self.at_core();
        let path = request.header(HeaderName::Path).unwrap().to_owned();
        let own = registered(&request).to_bytes();
        let own = String::from_utf8(own.to_vec())
            .unwrap()
            .replace("<sip:alice@", &format!("<sip:{name}@"));
        self.core_says(&message(&own));
        assert_eq!(self.at_wic_on(connection).status(), Some(StatusCode::OK));
        path
    }

    /// Path's value, as the core has it.
    /// Alice's call to bob stands, and the core has her ACK; the 200 that she has.
    pub(crate) fn talks(&mut self) -> Message {
        self.register();
        self.wic_says(&invite("sip:bob@home.example", &wic_sdp()));
        let request = self.at_core();
        self.core_says(&answer(&request, StatusCode::OK, "bob", Some(&core_sdp())));
        let ok = self.at_wic();
        self.wic_says(&in_dialog("ACK", 1, &ok));
        assert_eq!(self.at_core().method().as_str(), "ACK");
        ok
    }

    pub(crate) fn path(&mut self) -> String {
        self.wic_says(&register(
            99,
            "response=\"6629fae49393a05397450978507c4ef1\"",
        ));
        let request = self.at_core();
        let path = request.header(HeaderName::Path).unwrap().to_owned();
        self.core_says(&registered(&request));
        self.at_wic();
        path
    }
}

pub(crate) fn message(text: &str) -> Message {
    Message::parse(Bytes::copy_from_slice(text.as_bytes()))
        .expect("a test's message is well-formed")
}

pub(crate) fn register(cseq: u32, credentials: &str) -> Message {
    message(&format!(
        "REGISTER sip:{HOME} SIP/2.0\r\n\
         Via: SIP/2.0/WSS alice.invalid;branch=z9hG4bKreg{cseq};rport\r\n\
         Max-Forwards: 70\r\nFrom: <sip:alice@{HOME}>;tag=reg\r\nTo: <sip:alice@{HOME}>\r\n\
         Call-ID: registration\r\nCSeq: {cseq} REGISTER\r\n\
         Contact: <sip:alice@alice.invalid;transport=ws>;reg-id=1;\
         +sip.instance=\"<urn:uuid:00000000-0000-4000-8000-000000000001>\"\r\n\
         Supported: path, outbound\r\nExpires: 600\r\n\
         Authorization: Digest username=\"alice@{HOME}\", realm=\"{HOME}\", nonce=\"n\", \
         uri=\"sip:{HOME}\", integrity-protected=\"yes\", {credentials}\r\nContent-Length: 0\r\n\r\n"
    ))
}

pub(crate) fn registered(request: &Message) -> Message {
    let mut response = Message::response_to(request, StatusCode::OK, None);
    let contact = request.header(HeaderName::Contact).unwrap();
    response.push_back(HeaderName::Contact, format_args!("{contact};expires=600"));
    response.push_back(
        HeaderName::ServiceRoute,
        format_args!("<sip:orig@{CORE};lr>"),
    );
    response.push_back(
        HeaderName::PAssociatedUri,
        format_args!("<sip:alice@{HOME}>, <tel:+15550100>"),
    );
    response.push_back(HeaderName::PChargingVector, "icid-value=1");
    response
}

/// An answer with a tag, and perhaps SDP.
pub(crate) fn answer(
    request: &Message,
    status: StatusCode,
    tag: &str,
    sdp: Option<&str>,
) -> Message {
    let mut response = Message::response_to(request, status, None);
    let to = response.header(HeaderName::To).unwrap().to_owned();
    if !to.contains("tag=") {
        response.set(HeaderName::To, format_args!("{to};tag={tag}"));
    }
    let routes: Vec<String> = request
        .values(HeaderName::RecordRoute)
        .map(str::to_owned)
        .collect();
    for route in routes {
        response.push_back(HeaderName::RecordRoute, route);
    }
    response.push_back(
        HeaderName::Contact,
        format_args!("<sip:{tag}@192.0.2.99:5060>"),
    );
    if let Some(sdp) = sdp {
        response.set_body(Some("application/sdp"), sdp.as_bytes().to_vec());
    }
    response
}

pub(crate) fn wic_sdp() -> String {
    let fingerprint = ["AB"; 32].join(":");
    format!(
        "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n\
         m=audio 9 UDP/TLS/RTP/SAVPF 111 8\r\nc=IN IP4 0.0.0.0\r\na=rtcp:9 IN IP4 0.0.0.0\r\n\
         a=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuvwx\r\na=ice-options:trickle\r\n\
         a=fingerprint:sha-256 {fingerprint}\r\na=setup:actpass\r\na=mid:0\r\na=sendrecv\r\n\
         a=rtcp-mux\r\na=rtpmap:111 opus/48000/2\r\na=rtpmap:8 PCMA/8000\r\na=3ge2ae:requested\r\n"
    )
}

pub(crate) fn core_sdp() -> String {
    "v=0\r\no=far 5 5 IN IP4 192.0.2.99\r\ns=-\r\nc=IN IP4 192.0.2.99\r\nt=0 0\r\n\
     m=audio 30000 RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\na=sendrecv\r\n"
        .to_owned()
}

/// Bob's next description: he listens elsewhere.
pub(crate) fn moved(port: &str) -> String {
    core_sdp()
        .replace("far 5 5", "far 5 6")
        .replace("30000", port)
}

/// Alice calls.
pub(crate) fn invite(to: &str, sdp: &str) -> Message {
    message(&format!(
        "INVITE {to} SIP/2.0\r\nVia: SIP/2.0/WSS alice.invalid;branch=z9hG4bKinv\r\n\
         Max-Forwards: 70\r\nFrom: <sip:alice@{HOME}>;tag=alice\r\nTo: <{to}>\r\n\
         Call-ID: call\r\nCSeq: 1 INVITE\r\n\
         Contact: <sip:alice@alice.invalid;transport=ws;ob>\r\n\
         P-Preferred-Identity: <tel:+1-555-0100>\r\nX-Service: kept\r\n\
         Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{sdp}",
        sdp.len()
    ))
}

/// A request of alice's in the dialog of her call.
pub(crate) fn in_dialog(method: &str, cseq: u32, answer: &Message) -> Message {
    let mut routes: Vec<&str> = answer.values(HeaderName::RecordRoute).collect();
    routes.reverse();
    message(&format!(
        "{method} sip:bob@192.0.2.99:5060 SIP/2.0\r\n\
         Via: SIP/2.0/WSS alice.invalid;branch=z9hG4bK{method}{cseq}\r\nMax-Forwards: 70\r\n\
         Route: {}\r\nFrom: <sip:alice@{HOME}>;tag=alice\r\nTo: {}\r\nCall-ID: call\r\n\
         CSeq: {cseq} {method}\r\nContent-Length: 0\r\n\r\n",
        routes.join(", "),
        answer.header(HeaderName::To).unwrap(),
    ))
}

/// The same request by a transaction of its own.
pub(crate) fn again(request: &Message) -> Message {
    let text = String::from_utf8(request.to_bytes().to_vec()).unwrap();
    message(&text.replace("branch=z9hG4bK", "branch=z9hG4bKagain"))
}

/// The same message with other words.
pub(crate) fn with(request: &Message, change: impl FnOnce(&str) -> String) -> Message {
    message(&change(core::str::from_utf8(&request.to_bytes()).unwrap()))
}
