//! What an agent does of its own accord.

use std::time::{Duration, Instant};

use wire_sip::{HeaderName, Method};

use super::call::{Call, Repeat, Stage, requires};
use super::{Agent, Deed, Side, WAY};
use crate::text::{HOME, direction};

impl Agent {
    /// Does something, if it can.
    pub(crate) fn act(&mut self, now: Instant, deed: Deed) {
        match deed {
            Deed::Call => self.call(now),
            Deed::Ring | Deed::Preview | Deed::Reliable => {
                if let Some(at) = self.ringing() {
                    self.ring(now, at, deed);
                }
            }
            Deed::Answer => {
                let asked = |call: &Call| call.invite.is_some();
                if let Some(at) = self.some(asked) {
                    self.answer(now, at);
                }
            }
            Deed::Fork => {
                if let Some(at) = self.ringing().filter(|_| self.side == Side::Core)
                    && self.calls.len() < 4
                {
                    self.made += 1;
                    let mut fork = self.calls[at].clone();
                    let tag = format!("Fork{}", self.made);
                    fork.local = fork.local.replace(&fork.local_tag, &tag);
                    (fork.local_tag, fork.rseq, fork.belief) = (tag, 0, None);
                    (fork.early, fork.offered) = (None, None);
                    fork.theirs = fork.invite.as_ref().and_then(|(_, m)| direction(m.body()));
                    self.calls.push(fork);
                    let at = self.calls.len() - 1;
                    self.ring(now, at, Deed::Preview);
                }
            }
            Deed::Refuse => {
                if let Some(at) = self.some(|call| call.invite.is_some()) {
                    self.refuse(now, at);
                }
            }
            Deed::Cancel => {
                let Some(at) = self.some(|call| call.client.is_some()) else {
                    return;
                };
                if let Some(id) = self.calls[at].client {
                    self.transactions.cancel(now, id, None);
                }
            }
            Deed::Update => {
                let free = |call: &Call| {
                    call.remote_tag.is_some() && call.stage != Stage::Over && call.update.is_none()
                };
                let Some(at) = self.some(free) else { return };
                let mut update = self.make(at, Method::Update);
                let quiet = self.calls[at].offered.is_none() && self.calls[at].theirs.is_none();
                let offers = quiet && self.dice.chance(800);
                if offers {
                    let body = self.offer(at);
                    update.set_body(Some("application/sdp"), body);
                }
                let id = self.send(now, update);
                self.calls[at].update = Some(id);
                self.calls[at].update_offers = offers;
            }
            Deed::Reinvite => {
                let Some(at) = self.some(|call| call.stage == Stage::Confirmed && call.is_free())
                else {
                    return;
                };
                let mut invite = self.make(at, Method::Invite);
                if self.dice.chance(700) {
                    let body = self.offer(at);
                    invite.set_body(Some("application/sdp"), body);
                }
                let id = self.send(now, invite);
                self.calls[at].client = Some(id);
            }
            Deed::Bye => {
                if let Some(at) = self.some(|call| call.stage == Stage::Confirmed) {
                    self.bye(now, at);
                }
            }
            Deed::Info => {
                let Some(at) =
                    self.some(|call| call.remote_tag.is_some() && call.stage != Stage::Over)
                else {
                    return;
                };
                let info = self.make(at, Method::Info);
                self.send(now, info);
            }
            Deed::Nonsense => self.nonsense(now),
        }
        self.drain(now);
    }

    /// Ends whatever there is.
    pub(crate) fn end(&mut self, now: Instant) {
        self.ending = true;
        for at in 0..self.calls.len() {
            if self.calls[at].stage == Stage::Confirmed {
                self.bye(now, at);
            } else if let Some(id) = self.calls[at].client {
                self.transactions.cancel(now, id, None);
            } else if self.calls[at].invite.is_some() && self.calls[at].stage == Stage::Early {
                self.refuse(now, at);
            }
        }
        self.drain(now);
    }

