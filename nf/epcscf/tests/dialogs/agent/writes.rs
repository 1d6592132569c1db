//! What an agent writes.

use std::fmt::Write;
use std::time::Instant;

use core_sip::{ClientTransactionId, ServerTransactionId, reply};
use wire_sip::{HeaderName, Message, Method, StatusCode};

use super::call::{Belief, Said};
use super::{Agent, Side};
use crate::text::{Channels, DIRECTIONS, Section, channels, message, sdp, sections};

impl Agent {
    pub(super) fn make(&mut self, at: usize, method: Method<'_>) -> Message {
        let user = match self.side {
            Side::Wic => "alice@alice.invalid;transport=ws",
            Side::Core => "bob@192.0.2.99:5060",
        };
        let knows = self.knows_channels();
        let (reliable, timer, requires) = (self.reliable, self.timer, self.requires);
        let call = &mut self.calls[at];
        call.cseq += 1;
        let mut text = format!(
            "{method} {} SIP/2.0\r\nVia: SIP/2.0/UDP x;branch=z9hG4bKx\r\nMax-Forwards: 60\r\n",
            call.target
        );
        for route in &call.routes {
            let _ = write!(text, "Route: {route}\r\n");
        }
        let _ = write!(
            text,
            "From: {}\r\nTo: {}\r\nCall-ID: {}\r\nCSeq: {} {method}\r\nContact: <sip:{user}>{knows}\r\n\
             Allow: INVITE, ACK, BYE, UPDATE\r\n",
            call.local, call.remote, call.name, call.cseq
        );
        if method == Method::Invite && reliable {
            text += "Supported: 100rel\r\n";
        }
        if method == Method::Invite && requires {
            text += "Require: 100rel\r\n";
        }
        if method == Method::Invite && timer {
            text += "Supported: timer\r\n";
        }
        let mut request = message(&(text + "Content-Length: 0\r\n\r\n"));
        request.remove(HeaderName::Via);
        request
    }

    /// TS 26.114 §6.2.10.1.
    fn knows_channels(&self) -> &'static str {
        if self.channels && self.side == Side::Core {
            ";+sip.app-subtype=\"webrtc-datachannel\""
        } else {
            ""
        }
    }

    pub(super) fn send(&mut self, now: Instant, request: Message) -> ClientTransactionId {
        let timers = core_sip::TimerSet::core();
        let edge = self.edge();
        self.transactions.send_request(now, edge, request, timers)
    }

    pub(super) fn offer(&mut self, at: usize) -> Vec<u8> {
        let (version, port, direction) = self.describe(DIRECTIONS.as_slice());
        self.calls[at].data = self.change_data(self.calls[at].data);
        let sections: Vec<Section> = [Some(Section::Audio), self.calls[at].data]
            .into_iter()
            .flatten()
            .collect();
        self.calls[at].offered = Some(Said {
            port,
            direction,
            channels: channels(&sections),
        });
        sdp(self.side, version, port, direction, true, &sections).into_bytes()
    }

    /// Adds the m-line, removes it, adds and removes channels.
    fn change_data(&mut self, said: Option<Section>) -> Option<Section> {
        let one = self.dice.below(Channels::OWN);
        match said {
            None if self.dice.chance(350) => {
                Some(Section::Data(Some(Channels::default().change(one))))
            }
            Some(Section::Data(None)) if self.dice.chance(400) => {
                Some(Section::Data(Some(Channels::default().change(one))))
            }
            Some(Section::Data(Some(_))) if self.dice.chance(150) => Some(Section::Data(None)),
            Some(Section::Data(Some(all))) if self.dice.chance(600) => {
                Some(Section::Data(Some(all.change(one))))
            }
            same => same,
        }
    }

    /// All of them, some, none, or not even the m-line.
    fn answer_data(&mut self, offered: Option<Channels>) -> Section {
        let answered = offered.filter(|_| !self.dice.chance(120)).map(|offered| {
            if self.dice.chance(700) {
                return offered;
            }
            let one = |_: &u16| self.dice.chance(500);
            Channels::of(offered.ids().filter(one))
        });
        Section::Data(answered)
    }

    /// Now and then with other m-lines than the offer.
    pub(super) fn answer_to(
        &mut self,
        at: usize,
        theirs: Option<&'static str>,
        offer: &Message,
    ) -> Vec<u8> {
        let theirs = theirs.unwrap_or("sendrecv");
        let allowed: &[&'static str] = match theirs {
            "sendrecv" => &DIRECTIONS,
            "sendonly" => &["recvonly", "inactive"],
            "recvonly" => &["sendonly", "inactive"],
            _ => &["inactive"],
        };
        let (version, port, direction) = self.describe(allowed);
        let mut lines = sections(offer.body());
        for line in &mut lines {
            if let Section::Data(offered) = *line {
                *line = self.answer_data(offered);
                self.calls[at].data = Some(*line);
            }
        }
        let broken = self.dice.chance(20);
        if broken {
            lines.push(Section::Audio);
        }
        self.calls[at].theirs = None;
        // Nobody knows what holds after one that is no answer.
        self.calls[at].belief = (!broken).then(|| Belief {
            port,
            mine: direction,
            theirs,
            channels: channels(&lines),
        });
        sdp(self.side, version, port, direction, false, &lines).into_bytes()
    }

    pub(super) fn describe(&mut self, allowed: &[&'static str]) -> (u32, u16, &'static str) {
        self.made += 1;
        let direction = allowed[self.dice.below(allowed.len() as u64) as usize];
        (
            self.made,
            10_000 + (self.made % 20_000) as u16 * 2,
            direction,
        )
    }

    pub(super) fn write(
        &mut self,
        at: usize,
        request: &Message,
        status: u16,
        body: Option<Vec<u8>>,
    ) -> Message {
        let status = StatusCode::new(status).expect("a status");
        let mut response = reply(request, status, &self.calls[at].local_tag);
        let user = match self.side {
            Side::Wic => "alice@alice.invalid;transport=ws",
            Side::Core => "bob@192.0.2.99:5060",
        };
        let knows = self.knows_channels();
        response.push_back(HeaderName::Contact, format_args!("<sip:{user}>{knows}"));
        if let Some(body) = body {
            response.set_body(Some("application/sdp"), body);
        }
        response
    }

    /// RFC 3261 §8.2.2.3.
    pub(super) fn refuse_100rel(
        &mut self,
        now: Instant,
        id: ServerTransactionId,
        request: &Message,
    ) {
        let mut response = reply(request, StatusCode::BAD_EXTENSION, "stranger");
        response.push_back(HeaderName::Unsupported, "100rel");
        self.transactions.respond(now, id, response);
    }

    pub(super) fn respond_in(
        &mut self,
        now: Instant,
        at: usize,
        id: ServerTransactionId,
        request: &Message,
        status: u16,
        body: Option<Vec<u8>>,
    ) {
        let response = self.write(at, request, status, body);
        self.transactions.respond(now, id, response);
    }

    pub(super) fn respond(
        &mut self,
        now: Instant,
        id: ServerTransactionId,
        request: &Message,
        status: u16,
        body: Option<Vec<u8>>,
    ) {
        let status = StatusCode::new(status).expect("a status");
        let mut response = reply(request, status, "stranger");
        if let Some(body) = body {
            response.push_back(
                HeaderName::Contact,
                format_args!("<sip:bob@192.0.2.99:5060>"),
            );
            response.set_body(Some("application/sdp"), body);
        }
        self.transactions.respond(now, id, response);
    }
}
