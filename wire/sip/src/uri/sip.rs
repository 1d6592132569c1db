//! RFC 3261 §19.1: SIP and SIPS URIs.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use super::escape;
use crate::params::{self, Params};

/// `sip:user:password@host:port;params?headers`, pieces as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SipUri {
    /// `sips:`?
    pub secure: bool,
    /// With its escapes and its own parameters.
    pub user: Option<String>,
    /// Not recommended, but it is in the grammar.
    pub password: Option<String>,
    /// A name, an IPv4 address or an IPv6 address in brackets.
    pub host: String,
    /// Absent is not 5060: RFC 3261 §19.1.4.
    pub port: Option<u16>,
    /// URI parameters.
    pub params: Params,
    /// What follows the question mark.
    pub headers: Option<String>,
}

impl SipUri {
    /// `sip:host` or `sip:user@host`.
    pub fn new(user: Option<&str>, host: &str, port: Option<u16>) -> Self {
        Self {
            secure: false,
            user: user.map(str::to_owned),
            password: None,
            host: host.to_owned(),
            port,
            params: Params::new(),
            headers: None,
        }
    }

    /// What follows `sip:` or `sips:`.
    pub(super) fn parse(text: &str, secure: bool) -> Result<Self, &'static str> {
        if !escape::is_well_escaped(text) {
            return Err("escape");
        }
        let (userinfo, rest) = match text.rfind('@') {
            // An @ may also stand in a parameter or header value: the userinfo's is the first when no ; ? precede it.
            Some(last) => {
                let at = text.find('@').unwrap_or(last);
                (Some(&text[..at]), &text[at + 1..])
            }
            None => (None, text),
        };
        let (user, password) = match userinfo {
            Some(info) => {
                let (user, password) = match info.split_once(':') {
                    Some((user, password)) => (user, Some(password)),
                    None => (info, None),
                };
                if user.is_empty() || !user.bytes().all(is_user_char) {
                    return Err("user");
                }
                if !password.unwrap_or("").bytes().all(is_password_char) {
                    return Err("password");
                }
                (Some(user.to_owned()), password.map(str::to_owned))
            }
            None => (None, None),
        };
        let (rest, headers) = match rest.split_once('?') {
            Some((rest, headers)) => (rest, Some(headers.to_owned())),
            None => (rest, None),
        };
        let (hostport, params) = match rest.find(';') {
            Some(at) => (&rest[..at], &rest[at + 1..]),
            None => (rest, ""),
        };
        let (host, port) = host_port(hostport)?;
        Ok(Self {
            secure,
            user,
            password,
            host: host.to_owned(),
            port,
            params: Params::parse(params)?,
            headers,
        })
    }

    /// RFC 3261 §19.1.1 `lr`: a loose router.
    pub fn is_loose_router(&self) -> bool {
        self.params.contains("lr")
    }

    /// `transport`, in lower case.
    pub fn transport(&self) -> Option<String> {
        self.params.get("transport").map(str::to_ascii_lowercase)
    }

    /// The host when it is an address.
    pub fn ip(&self) -> Option<IpAddr> {
        host_ip(&self.host)
    }

    /// RFC 3261 §19.1.4.
    pub fn equivalent(&self, other: &Self) -> bool {
        self.secure == other.secure
            && same(self.user.as_deref(), other.user.as_deref())
            && same(self.password.as_deref(), other.password.as_deref())
            && same_host(&self.host, &other.host)
            && self.port == other.port
            && self.same_params(other)
            && same_headers(self.headers.as_deref(), other.headers.as_deref())
    }

    /// A parameter in both must match; `user`, `ttl`, `method`, `maddr` and `transport` never match their absence.
    fn same_params(&self, other: &Self) -> bool {
        let both = self
            .params
            .iter()
            .all(|(name, value)| match other.params.get(name) {
                Some(theirs) => {
                    let mine = escape::canonical(value.unwrap_or(""));
                    mine.eq_ignore_ascii_case(&escape::canonical(theirs))
                }
                None => true,
            });
        both && ["user", "ttl", "method", "maddr", "transport"]
            .iter()
            .all(|name| self.params.contains(name) == other.params.contains(name))
    }

    pub(super) fn address_of_record(&self) -> String {
        let scheme = if self.secure { "sips" } else { "sip" };
        let host = self.host.to_ascii_lowercase();
        let user = self.user.as_deref().map(|user| {
            // RFC 3261 §19.1.6: a telephone number in the user part carries the tel URI's parameters; they are not identity.
            let user = if self
                .params
                .get("user")
                .is_some_and(|v| v.eq_ignore_ascii_case("phone"))
            {
                user.split(';').next().unwrap_or(user)
            } else {
                user
            };
            String::from_utf8_lossy(&escape::canonical(user)).into_owned()
        });
        match user {
            Some(user) => format!("{scheme}:{user}@{host}"),
            None => format!("{scheme}:{host}"),
        }
    }
}

