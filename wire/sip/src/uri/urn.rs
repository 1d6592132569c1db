//! RFC 8141: names such as `urn:service:sos` and `urn:urn-7:3gpp-service.ims.icsi.mmtel`.

use std::fmt;

/// `urn:nid:nss`, with what follows `?` or `#` kept in the text.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Urn {
    text: String,
}

impl Urn {
    pub(super) fn parse(rest: &str) -> Result<Self, &'static str> {
        let (nid, nss) = rest.split_once(':').ok_or("URN without a namespace")?;
        let fits = nid.len() >= 2
            && nid.len() <= 32
            && nid.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !nid.starts_with('-')
            && !nid.ends_with('-');
        if !fits || nss.is_empty() {
            return Err("URN namespace");
        }
        Ok(Self {
            text: rest.to_owned(),
        })
    }

    /// The namespace, as written.
    pub fn namespace(&self) -> &str {
        self.text.split(':').next().unwrap_or("")
    }

    /// The rest, without q- and f-components.
    pub fn name(&self) -> &str {
        let name = self.text.split_once(':').map_or("", |(_, name)| name);
        name.split(['?', '#']).next().unwrap_or(name)
    }

    /// RFC 5031: `urn:service:<label>` and its children, without case.
    pub fn is_service(&self, label: &str) -> bool {
        let name = self.name();
        self.namespace().eq_ignore_ascii_case("service")
            && name
                .get(..label.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(label))
            && matches!(name.as_bytes().get(label.len()), None | Some(b'.'))
    }

    /// RFC 8141 §3.1: namespace without case, name octet by octet but for the case of escapes. RFC 5031 §4: service
    /// labels without case.
    pub fn equivalent(&self, other: &Self) -> bool {
        let service = self.namespace().eq_ignore_ascii_case("service");
        self.namespace().eq_ignore_ascii_case(other.namespace())
            && if service {
                self.name().eq_ignore_ascii_case(other.name())
            } else {
                escapes_lowered(self.name()) == escapes_lowered(other.name())
            }
    }
}

impl fmt::Display for Urn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "urn:{}", self.text)
    }
}

fn escapes_lowered(text: &str) -> Vec<u8> {
    let mut out = text.as_bytes().to_vec();
    for at in 0..out.len() {
        if text.as_bytes()[at] == b'%' {
            let end = out.len().min(at + 3);
            out[at..end].make_ascii_lowercase();
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use crate::Uri;

    #[test]
    fn service_labels() {
        let urn = |text| match Uri::parse(text) {
            Ok(Uri::Urn(urn)) => urn,
            other => panic!("{other:?}"),
        };
        assert!(urn("urn:service:sos").is_service("sos"));
        assert!(urn("URN:Service:SOS.police").is_service("sos"));
        assert!(!urn("urn:service:sosx").is_service("sos"));
        assert!(!urn("urn:service:so").is_service("sos"));
        assert!(urn("urn:service:sos").equivalent(&urn("urn:SERVICE:Sos")));
        assert!(!urn("urn:gsma:imei:1").equivalent(&urn("urn:gsma:imei:2")));
        assert!(Uri::parse("urn:x").is_err());
    }
}
