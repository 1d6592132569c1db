use bytes::Bytes;
use wire_sip::{HeaderName, Message, Method, StatusCode};

use crate::transaction::tag;

/// RFC 3261 §8.2.6: a response of our own, with `to_tag` in To unless the request had one there,
/// and no body. One that makes a dialog has the Record-Route of the request (RFC 3261 §12.1.1).
pub fn reply(request: &Message, status: StatusCode, to_tag: &str) -> Message {
    let mut response = Message::response_to(request, status, None);
    let begins = tag(request, HeaderName::To).is_none();
    if status != StatusCode::TRYING
        && begins
        && let Some(to) = request.header(HeaderName::To)
    {
        let to = format!("{to};tag={to_tag}");
        response.set(HeaderName::To, to);
    }
    let makes_dialog = matches!(
        request.method(),
        Method::Invite | Method::Subscribe | Method::Refer
    );
    if begins && makes_dialog && status != StatusCode::TRYING && !status.is_failure() {
        for route in request.values(HeaderName::RecordRoute) {
            response.push_back(HeaderName::RecordRoute, route);
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn request(method: Method<'_>, to: &str) -> Message {
        let mut request = Message::request(method, "sip:b@example.com");
        request.push_back(HeaderName::To, to);
        for route in ["<sip:p2;lr>, <sip:p1;lr>", "<sip:p0;lr>"] {
            request.push_back(HeaderName::RecordRoute, route);
        }
        request
    }

    fn routes(response: &Message) -> Vec<&str> {
        response.values(HeaderName::RecordRoute).collect()
    }

    /// RFC 3261 §12.1.1.
    #[test]
    fn a_dialog_begins_with_the_route_of_its_request() {
        let invite = request(Method::Invite, "<sip:b@example.com>");
        for status in [StatusCode::RINGING, StatusCode::OK] {
            let response = reply(&invite, status, "t");
            assert_eq!(
                routes(&response),
                ["<sip:p2;lr>", "<sip:p1;lr>", "<sip:p0;lr>"]
            );
            let to = response.header(HeaderName::To);
            assert_eq!(to, Some("<sip:b@example.com>;tag=t"));
        }
        for status in [StatusCode::TRYING, StatusCode::BUSY_HERE] {
            assert_eq!(routes(&reply(&invite, status, "t")), [""; 0]);
        }
        let again = request(Method::Invite, "<sip:b@example.com>;tag=x");
        let response = reply(&again, StatusCode::OK, "t");
        assert_eq!(routes(&response), [""; 0]);
        assert_eq!(
            response.header(HeaderName::To),
            Some("<sip:b@example.com>;tag=x")
        );
        let message = request(Method::Message, "<sip:b@example.com>");
        assert_eq!(routes(&reply(&message, StatusCode::OK, "t")), [""; 0]);
    }
}
