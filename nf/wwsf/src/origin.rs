//! Where the page lives, as the browser that asks sees it.

use std::fmt;

/// `https://phone.example.net`: a scheme and an authority, in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    secure: bool,
    authority: String,
}

/// The origins that this WWSF answers for: others are somebody's DNS pointed at us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origins {
    /// The lab: localhost, 127.0.0.1 and `[::1]` on any port.
    Loopback,
    /// These, and no others.
    Only(Vec<Origin>),
}

impl Origin {
    /// From what a connection and its `Host` say. `None` for a host that is none.
    pub fn new(secure: bool, host: &str) -> Option<Self> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b"-.:[]_".contains(&b);
        let good = !host.is_empty() && host.len() <= 255 && host.bytes().all(allowed);
        good.then(|| Self {
            secure,
            authority: host.to_ascii_lowercase(),
        })
    }

    /// From its own spelling, `https://phone.example.net:8443`.
    pub fn parse(text: &str) -> Option<Self> {
        let (scheme, authority) = text.split_once("://")?;
        let secure = match scheme {
            "https" => true,
            "http" => false,
            _ => return None,
        };
        Self::new(secure, authority)
    }

    /// Whether this is our own machine, where a lab may be lax.
    pub fn is_loopback(&self) -> bool {
        let host = match self.authority.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => host,
            _ => &self.authority,
        };
        matches!(host, "localhost" | "127.0.0.1" | "[::1]")
    }

    /// Whether it is served over TLS.
    pub fn is_secure(&self) -> bool {
        self.secure
    }

    /// W2 of an eP-CSCF behind the same door.
    pub fn web_socket(&self, path: &str) -> String {
        format!(
            "{}://{}{path}",
            if self.secure { "wss" } else { "ws" },
            self.authority
        )
    }
}

impl Origins {
    /// Whether `origin` is one of them.
    pub fn contain(&self, origin: &Origin) -> bool {
        match self {
            Self::Loopback => origin.is_loopback(),
            Self::Only(origins) => origins.contains(origin),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}://{}",
            if self.secure { "https" } else { "http" },
            self.authority
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lab_is_on_this_machine_only() {
        for (text, expected) in [
            ("https://localhost:8443", true),
            ("http://LOCALHOST", true),
            ("http://127.0.0.1:8080", true),
            ("https://[::1]:8443", true),
            ("https://localhost.evil.example", false),
            ("https://evil.example:8443", false),
            ("https://localhost:x", false),
            ("https://[::2]", false),
        ] {
            assert_eq!(
                Origins::Loopback.contain(&Origin::parse(text).unwrap()),
                expected,
                "{text}"
            );
        }
    }

    #[test]
    fn an_origin_is_no_more_than_that() {
        for text in [
            "",
            "localhost",
            "ftp://a",
            "https://",
            "https://a/b",
            "https://a b",
            "https://u@a",
        ] {
            assert_eq!(Origin::parse(text), None, "{text}");
        }
        let origin = Origin::parse("https://Phone.example.net").unwrap();
        assert_eq!(origin.to_string(), "https://phone.example.net");
        assert_eq!(origin.web_socket("/w2"), "wss://phone.example.net/w2");
        let only = Origins::Only(vec![origin.clone()]);
        assert!(only.contain(&origin));
        assert!(!only.contain(&Origin::new(false, "phone.example.net").unwrap()));
        assert!(!only.contain(&Origin::parse("https://localhost").unwrap()));
    }
}
