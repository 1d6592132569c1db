use std::{fmt, net::SocketAddr};

/// How a message travels: the `transport` of RFC 3261 §18 and RFC 7118.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Transport {
    /// Datagrams.
    Udp,
    /// A byte stream.
    Tcp,
    /// A byte stream under TLS.
    Tls,
    /// WebSocket (RFC 7118).
    Ws,
    /// WebSocket under TLS (RFC 7118).
    Wss,
}

impl Transport {
    /// RFC 3261 §17: a reliable transport needs no retransmissions.
    pub const fn is_reliable(self) -> bool {
        !matches!(self, Self::Udp)
    }

    /// RFC 7118: one message is one WebSocket message.
    pub const fn is_websocket(self) -> bool {
        matches!(self, Self::Ws | Self::Wss)
    }

    /// Protected by TLS.
    pub const fn is_secure(self) -> bool {
        matches!(self, Self::Tls | Self::Wss)
    }

    /// As in a Via header field.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Udp => "UDP",
            Self::Tcp => "TCP",
            Self::Tls => "TLS",
            Self::Ws => "WS",
            Self::Wss => "WSS",
        }
    }

    /// As in the `transport` parameter of a URI. RFC 7118 §5.2.3 writes `ws` for both kinds.
    pub const fn uri_param(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
            Self::Ws | Self::Wss => "ws",
        }
    }

    /// From a Via header field or a `transport` parameter.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Udp, Self::Tcp, Self::Tls, Self::Ws, Self::Wss]
            .into_iter()
            .find(|transport| transport.as_str().eq_ignore_ascii_case(text))
    }

    /// RFC 3261 §18.1.1, §19.1.2; RFC 7118 §7.
    pub const fn default_port(self) -> u16 {
        match self {
            Self::Udp | Self::Tcp => 5060,
            Self::Tls => 5061,
            Self::Ws => 80,
            Self::Wss => 443,
        }
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A connection that the shell holds. Its number is never used again for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConnectionId(pub u64);

/// Where a message came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Source {
    /// How it came.
    pub transport: Transport,
    /// The address that it was sent to, which is ours.
    pub local: SocketAddr,
    /// The address that it was sent from.
    pub remote: SocketAddr,
    /// The connection, unless the transport is UDP.
    pub connection: Option<ConnectionId>,
}

impl Source {
    /// The way straight back: the same connection, or the same address over UDP.
    pub fn back(&self) -> Target {
        match self.connection {
            Some(id) => Target::Connection {
                id,
                transport: self.transport,
            },
            None => Target::Address {
                transport: self.transport,
                addr: self.remote,
            },
        }
    }
}

/// Where a message goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Target {
    /// This connection and no other.
    Connection {
        /// Which.
        id: ConnectionId,
        /// What kind it is.
        transport: Transport,
    },
    /// An address; the shell uses a connection that it has to there, or opens one.
    Address {
        /// How.
        transport: Transport,
        /// Where to.
        addr: SocketAddr,
    },
}

impl Target {
    /// How a message to there travels.
    pub const fn transport(&self) -> Transport {
        match self {
            Self::Connection { transport, .. } | Self::Address { transport, .. } => *transport,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_on_the_wire() {
        assert_eq!(Transport::parse("udp"), Some(Transport::Udp));
        assert_eq!(Transport::parse("WSS"), Some(Transport::Wss));
        assert_eq!(Transport::parse("SCTP"), None);
        assert_eq!(Transport::Wss.uri_param(), "ws");
        assert!(!Transport::Udp.is_reliable());
        assert!(Transport::Ws.is_reliable());
    }
}
