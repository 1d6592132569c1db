//! The lab core's SIP door: messages as text, and what comes back.

use std::net::SocketAddr;

use core_sip::{Source, Target, Transport};
use nf_lab_core::{LabCore, LabCoreConfig, Output, Subscriber};
use testbed::Clock;
use wire_sip::{HeaderName, Message};

pub(crate) const DOMAIN: &str = "ims.example.com";
const PHONE: &str = "192.0.2.10:5062";
const EDGE: &str = "192.0.2.20:5070";

/// A core where alice and bob are registered, alice by a phone and bob by an edge.
pub(crate) struct Door {
    clock: Clock,
    core: LabCore,
    number: u32,
}

/// Something that the core sent.
pub(crate) struct Sent {
    pub(crate) target: Target,
    pub(crate) message: Message,
}

impl Door {
    pub(crate) fn new() -> Self {
        let mut config = LabCoreConfig::new(DOMAIN, address("192.0.2.1:5060"));
        config.trusted = vec![address(EDGE), address(PHONE)];
        let people = ["alice", "bob"].map(|name| Subscriber::new(name, "secret", DOMAIN, &[]));
        let mut door = Self {
            clock: Clock::new(),
            core: LabCore::new(config, &people, [3; 32]),
            number: 0,
        };
        door.register("alice", PHONE, "");
        door.register("bob", EDGE, "Path: <sip:flow@192.0.2.20:5070;lr>");
        door
    }

    /// What the core sends when this comes from alice's phone.
    pub(crate) fn phone_sends(&mut self, text: &str) -> Vec<Sent> {
        self.receive(PHONE, text)
    }

    /// What the core sends when this comes from bob's edge.
    pub(crate) fn edge_sends(&mut self, text: &str) -> Vec<Sent> {
        self.receive(EDGE, text)
    }

    /// The status of the one response, for what comes from alice's phone.
    pub(crate) fn answer(&mut self, text: &str) -> Message {
        let mut sent = self.phone_sends(text);
        assert_eq!(sent.len(), 1, "one response");
        sent.remove(0).message
    }

    /// A request from alice with the header fields that every request has, and these.
    pub(crate) fn request(&mut self, start: &str, lines: &[&str]) -> String {
        self.number += 1;
        let number = self.number;
        let method = start.split(' ').next().expect("a method");
        let mut text = format!(
            "{start}\r\nVia: SIP/2.0/UDP 192.0.2.10:5062;branch=z9hG4bKa{number}\r\n\
             From: <sip:alice@{DOMAIN}>;tag=a\r\nCall-ID: call-{number}\r\n\
             CSeq: {number} {method}\r\nContent-Length: 0\r\n"
        );
        let to = |line: &&str| line.starts_with("To:");
        if !lines.iter().any(to) {
            text.push_str("To: <sip:bob@ims.example.com>\r\n");
        }
        for line in lines {
            text.push_str(line);
            text.push_str("\r\n");
        }
        text.push_str("\r\n");
        text
    }

    fn register(&mut self, name: &str, from: &str, path: &str) {
        self.number += 1;
        let number = self.number;
        let path = if path.is_empty() {
            String::new()
        } else {
            format!("{path}\r\n")
        };
        let text = format!(
            "REGISTER sip:{DOMAIN} SIP/2.0\r\nVia: SIP/2.0/UDP {from};branch=z9hG4bKr{number}\r\n\
             From: <sip:{name}@{DOMAIN}>;tag=r\r\nTo: <sip:{name}@{DOMAIN}>\r\n\
             Call-ID: r{number}\r\nCSeq: {number} REGISTER\r\nContact: <sip:{name}@{from}>\r\n\
             {path}Authorization: Digest username=\"{name}@{DOMAIN}\", realm=\"{DOMAIN}\", \
             nonce=\"\", uri=\"sip:{DOMAIN}\", response=\"\", integrity-protected=\"auth-done\"\r\n\
             Content-Length: 0\r\n\r\n"
        );
        let sent = self.receive(from, &text);
        assert_eq!(status(&sent[0].message), 200);
    }

    fn receive(&mut self, from: &str, text: &str) -> Vec<Sent> {
        let message = Message::parse(text.as_bytes().to_vec().into()).expect("a SIP message");
        let source = Source {
            transport: Transport::Udp,
            local: address("192.0.2.1:5060"),
            remote: address(from),
            connection: None,
        };
        self.core.handle_message(self.clock.now(), source, message);
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
}

pub(crate) fn status(message: &Message) -> u16 {
    message.status().map_or(0, wire_sip::StatusCode::as_u16)
}

pub(crate) fn values(message: &Message, name: HeaderName) -> Vec<&str> {
    message.values(name).collect()
}

fn address(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}
