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
    let Some((before, after)) = around_uri(value) else {
        return format!("<{uri}>");
    };
    let before = before.trim_end();
    let before = before.strip_suffix('<').unwrap_or(before);
    let after = after.trim_start();
    let after = after.strip_prefix('>').unwrap_or(after);
    format!("{before}<{uri}>{after}")
}

/// What stands before and after the URI of a From, To or similar value. The same text in a display name
/// is a name: only where the URI is counts.
pub(crate) fn around_uri(value: &str) -> Option<(&str, &str)> {
    let uri = uri_of(value)?;
    let start = (uri.as_ptr() as usize).checked_sub(value.as_ptr() as usize)?;
    Some((value.get(..start)?, value.get(start + uri.len()..)?))
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
        assert_eq!(with_uri("", own), "<sip:a@home>");
        // A display name that looks like the URI is a display name still.
        assert_eq!(
            with_uri("\"<sip:x@y>\" <sip:x@y>;tag=1", own),
            "\"<sip:x@y>\" <sip:a@home>;tag=1"
        );
        assert_eq!(with_uri("A < sip:x@y >;t=1", own), "A <sip:a@home>;t=1");
    }
}
