//! What comes to an agent: requests, and what ends them.

use std::time::Instant;

use core_sip::ServerTransactionId;
use wire_sip::header::RAck;
use wire_sip::{HeaderName, Message, Method};

use super::call::{Belief, Call, Repeat, Stage, requires};
use super::{Agent, Side, target};
use crate::text::direction;

impl Agent {
    pub(super) fn request(&mut self, now: Instant, id: ServerTransactionId, request: Message) {
        if request.to_tag().is_none() {
            match request.method() {
                Method::Invite if self.ending => self.respond(now, id, &request, 486, None),
                Method::Invite => self.called(now, id, request),
                _ => self.respond(now, id, &request, 200, None),
            }
            return;
        }
        let known = self
            .find(&request)
            .filter(|at| self.calls[*at].stage != Stage::Over);
        let Some(at) = known else {
            self.respond(now, id, &request, 481, None);
            return;
        };
        let (number, _) = request.cseq().expect("the edge writes CSeq");
        if self.calls[at]
            .remote_cseq
            .is_some_and(|last| number <= last)
        {
            self.respond(now, id, &request, 500, None);
            return;
        }
        self.calls[at].remote_cseq = Some(number);
        match request.method() {
            Method::Bye => {
                self.respond(now, id, &request, 200, None);
                let call = &mut self.calls[at];
                call.released += 1;
                self.over(now, at);
            }
            Method::Invite => {
                let call = &mut self.calls[at];
                if call.invite.is_some() || call.client.is_some() || call.update.is_some() {
                    self.respond(now, id, &request, 491, None);
                    return;
                }
                if !call.knows && requires(&request) && self.dice.chance(500) {
                    self.refuse_100rel(now, id, &request);
                    return;
                }
                let call = &mut self.calls[at];
                call.theirs = direction(request.body());
                call.invite = Some((id, request));
                if self.dice.chance(850) {
                    self.answer(now, at);
                }
            }
            Method::Update if !request.body().is_empty() => {
                let call = &mut self.calls[at];
                // RFC 3311 §5.2: an offer of its own waits for its answer, in a response or an ACK.
                let busy = call.offered.is_some();
                if call.update.is_some() || busy || call.theirs.is_some() {
                    self.respond(now, id, &request, 491, None);
                } else if self.dice.chance(150) {
                    self.respond(now, id, &request, 488, None);
                } else {
                    let theirs = direction(request.body());
                    let body = self.answer_to(at, theirs, &request);
                    self.respond(now, id, &request, 200, Some(body));
                }
            }
            Method::Prack => {
                let call = &mut self.calls[at];
                let prack: Option<RAck> = request.typed().ok().flatten();
                if prack.is_some_and(|prack| prack.rseq == call.rseq) {
                    call.early = None;
                }
                if let (Some(said), Some(theirs)) = (call.offered, direction(request.body())) {
                    call.belief = Some(Belief {
                        port: said.port,
                        mine: said.direction,
                        theirs,
                        channels: said.channels,
                    });
                    call.offered = None;
                }
                self.respond(now, id, &request, 200, None);
            }
            _ => self.respond(now, id, &request, 200, None),
        }
    }

    pub(super) fn called(&mut self, now: Instant, id: ServerTransactionId, request: Message) {
        // A WIC that has not heard of what is required says so, or does not look.
        let knows = self.side == Side::Core || self.dice.chance(500);
        if !knows && requires(&request) && self.dice.chance(500) {
            self.refuse_100rel(now, id, &request);
            return;
        }
        self.made += 1;
        let local_tag = format!("{:?}{}", self.side, self.made);
        let to = request.header(HeaderName::To).expect("a To").to_owned();
        self.calls.push(Call {
            name: request.call_id().to_owned(),
            local: format!("{to};tag={local_tag}"),
            local_tag,
            remote_tag: request.from_tag().map(str::to_owned),
            remote: request.header(HeaderName::From).expect("a From").to_owned(),
            target: target(&request),
            routes: request
                .values(HeaderName::RecordRoute)
                .map(str::to_owned)
                .collect(),
            cseq: self.dice.below(3) as u32,
            remote_cseq: request.cseq().map(|(number, _)| number),
            stage: Stage::Early,
            client: None,
            update: None,
            update_offers: false,
            theirs: direction(request.body()),
            invite: Some((id, request)),
            offered: None,
            invited: None,
            ok: None,
            early: None,
            rseq: 0,
            knows,
            data: None,
            belief: None,
            leaving: false,
            released: 0,
        });
    }

    pub(super) fn ack(&mut self, now: Instant, ack: &Message) {
        let Some(at) = self.find(ack) else { return };
        let call = &mut self.calls[at];
        let number = |message: &Message| message.cseq().map(|(number, _)| number);
        let for_it = |ok: &mut Repeat| number(&ok.message) == number(ack);
        if call.ok.take_if(for_it).is_none() {
            return;
        }
        if let Some(theirs) = direction(ack.body())
            && let Some(said) = call.offered.take()
        {
            call.belief = Some(Belief {
                port: said.port,
                mine: said.direction,
                theirs,
                channels: said.channels,
            });
        }
        if self.calls[at].leaving {
            self.bye(now, at);
        }
    }

    pub(super) fn cancelled(&mut self, now: Instant, id: ServerTransactionId) {
        let of_it = |call: &Call| {
            call.invite
                .as_ref()
                .is_some_and(|(server, _)| *server == id)
        };
        let all: Vec<usize> = (0..self.calls.len())
            .filter(|at| of_it(&self.calls[*at]))
            .collect();
        for (nth, at) in all.into_iter().enumerate() {
            let Some((server, request)) = self.calls[at].invite.take() else {
                continue;
            };
            self.calls[at].theirs = None;
            if nth == 0 {
                self.respond_in(now, at, server, &request, 487, None);
            }
            if self.calls[at].stage == Stage::Early {
                self.calls[at].stage = Stage::Over;
                self.calls[at].early = None;
            }
        }
    }
}
