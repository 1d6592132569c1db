//! What a user agent keeps of a dialog: RFC 3261 §12.

use bytes::Bytes;
use wire_sip::{HeaderName, Message, Method, StatusCode};

use crate::{
    address::{UriView, uri_of},
    transaction::{cseq, tag},
};

/// RFC 3261 §12: what names a dialog, seen from our side.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DialogId {
    /// Call-ID.
    pub call_id: String,
    /// Our tag.
    pub local_tag: String,
    /// The other side's tag; empty for a peer of RFC 2543, which has none.
    pub remote_tag: String,
}

impl DialogId {
    /// The dialog that a request which came to us belongs to; `None` outside of one.
    pub fn of_request(request: &Message) -> Option<Self> {
        Some(Self {
            call_id: request.header(HeaderName::CallId)?.to_owned(),
            local_tag: tag(request, HeaderName::To)?.to_owned(),
            remote_tag: tag(request, HeaderName::From).unwrap_or("").to_owned(),
        })
    }

    /// The dialog that a response to a request of ours belongs to.
    pub fn of_response(response: &Message) -> Option<Self> {
        Some(Self {
            call_id: response.header(HeaderName::CallId)?.to_owned(),
            local_tag: tag(response, HeaderName::From)?.to_owned(),
            remote_tag: tag(response, HeaderName::To).unwrap_or("").to_owned(),
        })
    }
}

/// RFC 3261 §12: a dialog has begun, or is sure to stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DialogState {
    /// A provisional response made it.
    Early,
    /// A 2xx made or confirmed it.
    Confirmed,
}

/// One dialog at a user agent.
#[derive(Debug, Clone)]
pub struct Dialog {
    id: DialogId,
    state: DialogState,
    /// Our From or To value, tag included.
    local: String,
    /// The other side's, tag included.
    remote: String,
    remote_target: String,
    route_set: Vec<String>,
    local_cseq: u32,
    remote_cseq: Option<u32>,
}

impl Dialog {
    /// RFC 3261 §12.1.2 — a response to a request of ours made a dialog; `None` if it cannot.
    pub fn from_response(request: &Message, response: &Message) -> Option<Self> {
        let mut route_set: Vec<String> = record_routes(response);
        route_set.reverse();
        Some(Self {
            id: DialogId::of_response(response)?,
            state: state_of(response.status()?)?,
            local: request.header(HeaderName::From)?.to_owned(),
            remote: response.header(HeaderName::To)?.to_owned(),
            remote_target: contact(response)?,
            route_set,
            local_cseq: cseq(request)?.0,
            remote_cseq: None,
        })
    }

    /// RFC 3261 §12.1.1 — our response (with its To tag) to a request makes a dialog.
    pub fn from_request(request: &Message, response: &Message) -> Option<Self> {
        Some(Self {
            id: DialogId {
                call_id: request.header(HeaderName::CallId)?.to_owned(),
                local_tag: tag(response, HeaderName::To)?.to_owned(),
                remote_tag: tag(request, HeaderName::From).unwrap_or("").to_owned(),
            },
            state: state_of(response.status()?)?,
            local: response.header(HeaderName::To)?.to_owned(),
            remote: request.header(HeaderName::From)?.to_owned(),
            remote_target: contact(request)?,
            route_set: record_routes(request),
            // RFC 3261 §12.1.1: empty; our first request may begin anywhere below 2^31.
            local_cseq: 0,
            remote_cseq: Some(cseq(request)?.0),
        })
    }

    /// A dialog that was confirmed in another life of this process, as it was written down then.
    pub fn confirmed(id: DialogId, local: String, remote: String, remote_target: String) -> Self {
        Self {
            id,
            state: DialogState::Confirmed,
            local,
            remote,
            remote_target,
            route_set: Vec::new(),
            local_cseq: 0,
            remote_cseq: None,
        }
    }

    /// The route set of a dialog that was written down, and the number that its next request is to
    /// follow.
    pub fn set_route(&mut self, route_set: Vec<String>, local_cseq: u32) {
        self.route_set = route_set;
        self.local_cseq = local_cseq;
    }

    /// RFC 3261 §12.2.1.1 — a request of ours within the dialog, without Via and Contact. An ACK or
    /// CANCEL has the number of its INVITE: see [`ack`](Self::ack).
    pub fn request(&mut self, method: Method<'_>) -> Message {
        self.local_cseq += 1;
        self.request_with(method, self.local_cseq)
    }

    /// RFC 3261 §13.2.2.4 — the ACK for a 2xx to the INVITE with this number.
    pub fn ack(&self, cseq: u32) -> Message {
        self.request_with(Method::Ack, cseq)
    }

