//! TS 24.371 §7.2.4 — a WIC makes no emergency calls, and says so when one was not recognised.

use core_sip::address::UriView;
use wire_sip::Message;

/// TS 22.101 §10.1.1 — the numbers that a phone without a SIM takes for emergency numbers.
pub const EMERGENCY_NUMBERS: [&str; 8] = ["000", "08", "110", "112", "118", "119", "911", "999"];

/// TS 24.371 §7.2.4 — whether the number dialled is an emergency number, in any of its forms; RFC 5031
/// §4.2: `urn:service:sos` and all below it.
pub(crate) fn is_emergency(uri: &str, numbers: &[String]) -> bool {
    let lower = uri.to_ascii_lowercase();
    if let Some(service) = lower.strip_prefix("urn:service:") {
        return service == "sos" || service.starts_with("sos.");
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
    let digits: String = unescaped(number)
        .filter(|c| !matches!(c, '-' | '.' | '(' | ')'))
        .collect();
    numbers.contains(&digits)
}

/// RFC 3261 §19.1.4 — `%31` is `1`; octets beyond ASCII are in no number.
fn unescaped(text: &str) -> impl Iterator<Item = char> {
    let mut rest = text.chars();
    std::iter::from_fn(move || {
        let next = rest.next()?;
        let mut ahead = rest.clone();
        let mut digit = || ahead.next().and_then(|digit| digit.to_digit(16));
        if next == '%'
            && let (Some(high), Some(low)) = (digit(), digit())
        {
            rest = ahead;
            return char::from_u32(16 * high + low);
        }
        Some(next)
    })
}

/// TS 24.229 §5.2.10.4, §7.6 — whether a 380 says that this was an emergency call; in its own words.
pub(crate) fn alternative_service(response: &Message) -> Option<String> {
    if response
        .status()
        .is_none_or(|status| status.as_u16() != 380)
    {
        return None;
    }
    let body = std::str::from_utf8(response.body()).ok()?;
    let inside = |name: &str| {
        let (_, rest) = body.split_once(&format!("<{name}>"))?;
        let (text, _) = rest.split_once('<')?;
        Some(text.trim())
    };
    // TS 24.229 §7.6.2: `emergency` is the only type that there is, and one without is none.
    if inside("type") != Some("emergency") {
        return None;
    }
    let words = inside("reason").filter(|words| !words.is_empty());
    let words = words.unwrap_or("emergency calls are not served here");
    Some(
        words
            .chars()
            .filter(|c| !c.is_control())
            .take(200)
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_write_it_is_recognised() {
        let numbers = EMERGENCY_NUMBERS.map(str::to_owned);
        for uri in [
            "urn:service:sos",
            "URN:service:SOS.police",
            "tel:112",
            "tel:9-1-1;phone-context=home.net",
            "sip:112@home.net;user=phone",
            "sip:911;phone-context=home.net@home.net",
            "sip:%31%31%32@home.net",
            "sip:11%32@home.net",
        ] {
            assert!(is_emergency(uri, &numbers), "{uri}");
        }
        for uri in [
            "urn:service:sosage",
            "urn:service:counseling",
            "tel:+112",
            "tel:1120",
            "sip:%311%2@home.net",
            "sip:%3131%32@home.net",
            "sip:alice112@home.net",
            "no uri",
        ] {
            assert!(!is_emergency(uri, &numbers), "{uri}");
        }
    }

    fn response(status: &str, body: &str) -> Message {
        let text = format!(
            "SIP/2.0 {status}\r\nVia: SIP/2.0/WSS h;branch=z9hG4bK1\r\nFrom: <sip:a@x>;tag=1\r\n\
             To: <sip:b@x>;tag=2\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\n\
             Content-Type: application/3gpp-ims+xml\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        Message::parse(text.into()).unwrap()
    }

    #[test]
    fn a_380_is_told_from_any_other_refusal() {
        let body = "<ims-3gpp version=\"1\"><alternative-service><type>emergency</type>\
                    <reason>use a phone</reason></alternative-service></ims-3gpp>";
        let said = |status: &str, body: &str| alternative_service(&response(status, body));
        assert_eq!(
            said("380 Alternative", body).as_deref(),
            Some("use a phone")
        );
        assert_eq!(said("486 Busy", body), None);
        assert_eq!(said("380 Alternative", ""), None);
        assert_eq!(said("380 Alternative", "<type>restoration</type>"), None);
        let without = said("380 Alternative", "<type>emergency</type><reason></reason>");
        assert!(without.is_some_and(|words| words.contains("emergency")));
    }
}
