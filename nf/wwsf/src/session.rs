//! A page that is signed in.

use std::fmt;

use core_credentials::{Secret, constant_time_eq};

/// What is kept of a signed-in page.
#[derive(Clone, PartialEq, Eq)]
pub struct Session {
    /// Its public name, which the page keeps.
    pub sid: String,
    /// SHA-256 of the secret in its cookie.
    pub secret_hash: String,
    /// What the next access token is asked for with.
    pub refresh_token: Secret,
    /// Who signed in, as the WAF says of the token.
    pub identity: Identity,
    /// When it was last used (seconds since 1970).
    pub used: u64,
    /// When it ends whatever happens.
    pub expires: u64,
    /// The name at the WAF of a visitor who has an identity of the pool; empty for people with one of
    /// their own. It takes the place of the refresh token.
    pub visitor: Secret,
}

/// Who a token was issued for.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Identity {
    /// The account at the WAF.
    pub account: String,
    /// What to call them.
    pub display_name: String,
    /// The private user identity.
    pub impi: String,
    /// The public user identities, the default first.
    pub impus: Vec<String>,
}

/// One thing to write down.
#[derive(Clone, PartialEq, Eq)]
pub enum Change {
    /// A new session, or one whose refresh token changed.
    PutSession(Session),
    /// A session that ended.
    RemoveSession(String),
}

impl Session {
    /// Whether the page that asks has the cookie of this session.
    pub(crate) fn is_of(&self, cookie: &str) -> bool {
        constant_time_eq(
            crate::wwsf::fingerprint(cookie).as_bytes(),
            self.secret_hash.as_bytes(),
        )
    }
}

impl fmt::Debug for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PutSession(_) => "PutSession",
            Self::RemoveSession(_) => "RemoveSession",
        })
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Identity(..)")
    }
}