    pub(super) fn some(&mut self, wanted: impl Fn(&Call) -> bool) -> Option<usize> {
        let found: Vec<usize> = (0..self.calls.len())
            .filter(|at| wanted(&self.calls[*at]))
            .collect();
        found
            .get(self.dice.below(found.len() as u64) as usize)
            .copied()
    }

    pub(super) fn ringing(&mut self) -> Option<usize> {
        self.some(|call| {
            call.stage == Stage::Early && call.invite.is_some() && call.early.is_none()
        })
    }

    pub(super) fn call(&mut self, now: Instant) {
        if self.calls.iter().any(|call| call.stage != Stage::Over) {
            return;
        }
        self.made += 1;
        let seed = self.dice.next_u64();
        let name = format!("{:?}{}x{seed:x}", self.side, self.made);
        let local_tag = format!("{:?}{}", self.side, self.made);
        (self.reliable, self.timer) = (self.dice.chance(600), self.dice.chance(500));
        self.requires = self.side == Side::Core && self.reliable && self.dice.chance(400);
        let (local, remote, target, routes) = match self.side {
            Side::Wic => ("alice", "bob", format!("sip:bob@{HOME}"), Vec::new()),
            Side::Core => (
                "bob",
                "alice",
                "sip:alice@alice.invalid;transport=ws".to_owned(),
                vec![self.path.clone()],
            ),
        };
        self.calls.push(Call {
            name,
            local: format!("<sip:{local}@{HOME}>;tag={local_tag}"),
            local_tag,
            remote_tag: None,
            remote: format!("<sip:{remote}@{HOME}>"),
            target,
            routes,
            cseq: self.dice.below(100) as u32,
            remote_cseq: None,
            stage: Stage::Early,
            client: None,
            update: None,
            update_offers: false,
            invite: None,
            offered: None,
            invited: None,
            theirs: None,
            ok: None,
            early: None,
            rseq: 0,
            knows: self.side == Side::Core || self.reliable,
            data: None,
            belief: None,
            leaving: false,
            released: 0,
        });
        let at = self.calls.len() - 1;
        let mut invite = self.make(at, Method::Invite);
        if self.dice.chance(750) {
            let body = self.offer(at);
            invite.set_body(Some("application/sdp"), body);
            self.calls[at].invited = self.calls[at].offered;
        }
        let id = self.send(now, invite);
        self.calls[at].client = Some(id);
    }

    pub(super) fn ring(&mut self, now: Instant, at: usize, deed: Deed) {
        let Some((server, request)) = self.calls[at].invite.clone() else {
            return;
        };
        let knows = self.calls[at].knows;
        let reliable =
            knows && (request.lists(HeaderName::Supported, "100rel") || requires(&request));
        let deed = if knows && requires(&request) {
            Deed::Reliable
        } else {
            deed
        };
        let (status, body) = match deed {
            Deed::Ring => (180, None),
            Deed::Preview => match self.calls[at].theirs {
                // A preview is not the answer yet.
                Some(theirs) => {
                    let belief = self.calls[at].belief;
                    let body = self.answer_to(at, Some(theirs), &request);
                    (self.calls[at].belief, self.calls[at].theirs) = (belief, Some(theirs));
                    (183, Some(body))
                }
                None => (183, None),
            },
            _ if !reliable => {
                // Now and then the core requires what the WIC cannot do.
                if self.side == Side::Core && self.dice.chance(300) {
                    self.require(now, at);
                }
                return;
            }
            _ if self.calls[at].update.is_some() && self.calls[at].update_offers => return,
            _ => match self.calls[at].theirs.take() {
                Some(theirs) => (183, Some(self.answer_to(at, Some(theirs), &request))),
                None if request.body().is_empty()
                    && self.calls[at].offered.is_none()
                    && self.calls[at].rseq == 0 =>
                {
                    (183, Some(self.offer(at)))
                }
                None => (183, None),
            },
        };
        let mut response = self.write(at, &request, status, body);
        if matches!(deed, Deed::Reliable) {
            let first = if self.calls[at].rseq == 0 {
                self.dice.below(3) as u32
            } else {
                0
            };
            self.calls[at].rseq += 1 + first;
            response.push_back(HeaderName::Require, "100rel");
            response.push_back(HeaderName::RSeq, self.calls[at].rseq);
            let interval = Duration::from_millis(500);
            self.calls[at].early = Some(Repeat {
                server,
                message: response.clone(),
                at: now + interval,
                interval,
                until: now + WAY,
            });
        }
        self.transactions.respond(now, server, response);
    }

