//! Public user identities: when are two of them the same one?

use core_sip::address::UriView;

use crate::LabCoreConfig;

/// The form that identities are compared in; `None` for a URI that cannot be one.
///
/// RFC 3261 §19.1.4, RFC 3966 §5: hosts and schemes without case, numbers without visual
/// separators, no parameters. Any address of this core stands for the home domain, so that a phone
/// may dial `sip:bob@127.0.0.1`; and a global number before `@home` is that number
/// (TS 24.229 §5.4.3.2).
pub(crate) fn canonical(config: &LabCoreConfig, uri: &str) -> Option<String> {
    let view = UriView::parse(uri)?;
    if view.scheme.eq_ignore_ascii_case("tel") {
        return Some(format!("tel:{}", number(view.host)?));
    }
    if !view.is_sip() {
        return None;
    }
    let host = if config.is_us(view.host, view.port) {
        config.home_domain.to_ascii_lowercase()
    } else {
        view.host.to_ascii_lowercase()
    };
    let user = view.user?;
    // A password is no part of an identity, and neither are telephone parameters.
    let user = user.split([':', ';']).next().unwrap_or(user);
    if user.is_empty() {
        return None;
    }
    let is_home = host.eq_ignore_ascii_case(&config.home_domain);
    let is_number = user.starts_with('+') || view.param("user") == Some("phone");
    if is_home
        && is_number
        && let Some(number) = number(user)
    {
        return Some(format!("tel:{number}"));
    }
    Some(format!("sip:{user}@{host}"))
}

/// RFC 3966 §5.1.1: visual separators say nothing.
fn number(text: &str) -> Option<String> {
    let digits: String = text
        .chars()
        .filter(|c| !matches!(c, '-' | '.' | '(' | ')'))
        .collect();
    let after_plus = digits.strip_prefix('+').unwrap_or(&digits);
    let valid = !after_plus.is_empty()
        && after_plus
            .chars()
            .all(|c| c.is_ascii_hexdigit() || matches!(c, '*' | '#'));
    valid.then_some(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_identity() {
        let address = "127.0.0.1:5060".parse().unwrap();
        let config = LabCoreConfig::new("ims.example.com", address);
        let of = |uri| canonical(&config, uri);
        for uri in [
            "sip:bob@ims.example.com",
            "SIP:bob@IMS.Example.com:5060;transport=tcp",
            "sip:bob@127.0.0.1",
            "sips:bob:pw@localhost:5060",
        ] {
            assert_eq!(of(uri).as_deref(), Some("sip:bob@ims.example.com"), "{uri}");
        }
        for uri in [
            "tel:+15550101",
            "tel:+1-(555)-01.01;x=y",
            "sip:+15550101@ims.example.com",
            "sip:+1-555-0101;ext=1@127.0.0.1;user=phone",
        ] {
            assert_eq!(of(uri).as_deref(), Some("tel:+15550101"), "{uri}");
        }
        assert_eq!(
            of("sip:bob@127.0.0.1:5080").as_deref(),
            Some("sip:bob@127.0.0.1"),
            "somebody else's port"
        );
        assert_ne!(of("sip:Bob@ims.example.com"), of("sip:bob@ims.example.com"));
        for uri in [
            "",
            "sip:ims.example.com",
            "tel:",
            "tel:bob?",
            "urn:service:sos",
        ] {
            assert_eq!(of(uri), None, "{uri}");
        }
    }
}
