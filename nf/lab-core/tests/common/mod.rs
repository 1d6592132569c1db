//! A laboratory core and the peers around it, on virtual time.
#![allow(dead_code)] // each test file uses its part

use std::{net::SocketAddr, time::Duration};

use core_credentials::digest::{Answer, Challenge};
use core_sip::{ConnectionId, Source, Target, Transport};
use nf_lab_core::{LabCore, LabCoreConfig, Output, Subscriber};
use testbed::Clock;
use wire_sip::{HeaderName, Message, Method, StatusCode};

pub(crate) const DOMAIN: &str = "ims.example.com";
pub(crate) const EDGE: &str = "127.0.0.1:5070";

pub(crate) struct Lab {
    pub(crate) clock: Clock,
    pub(crate) core: LabCore,
    cseq: u32,
}

/// What the core sent.
#[derive(Debug, Clone)]
pub(crate) struct Sent {
    pub(crate) target: Target,
    pub(crate) message: Message,
}

impl Lab {
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    pub(crate) fn with(change: impl FnOnce(&mut LabCoreConfig)) -> Self {
        let subscribers: Vec<Subscriber> = ["alice", "bob", "carol"]
            .iter()
            .enumerate()
            .map(|(n, name)| {
                let tel = format!("tel:+1555010{n}");
                Subscriber::new(name, &format!("{name}-password"), DOMAIN, &[&tel])
            })
            .collect();
        Self::of(&subscribers, change)
    }

    /// With these subscribers.
    pub(crate) fn of(subscribers: &[Subscriber], change: impl FnOnce(&mut LabCoreConfig)) -> Self {
        let mut config = LabCoreConfig::new(DOMAIN, addr("127.0.0.1:5060"));
        config.trusted.push(addr(EDGE));
        change(&mut config);
        Self {
            clock: Clock::new(),
            core: LabCore::new(config, subscribers, [1; 32]),
            cseq: 0,
        }
    }

    /// A message comes from `source`; what does the core send?
    pub(crate) fn receive(&mut self, source: Source, message: &Message) -> Vec<Sent> {
        let now = self.clock.now();
        self.core.handle_message(now, source, message.clone());
        self.sent()
    }

    pub(crate) fn sent(&mut self) -> Vec<Sent> {
        let outputs = std::iter::from_fn(|| self.core.poll_output());
        let sent = outputs.filter_map(|output| match output {
            Output::Send { target, message } => Some(Sent {
                target,
                message: Message::parse(message).expect("we send what can be parsed"),
            }),
            Output::Resolve { .. } => None,
        });
        sent.collect()
    }

    pub(crate) fn pass(&mut self, time: Duration) -> Vec<Sent> {
        let end = self.clock.now() + time;
        let mut sent = Vec::new();
        while let Some(at) = self.core.poll_timeout().filter(|at| *at <= end) {
            let now = self.clock.advance_to(at);
            self.core.handle_timeout(now);
            sent.extend(self.sent());
        }
        self.clock.advance_to(end);
        sent
    }

    /// The one response to a request.
    pub(crate) fn ask(&mut self, source: Source, message: &Message) -> Message {
        let mut sent = self.receive(source, message);
        assert_eq!(sent.len(), 1, "{sent:?}");
        sent.remove(0).message
    }

    pub(crate) fn register_request(&mut self, name: &str, contact: &str) -> Message {
        self.cseq += 1;
        let mut request = Message::request(Method::Register, &format!("sip:{DOMAIN}"));
        let branch = format!("z9hG4bKreg{}", self.cseq);
        request.push_back(
            HeaderName::Via,
            format!("SIP/2.0/UDP 127.0.0.1;rport;branch={branch}"),
        );
        request.push_back(HeaderName::MaxForwards, 70);
        let aor = format!("<sip:{name}@{DOMAIN}>");
        request.push_back(HeaderName::From, format!("{aor};tag=r1"));
        request.push_back(HeaderName::To, aor);
        request.push_back(HeaderName::CallId, format!("reg-{name}"));
        request.push_back(HeaderName::CSeq, format!("{} REGISTER", self.cseq));
        if !contact.is_empty() {
            request.push_back(HeaderName::Contact, contact);
        }
        request.set_body(None, bytes::Bytes::new());
        request
    }

    /// A phone registers by password, as phones do.
    pub(crate) fn register(&mut self, name: &str, source: Source) -> Message {
        let contact = format!("<sip:{name}@{}>", source.remote);
        self.register_with(name, source, &contact)
    }