impl std::hash::Hash for SipUri {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        (self.secure, &self.user, &self.host, self.port).hash(state);
    }
}

impl fmt::Display for SipUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.secure { "sips:" } else { "sip:" })?;
        if let Some(user) = &self.user {
            f.write_str(user)?;
            if let Some(password) = &self.password {
                write!(f, ":{password}")?;
            }
            f.write_str("@")?;
        }
        f.write_str(&self.host)?;
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        self.params.fmt(f)?;
        if let Some(headers) = &self.headers {
            write!(f, "?{headers}")?;
        }
        Ok(())
    }
}

/// `host [":" port]`, host with brackets when it is IPv6.
pub(crate) fn host_port(text: &str) -> Result<(&str, Option<u16>), &'static str> {
    let (host, port) = if text.starts_with('[') {
        let close = text.find(']').ok_or("IPv6 bracket does not close")?;
        let (host, rest) = text.split_at(close + 1);
        host[1..close]
            .parse::<Ipv6Addr>()
            .map_err(|_| "IPv6 address")?;
        match rest.strip_prefix(':') {
            Some(port) => (host, Some(port)),
            None if rest.is_empty() => (host, None),
            None => return Err("text after the host"),
        }
    } else {
        match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        }
    };
    if host.is_empty() {
        return Err("host is empty");
    }
    if !host.starts_with('[')
        && !host
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_'))
    {
        return Err("host");
    }
    let port = match port {
        Some(port) => Some(
            port.parse::<u16>()
                .ok()
                .filter(|_| port.bytes().all(|b| b.is_ascii_digit()))
                .ok_or("port")?,
        ),
        None => None,
    };
    Ok((host, port))
}

/// The address a host is, without brackets.
pub(crate) fn host_ip(host: &str) -> Option<IpAddr> {
    host.trim_start_matches('[')
        .trim_end_matches(']')
        .parse()
        .ok()
}

fn same(a: Option<&str>, b: Option<&str>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => a == b || escape::canonical(a) == escape::canonical(b),
        (None, None) => true,
        _ => false,
    }
}

fn same_host(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b) || matches!((host_ip(a), host_ip(b)), (Some(a), Some(b)) if a == b)
}

/// Every header in one must be in the other, in any order.
fn same_headers(a: Option<&str>, b: Option<&str>) -> bool {
    let list = |text: Option<&str>| {
        let mut list: Vec<(String, Vec<u8>)> = text
            .unwrap_or("")
            .split('&')
            .filter(|piece| !piece.is_empty())
            .map(|piece| {
                let (name, value) = piece.split_once('=').unwrap_or((piece, ""));
                (name.to_ascii_lowercase(), escape::canonical(value))
            })
            .collect();
        list.sort();
        list
    };
    a == b || list(a) == list(b)
}

/// `unreserved / escaped / user-unreserved`; `#` and brackets occur in dial strings.
fn is_user_char(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'-' | b'_'
                | b'.'
                | b'!'
                | b'~'
                | b'*'
                | b'\''
                | b'('
                | b')'
                | b'%'
                | b'&'
                | b'='
                | b'+'
                | b'$'
                | b','
                | b';'
                | b'?'
                | b'/'
                | b'#'
        )
}

fn is_password_char(byte: u8) -> bool {
    is_user_char(byte) && !matches!(byte, b';' | b'?' | b'/' | b'#') || byte == b':'
}

