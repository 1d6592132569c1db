//! What a configuration file may say of the gateway.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::ops::RangeInclusive;

use serde::Deserialize;

/// `[gateway]`: the media workers of this process.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GatewayConfig {
    /// Media threads. 0: one for every two processors, and at least one.
    pub workers: usize,
    /// Addresses of W3, the best candidate first; all on the same port. Empty: the address of the
    /// default route, and loopback.
    pub addresses: Vec<IpAddr>,
    /// What the WICs are told instead of `addresses`, one for one: the public side of a 1:1 NAT.
    pub public_addresses: Vec<IpAddr>,
    /// UDP port of the first worker; the next has the next. 0: the system picks.
    pub port: u16,
    /// Address towards the core.
    pub core_address: IpAddr,
    /// What the core is told instead, behind a 1:1 NAT.
    pub core_public_address: Option<IpAddr>,
    /// Ports towards the core, as `"40000-49999"`, shared out among the workers. Absent: the system
    /// picks.
    pub core_ports: Option<PortRange>,
    /// Takes RTP from another port of the signalled address than the signalled one, and answers
    /// there.
    pub symmetric_rtp: bool,
    /// Calls at a time, in all workers together.
    pub max_contexts: usize,
}

impl Default for GatewayConfig {
    fn default() -> Self {
        Self {
            workers: 0,
            addresses: Vec::new(),
            public_addresses: Vec::new(),
            port: 0,
            core_address: IpAddr::V4(Ipv4Addr::LOCALHOST),
            core_public_address: None,
            core_ports: None,
            symmetric_rtp: false,
            max_contexts: 10_000,
        }
    }
}

impl GatewayConfig {
    /// How many workers there are to be.
    pub fn worker_count(&self) -> usize {
        if self.workers > 0 {
            return self.workers.min(usize::from(u16::MAX));
        }
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        (processors / 2).max(1)
    }

    /// The addresses of W3, found when none are given.
    pub fn w3_addresses(&self) -> Vec<IpAddr> {
        if self.addresses.is_empty() {
            let mut found: Vec<IpAddr> = default_route().into_iter().collect();
            found.push(IpAddr::V4(Ipv4Addr::LOCALHOST));
            found
        } else {
            self.addresses.clone()
        }
    }

    /// What is wrong with it: the key, and the rest of a sentence about it.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        if self.public_addresses.len() > self.w3_addresses().len() {
            return Err((
                "gateway.public_addresses",
                "has more entries than gateway.addresses".into(),
            ));
        }
        if self.addresses.iter().any(IpAddr::is_unspecified) {
            return Err((
                "gateway.addresses",
                "must name addresses: what leaves a socket that is bound to all of them may leave \
                 from another than it came to"
                    .into(),
            ));
        }
        if self.core_address.is_unspecified() {
            return Err(("gateway.core_address", "must name one address".into()));
        }
        if self.max_contexts == 0 {
            return Err(("gateway.max_contexts", "must be at least 1".into()));
        }
        let workers = self.worker_count();
        if self.port > 0 && usize::from(u16::MAX - self.port) + 1 < workers {
            return Err((
                "gateway.port",
                format!("{} leaves no ports for {workers} workers", self.port),
            ));
        }
        if let Some(ports) = &self.core_ports
            && ports.share(workers - 1, workers).is_none()
        {
            return Err((
                "gateway.core_ports",
                format!(
                    "{}-{} is too narrow for {workers} workers",
                    ports.first, ports.last
                ),
            ));
        }
        Ok(())
    }
}

/// A range of ports, written `"40000-49999"`.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(try_from = "String")]
pub struct PortRange {
    /// The first port.
    pub first: u16,
    /// The last port.
    pub last: u16,
}

impl PortRange {
    /// The part of worker `index` of `count`: whole pairs.
    pub fn share(&self, index: usize, count: usize) -> Option<RangeInclusive<u16>> {
        let first = usize::from(self.first).next_multiple_of(2);
        let pairs = (usize::from(self.last) + 1).checked_sub(first)? / 2;
        let each = pairs / count;
        if each == 0 {
            return None;
        }
        let start = first + index * each * 2;
        Some(u16::try_from(start).ok()?..=u16::try_from(start + each * 2 - 1).ok()?)
    }
}

impl TryFrom<String> for PortRange {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let range = text.split_once('-').and_then(|(first, last)| {
            let first = first.trim().parse().ok()?;
            let last = last.trim().parse().ok()?;
            (first > 0 && first < last).then_some(Self { first, last })
        });
        range.ok_or_else(|| format!("`{text}` is not a range of ports like `40000-49999`"))
    }
}

/// The address that packets to the world leave from. Nothing is sent to find it.
pub fn default_route() -> Option<IpAddr> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    // RFC 5737: an address of nobody.
    socket.connect(SocketAddr::from(([192, 0, 2, 1], 9))).ok()?;
    let address = socket.local_addr().ok()?.ip();
    (!address.is_loopback() && !address.is_unspecified()).then_some(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_read_and_shared_out_in_pairs() {
        let range = PortRange::try_from("40001-40010".to_owned()).unwrap();
        assert_eq!(range.share(0, 2), Some(40002..=40005));
        assert_eq!(range.share(1, 2), Some(40006..=40009));
        assert_eq!(range.share(4, 5), None);
        let all = PortRange::try_from("1 - 65535".to_owned()).unwrap();
        assert_eq!(all.share(0, 1), Some(2..=65535));
        for bad in ["", "4000", "5000-4000", "0-7", "a-b", "1-70000"] {
            assert!(PortRange::try_from(bad.to_owned()).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_cannot_work_is_said_at_the_start() {
        let good = GatewayConfig::default();
        assert_eq!(good.check(), Ok(()));
        let bad = |change: fn(&mut GatewayConfig)| {
            let mut config = GatewayConfig::default();
            change(&mut config);
            config.check().err().map(|(key, _)| key)
        };
        let unspecified = bad(|c| c.addresses = vec![Ipv4Addr::UNSPECIFIED.into()]);
        assert_eq!(unspecified, Some("gateway.addresses"));
        let core = bad(|c| c.core_address = Ipv4Addr::UNSPECIFIED.into());
        assert_eq!(core, Some("gateway.core_address"));
        assert_eq!(bad(|c| c.max_contexts = 0), Some("gateway.max_contexts"));
        let port = bad(|c| {
            c.workers = 4;
            c.port = 65533;
        });
        assert_eq!(port, Some("gateway.port"));
        let narrow = bad(|c| {
            c.workers = 4;
            c.core_ports = Some(PortRange {
                first: 40000,
                last: 40005,
            });
        });
        assert_eq!(narrow, Some("gateway.core_ports"));
        let public = bad(|c| c.public_addresses = vec![Ipv4Addr::LOCALHOST.into(); 9]);
        assert_eq!(public, Some("gateway.public_addresses"));
    }
}
