//! How many identities of the pool one address has: with a limit nobody takes all of it by opening many
//! pages.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};

use core_credentials::Secret;

use crate::wwsf::fingerprint;

/// How long W4 may take to lend one, in seconds.
const ASKING: u64 = 30;

/// Whom something is lent, and where they are.
#[derive(Debug, Default)]
pub(crate) struct Visitors {
    /// By their name at the WAF, of which a hash is kept: the address, and the end of what they have.
    known: HashMap<String, (IpAddr, u64)>,
    by_address: HashMap<IpAddr, Vec<String>>,
}

impl Visitors {
    /// Lets a visitor ask W4, and counts them from now on; `false` if their address has `most` already.
    /// Somebody who is counted is not counted twice.
    pub(crate) fn admit(
        &mut self,
        now: u64,
        address: IpAddr,
        visitor: &Secret,
        most: usize,
    ) -> bool {
        let (name, address) = (fingerprint(visitor.expose()), subscriber(address));
        if self.known.get(&name).is_some_and(|(_, until)| *until > now) {
            return true;
        }
        self.forget(&name);
        let here = self.by_address.entry(address).or_default();
        let known = &mut self.known;
        here.retain(|name| {
            let stays = known.get(name).is_some_and(|(_, until)| *until > now);
            if !stays {
                known.remove(name);
            }
            stays
        });
        if here.len() >= most {
            return false;
        }
        here.push(name.clone());
        self.known.insert(name, (address, now + ASKING));
        true
    }

    /// Something is lent to them until then.
    pub(crate) fn lent(&mut self, visitor: &Secret, until: u64) {
        if let Some(known) = self.known.get_mut(&fingerprint(visitor.expose())) {
            known.1 = until;
        }
    }

    /// They have nothing any more.
    pub(crate) fn left(&mut self, visitor: &Secret) {
        self.forget(&fingerprint(visitor.expose()));
    }

    /// Forgets those whose time is over.
    pub(crate) fn handle_timeout(&mut self, now: u64) {
        self.known.retain(|_, (_, until)| *until > now);
        let known = &self.known;
        self.by_address.retain(|_, names| {
            names.retain(|name| known.contains_key(name));
            !names.is_empty()
        });
    }

    fn forget(&mut self, name: &str) {
        let Some((address, _)) = self.known.remove(name) else {
            return;
        };
        if let Some(here) = self.by_address.get_mut(&address) {
            here.retain(|other| other != name);
            if here.is_empty() {
                self.by_address.remove(&address);
            }
        }
    }
}

/// An IPv6 address counts by its /64, which is one subscriber's.
fn subscriber(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64).into(),
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn visitor(number: u32) -> Secret {
        Secret::new(number.to_string())
    }

    fn at(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn an_address_has_so_many_and_no_more() {
        let mut visitors = Visitors::default();
        let home = at("192.0.2.1");
        assert!(visitors.admit(0, home, &visitor(1), 2));
        assert!(visitors.admit(0, home, &visitor(2), 2));
        assert!(!visitors.admit(0, home, &visitor(3), 2));
        assert!(visitors.admit(0, home, &visitor(2), 2), "counted already");
        assert!(visitors.admit(0, at("192.0.2.2"), &visitor(4), 2));
        // One leaves, another one comes.
        visitors.left(&visitor(1));
        assert!(visitors.admit(0, home, &visitor(3), 2));
    }

    #[test]
    fn what_is_lent_counts_until_it_ends() {
        let mut visitors = Visitors::default();
        let home = at("192.0.2.1");
        assert!(visitors.admit(0, home, &visitor(1), 1));
        visitors.lent(&visitor(1), 120);
        assert!(!visitors.admit(119, home, &visitor(2), 1));
        assert!(visitors.admit(120, home, &visitor(2), 1));
        // Who let it run out asks like everybody.
        assert!(!visitors.admit(121, home, &visitor(1), 1));
        visitors.handle_timeout(120 + ASKING);
        assert!(visitors.known.is_empty() && visitors.by_address.is_empty());
    }

    #[test]
    fn addresses_of_one_subscriber_count_together() {
        let mut visitors = Visitors::default();
        assert!(visitors.admit(0, at("2001:db8::1"), &visitor(1), 1));
        assert!(!visitors.admit(0, at("2001:db8::2"), &visitor(2), 1));
        assert!(visitors.admit(0, at("2001:db8:0:1::1"), &visitor(2), 1));
        assert!(visitors.admit(0, at("192.0.2.1"), &visitor(3), 1));
        assert!(!visitors.admit(0, at("::ffff:192.0.2.1"), &visitor(4), 1));
    }
}
