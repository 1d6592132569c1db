//! The topmost Via, read without allocating, and the way back for a response.

use std::{
    fmt::Write as _,
    net::{IpAddr, SocketAddr},
};

use wire_sip::{HeaderName, Message};

use crate::{Source, Target, Transport};

/// RFC 3261 §20.42: one Via value.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ViaView<'a> {
    /// `UDP`, `WSS` and so on, as written.
    pub(crate) transport: &'a str,
    /// Host and port as written.
    pub(crate) sent_by: &'a str,
    params: &'a str,
}

impl<'a> ViaView<'a> {
    /// The topmost Via of a message.
    pub(crate) fn top(message: &'a Message) -> Option<Self> {
        Self::parse(message.values(HeaderName::Via).next()?)
    }

    /// `SIP/2.0/UDP host:port;params`, with white space where RFC 3261 §25.1 allows it.
    pub(crate) fn parse(value: &'a str) -> Option<Self> {
        let value = value.trim();
        let (name, rest) = value.split_once('/')?;
        let (version, rest) = rest.split_once('/')?;
        if !name.trim().eq_ignore_ascii_case("SIP") || version.trim() != "2.0" {
            return None;
        }
        let rest = rest.trim_start();
        let (transport, rest) = rest.split_once(|c: char| c.is_ascii_whitespace())?;
        let (sent_by, params) = match rest.split_once(';') {
            Some((sent_by, params)) => (sent_by.trim(), params),
            None => (rest.trim(), ""),
        };
        if sent_by.is_empty() || transport.is_empty() {
            return None;
        }
        Some(Self {
            transport,
            sent_by,
            params,
        })
    }

    /// `Some("")` for a parameter without a value.
    pub(crate) fn param(&self, name: &str) -> Option<&'a str> {
        self.params.split(';').find_map(|param| {
            let (found, value) = param.split_once('=').unwrap_or((param, ""));
            found
                .trim()
                .eq_ignore_ascii_case(name)
                .then_some(value.trim())
        })
    }

    pub(crate) fn branch(&self) -> Option<&'a str> {
        self.param("branch").filter(|branch| !branch.is_empty())
    }

    /// The host of sent-by, without the brackets of an IPv6 reference.
    pub(crate) fn host(&self) -> &'a str {
        match self.sent_by.strip_prefix('[') {
            Some(rest) => rest.split(']').next().unwrap_or(rest),
            None => self.sent_by.split(':').next().unwrap_or("").trim(),
        }
    }

    pub(crate) fn port(&self) -> Option<u16> {
        let after = match self.sent_by.strip_prefix('[') {
            Some(rest) => rest.split_once(']')?.1,
            None => self.sent_by,
        };
        after.split_once(':')?.1.trim().parse().ok()
    }
}

/// RFC 3261 §18.2.1, RFC 3581 §4: the topmost Via value as the next element shall see it.
///
/// `received` is written always, as TS 24.371 asks of an eP-CSCF, and `rport` where it was asked
/// for; what the peer itself wrote there is replaced.
pub(crate) fn stamped(value: &str, remote: SocketAddr) -> Option<String> {
    let view = ViaView::parse(value)?;
    let wants_port = view.param("rport").is_some();
    let mut stamped = format!("SIP/2.0/{} {}", view.transport, view.sent_by);
    for param in view.params.split(';') {
        let param = param.trim();
        let name = param.split('=').next().unwrap_or("").trim();
        let ours = name.eq_ignore_ascii_case("received") || name.eq_ignore_ascii_case("rport");
        if !param.is_empty() && !ours {
            stamped.push(';');
            stamped.push_str(param);
        }
    }
    let _ = write!(stamped, ";received={}", remote.ip().to_canonical());
    if wants_port {
        let _ = write!(stamped, ";rport={}", remote.port());
    }
    Some(stamped)
}

/// RFC 3261 §18.2.2, RFC 3581 §4: the way back for the response to a request from `source`.
///
/// `connected` says whether the connection that the request came on is still there. Without it a
/// stream is opened to where the sender listens; a WebSocket has no such place (RFC 7118 §5).
// Deviates: `maddr` is not followed; it would let anyone point our responses at anyone.
pub(crate) fn way_back(source: &Source, via: Option<Listener>, connected: bool) -> Option<Target> {
    let transport = source.transport;
    if let (Some(id), true) = (source.connection, connected) {
        return Some(Target::Connection { id, transport });
    }
    let listener = via?;
    if transport.is_websocket() {
        return None;
    }
    let port = if transport == Transport::Udp && listener.rport {
        source.remote.port()
    } else {
        listener.port.unwrap_or(transport.default_port())
    };
    let addr = SocketAddr::new(source.remote.ip(), port);
    Some(Target::Address { transport, addr })
}

