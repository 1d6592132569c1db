//! Who a WIC is, as the core is told (TS 24.229 §5.2.6.3.3, RFC 3325).

use core_sip::address::uri_of;
use wire_sip::{HeaderName, Message};

use crate::binding::Binding;

/// Replaces what the WIC would like to be called by what it is: the preferred identity when it is
/// one of its own, the default one otherwise. From has no say in it.
pub(crate) fn assert(message: &mut Message, binding: &Binding) {
    let preferred = message
        .values(HeaderName::PPreferredIdentity)
        .filter_map(uri_of)
        .find_map(|uri| binding.identity(uri))
        .map(str::to_owned);
    message.remove(HeaderName::PPreferredIdentity);
    message.remove(HeaderName::PAssertedIdentity);
    let asserted = preferred.or_else(|| binding.identities.first().cloned());
    if let Some(identity) = asserted {
        message.push_back(HeaderName::PAssertedIdentity, format_args!("<{identity}>"));
    }
}

/// In the answer of a called WIC: the identity that was called (TS 24.229 §5.2.6.4.4).
pub(crate) fn assert_called(message: &mut Message, called: Option<&str>) {
    message.remove(HeaderName::PPreferredIdentity);
    message.remove(HeaderName::PAssertedIdentity);
    if let Some(called) = called {
        message.push_back(HeaderName::PAssertedIdentity, called);
    }
}

/// A From or To value with another URI; display name, tag and the rest stay.
pub(crate) fn with_uri(value: &str, uri: &str) -> String {
    match uri_of(value) {
        Some(old) if value.contains('<') => {
            value.replacen(&format!("<{old}>"), &format!("<{uri}>"), 1)
        }
        Some(old) => value.replacen(old, &format!("<{uri}>"), 1),
        None => format!("<{uri}>"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_uri_changes() {
        let own = "sip:a@home";
        assert_eq!(
            with_uri("\"A\" <sip:x@y;p>;tag=1", own),
            "\"A\" <sip:a@home>;tag=1"
        );
        assert_eq!(with_uri("sip:x@y;tag=1", own), "<sip:a@home>;tag=1");
    }
}
