//! Emergency calls: a WIC cannot place them, and is told so at once (TS 24.371 §7.4.4).

use bytes::Bytes;
use core_sip::address::UriView;
use core_sip::reply;
use wire_sip::{HeaderName, Message, StatusCode};

use crate::Config;

/// TS 24.229 §7.6: what a 380 says.
const BODY: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
    <ims-3gpp version=\"1\"><alternative-service><type>emergency</type>\
    <reason>Emergency calls are not supported</reason></alternative-service></ims-3gpp>\n";

/// Whether a request is for an emergency service: `urn:service:sos` with what is below it, or a
/// configured number in any of its forms (TS 24.229 §5.2.10).
pub(crate) fn is_emergency(config: &Config, request: &Message) -> bool {
    let uri = request.request_uri().unwrap_or_default();
    let lower = uri.to_ascii_lowercase();
    if lower == "urn:service:sos" || lower.starts_with("urn:service:sos.") {
        return true;
    }
    let Some(view) = UriView::parse(uri) else {
        return false;
    };
    let user = if view.is_sip() {
        view.user.unwrap_or_default()
    } else {
        view.host
    };
    let number = user.split([';', ':']).next().unwrap_or_default();
    let digits: String = number
        .chars()
        .filter(|c| !matches!(c, '-' | '.' | '(' | ')'))
        .collect();
    config.emergency_numbers.contains(&digits)
}

/// TS 24.229 §5.2.10.4 — 380 with the reason in words. The asserted identity, `own`, is what Path named
/// us by at registration.
pub(crate) fn answer(request: &Message, to_tag: &str, own: &str) -> Message {
    let status = StatusCode::new(380).unwrap_or(StatusCode::FORBIDDEN);
    let mut response = reply(request, status, to_tag);
    response.push_back(HeaderName::PAssertedIdentity, format_args!("<{own}>"));
    response.set_body(
        Some("application/3gpp-ims+xml"),
        Bytes::from_static(BODY.as_bytes()),
    );
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn emergency(uri: &str) -> bool {
        let config = Config::new("home.net", "edge:5070", "sip:core");
        let text = format!(
            "INVITE {uri} SIP/2.0\r\nVia: SIP/2.0/WSS h;branch=z9hG4bK1\r\nFrom: <sip:a@x>;tag=1\r\n\
             To: <sip:b@x>\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\n\r\n"
        );
        is_emergency(&config, &Message::parse(text.into()).unwrap())
    }

    #[test]
    fn every_way_to_write_it_is_recognised() {
        for uri in [
            "urn:service:sos",
            "URN:Service:SOS.fire",
            "tel:112",
            "tel:1-1-2;phone-context=home.net",
            "sip:911@home.net;user=phone",
            "sip:112;phone-context=+1@home.net;user=phone",
        ] {
            assert!(emergency(uri), "{uri}");
        }
        for uri in [
            "tel:1125",
            "sip:bob@home.net",
            "urn:service:sosx",
            "urn:service:counseling",
        ] {
            assert!(!emergency(uri), "{uri}");
        }
    }
}
