//! `a=candidate`

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use crate::{Attribute, Malformed};

/// RFC 8839 §5.1 — where a candidate comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CandidateType<'a> {
    /// `host`
    Host,
    /// `srflx`
    ServerReflexive,
    /// `prflx`
    PeerReflexive,
    /// `relay`
    Relayed,
    /// Any other.
    Other(&'a str),
}

/// RFC 8839 §5.1 — `a=candidate:<foundation> <component> <transport> <priority> <address> <port> typ <type> …`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate<'a> {
    /// Candidates of one base and server share it.
    pub foundation: &'a str,
    /// 1 is RTP (or all, with rtcp-mux), 2 is RTCP.
    pub component: u16,
    /// `UDP`, or `TCP` (RFC 6544); in any case.
    pub transport: &'a str,
    /// The higher the better.
    pub priority: u32,
    /// An IP address, or a name: browsers hide host addresses behind `*.local`.
    pub address: &'a str,
    /// The port.
    pub port: u16,
    /// Where it comes from.
    pub kind: CandidateType<'a>,
    /// `raddr`, `rport`, `tcptype`, `generation` and the like: as they are written.
    pub extensions: &'a str,
}

impl<'a> Candidate<'a> {
    /// RFC 8445 §5.1.2.1 — the priority of a host candidate of component 1; `preference` orders several, the highest first.
    pub fn host_priority(preference: u16) -> u32 {
        (126 << 24) + (u32::from(preference) << 8) + 255
    }

    /// The transport address, when the address is not a name.
    pub fn socket_address(&self) -> Option<SocketAddr> {
        let ip: IpAddr = self.address.parse().ok()?;
        Some(SocketAddr::new(ip, self.port))
    }

    /// One of the extensions by name: `tcptype`, `raddr`.
    pub fn extension(&self, name: &str) -> Option<&'a str> {
        let mut words = self.extensions.split_ascii_whitespace();
        while let (Some(key), Some(value)) = (words.next(), words.next()) {
            if key.eq_ignore_ascii_case(name) {
                return Some(value);
            }
        }
        None
    }
}

impl<'a> Attribute<'a> for Candidate<'a> {
    const NAME: &'static str = "candidate";

    fn parse(value: &'a str) -> Result<Candidate<'a>, Malformed> {
        let bad = || Malformed::value("a=candidate has six fields, `typ` and a type");
        let mut rest = value.trim();
        let mut field = || {
            let (field, after) = rest.split_once(' ').unwrap_or((rest, ""));
            rest = after.trim_start();
            if field.is_empty() {
                Err(bad())
            } else {
                Ok(field)
            }
        };
        let foundation = field()?;
        let component = field()?.parse().map_err(|_| bad())?;
        let transport = field()?;
        let priority = field()?.parse().map_err(|_| bad())?;
        let address = field()?;
        let port = field()?.parse().map_err(|_| bad())?;
        if field()? != "typ" {
            return Err(bad());
        }
        let kind = match field()? {
            "host" => CandidateType::Host,
            "srflx" => CandidateType::ServerReflexive,
            "prflx" => CandidateType::PeerReflexive,
            "relay" => CandidateType::Relayed,
            other => CandidateType::Other(other),
        };
        Ok(Candidate {
            foundation,
            component,
            transport,
            priority,
            address,
            port,
            kind,
            extensions: rest,
        })
    }
}

impl fmt::Display for Candidate<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Candidate {
            foundation,
            component,
            transport,
            priority,
            address,
            port,
            ..
        } = self;
        let kind = match self.kind {
            CandidateType::Host => "host",
            CandidateType::ServerReflexive => "srflx",
            CandidateType::PeerReflexive => "prflx",
            CandidateType::Relayed => "relay",
            CandidateType::Other(kind) => kind,
        };
        write!(
            f,
            "{foundation} {component} {transport} {priority} {address} {port} typ {kind}"
        )?;
        if self.extensions.is_empty() {
            Ok(())
        } else {
            write!(f, " {}", self.extensions)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_8839_example() {
        let text = "2 1 UDP 1694498815 192.0.2.3 45664 typ srflx raddr 203.0.113.141 rport 8998";
        let candidate = Candidate::parse(text).expect("valid");
        assert_eq!(candidate.kind, CandidateType::ServerReflexive);
        assert_eq!(candidate.extension("rport"), Some("8998"));
        assert_eq!(candidate.to_string(), text);
    }

    #[test]
    fn rfc_6544_example_and_a_hidden_address() {
        let tcp = Candidate::parse("1 1 TCP 2128609279 192.0.2.1 9 typ host tcptype active")
            .expect("valid");
        assert_eq!(tcp.extension("tcptype"), Some("active"));
        let mdns = Candidate::parse("1 1 udp 2113937151 0c2f.local 5000 typ host").expect("valid");
        assert_eq!(mdns.socket_address(), None);
        assert!(Candidate::parse("1 1 udp 2113937151 192.0.2.1 5000 host").is_err());
    }

    #[test]
    fn rfc_8445_priority_of_the_only_host_candidate() {
        assert_eq!(Candidate::host_priority(65535), 2_130_706_431);
    }
}