    pub(crate) fn register_with(&mut self, name: &str, source: Source, contact: &str) -> Message {
        let first = self.register_request(name, contact);
        let challenge = self.ask(source, &first);
        assert_eq!(status(&challenge), 401);
        let mut second = self.register_request(name, contact);
        second.push_back(
            HeaderName::Authorization,
            answer(&challenge, name, &format!("{name}-password"), 1),
        );
        let granted = self.ask(source, &second);
        assert_eq!(status(&granted), 200);
        granted
    }

    /// An eP-CSCF registers somebody whose token it has seen.
    pub(crate) fn register_trusted(&mut self, name: &str, contact: &str, path: &str) -> Message {
        let mut request = self.register_request(name, contact);
        request.push_back(HeaderName::Path, path);
        request.push_back(HeaderName::Authorization, auth_done(name));
        let granted = self.ask(edge(), &request);
        assert_eq!(status(&granted), 200);
        granted
    }
}

pub(crate) fn auth_done(name: &str) -> String {
    format!(
        "Digest username=\"{name}@{DOMAIN}\", realm=\"{DOMAIN}\", nonce=\"\", \
         uri=\"sip:{DOMAIN}\", response=\"\", integrity-protected=\"auth-done\""
    )
}

/// The Authorization for the first challenge.
pub(crate) fn answer(challenge: &Message, name: &str, password: &str, nc: u32) -> String {
    let value = challenge
        .header(HeaderName::WwwAuthenticate)
        .or(challenge.header(HeaderName::ProxyAuthenticate))
        .expect("a challenge");
    answer_to(value, "REGISTER", name, password, nc)
}

pub(crate) fn answer_to(value: &str, method: &str, name: &str, password: &str, nc: u32) -> String {
    let challenge = Challenge::parse(value).expect("a challenge");
    let answer = Answer {
        username: &format!("{name}@{DOMAIN}"),
        password: password.as_bytes(),
        method,
        uri: &format!("sip:{DOMAIN}"),
        body: b"",
        cnonce: "0a4f113b",
        nc,
    };
    challenge.answer(&answer).to_string()
}

pub(crate) fn addr(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}

pub(crate) fn phone(remote: &str) -> Source {
    Source {
        transport: Transport::Udp,
        local: addr("127.0.0.1:5060"),
        remote: addr(remote),
        connection: None,
    }
}

pub(crate) fn edge() -> Source {
    phone(EDGE)
}

pub(crate) fn over_tcp(remote: &str, connection: u64) -> Source {
    Source {
        transport: Transport::Tcp,
        connection: Some(ConnectionId(connection)),
        ..phone(remote)
    }
}

pub(crate) fn udp(text: &str) -> Target {
    Target::Address {
        transport: Transport::Udp,
        addr: addr(text),
    }
}

pub(crate) fn status(message: &Message) -> u16 {
    message.status().map_or(0, StatusCode::as_u16)
}

pub(crate) fn values(message: &Message, name: HeaderName) -> Vec<String> {
    message.values(name).map(str::to_owned).collect()
}

/// `INVITE`, or `180 INVITE`.
pub(crate) fn name(message: &Message) -> String {
    let cseq = message.header(HeaderName::CSeq).expect("CSeq");
    let method = cseq.split_whitespace().nth(1).expect("method");
    match message.status() {
        Some(status) => format!("{} {method}", status.as_u16()),
        None => method.to_owned(),
    }
}

pub(crate) fn names(sent: &[Sent]) -> Vec<String> {
    sent.iter().map(|sent| name(&sent.message)).collect()
}

pub(crate) fn request(method: &str, from: &str, to: &str) -> Message {
    let mut request = Message::request(Method::parse(method), to);
    request.push_back(
        HeaderName::Via,
        format!("SIP/2.0/UDP 127.0.0.1;rport;branch=z9hG4bK{method}1"),
    );
    request.push_back(HeaderName::MaxForwards, 70);
    let from = if from.contains(':') {
        from.to_owned()
    } else {
        format!("sip:{from}@{DOMAIN}")
    };
    request.push_back(HeaderName::From, format!("<{from}>;tag=f1"));
    request.push_back(HeaderName::To, format!("<{to}>"));
    request.push_back(HeaderName::CallId, "call-1");
    request.push_back(HeaderName::CSeq, format!("1 {method}"));
    request.push_back(HeaderName::Contact, "<sip:caller@127.0.0.1:5091>");
    request.set_body(None, bytes::Bytes::new());
    request
}

pub(crate) fn respond(to: &Message, status: u16) -> Message {
    let status = StatusCode::new(status).expect("a status");
    let mut response = core_sip::reply(to, status, "t1");
    response.push_back(HeaderName::Contact, "<sip:callee@127.0.0.1:5092>");
    response
}