/// What the topmost Via says about where its sender listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Listener {
    pub(super) port: Option<u16>,
    pub(super) rport: bool,
}

impl Listener {
    pub(crate) fn of(via: &ViaView<'_>) -> Self {
        Self {
            port: via.port(),
            rport: via.param("rport").is_some(),
        }
    }
}

/// RFC 3261 §18.2.2: where a response goes whose own server transaction is not here, by its topmost
/// Via alone. Only addresses that an element before us wrote into it are followed, never names.
pub(super) fn by_via(message: &Message) -> Option<Target> {
    let via = ViaView::top(message)?;
    let transport = Transport::parse(via.transport).filter(|t| !t.is_websocket())?;
    let host = via
        .param("received")
        .map(|host| host.trim_matches(['[', ']']));
    let ip: IpAddr = host.unwrap_or(via.host()).parse().ok()?;
    let rport = via.param("rport").and_then(|port| port.parse().ok());
    let rport = rport.filter(|_| transport == Transport::Udp);
    let port = rport.or(via.port()).unwrap_or(transport.default_port());
    Some(Target::Address {
        transport,
        addr: SocketAddr::new(ip, port),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ConnectionId;

    #[test]
    fn reads_what_rfc_3261_allows() {
        let via = ViaView::parse(
            "SIP / 2.0 / UDP first.example.com: 4000;ttl=16 ;maddr=224.2.0.1 ;branch=z9hG4bKa7c6",
        )
        .unwrap();
        assert_eq!(via.transport, "UDP");
        assert_eq!(via.host(), "first.example.com");
        assert_eq!(via.port(), Some(4000));
        assert_eq!(via.branch(), Some("z9hG4bKa7c6"));
        let v6 = ViaView::parse("SIP/2.0/TCP [2001:db8::9:1];branch=z9hG4bK87a;rport").unwrap();
        assert_eq!((v6.host(), v6.port()), ("2001:db8::9:1", None));
        assert_eq!(v6.param("RPORT"), Some(""));
        for bad in ["", "SIP/3.0/UDP a", "SIP/2.0/UDP", "SIP/2.0/UDP ;branch=1"] {
            assert!(ViaView::parse(bad).is_none(), "{bad}");
        }
    }

    /// RFC 3581 §6.1.
    #[test]
    fn received_and_rport_are_filled_in() {
        let remote = "192.0.2.1:9988".parse().unwrap();
        assert_eq!(
            stamped(
                "SIP/2.0/UDP 10.1.1.1:4540;rport;branch=z9hG4bKkjshdyff",
                remote
            )
            .unwrap(),
            "SIP/2.0/UDP 10.1.1.1:4540;branch=z9hG4bKkjshdyff;received=192.0.2.1;rport=9988"
        );
        assert_eq!(
            stamped(
                "SIP/2.0/WSS a.invalid;branch=z9hG4bK1;received=6.6.6.6",
                remote
            )
            .unwrap(),
            "SIP/2.0/WSS a.invalid;branch=z9hG4bK1;received=192.0.2.1"
        );
    }

    #[test]
    fn the_way_back() {
        let mut source = Source {
            transport: Transport::Udp,
            local: "192.0.2.9:5060".parse().unwrap(),
            remote: "192.0.2.1:9988".parse().unwrap(),
            connection: None,
        };
        let to = |addr: &str, transport| {
            Some(Target::Address {
                transport,
                addr: addr.parse().unwrap(),
            })
        };
        let plain = Some(Listener {
            port: Some(4540),
            rport: false,
        });
        let rport = Some(Listener {
            port: Some(4540),
            rport: true,
        });
        let bare = Some(Listener {
            port: None,
            rport: false,
        });
        assert_eq!(
            way_back(&source, plain, false),
            to("192.0.2.1:4540", Transport::Udp)
        );
        assert_eq!(
            way_back(&source, rport, false),
            to("192.0.2.1:9988", Transport::Udp)
        );
        assert_eq!(
            way_back(&source, bare, false),
            to("192.0.2.1:5060", Transport::Udp)
        );
        source.transport = Transport::Tcp;
        source.connection = Some(ConnectionId(7));
        let connection = Some(Target::Connection {
            id: ConnectionId(7),
            transport: Transport::Tcp,
        });
        assert_eq!(way_back(&source, rport, true), connection);
        assert_eq!(
            way_back(&source, rport, false),
            to("192.0.2.1:4540", Transport::Tcp)
        );
        source.transport = Transport::Wss;
        assert_eq!(way_back(&source, rport, false), None);
    }
}
