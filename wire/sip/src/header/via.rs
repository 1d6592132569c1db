//! RFC 3261 §20.42, RFC 3581, RFC 7118 §4.

use std::fmt;

use super::TypedHeader;
use crate::{HeaderName, Params, scan, uri};

/// `SIP/2.0/TRANSPORT host:port;params`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Via {
    /// UDP, TCP, TLS, WS, WSS or another, as written.
    pub transport: String,
    /// The sent-by host.
    pub host: String,
    /// The sent-by port.
    pub port: Option<u16>,
    /// `branch`, `received`, `rport`, `keep` and others.
    pub params: Params,
}

impl Via {
    /// RFC 3261 §8.1.1.7: branches of RFC 3261 begin so.
    pub const COOKIE: &'static str = "z9hG4bK";

    /// `SIP/2.0/transport host:port;branch=branch`.
    pub fn new(transport: &str, host: &str, port: Option<u16>, branch: &str) -> Self {
        let mut params = Params::new();
        params.set("branch", Some(branch));
        Self {
            transport: transport.to_owned(),
            host: host.to_owned(),
            port,
            params,
        }
    }

    /// The branch parameter.
    pub fn branch(&self) -> Option<&str> {
        self.params.get("branch")
    }

    /// Does the branch identify the transaction (RFC 3261 §17.2.3)?
    pub fn is_rfc3261(&self) -> bool {
        self.branch().is_some_and(|b| {
            b.get(..Self::COOKIE.len())
                .is_some_and(|c| c.eq_ignore_ascii_case(Self::COOKIE))
                && b.len() > Self::COOKIE.len()
        })
    }

    /// Where sent-by says, with the transport's default port.
    pub fn sent_by(&self) -> (&str, u16) {
        let secure = self.transport.eq_ignore_ascii_case("TLS");
        (
            &self.host,
            self.port.unwrap_or(if secure { 5061 } else { 5060 }),
        )
    }
}

impl TypedHeader for Via {
    const NAME: HeaderName = HeaderName::Via;
    const LIST: bool = true;

    fn parse(value: &str) -> Result<Self, &'static str> {
        // `SIP / 2.0 / UDP` may have white space about its slashes.
        let (name, rest) = value.split_once('/').ok_or("protocol name")?;
        let (version, rest) = rest.split_once('/').ok_or("protocol version")?;
        let rest = rest.trim_start_matches([' ', '\t', '\r', '\n']);
        let end = rest
            .find([' ', '\t', '\r', '\n'])
            .ok_or("sent-by is missing")?;
        let (transport, rest) = rest.split_at(end);
        if !scan::is_token(scan::trim(name)) || !scan::is_token(scan::trim(version)) {
            return Err("protocol");
        }
        if !scan::trim(name).eq_ignore_ascii_case("SIP") || scan::trim(version) != "2.0" {
            return Err("protocol is not SIP/2.0");
        }
        if !scan::is_token(transport) {
            return Err("transport");
        }
        let at = rest.find(';').unwrap_or(rest.len());
        let sent_by = scan::trim(&rest[..at]);
        // `host : port` may have white space about its colon.
        let without_space;
        let sent_by = if sent_by.contains([' ', '\t', '\r']) {
            let (host, port) = sent_by.rsplit_once(':').ok_or("sent-by")?;
            without_space = format!("{}:{}", scan::trim(host), scan::trim(port));
            &without_space
        } else {
            sent_by
        };
        let (host, port) = uri::host_port(sent_by)?;
        Ok(Self {
            transport: transport.to_owned(),
            host: host.to_owned(),
            port,
            params: Params::parse(&rest[at..])?,
        })
    }
}

impl fmt::Display for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SIP/2.0/{} {}", self.transport, self.host)?;
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        self.params.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_via() {
        let via =
            Via::parse("SIP/2.0/WSS df7jal23ls0d.invalid;branch=z9hG4bK56sdasks;keep").unwrap();
        assert_eq!(via.transport, "WSS");
        assert!(via.is_rfc3261() && via.params.contains("keep"));
        let via = Via::parse("SIP / 2.0\r\n /UDP\t192.0.2.2 : 5070 ; branch=390skdjuw").unwrap();
        assert_eq!(via.sent_by(), ("192.0.2.2", 5070));
        assert!(!via.is_rfc3261());
        let via = Via::parse(
            "SIP/2.0/TLS [2001:db8::9:1];received=[2001:db8::9:255];branch=z9hG4bKas3-111",
        )
        .unwrap();
        assert_eq!(
            via.to_string(),
            "SIP/2.0/TLS [2001:db8::9:1];received=[2001:db8::9:255];branch=z9hG4bKas3-111"
        );
    }

    #[test]
    fn bad_vias_are_refused() {
        for bad in [
            "SIP/2.0/UDP",
            "SIP/2.0 h",
            "SIP/3.0/UDP h",
            "SIP/2.0/UDP h:x",
            "SIP/2.0/UDP ;branch=z",
            "SIP/2.0/U(P h",
        ] {
            assert!(Via::parse(bad).is_err(), "{bad}");
        }
    }
}
