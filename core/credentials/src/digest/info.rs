//! What the server says when the answer was right (RFC 7616 §3.5).

use std::borrow::Cow;
use std::fmt;

use super::{DigestError, Qop};
use crate::auth_header::Params;

/// RFC 7616 §3.5 `Authentication-Info`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuthenticationInfo {
    /// The server's proof.
    pub rspauth: Option<String>,
    /// As in the request.
    pub qop: Option<Qop>,
    /// As in the request.
    pub cnonce: Option<String>,
    /// As in the request.
    pub nc: Option<u32>,
    /// The nonce to use next time.
    pub nextnonce: Option<String>,
}

impl AuthenticationInfo {
    /// Reads a header value.
    pub fn parse(value: &str) -> Result<Self, DigestError> {
        let params = Params::parse(value)?;
        let text = |name| params.value(name).map(Cow::into_owned);
        Ok(Self {
            rspauth: text("rspauth"),
            qop: text("qop").and_then(|name| Qop::parse(&name)),
            cnonce: text("cnonce"),
            nc: text("nc")
                .map(|nc| super::credentials::parse_nc(&nc))
                .transpose()?,
            nextnonce: text("nextnonce"),
        })
    }
}

impl fmt::Display for AuthenticationInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut params = Params::default();
        if let Some(qop) = self.qop {
            params.set_token("qop", qop.name());
        }
        if let Some(rspauth) = &self.rspauth {
            params.set_quoted("rspauth", rspauth);
        }
        if let Some(cnonce) = &self.cnonce {
            params.set_quoted("cnonce", cnonce);
        }
        if let Some(nc) = self.nc {
            params.set_token("nc", &format!("{nc:08x}"));
        }
        if let Some(nextnonce) = &self.nextnonce {
            params.set_quoted("nextnonce", nextnonce);
        }
        params.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes() {
        let info = AuthenticationInfo {
            rspauth: Some("6629fae49393a05397450978507c4ef1".into()),
            qop: Some(Qop::Auth),
            cnonce: Some("0a4f113b".into()),
            nc: Some(0x1f),
            nextnonce: Some("47364c23432d2e131a5fb210812c".into()),
        };
        let printed = info.to_string();
        assert_eq!(
            printed,
            "qop=auth, rspauth=\"6629fae49393a05397450978507c4ef1\", cnonce=\"0a4f113b\", \
             nc=0000001f, nextnonce=\"47364c23432d2e131a5fb210812c\""
        );
        assert_eq!(AuthenticationInfo::parse(&printed), Ok(info));
    }
}
