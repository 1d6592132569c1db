//! The UE's half of a bootstrap channel.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};
use thiserror::Error;

use crate::error::{Malformed, Refused};
use crate::limits::Limits;
use crate::outgoing::Outgoing;
use crate::request::{Method, Request};
use crate::response::Response;

/// The client of one channel. One input, then [`Client::poll_response`] and [`Client::message`] until
/// they give nothing more. Answers come in the order of the requests.
#[derive(Debug)]
pub struct Client {
    limits: Limits,
    waiting: VecDeque<(Method, Bytes)>,
    /// The request that waits for its answer.
    asked: Option<Method>,
    incoming: BytesMut,
    searched: usize,
    outgoing: Outgoing,
    ended: Option<Malformed>,
    told: bool,
}

/// The channel is at its end, and no request will be answered any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[error("the network sent {0}")]
pub struct Failed(pub Malformed);

impl Client {
    /// A client whose channel messages hold `message` bytes at most, which is what the peer takes.
    pub fn new(limits: Limits, message: usize) -> Self {
        Self {
            limits,
            waiting: VecDeque::new(),
            asked: None,
            incoming: BytesMut::new(),
            searched: 0,
            outgoing: Outgoing::new(message),
            ended: None,
            told: false,
        }
    }

    /// TS 26.114 §6.2.10 — asks, when those before have their answers.
    pub fn request(&mut self, request: &Request) -> Result<(), Refused> {
        if self.ended.is_some() {
            return Err(Refused::Ended);
        }
        if self.waiting.len() >= self.limits.requests {
            return Err(Refused::TooMany);
        }
        let written = request.write(&self.limits)?;
        self.waiting.push_back((request.method.clone(), written));
        self.ask();
        Ok(())
    }

    /// A channel message came, of whatever kind: it is octets.
    pub fn handle_message(&mut self, message: &[u8]) {
        if self.ended.is_some() {
            return;
        }
        if self.asked.is_none() {
            self.end(Malformed::Unasked);
            return;
        }
        let most = self.limits.head + self.limits.response_body;
        if self.incoming.len() + message.len() > most {
            self.end(Malformed::BodyTooLarge);
            return;
        }
        self.incoming.extend_from_slice(message);
    }

    /// The answer to the oldest request. An error is the end, and comes once.
    #[must_use = "somebody waits for the answer"]
    pub fn poll_response(&mut self) -> Option<Result<Response, Failed>> {
        if let Some(wrong) = self.ended {
            return (!std::mem::replace(&mut self.told, true)).then_some(Err(Failed(wrong)));
        }
        loop {
            let to_head = *self.asked.as_ref()? == Method::Head;
            let read = Response::read(&self.incoming, &mut self.searched, &self.limits, to_head);
            match read {
                Ok(None) => return None,
                Ok(Some((mut response, from, to))) => {
                    let mut message = self.incoming.split_to(to);
                    self.searched = 0;
                    // RFC 9110 §15.2: what is only on the way is no answer yet.
                    if response.status.0 < 200 {
                        continue;
                    }
                    response.body = message.split_off(from).freeze();
                    self.asked = None;
                    if !self.incoming.is_empty() {
                        // It belongs to no request; this answer is still a good one.
                        self.end(Malformed::Unasked);
                    }
                    self.ask();
                    return Some(Ok(response));
                }
                Err(wrong) => {
                    self.end(wrong);
                    return self.poll_response();
                }
            }
        }
    }

    /// How much of the answer is there, in bytes: a package may take its time.
    pub fn received(&self) -> usize {
        self.incoming.len()
    }

    /// What the next channel message is to hold. It stays the next one until [`Client::sent`].
    pub fn message(&mut self) -> Option<Bytes> {
        self.outgoing.message()
    }

    /// The channel took it.
    pub fn sent(&mut self) {
        self.outgoing.sent();
    }

    fn ask(&mut self) {
        if self.asked.is_none()
            && self.ended.is_none()
            && let Some((method, written)) = self.waiting.pop_front()
        {
            self.asked = Some(method);
            self.outgoing.push(written);
        }
    }

    fn end(&mut self, wrong: Malformed) {
        self.ended = Some(wrong);
        self.asked = None;
        self.waiting.clear();
        self.incoming = BytesMut::new();
        self.outgoing = Outgoing::new(1);
    }
}