    /// RFC 3261 §12.2.2 — a request of the other side within the dialog. The error is the status
    /// to answer with. Contact of a target refresh request takes effect here, as it does when the
    /// request succeeds; one that fails changes nothing of ours that is in use by then.
    pub fn handle_request(&mut self, request: &Message) -> Result<(), StatusCode> {
        let (number, method) = cseq(request).ok_or(StatusCode::BAD_REQUEST)?;
        if method == "ACK" || method == "CANCEL" {
            return Ok(());
        }
        if self.remote_cseq.is_some_and(|last| number <= last) {
            return Err(StatusCode::SERVER_INTERNAL_ERROR);
        }
        self.remote_cseq = Some(number);
        self.refresh_target(request);
        Ok(())
    }

    /// RFC 3261 §12.2.1.2, §13.2.2.4 — a response to a request of ours: a 2xx confirms the dialog,
    /// settles its route set if it was early, and refreshes the target.
    pub fn handle_response(&mut self, response: &Message) {
        let Some((status, (_, method))) = response.status().zip(cseq(response)) else {
            return;
        };
        if !status.is_success() {
            return;
        }
        if self.state == DialogState::Early && method == "INVITE" {
            self.state = DialogState::Confirmed;
            self.route_set = record_routes(response);
            self.route_set.reverse();
        }
        self.refresh_target(response);
    }

    /// RFC 3261 §12.2 — where the other side wants requests from now on: the Contact of a message of its that
    /// refreshes the target. Of use where that message was to somebody else, as in the middle of a call.
    pub fn refresh_target(&mut self, message: &Message) {
        let refreshes = cseq(message).is_some_and(|(_, method)| refreshes_target(method));
        if let Some(target) = contact(message).filter(|_| refreshes) {
            self.remote_target = target;
        }
    }

    /// RFC 3261 §12.2.1.1 — our next request has a higher number than this one, which somebody else gave.
    pub fn follow(&mut self, number: u32) {
        self.local_cseq = self.local_cseq.max(number);
    }

    /// Our 2xx to the INVITE confirms the dialog (RFC 3261 §13.3.1.4).
    pub fn confirm(&mut self) {
        self.state = DialogState::Confirmed;
    }

    /// What names it.
    pub fn id(&self) -> &DialogId {
        &self.id
    }

    /// Our From or To value, tag included.
    pub fn local(&self) -> &str {
        &self.local
    }

    /// The other side's From or To value, tag included.
    pub fn remote(&self) -> &str {
        &self.remote
    }

    /// Early or confirmed.
    pub fn state(&self) -> DialogState {
        self.state
    }

    /// Where the other side wants requests: its Contact of the moment.
    pub fn remote_target(&self) -> &str {
        &self.remote_target
    }

    /// The first URI of the way there: the first route, or the remote target without one.
    pub fn next_hop(&self) -> &str {
        self.route_set
            .first()
            .and_then(|route| uri_of(route))
            .unwrap_or(&self.remote_target)
    }

    /// The number of our last request.
    pub fn local_cseq(&self) -> u32 {
        self.local_cseq
    }

    /// The number of the other side's last request.
    pub fn remote_cseq(&self) -> Option<u32> {
        self.remote_cseq
    }

    /// Route values, first hop first.
    pub fn route_set(&self) -> &[String] {
        &self.route_set
    }

    fn request_with(&self, method: Method<'_>, number: u32) -> Message {
        let first = self.route_set.first().and_then(|route| uri_of(route));
        let strict = first.filter(|uri| !UriView::parse(uri).is_some_and(|uri| uri.is_loose()));
        // RFC 3261 §12.2.1.1: a strict router wants to be in the Request-URI.
        let mut request = Message::request(method, strict.unwrap_or(&self.remote_target));
        request.push_back(HeaderName::MaxForwards, 70);
        for route in self.route_set.iter().skip(usize::from(strict.is_some())) {
            request.push_back(HeaderName::Route, route);
        }
        if strict.is_some() {
            request.push_back(HeaderName::Route, format_args!("<{}>", self.remote_target));
        }
        request.push_back(HeaderName::From, &self.local);
        request.push_back(HeaderName::To, &self.remote);
        request.push_back(HeaderName::CallId, &self.id.call_id);
        request.push_back(HeaderName::CSeq, format_args!("{number} {method}"));
        request.set_body(None, Bytes::new());
        request
    }
}

fn state_of(status: StatusCode) -> Option<DialogState> {
    match status.class() {
        // RFC 3261 §12.1: 100 makes no dialog.
        1 if status != StatusCode::TRYING => Some(DialogState::Early),
        2 => Some(DialogState::Confirmed),
        _ => None,
    }
}

/// RFC 3261 §12.2, RFC 3311 §5, RFC 6665 §4.5.1.
fn refreshes_target(method: &str) -> bool {
    matches!(
        method,
        "INVITE" | "UPDATE" | "SUBSCRIBE" | "NOTIFY" | "REFER"
    )
}

fn record_routes(message: &Message) -> Vec<String> {
    message
        .values(HeaderName::RecordRoute)
        .map(str::to_owned)
        .collect()
}

fn contact(message: &Message) -> Option<String> {
    let value = message.values(HeaderName::Contact).next()?;
    uri_of(value).map(str::to_owned)
}