/// One URI parameter of a URI's text, without allocating.
pub fn parameter<'a>(uri: &'a str, name: &str) -> Option<&'a str> {
    let host = uri.find('@').map_or(uri, |at| &uri[at + 1..]);
    let host = host.split('?').next().unwrap_or(host);
    let start = host.find(';')?;
    params::iterate(&host[start + 1..])
        .find(|(n, _)| n.eq_ignore_ascii_case(name))
        .map(|(_, v)| v.unwrap_or(""))
}

#[cfg(test)]
mod tests {
    use crate::Uri;

    fn equal(a: &str, b: &str) -> bool {
        let (a, b) = (Uri::parse(a).unwrap(), Uri::parse(b).unwrap());
        assert_eq!(
            a.equivalent(&b),
            b.equivalent(&a),
            "comparison is symmetric"
        );
        a.equivalent(&b)
    }

    /// RFC 3261 §19.1.4, every example.
    #[test]
    fn equivalent_uris() {
        for (a, b) in [
            (
                "sip:%61lice@atlanta.com;transport=TCP",
                "sip:alice@AtLanTa.CoM;Transport=tcp",
            ),
            ("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"),
            ("sip:carol@chicago.com", "sip:carol@chicago.com;security=on"),
            (
                "sip:carol@chicago.com;newparam=5",
                "sip:carol@chicago.com;security=on",
            ),
            (
                "sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
                "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com",
            ),
            (
                "sip:alice@atlanta.com?subject=project%20x&priority=urgent",
                "sip:alice@atlanta.com?priority=urgent&subject=project%20x",
            ),
            ("sip:a@[2001:db8::1]", "sip:a@[2001:db8:0::1]"),
        ] {
            assert!(equal(a, b), "{a} {b}");
        }
    }

    #[test]
    fn different_uris() {
        for (a, b) in [
            (
                "SIP:ALICE@AtLanTa.CoM;Transport=udp",
                "sip:alice@AtLanTa.CoM;Transport=UDP",
            ),
            ("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"),
            ("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"),
            (
                "sip:bob@biloxi.com",
                "sip:bob@biloxi.com:6000;transport=tcp",
            ),
            (
                "sip:carol@chicago.com",
                "sip:carol@chicago.com?Subject=next%20meeting",
            ),
            ("sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4"),
            (
                "sip:carol@chicago.com;security=off",
                "sip:carol@chicago.com;security=on",
            ),
            ("sip:a@b", "sips:a@b"),
            ("sip:a%3Bx@b", "sip:a;x@b"),
            ("sip:a@b", "tel:+1"),
        ] {
            assert!(!equal(a, b), "{a} {b}");
        }
    }

    #[test]
    fn pieces_print_as_written() {
        for text in [
            "sip:alice:secretword@atlanta.com;transport=tcp",
            "sips:alice@atlanta.com?subject=project%20x&priority=urgent",
            "sip:+1-212-555-1212:1234@gateway.com;user=phone",
            "sip:alice;day=tuesday@atlanta.com",
            "sip:atlanta.com;method=REGISTER?to=alice%40atlanta.com",
            "sip:a@[2001:db8::1]:5060;lr",
            "sip:df7jal23ls0d.invalid;transport=ws",
        ] {
            assert_eq!(Uri::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn bad_uris_are_refused() {
        for bad in [
            "sip:",
            "sip:@host",
            "sip:a@",
            "sip:a@host:port",
            "sip:a@host:70000",
            "sip:a@[::1",
            "sip:a%4@host",
            "sip:a b@host",
            "sip:a@ho st",
            "host",
            ":host",
            "sip:a@host:",
            "<sip:a@b>",
            "sip:a@h\u{f6}st",
            "1sip:a@b",
        ] {
            assert!(Uri::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn address_of_record_is_canonical() {
        let uri = Uri::parse("sip:%61lice@ATLANTA.com:5060;transport=tcp?x=y").unwrap();
        assert_eq!(uri.address_of_record(), "sip:alice@atlanta.com");
        let uri = Uri::parse("sip:+1555;ext=3@a.com;user=phone").unwrap();
        assert_eq!(uri.address_of_record(), "sip:+1555@a.com");
    }
}
