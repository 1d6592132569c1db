use bytes::Bytes;
use wire_sip::{HeaderName, Message, StatusCode};

use crate::transaction::tag;

/// RFC 3261 §8.2.6: a response of our own, with `to_tag` in To unless the request had one there,
/// and no body.
pub fn reply(request: &Message, status: StatusCode, to_tag: &str) -> Message {
    let mut response = Message::response_to(request, status, None);
    if status != StatusCode::TRYING
        && tag(request, HeaderName::To).is_none()
        && let Some(to) = request.header(HeaderName::To)
    {
        let to = format!("{to};tag={to_tag}");
        response.set(HeaderName::To, to);
    }
    response.set_body(None, Bytes::new());
    response
}

/// [`reply`] with Retry-After (RFC 3261 §20.33), in seconds.
pub fn retry_after(request: &Message, status: StatusCode, to_tag: &str, seconds: u32) -> Message {
    let mut response = reply(request, status, to_tag);
    response.set(HeaderName::RetryAfter, seconds);
    response
}
