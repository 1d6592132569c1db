//! The requests that a client transaction sends by itself.

use bytes::Bytes;
use wire_sip::{HeaderName, Message, Method};

use super::matching::cseq;

/// RFC 3261 §17.1.1.3: the ACK for a final response other than 2xx.
pub(super) fn ack(invite: &Bytes, response: &Message) -> Option<Bytes> {
    let invite = Message::parse(invite.clone()).ok()?;
    let mut ack = companion(&invite, Method::Ack)?;
    ack.push_back(HeaderName::To, response.header(HeaderName::To)?);
    Some(finish(ack))
}

/// RFC 3261 §9.1: the CANCEL for a request that is under way; RFC 3326 §2 lets it say why.
pub(super) fn cancel(invite: &Bytes, reason: Option<&str>) -> Option<Message> {
    let invite = Message::parse(invite.clone()).ok()?;
    let mut cancel = companion(&invite, Method::Cancel)?;
    cancel.push_back(HeaderName::To, invite.header(HeaderName::To)?);
    if let Some(reason) = reason {
        cancel.push_back(HeaderName::Reason, reason);
    }
    cancel.set_body(None, Bytes::new());
    Some(cancel)
}

/// What ACK and CANCEL have in common: Request-URI, Route, topmost Via, From, Call-ID and the
/// number in CSeq are those of the INVITE.
fn companion(invite: &Message, method: Method<'_>) -> Option<Message> {
    let mut request = Message::request(method, invite.request_uri()?);
    request.push_back(HeaderName::Via, invite.values(HeaderName::Via).next()?);
    request.push_back(HeaderName::MaxForwards, 70);
    for route in invite.values(HeaderName::Route) {
        request.push_back(HeaderName::Route, route);
    }
    // RFC 3261 §22.1, RFC 8898 §2.3: neither can be challenged, so both bring what the INVITE brought.
    for name in [HeaderName::Authorization, HeaderName::ProxyAuthorization] {
        for credentials in invite.lines(name) {
            request.push_back(name, credentials);
        }
    }
    request.push_back(HeaderName::From, invite.header(HeaderName::From)?);
    request.push_back(HeaderName::CallId, invite.header(HeaderName::CallId)?);
    let (number, _) = cseq(invite)?;
    request.push_back(HeaderName::CSeq, format_args!("{number} {method}"));
    Some(request)
}

fn finish(mut request: Message) -> Bytes {
    request.set_body(None, Bytes::new());
    request.to_bytes()
}