    /// RFC 3262 §3: 421.
    pub(super) fn require(&mut self, now: Instant, at: usize) {
        if self.calls.len() > 1 {
            return;
        }
        let Some((server, request)) = self.calls[at].invite.take() else {
            return;
        };
        let mut response = self.write(at, &request, 421, None);
        response.push_back(HeaderName::Require, "100rel");
        self.calls[at].stage = Stage::Over;
        self.transactions.respond(now, server, response);
    }

    pub(super) fn answer(&mut self, now: Instant, at: usize) {
        let Some((server, request)) = self.calls[at].invite.clone() else {
            return;
        };
        // RFC 3262 §5: not while an offer of ours waits for PRACK, nor while one in an UPDATE waits.
        let call = &self.calls[at];
        if call.early.is_some() || (call.update.is_some() && call.update_offers) {
            return;
        }
        if self.calls[at].stage == Stage::Confirmed && self.dice.chance(120) {
            self.refuse(now, at);
            return;
        }
        self.calls[at].invite = None;
        let body = match self.calls[at].theirs.take() {
            Some(theirs) => Some(self.answer_to(at, Some(theirs), &request)),
            None if request.body().is_empty()
                && (self.calls[at].rseq == 0 || self.calls[at].stage == Stage::Confirmed) =>
            {
                Some(self.offer(at))
            }
            None => None,
        };
        self.calls[at].stage = Stage::Confirmed;
        let mut response = self.write(at, &request, 200, body);
        if self.dice.chance(300) && request.lists(HeaderName::Supported, "timer") {
            let who = if self.dice.chance(500) { "uac" } else { "uas" };
            response.push_back(
                HeaderName::SessionExpires,
                format_args!("1800;refresher={who}"),
            );
        }
        let interval = Duration::from_millis(500);
        self.calls[at].ok = Some(Repeat {
            server,
            message: response.clone(),
            at: now + interval,
            interval,
            until: now + WAY * 4,
        });
        self.transactions.respond(now, server, response);
    }

    pub(super) fn refuse(&mut self, now: Instant, at: usize) {
        let Some((server, request)) = self.calls[at].invite.take() else {
            return;
        };
        let status = [486, 488, 500, 603, 302][self.dice.below(5) as usize];
        self.respond_in(now, at, server, &request, status, None);
        self.calls[at].theirs = None;
        let of_it = |call: &Call| call.invite.as_ref().is_some_and(|(id, _)| *id == server);
        for call in self.calls.iter_mut().filter(|call| of_it(call)) {
            (call.invite, call.early, call.stage) = (None, None, Stage::Over);
        }
        if self.calls[at].stage == Stage::Early {
            (self.calls[at].stage, self.calls[at].early) = (Stage::Over, None);
        }
    }

    pub(super) fn bye(&mut self, now: Instant, at: usize) {
        // RFC 3261 §15: whoever was called waits for the ACK.
        if self.calls[at].ok.is_some() {
            self.calls[at].leaving = true;
        } else if self.calls[at].stage != Stage::Over {
            let bye = self.make(at, Method::Bye);
            self.send(now, bye);
            self.over(now, at);
        }
    }

    /// RFC 3261 §15.1.2: what is pending gets 487.
    pub(super) fn over(&mut self, now: Instant, at: usize) {
        self.calls[at].stage = Stage::Over;
        if let Some((server, request)) = self.calls[at].invite.take() {
            self.respond_in(now, at, server, &request, 487, None);
        }
        let call = &mut self.calls[at];
        (call.ok, call.early, call.theirs) = (None, None, None);
    }
}
