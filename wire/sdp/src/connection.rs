//! `c=`

use std::fmt;
use std::net::IpAddr;

use crate::Malformed;

/// The address type of `o=`, `c=` and `a=rtcp`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressFamily {
    /// `IP4`.
    Ip4,
    /// `IP6`.
    Ip6,
}

impl AddressFamily {
    /// `IP4` or `IP6`, in any case.
    pub fn parse(text: &str) -> Option<AddressFamily> {
        if text.eq_ignore_ascii_case("IP4") {
            Some(AddressFamily::Ip4)
        } else if text.eq_ignore_ascii_case("IP6") {
            Some(AddressFamily::Ip6)
        } else {
            None
        }
    }

    /// The family of an address.
    pub fn of(address: IpAddr) -> AddressFamily {
        match address {
            IpAddr::V4(_) => AddressFamily::Ip4,
            IpAddr::V6(_) => AddressFamily::Ip6,
        }
    }
}

impl fmt::Display for AddressFamily {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            AddressFamily::Ip4 => "IP4",
            AddressFamily::Ip6 => "IP6",
        })
    }
}

/// RFC 8866 §5.7 — `c=<nettype> <addrtype> <connection-address>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Connection<'a> {
    /// The family of the address.
    pub family: AddressFamily,
    /// The address: an IP address (with `/ttl` when it is multicast) or a host name.
    pub address: &'a str,
}

impl<'a> Connection<'a> {
    /// The value of a `c=` line.
    pub fn parse(value: &'a str) -> Result<Connection<'a>, Malformed> {
        let bad = || Malformed::value("a c= line has three fields: IN, IP4 or IP6, address");
        let mut fields = value.split_ascii_whitespace();
        let mut next = || fields.next().ok_or_else(bad);
        let (network, family, address) = (next()?, next()?, next()?);
        if network != "IN" {
            return Err(bad());
        }
        Ok(Connection {
            family: AddressFamily::parse(family).ok_or_else(bad)?,
            address,
        })
    }

    /// The address when it is one unicast or multicast IP address; a host name gives none.
    pub fn ip(&self) -> Option<IpAddr> {
        self.address.split('/').next()?.parse().ok()
    }

    /// RFC 3264 §8.4 — `0.0.0.0`, the old way to say hold.
    pub fn is_unspecified(&self) -> bool {
        self.ip().is_some_and(|ip| ip.is_unspecified())
    }
}

impl fmt::Display for Connection<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IN {} {}", self.family, self.address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_8866_multicast() {
        let c = Connection::parse("IN IP4 233.252.0.1/127").expect("valid");
        assert_eq!(c.ip(), Some("233.252.0.1".parse().expect("an address")));
        assert_eq!(c.to_string(), "IN IP4 233.252.0.1/127");
    }

    #[test]
    fn a_host_name_has_no_ip() {
        assert_eq!(
            Connection::parse("IN IP4 media.example.com")
                .expect("valid")
                .ip(),
            None
        );
        assert!(
            Connection::parse("IN IP6 ::")
                .expect("valid")
                .is_unspecified()
        );
        assert!(Connection::parse("ATM IP4 192.0.2.1").is_err());
    }
}
