//! Where notifications may go. The consumer names the URI, so without a rule this server would ask
//! whatever is near it for whoever can reach it (server-side request forgery).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use api_mmtel_es::common::Uri;
use url::{Host, Url};

/// The rule.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Targets {
    /// Hosts that may be told; `.example.com` stands for all below it. All may when it is empty.
    pub hosts: Vec<String>,
    /// Whether addresses that are not of the public Internet may be told: loopback, private networks.
    pub private: bool,
    /// Whether plain HTTP is good enough.
    pub plain: bool,
}

impl Targets {
    /// Whether a URI may be a target, as far as the URI tells. A name may stand for any address, so
    /// [`Targets::address`] has to be asked for the address that is then connected to, and the
    /// connection to be made to that one.
    pub fn uri(&self, uri: &Uri) -> Result<Url, &'static str> {
        let url = Url::parse(uri.as_str()).map_err(|_| "must be an http or https URL")?;
        match url.scheme() {
            "https" => {}
            "http" if self.plain => {}
            "http" => return Err("must be an https URL"),
            _ => return Err("must be an http or https URL"),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("must have no user name and no password");
        }
        let host = url.host().ok_or("must have a host")?;
        match host {
            Host::Ipv4(address) => self.address(address.into())?,
            Host::Ipv6(address) => self.address(address.into())?,
            Host::Domain(name) => self.name(name)?,
        }
        let host = host.to_string();
        let listed = |allowed: &String| match allowed.strip_prefix('.') {
            Some(above) => host
                .strip_suffix(above)
                .is_some_and(|rest| rest.ends_with('.')),
            None => *allowed == host,
        };
        if !self.hosts.is_empty() && !self.hosts.iter().any(listed) {
            return Err("must have a host that may be told");
        }
        Ok(url)
    }

    /// RFC 6761 §6.3: `localhost` and what is below it is this machine.
    fn name(&self, name: &str) -> Result<(), &'static str> {
        let name = name.trim_end_matches('.');
        if !self.private && (name == "localhost" || name.ends_with(".localhost")) {
            return Err(NOT_PUBLIC);
        }
        Ok(())
    }

    /// Whether an address may be connected to.
    pub fn address(&self, address: IpAddr) -> Result<(), &'static str> {
        let public = match address.to_canonical() {
            IpAddr::V4(address) => public_v4(address),
            IpAddr::V6(address) => public_v6(address),
        };
        if public || self.private {
            Ok(())
        } else {
            Err(NOT_PUBLIC)
        }
    }
}

const NOT_PUBLIC: &str = "must not lead to an address that is not public";

/// RFC 6890 §2.2.2, with multicast.
fn public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let shared = a == 100 && b & 0xc0 == 64;
    let protocols = (a, b, c) == (192, 0, 0);
    let relay = (a, b, c) == (192, 88, 99);
    let benchmark = a == 198 && b & 0xfe == 18;
    !(address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation()
        || shared
        || protocols
        || relay
        || benchmark
        || a == 0
        || a >= 224)
}

/// RFC 6890 §2.2.3: of IPv6 only 2000::/3 is public, less what is documentation or stands for an IPv4
/// address.
fn public_v6(address: Ipv6Addr) -> bool {
    let [a, b, ..] = address.segments();
    // RFC 6052 §2.1: the last 32 bits are an IPv4 address. What RFC 8215 has beside it is of a local network.
    if address.segments()[..6] == [0x64, 0xff9b, 0, 0, 0, 0] {
        return public_v4(Ipv4Addr::from_bits(address.to_bits() as u32));
    }
    let teredo_and_protocols = a == 0x2001 && b < 0x200;
    let documentation = a == 0x2001 && b == 0xdb8 || a == 0x3fff;
    let six_to_four = a == 0x2002;
    a & 0xe000 == 0x2000 && !teredo_and_protocols && !documentation && !six_to_four
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(targets: &Targets, uri: &str) -> bool {
        targets.uri(&Uri::new(uri).unwrap()).is_ok()
    }

    #[test]
    fn nothing_near_is_told() {
        let targets = Targets {
            plain: true,
            ..Targets::default()
        };
        for uri in [
            "http://127.0.0.1/",
            "http://2130706433/",
            "http://0x7f.1/",
            "http://0/",
            "http://10.0.0.1/",
            "http://169.254.169.254/latest/",
            "http://100.64.0.1/",
            "http://192.168.1.1:8080/",
            "http://[::1]/",
            "http://[::ffff:127.0.0.1]/",
            "http://[64:ff9b::7f00:1]/",
            "http://[64:ff9b:1:7f00:0:100::808:808]/",
            "http://[fe80::1]/",
            "http://[fd00::1]/",
            "http://[2002:7f00:1::]/",
            "http://localhost/",
            "http://LOCALHOST./",
            "http://a.localhost/",
            "http://224.0.0.1/",
            "http://user@as.example.com/",
            "file:///etc/passwd",
            "ftp://as.example.com/",
            "sip:alice@ims.example.com",
            "http:as",
        ] {
            // The last one becomes http://as/, as browsers read it: a name like any other.
            assert_eq!(told(&targets, uri), uri == "http:as", "{uri}");
        }
        for uri in [
            "http://as.example.com/n",
            "https://as.example.com:8443/n",
            "http://198.51.101.1/",
            "http://[2606:4700::1]/",
        ] {
            assert!(told(&targets, uri), "{uri}");
        }
    }

    #[test]
    fn the_configuration_opens_and_closes() {
        let private = Targets {
            private: true,
            ..Targets::default()
        };
        assert!(told(&private, "https://127.0.0.1/") && told(&private, "https://localhost/"));
        assert!(!told(&private, "http://127.0.0.1/"));
        let listed = Targets {
            hosts: vec!["as.example.com".into(), ".example.net".into()],
            ..Targets::default()
        };
        assert!(
            told(&listed, "https://AS.example.com/") && told(&listed, "https://a.example.net/")
        );
        for uri in [
            "https://b.example.com/",
            "https://example.net/",
            "https://aexample.net/",
            "https://as.example.com.evil.org/",
        ] {
            assert!(!told(&listed, uri), "{uri}");
        }
    }
}
