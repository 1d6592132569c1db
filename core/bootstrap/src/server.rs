//! The network's half of a bootstrap channel.
//!
//! ```text
//!   handle_message ─▶ (whole?) ─▶ poll_request ─▶ the owner answers ─▶ respond ─▶ message, sent ─▶ …
//!        what comes meanwhile waits, within bounds         the next request is looked for only then
//! ```

use bytes::{Bytes, BytesMut};

use crate::error::Malformed;
use crate::limits::Limits;
use crate::outgoing::Outgoing;
use crate::request::{Method, Request};
use crate::response::{Response, StatusCode};

/// The server of one channel. One input, then [`Server::poll_request`] and [`Server::message`] until
/// they give nothing more.
#[derive(Debug)]
pub struct Server {
    limits: Limits,
    incoming: BytesMut,
    searched: usize,
    outgoing: Outgoing,
    state: State,
}

#[derive(Debug)]
enum State {
    /// A request is looked for in what came.
    Reading,
    /// The owner has one.
    Answering { head_only: bool },
    /// The answer leaves.
    Sending,
    /// Nothing that comes can be understood any more; the last answer leaves.
    Ending,
    /// Close the channel.
    Ended,
}

impl Server {
    /// A server whose channel messages hold `message` bytes at most, which is what the peer takes.
    pub fn new(limits: Limits, message: usize) -> Self {
        Self {
            limits,
            incoming: BytesMut::new(),
            searched: 0,
            outgoing: Outgoing::new(message),
            state: State::Reading,
        }
    }

    /// A channel message came, of whatever kind: it is octets.
    pub fn handle_message(&mut self, message: &[u8]) {
        if matches!(self.state, State::Ending | State::Ended) {
            return;
        }
        // A client that waits for its answers never has more than this on the way.
        let most = self.limits.head + self.limits.request_body;
        if self.incoming.len() + message.len() > most {
            self.end(Malformed::BodyTooLarge);
            return;
        }
        self.incoming.extend_from_slice(message);
    }

    /// TS 26.114 §6.2.10 — the next request, when the one before has its answer. What is no request is
    /// answered here.
    #[must_use = "a request waits for its answer"]
    pub fn poll_request(&mut self) -> Option<Request> {
        if !matches!(self.state, State::Reading) {
            return None;
        }
        // RFC 9112 §2.2: empty lines before a request are not part of it.
        while self.incoming.starts_with(b"\r\n") {
            let _ = self.incoming.split_to(2);
            self.searched = 0;
        }
        match Request::read(&self.incoming, &mut self.searched, &self.limits) {
            Ok(None) => None,
            Ok(Some((request, length))) => {
                let _ = self.incoming.split_to(length);
                self.searched = 0;
                if self.incoming.is_empty() {
                    // Nothing is kept for a channel that is idle.
                    self.incoming = BytesMut::new();
                }
                self.state = State::Answering {
                    head_only: request.method == Method::Head,
                };
                Some(request)
            }
            Err(wrong) => {
                self.end(wrong);
                None
            }
        }
    }

    /// Answers the request that was polled. Without one nothing happens.
    pub fn respond(&mut self, response: &Response) {
        let State::Answering { head_only } = self.state else {
            return;
        };
        self.outgoing.push(response.write_head(false));
        if !head_only && response.status != StatusCode::NOT_MODIFIED {
            self.outgoing.push(response.body.clone());
        }
        self.state = State::Sending;
    }

    /// What the next channel message is to hold. It stays the next one until [`Server::sent`].
    pub fn message(&mut self) -> Option<Bytes> {
        self.outgoing.message()
    }

    /// The channel took it.
    pub fn sent(&mut self) {
        self.outgoing.sent();
        if self.outgoing.is_empty() {
            match self.state {
                State::Sending => self.state = State::Reading,
                State::Ending => self.state = State::Ended,
                State::Reading | State::Answering { .. } | State::Ended => {}
            }
        }
    }

    /// Whether the channel is to be closed.
    pub fn has_ended(&self) -> bool {
        matches!(self.state, State::Ended)
    }

    /// RFC 9112 §9.6, RFC 9110 §15.5 — where the next request begins nobody knows: the last answer.
    fn end(&mut self, wrong: Malformed) {
        let status = match wrong {
            Malformed::HeadTooLarge => StatusCode::HEADERS_TOO_LARGE,
            Malformed::BodyTooLarge => StatusCode::CONTENT_TOO_LARGE,
            Malformed::TransferEncoding => StatusCode::NOT_IMPLEMENTED,
            Malformed::Version => StatusCode::VERSION_NOT_SUPPORTED,
            _ => StatusCode::BAD_REQUEST,
        };
        let response = Response::sentence(status, &wrong.to_string());
        // An answer that is half out goes first, or the two would be one.
        if matches!(self.state, State::Reading | State::Sending) {
            self.outgoing.push(response.write_head(true));
            self.outgoing.push(response.body);
        }
        self.state = if self.outgoing.is_empty() {
            State::Ended
        } else {
            State::Ending
        };
        self.incoming = BytesMut::new();
    }
}
