//! Where a request goes next: RFC 3263 as far as A and AAAA records (no NAPTR, no SRV).

use std::{
    collections::{HashMap, VecDeque},
    net::{IpAddr, SocketAddr},
    time::{Duration, Instant},
};

use crate::{Target, Transport, address::UriView};

/// The element that a URI names.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct NextHop {
    /// A name or a numeric address.
    pub host: String,
    /// The port, if it was written.
    pub port: Option<u16>,
    /// The transport, if it was written; then it wins over the length of the message.
    pub transport: Option<Transport>,
}

/// Where a message may go now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolution {
    /// To these addresses, the first first.
    Ready(Vec<SocketAddr>),
    /// The name is being looked up: the same question later, when [`Lookups`] says so.
    Pending,
    /// There is no such name, as far as we could find out.
    Failed,
}

impl NextHop {
    /// RFC 3263 §4: from the URI of a Route value or a Request-URI. `None` for a URI that names no
    /// host (`tel:`), or a transport that we do not have.
    pub fn of_uri(uri: &str) -> Option<Self> {
        let uri = UriView::parse(uri)?;
        if !uri.is_sip() {
            return None;
        }
        let named = match uri.param("transport") {
            Some(name) => Some(Transport::parse(name)?),
            None => None,
        };
        // RFC 3263 §4.1, RFC 3261 §26.2.2: sips is TLS whatever else it says.
        let transport = match (uri.is_sips(), named) {
            (true, Some(Transport::Ws | Transport::Wss)) => Some(Transport::Wss),
            (true, _) => Some(Transport::Tls),
            (false, named) => named,
        };
        Some(Self {
            host: uri.host.to_owned(),
            port: uri.port,
            transport,
        })
    }

    /// The address, when the host is a numeric one.
    pub fn addr(&self) -> Option<SocketAddr> {
        let ip = self.host.trim_matches(['[', ']']).parse().ok()?;
        Some(SocketAddr::new(ip, self.port()))
    }

    /// RFC 3263 §4.2: the port that is written, or that of the transport.
    pub fn port(&self) -> u16 {
        let transport = self.transport.unwrap_or(Transport::Udp);
        self.port.unwrap_or(transport.default_port())
    }

    /// The target at one of its addresses; `by_size` is the transport to use when none is written.
    pub fn target(&self, addr: SocketAddr, by_size: Transport) -> Target {
        Target::Address {
            transport: self.transport.unwrap_or(by_size),
            addr,
        }
    }
}

/// Names that were looked up, and those that are being looked up.
#[derive(Debug, Default)]
pub struct Lookups {
    names: HashMap<String, Lookup>,
    questions: VecDeque<String>,
}

#[derive(Debug)]
enum Lookup {
    Asked,
    Known {
        addresses: Vec<IpAddr>,
        until: Instant,
    },
}

/// The shell asks its system's resolver, which tells no lifetimes; these are ours.
const KNOWN: Duration = Duration::from_secs(30);
const UNKNOWN: Duration = Duration::from_secs(5);
/// More names than any configuration has; peers choose some of them.
const MAX_NAMES: usize = 4096;

impl Lookups {
    /// Nothing is known.
    pub fn new() -> Self {
        Self::default()
    }

    /// The addresses of a next hop, known or to be asked for.
    pub fn resolve(&mut self, now: Instant, hop: &NextHop) -> Resolution {
        if let Some(addr) = hop.addr() {
            return Resolution::Ready(vec![addr]);
        }
        match self.names.get(&hop.host) {
            Some(Lookup::Asked) => return Resolution::Pending,
            Some(Lookup::Known { addresses, until }) if now < *until => {
                if addresses.is_empty() {
                    return Resolution::Failed;
                }
                let port = hop.port();
                let addresses = addresses.iter().map(|ip| SocketAddr::new(*ip, port));
                return Resolution::Ready(addresses.collect());
            }
            _ => {}
        }
        if self.names.len() >= MAX_NAMES {
            self.names
                .retain(|_, lookup| matches!(lookup, Lookup::Known { until, .. } if now < *until));
            if self.names.len() >= MAX_NAMES {
                return Resolution::Failed;
            }
        }
        self.names.insert(hop.host.clone(), Lookup::Asked);
        self.questions.push_back(hop.host.clone());
        Resolution::Pending
    }

    /// The answer to a question: no addresses means that there is no such name.
    pub fn handle_answer(&mut self, now: Instant, host: &str, addresses: Vec<IpAddr>) {
        let lifetime = if addresses.is_empty() { UNKNOWN } else { KNOWN };
        let until = now + lifetime;
        self.names
            .insert(host.to_owned(), Lookup::Known { addresses, until });
    }

    /// The next name to ask A and AAAA records for.
    #[must_use]
    pub fn poll_question(&mut self) -> Option<String> {
        self.questions.pop_front()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_uri_decides_host_port_and_transport() {
        let hop = NextHop::of_uri("sip:edge@192.0.2.1:5070;transport=tcp;lr").unwrap();
        assert_eq!(hop.addr(), Some("192.0.2.1:5070".parse().unwrap()));
        assert_eq!(hop.transport, Some(Transport::Tcp));
        let hop = NextHop::of_uri("sip:[2001:db8::1]").unwrap();
        assert_eq!(hop.addr(), Some("[2001:db8::1]:5060".parse().unwrap()));
        assert_eq!(hop.transport, None);
        let hop = NextHop::of_uri("sips:a@example.com").unwrap();
        assert_eq!((hop.port(), hop.transport), (5061, Some(Transport::Tls)));
        assert_eq!(NextHop::of_uri("tel:+1"), None);
        assert_eq!(NextHop::of_uri("sip:a@b;transport=sctp"), None);
    }

    #[test]
    fn an_explicit_transport_wins_over_the_length() {
        let addr = "192.0.2.1:5060".parse().unwrap();
        let hop = NextHop::of_uri("sip:192.0.2.1;transport=udp").unwrap();
        let udp = Target::Address {
            transport: Transport::Udp,
            addr,
        };
        assert_eq!(hop.target(addr, Transport::Tcp), udp);
    }

    #[test]
    fn a_name_is_asked_for_once_and_remembered() {
        let mut clock = testbed::Clock::new();
        let mut lookups = Lookups::new();
        let hop = NextHop::of_uri("sip:core.example.com:5061").unwrap();
        assert_eq!(lookups.resolve(clock.now(), &hop), Resolution::Pending);
        assert_eq!(lookups.resolve(clock.now(), &hop), Resolution::Pending);
        assert_eq!(lookups.poll_question().as_deref(), Some("core.example.com"));
        assert_eq!(lookups.poll_question(), None);
        let ip = "192.0.2.1".parse().unwrap();
        lookups.handle_answer(clock.now(), "core.example.com", vec![ip]);
        let ready = Resolution::Ready(vec!["192.0.2.1:5061".parse().unwrap()]);
        assert_eq!(lookups.resolve(clock.now(), &hop), ready);
        clock.advance(KNOWN);
        assert_eq!(lookups.resolve(clock.now(), &hop), Resolution::Pending);
        lookups.handle_answer(clock.now(), "core.example.com", vec![]);
        assert_eq!(lookups.resolve(clock.now(), &hop), Resolution::Failed);
    }
}
