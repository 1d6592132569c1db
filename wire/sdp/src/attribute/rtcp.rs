//! `a=rtcp`

use std::fmt;

use crate::{Attribute, Connection, Malformed};

/// RFC 3605 §2.1 — `a=rtcp:<port> [<nettype> <addrtype> <address>]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rtcp<'a> {
    /// The port of RTCP.
    pub port: u16,
    /// Its address, when it is not that of RTP.
    pub connection: Option<Connection<'a>>,
}

impl<'a> Attribute<'a> for Rtcp<'a> {
    const NAME: &'static str = "rtcp";

    fn parse(value: &'a str) -> Result<Rtcp<'a>, Malformed> {
        let (port, rest) = value.trim().split_once(' ').unwrap_or((value.trim(), ""));
        let port = port
            .parse()
            .map_err(|_| Malformed::value("a=rtcp begins with a port"))?;
        let connection = (!rest.is_empty())
            .then(|| Connection::parse(rest))
            .transpose()?;
        Ok(Rtcp { port, connection })
    }
}

impl fmt::Display for Rtcp<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.port.fmt(f)?;
        self.connection
            .map_or(Ok(()), |connection| write!(f, " {connection}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_3605_examples() {
        assert_eq!(
            Rtcp::parse("53020"),
            Ok(Rtcp {
                port: 53020,
                connection: None
            })
        );
        for text in [
            "53020 IN IP4 126.16.64.4",
            "53020 IN IP6 2001:2345:6789:ABCD:EF01:2345:6789:ABCD",
        ] {
            assert_eq!(Rtcp::parse(text).expect("valid").to_string(), text);
        }
        assert!(Rtcp::parse("IN IP4 126.16.64.4").is_err());
    }
}
