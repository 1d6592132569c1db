//! How much one address may ask for, before any work is done for it.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// Addresses that are remembered at a time.
const MOST_ADDRESSES: usize = 65_536;
/// Connections of one listener at a time, and of one address.
const MOST_CONNECTIONS: usize = 10_000;
const MOST_OF_ADDRESS: usize = 2_000;
/// The same for those on which nothing was said yet: no message, perhaps not even TLS.
const MOST_SILENT: usize = 512;
const MOST_SILENT_OF_ADDRESS: usize = 64;
/// What a response takes of an allowance, as part of what a request takes: it is looked up, and
/// that is all when nobody waits for it.
pub(super) const RESPONSE: f64 = 0.1;
/// What a request takes, and what is neither.
pub(super) const REQUEST: f64 = 1.0;

/// What every address has left.
#[derive(Debug)]
pub(super) struct Gate {
    /// 0: as much as it likes.
    per_second: f64,
    addresses: HashMap<IpAddr, Address>,
    swept: Option<Instant>,
    connections: usize,
    silent: usize,
}

/// A bucket that fills by `per_second` and holds two seconds' worth.
#[derive(Debug)]
struct Address {
    left: f64,
    at: Instant,
    connections: usize,
    silent: usize,
}

impl Gate {
    pub(super) fn new(per_second: u32) -> Self {
        Self {
            per_second: f64::from(per_second),
            addresses: HashMap::new(),
            swept: None,
            connections: 0,
            silent: 0,
        }
    }

    /// Whether a message of this address is looked at; if not, how long until one is.
    pub(super) fn take(&mut self, now: Instant, ip: IpAddr, cost: f64) -> Result<(), Duration> {
        let rate = self.per_second;
        if rate == 0.0 {
            return Ok(());
        }
        let Some(address) = self.address(now, ip) else {
            return Err(Duration::from_secs(1));
        };
        let gained = now.saturating_duration_since(address.at).as_secs_f64() * rate;
        address.left = (address.left + gained).min(rate * 2.0);
        address.at = now;
        if address.left < cost {
            return Err(Duration::from_secs_f64((cost - address.left) / rate));
        }
        address.left -= cost;
        Ok(())
    }

    /// A connection of this address comes in; whether it may.
    pub(super) fn open(&mut self, now: Instant, ip: IpAddr) -> bool {
        if self.connections >= MOST_CONNECTIONS || self.silent >= MOST_SILENT {
            return false;
        }
        let Some(address) = self.address(now, ip) else {
            return false;
        };
        if address.connections >= MOST_OF_ADDRESS || address.silent >= MOST_SILENT_OF_ADDRESS {
            return false;
        }
        address.connections += 1;
        address.silent += 1;
        self.connections += 1;
        self.silent += 1;
        true
    }

    /// The first message came on such a connection.
    pub(super) fn speaks(&mut self, ip: IpAddr) {
        if let Some(address) = self.addresses.get_mut(&ip) {
            address.silent -= 1;
            self.silent -= 1;
        }
    }

    /// Such a connection is gone.
    pub(super) fn close(&mut self, ip: IpAddr, silent: bool) {
        if silent {
            self.speaks(ip);
        }
        if let Some(address) = self.addresses.get_mut(&ip) {
            address.connections -= 1;
            self.connections -= 1;
        }
    }

    fn address(&mut self, now: Instant, ip: IpAddr) -> Option<&mut Address> {
        let full = self.addresses.len() >= MOST_ADDRESSES;
        if full && !self.addresses.contains_key(&ip) {
            let second = Duration::from_secs(1);
            if self.swept.is_some_and(|at| now < at + second) {
                return None;
            }
            self.swept = Some(now);
            // Who has been quiet for two seconds has a full bucket again, and need not be known.
            self.addresses.retain(|_, address| {
                address.connections > 0
                    || now.saturating_duration_since(address.at) < Duration::from_secs(2)
            });
            if self.addresses.len() >= MOST_ADDRESSES {
                return None;
            }
        }
        let left = self.per_second * 2.0;
        Some(self.addresses.entry(ip).or_insert(Address {
            left,
            at: now,
            connections: 0,
            silent: 0,
        }))
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn ip(number: u32) -> IpAddr {
        Ipv4Addr::from_bits(number).into()
    }

    #[test]
    fn a_flood_is_cut_to_its_rate_and_harms_nobody_else() {
        let begin = testbed::Clock::new().now();
        let mut gate = Gate::new(10);
        let mut taken = |at, ip, cost| {
            (0..1000)
                .filter(|_| gate.take(at, ip, cost).is_ok())
                .count()
        };
        assert_eq!(taken(begin, ip(1), REQUEST), 20);
        assert_eq!(taken(begin, ip(2), REQUEST), 20);
        let later = begin + Duration::from_secs(1);
        assert_eq!(taken(later, ip(1), RESPONSE), 100);
        let wait = gate.take(later, ip(1), REQUEST).expect_err("nothing left");
        assert!(wait <= Duration::from_millis(101), "{wait:?}");
        assert!(gate.take(later + wait, ip(1), REQUEST).is_ok());
        assert!((0..1000).all(|_| Gate::new(0).take(begin, ip(1), REQUEST).is_ok()));
    }

    #[test]
    fn silent_connections_are_few_and_others_are_many() {
        let now = testbed::Clock::new().now();
        let mut gate = Gate::new(10);
        let mut opened = |ip| (0..100_000).take_while(|_| gate.open(now, ip)).count();
        assert_eq!(opened(ip(1)), MOST_SILENT_OF_ADDRESS);
        assert_eq!(opened(ip(2)), MOST_SILENT_OF_ADDRESS);
        gate.speaks(ip(1));
        assert!(gate.open(now, ip(1)), "one of them has spoken");
        for other in 3..100 {
            while gate.open(now, ip(other)) {}
        }
        assert_eq!(gate.silent, MOST_SILENT);
        gate.close(ip(2), true);
        assert!(gate.open(now, ip(200)), "there is room again");
        gate.close(ip(1), false);
        assert_eq!(gate.connections, MOST_SILENT);
    }

    #[test]
    fn addresses_that_are_made_up_take_no_memory_for_ever() {
        let now = testbed::Clock::new().now();
        let mut gate = Gate::new(10);
        let known = (0..200_000)
            .filter(|number| gate.take(now, ip(*number), REQUEST).is_ok())
            .count();
        assert_eq!(known, MOST_ADDRESSES);
        let later = now + Duration::from_secs(3);
        assert!(gate.take(later, ip(300_000), REQUEST).is_ok());
        assert_eq!(gate.addresses.len(), 1);
    }
}
