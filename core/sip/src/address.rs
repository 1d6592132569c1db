//! Addresses read without allocating: enough of RFC 3261 §19.1 and §20.10 for routing.

use wire_sip::NameAddr;

/// The URI of a `name-addr` or `addr-spec` value such as those of Route, Contact and From; `None` when
/// it is neither. It is the one that [`NameAddr::parse`] gives: two readings of one identity would be a
/// way past whoever checks it.
pub fn uri_of(value: &str) -> Option<&str> {
    NameAddr::uri_of(value).map(str::trim)
}

/// The parts of a `sip:`, `sips:`, `tel:` or other URI, as written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UriView<'a> {
    /// Before the first colon.
    pub scheme: &'a str,
    /// Before the `@`, a password included; `None` without one.
    pub user: Option<&'a str>,
    /// Host without brackets; the number of a `tel:` URI.
    pub host: &'a str,
    /// The port, if one is written.
    pub port: Option<u16>,
    params: &'a str,
}

impl<'a> UriView<'a> {
    /// Cuts a URI into its parts; `None` when there is no scheme or host, or the port is none.
    pub fn parse(uri: &'a str) -> Option<Self> {
        let (scheme, rest) = uri.trim().split_once(':')?;
        let is_sip = scheme.eq_ignore_ascii_case("sip") || scheme.eq_ignore_ascii_case("sips");
        let rest = if is_sip {
            // The user part may hold `?` and `;`, but no `@`.
            match rest.split_once('@') {
                Some((user, rest)) => return Self::with_host(scheme, Some(user), rest),
                None => rest,
            }
        } else {
            let (host, params) = rest.split_once(';').unwrap_or((rest, ""));
            return (!host.is_empty()).then_some(Self {
                scheme,
                user: None,
                host,
                port: None,
                params,
            });
        };
        Self::with_host(scheme, None, rest)
    }

    fn with_host(scheme: &'a str, user: Option<&'a str>, rest: &'a str) -> Option<Self> {
        let rest = rest.split('?').next().unwrap_or(rest);
        let (host_port, params) = rest.split_once(';').unwrap_or((rest, ""));
        let (host, port) = match host_port.strip_prefix('[') {
            Some(v6) => {
                let (host, after) = v6.split_once(']')?;
                (host, after.strip_prefix(':'))
            }
            None => match host_port.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (host_port, None),
            },
        };
        let port = match port {
            Some(port) => Some(port.parse().ok()?),
            None => None,
        };
        (!host.is_empty()).then_some(Self {
            scheme,
            user,
            host,
            port,
            params,
        })
    }

    /// A URI parameter; `Some("")` without a value.
    pub fn param(&self, name: &str) -> Option<&'a str> {
        self.params.split(';').find_map(|param| {
            let (found, value) = param.split_once('=').unwrap_or((param, ""));
            found.eq_ignore_ascii_case(name).then_some(value)
        })
    }

    /// RFC 3261 §19.1.1: the element there is a loose router.
    pub fn is_loose(&self) -> bool {
        self.param("lr").is_some()
    }

    /// Whether this is a `sip:` or `sips:` URI.
    pub fn is_sip(&self) -> bool {
        self.scheme.eq_ignore_ascii_case("sip") || self.is_sips()
    }

    /// Whether this is a `sips:` URI.
    pub fn is_sips(&self) -> bool {
        self.scheme.eq_ignore_ascii_case("sips")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_uri_of_a_value() {
        let quoted = r#""A \"<sip:x@y>\" B" <sip:a@b;lr>;tag=1"#;
        assert_eq!(uri_of(quoted), Some("sip:a@b;lr"));
        assert_eq!(uri_of(" sip:a@b;tag=1"), Some("sip:a@b"));
        assert_eq!(uri_of("Anna <tel:+1>"), Some("tel:+1"));
        assert_eq!(uri_of("<sip:a@b"), None);
        assert_eq!(uri_of("\"a"), None);
        // Which of the two it is would depend on who reads it.
        assert_eq!(uri_of("x\"<sip:mallory@b>\" <sip:a@b>"), None);
    }

    #[test]
    fn the_parts_of_a_uri() {
        let uri = UriView::parse("sip:a;x=1:pw@[2001:db8::1]:5070;transport=tcp;lr?h=v").unwrap();
        assert_eq!(uri.user, Some("a;x=1:pw"));
        assert_eq!((uri.host, uri.port), ("2001:db8::1", Some(5070)));
        assert_eq!(uri.param("Transport"), Some("tcp"));
        assert!(uri.is_loose() && uri.is_sip() && !uri.is_sips());
        let tel = UriView::parse("tel:+1-555;phone-context=example.com").unwrap();
        assert_eq!((tel.scheme, tel.host), ("tel", "+1-555"));
        assert_eq!(tel.param("phone-context"), Some("example.com"));
        for bad in ["", "sip:", "sip:@", "sip:a@b:port", "sip:[::1", "no-colon"] {
            assert!(UriView::parse(bad).is_none(), "{bad}");
        }
    }
}
