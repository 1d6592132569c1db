//! What the server asks (RFC 7616 §3.3).

use std::borrow::Cow;
use std::fmt;

use super::{Algorithm, DigestError};
use crate::auth_header::AuthHeader;

/// RFC 7616 §3.3: a `WWW-Authenticate` or `Proxy-Authenticate` value of the Digest scheme.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge {
    /// Whose password is meant.
    pub realm: String,
    /// What the answer is bound to.
    pub nonce: String,
    /// Handed back as it is.
    pub opaque: Option<String>,
    /// The algorithm.
    pub algorithm: Algorithm,
    /// The qualities of protection offered; none is RFC 2069's way.
    pub qop: QopSet,
    /// The password was right and the nonce too old.
    pub stale: bool,
    /// RFC 7616 §3.4.4: the user name may be hashed.
    pub userhash: bool,
}

/// RFC 7616 §3.3 `qop`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Qop {
    /// Method and URI are protected.
    Auth,
    /// The body too.
    AuthInt,
}

/// The `qop-options` of a challenge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct QopSet {
    /// `auth`
    pub auth: bool,
    /// `auth-int`
    pub auth_int: bool,
}

impl Challenge {
    /// A challenge as an S-CSCF makes it: qop `auth` (TS 33.203 Annex N).
    pub fn new(realm: &str, nonce: &str, algorithm: Algorithm) -> Self {
        Self {
            realm: realm.to_owned(),
            nonce: nonce.to_owned(),
            opaque: None,
            algorithm,
            qop: QopSet {
                auth: true,
                auth_int: false,
            },
            stale: false,
            userhash: false,
        }
    }

    /// Reads a header value.
    pub fn parse(value: &str) -> Result<Self, DigestError> {
        Self::from_header(&AuthHeader::parse(value)?)
    }

    /// Reads a header value that is parsed already.
    pub fn from_header(header: &AuthHeader<'_>) -> Result<Self, DigestError> {
        if !header.is("Digest") {
            return Err(DigestError::OtherScheme);
        }
        let params = header.params();
        let owned = |name| params.value(name).map(Cow::into_owned);
        let is_true = |name| {
            params
                .value(name)
                .is_some_and(|value| value.eq_ignore_ascii_case("true"))
        };
        let qop = match params.value("qop") {
            None => QopSet::default(),
            Some(list) => {
                let set = QopSet::parse(&list);
                // RFC 7616 §3.3: options that we do not know are ignored, but one must be left.
                if set == QopSet::default() {
                    return Err(DigestError::Senseless("qop"));
                }
                set
            }
        };
        Ok(Self {
            realm: owned("realm").ok_or(DigestError::Missing("realm"))?,
            nonce: owned("nonce").ok_or(DigestError::Missing("nonce"))?,
            opaque: owned("opaque"),
            algorithm: match params.value("algorithm") {
                None => Algorithm::MD5,
                Some(name) => Algorithm::parse(&name).ok_or(DigestError::UnsupportedAlgorithm)?,
            },
            qop,
            stale: is_true("stale"),
            userhash: is_true("userhash"),
        })
    }

    /// RFC 7616 §3.7, RFC 8760 §2.4: of several challenges the first that a password answers.
    pub fn choose<'a>(values: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        values
            .into_iter()
            .filter_map(|value| Self::parse(value).ok())
            .find(|challenge| challenge.algorithm.aka.is_none())
    }
}

impl QopSet {
    fn parse(list: &str) -> Self {
        let has = |name| {
            list.split(',')
                .any(|item| item.trim().eq_ignore_ascii_case(name))
        };
        Self {
            auth: has("auth"),
            auth_int: has("auth-int"),
        }
    }

    /// Whether `qop` was offered.
    pub fn contains(self, qop: Qop) -> bool {
        match qop {
            Qop::Auth => self.auth,
            Qop::AuthInt => self.auth_int,
        }
    }
}

impl Qop {
    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::AuthInt => "auth-int",
        }
    }

    pub(super) fn parse(name: &str) -> Option<Self> {
        [Self::Auth, Self::AuthInt]
            .into_iter()
            .find(|q| q.name().eq_ignore_ascii_case(name))
    }
}

impl fmt::Display for Challenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut header = AuthHeader::new("Digest");
        let params = header.params_mut();
        params.set_quoted("realm", &self.realm);
        params.set_quoted("nonce", &self.nonce);
        if let Some(opaque) = &self.opaque {
            params.set_quoted("opaque", opaque);
        }
        if self.stale {
            params.set_token("stale", "true");
        }
        // RFC 7616 §3.3: algorithm and stale are not quoted, qop is.
        params.set_token("algorithm", &self.algorithm.to_string());
        match (self.qop.auth, self.qop.auth_int) {
            (true, true) => params.set_quoted("qop", "auth,auth-int"),
            (true, false) => params.set_quoted("qop", "auth"),
            (false, true) => params.set_quoted("qop", "auth-int"),
            (false, false) => {}
        }
        if self.userhash {
            params.set_token("userhash", "true");
        }
        header.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes() {
        let challenge = Challenge {
            opaque: Some("FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS".into()),
            qop: QopSet {
                auth: true,
                auth_int: true,
            },
            stale: true,
            userhash: true,
            ..Challenge::new("http-auth@example.org", "7ypf/xlj9XX", Algorithm::SHA_256)
        };
        let printed = challenge.to_string();
        assert_eq!(
            printed,
            "Digest realm=\"http-auth@example.org\", nonce=\"7ypf/xlj9XX\", \
             opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\", stale=true, \
             algorithm=SHA-256, qop=\"auth,auth-int\", userhash=true"
        );
        assert_eq!(Challenge::parse(&printed), Ok(challenge));
    }

    #[test]
    fn says_what_is_wrong() {
        let missing = DigestError::Missing("nonce");
        assert_eq!(Challenge::parse("Digest realm=\"a\""), Err(missing));
        assert_eq!(
            Challenge::parse("Bearer realm=\"a\""),
            Err(DigestError::OtherScheme)
        );
        assert_eq!(
            Challenge::parse("Digest realm=a, nonce=b, qop=\"other\""),
            Err(DigestError::Senseless("qop"))
        );
    }

    #[test]
    fn chooses_the_first_it_can_answer() {
        let chosen = Challenge::choose([
            "Bearer realm=\"a\"",
            "Digest realm=\"a\", nonce=\"1\", algorithm=SHA-3",
            "Digest realm=\"a\", nonce=\"1\", algorithm=AKAv1-MD5",
            "Digest realm=\"a\", nonce=\"2\", algorithm=\"SHA-256\", qop=\"token, auth\"",
            "Digest realm=\"a\", nonce=\"3\"",
        ]);
        assert_eq!(chosen.unwrap().nonce, "2");
    }
}
