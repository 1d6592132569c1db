//! What an agent learns from responses.

use std::time::Instant;

use core_sip::ClientTransactionId;
use wire_sip::header::RSeq;
use wire_sip::{HeaderName, Message, Method, StatusCode};

use super::call::{Belief, Stage};
use super::{Agent, target};
use crate::text::direction;

impl Agent {
    pub(super) fn response(&mut self, now: Instant, id: ClientTransactionId, response: &Message) {
        let status = response.status().expect("a response");
        if let Some((_, _, ack)) = self
            .acks
            .iter()
            .find(|(client, tag, _)| *client == id && Some(tag.as_str()) == response.to_tag())
        {
            let (ack, edge) = (ack.clone(), self.edge());
            self.transactions.send(now, edge, ack);
            return;
        }
        if let Some(at) = self.calls.iter().position(|call| call.update == Some(id)) {
            if status.is_final() {
                self.calls[at].update = None;
                let offers = self.calls[at].update_offers;
                let said = self.calls[at].offered.take_if(|_| offers);
                if status.is_success()
                    && let (Some(said), Some(theirs)) = (said, direction(response.body()))
                {
                    self.calls[at].belief = Some(Belief {
                        port: said.port,
                        mine: said.direction,
                        theirs,
                        channels: said.channels,
                    });
                }
                if matches!(status.as_u16(), 408 | 481) {
                    self.bye(now, at);
                }
            }
            return;
        }
        let Some(first) = self.calls.iter().position(|call| call.client == Some(id)) else {
            return;
        };
        if status.is_failure() {
            for at in 0..self.calls.len() {
                if self.calls[at].client != Some(id) {
                    continue;
                }
                self.calls[at].client = None;
                let updating = self.calls[at].update.is_some() && self.calls[at].update_offers;
                self.calls[at].offered.take_if(|_| !updating);
                if self.calls[at].stage == Stage::Early {
                    self.calls[at].stage = Stage::Over;
                } else if matches!(status.as_u16(), 408 | 481) {
                    self.bye(now, at);
                }
            }
            return;
        }
        let Some(tag) = response.to_tag().filter(|_| status != StatusCode::TRYING) else {
            return;
        };
        let at = self.find(response).unwrap_or_else(|| {
            if self.calls[first].remote_tag.is_none() {
                return first;
            }
            let mut fork = self.calls[first].clone();
            (fork.belief, fork.rseq, fork.remote_cseq) = (None, 0, None);
            fork.offered = fork.invited;
            self.calls.push(fork);
            self.calls.len() - 1
        });
        let call = &mut self.calls[at];
        if call.stage == Stage::Early {
            call.remote_tag = Some(tag.to_owned());
            let to = response.header(HeaderName::To).expect("a To");
            to.clone_into(&mut call.remote);
            call.routes = response
                .values(HeaderName::RecordRoute)
                .map(str::to_owned)
                .collect();
            call.routes.reverse();
        }
        call.target = target(response);
        if status.is_provisional() {
            self.progress(now, at, response);
        } else {
            self.answered(now, at, id, response);
        }
    }

    pub(super) fn progress(&mut self, now: Instant, at: usize, response: &Message) {
        let Some(RSeq(rseq)) = response.typed().ok().flatten() else {
            return;
        };
        let call = &mut self.calls[at];
        if rseq <= call.rseq {
            return;
        }
        call.rseq = rseq;
        let theirs = direction(response.body());
        let mut body = None;
        let updating = call.update.is_some() && call.update_offers;
        if let Some(theirs) = theirs.filter(|_| !updating) {
            match call.offered {
                Some(said) => {
                    call.belief = Some(Belief {
                        port: said.port,
                        mine: said.direction,
                        theirs,
                        channels: said.channels,
                    });
                    call.offered = None;
                }
                None => body = Some(self.answer_to(at, Some(theirs), response)),
            }
        }
        let (number, _) = response.cseq().expect("a CSeq");
        let mut prack = self.make(at, Method::Prack);
        prack.push_back(HeaderName::RAck, format_args!("{rseq} {number} INVITE"));
        if let Some(body) = body {
            prack.set_body(Some("application/sdp"), body);
        }
        self.send(now, prack);
    }

    pub(super) fn answered(
        &mut self,
        now: Instant,
        at: usize,
        id: ClientTransactionId,
        response: &Message,
    ) {
        let theirs = direction(response.body());
        // An offer in an UPDATE waits for that one's answer.
        let updating = self.calls[at].update.is_some() && self.calls[at].update_offers;
        let said = self.calls[at].offered.take_if(|_| !updating);
        let body = match (said, theirs) {
            (Some(said), Some(theirs)) => {
                self.calls[at].belief = Some(Belief {
                    port: said.port,
                    mine: said.direction,
                    theirs,
                    channels: said.channels,
                });
                None
            }
            (None, Some(_)) if updating => None,
            // A late offer. Now and then it is left without its answer.
            (None, Some(theirs)) if !self.dice.chance(50) => {
                Some(self.answer_to(at, Some(theirs), response))
            }
            _ => None,
        };
        let (number, _) = response.cseq().expect("a CSeq");
        let cseq = self.calls[at].cseq;
        let mut ack = self.make(at, Method::Ack);
        self.calls[at].cseq = cseq;
        ack.set(HeaderName::CSeq, format_args!("{number} ACK"));
        if let Some(body) = body {
            ack.set_body(Some("application/sdp"), body);
        }
        let tag = response.to_tag().unwrap_or_default().to_owned();
        self.acks.push((id, tag, ack.clone()));
        let edge = self.edge();
        self.transactions.send(now, edge, ack);
        let name = self.calls[at].name.clone();
        let local = self.calls[at].local_tag.clone();
        self.calls[at].client = None;
        // We may have hung up meanwhile.
        if self.calls[at].stage == Stage::Over {
            return;
        }
        self.calls[at].stage = Stage::Confirmed;
        // The other forks are over, but the one that was confirmed first stays.
        for other in 0..self.calls.len() {
            let call = &mut self.calls[other];
            if other != at
                && call.name == name
                && call.local_tag == local
                && call.stage == Stage::Early
            {
                (call.stage, call.client) = (Stage::Over, None);
            }
        }
        if self.ending {
            self.bye(now, at);
        }
    }

    pub(super) fn failed(&mut self, now: Instant, id: ClientTransactionId) {
        for at in 0..self.calls.len() {
            let call = &mut self.calls[at];
            if call.client == Some(id) || call.update == Some(id) {
                (call.client, call.update, call.offered) = (None, None, None);
                if call.stage == Stage::Early {
                    call.stage = Stage::Over;
                } else {
                    self.bye(now, at);
                }
            }
        }
    }
}
