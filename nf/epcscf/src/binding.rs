//! Bindings: which WIC is registered, as whom, and over which flow (TS 24.229 §5.2.2.1).

use std::collections::{HashMap, HashSet};
use std::time::Instant;

use core_sip::ConnectionId;
use core_sip::address::UriView;

/// RFC 5626 §4.1: what names a binding through all its flows. The private identity is part of it: whoever
/// learns another's instance and registers with it gets a binding of its own, never the other's.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct BindingKey {
    /// The private identity, once credentials have told it.
    pub(crate) impi: String,
    /// `+sip.instance`, or the contact of a client that has none.
    pub(crate) instance: String,
    /// `reg-id`, or nothing.
    pub(crate) reg_id: String,
}

/// How its WIC proved who it is.
#[derive(Debug, Clone)]
pub(crate) enum Proof {
    /// TS 24.371 §6.4.1.2: the core challenged it.
    Digest,
    /// TS 24.371 §6.4.1.3: the core challenged its USIM or ISIM.
    Aka,
    /// TS 24.371 §6.4.2: a token that we verified; its subject may not change.
    Bearer {
        /// The token's private identity.
        impi: String,
    },
}

#[derive(Debug)]
pub(crate) struct Binding {
    pub(crate) key: BindingKey,
    /// The private identity: the user name of its credentials.
    pub(crate) impi: String,
    /// P-Associated-URI, the default one first.
    pub(crate) identities: Vec<String>,
    /// RFC 3608: replaced by every 200.
    pub(crate) service_route: Vec<String>,
    /// Where it is now; nowhere while its WebSocket is lost.
    pub(crate) flow: Option<ConnectionId>,
    /// Where it was before, while it is nowhere.
    pub(crate) lost: Option<ConnectionId>,
    /// The URI of its contact.
    pub(crate) contact: String,
    /// When its WebSocket was lost, while it has none.
    pub(crate) away_since: Instant,
    pub(crate) expires: Instant,
    pub(crate) proof: Proof,
    /// RFC 5626: both sides know outbound.
    pub(crate) outbound: bool,
    /// The core said that it knows data channels (TS 24.186).
    pub(crate) data_channels: bool,
    pub(crate) sessions: HashSet<u64>,
}

impl BindingKey {
    /// The same instance and reg-id, whoever registered.
    pub(crate) fn same_instance(&self, other: &Self) -> bool {
        self.instance == other.instance && self.reg_id == other.reg_id
    }
}

impl Binding {
    /// One of its identities, found by the rules for comparing URIs as far as identities need them:
    /// scheme and host without case, user part with.
    pub(crate) fn identity(&self, uri: &str) -> Option<&str> {
        self.identities
            .iter()
            .map(String::as_str)
            .find(|own| same_identity(own, uri))
    }
}

/// Whether two URIs name the same public user identity.
pub(crate) fn same_identity(one: &str, other: &str) -> bool {
    let (Some(a), Some(b)) = (UriView::parse(one), UriView::parse(other)) else {
        return false;
    };
    if !a.scheme.eq_ignore_ascii_case(b.scheme) || a.user != b.user {
        return false;
    }
    if a.is_sip() {
        return a.host.eq_ignore_ascii_case(b.host) && a.port == b.port;
    }
    // RFC 3966 §4: visual separators do not count.
    let digits = |text: &str| -> String {
        text.chars()
            .filter(|c| !matches!(c, '-' | '.' | '(' | ')'))
            .collect()
    };
    digits(a.host).eq_ignore_ascii_case(&digits(b.host))
}

#[derive(Debug, Default)]
pub(crate) struct Bindings {
    by_id: HashMap<u64, Binding>,
    by_key: HashMap<BindingKey, u64>,
    next: u64,
}

impl Bindings {
    pub(crate) fn get(&self, id: u64) -> Option<&Binding> {
        self.by_id.get(&id)
    }

    pub(crate) fn get_mut(&mut self, id: u64) -> Option<&mut Binding> {
        self.by_id.get_mut(&id)
    }

    pub(crate) fn find(&self, key: &BindingKey) -> Option<u64> {
        self.by_key.get(key).copied()
    }

    pub(crate) fn insert(&mut self, binding: Binding) -> u64 {
        let id = self.next;
        self.next += 1;
        self.by_key.insert(binding.key.clone(), id);
        self.by_id.insert(id, binding);
        id
    }

    pub(crate) fn remove(&mut self, id: u64) -> Option<Binding> {
        let binding = self.by_id.remove(&id)?;
        self.by_key.remove(&binding.key);
        Some(binding)
    }

    pub(crate) fn len(&self) -> usize {
        self.by_id.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identities_compare_as_uris_do() {
        assert!(same_identity("sip:alice@Home.NET", "SIP:alice@home.net"));
        assert!(!same_identity("sip:alice@home.net", "sip:Alice@home.net"));
        assert!(!same_identity(
            "sip:alice@home.net",
            "sip:alice@home.net:5070"
        ));
        assert!(same_identity("tel:+1-555-0100", "tel:+15550100"));
        assert!(!same_identity("tel:+15550100", "sip:+15550100@home.net"));
    }
}
