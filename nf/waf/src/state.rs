//! What a WAF knows, and how it changes: the words between it and the store.

use std::fmt;

use core_credentials::Secret;
use core_credentials::token::Algorithm;

/// Somebody who can sign in, and who they are in the IMS (TS 33.203 Annex X.3).
#[derive(Clone, PartialEq, Eq)]
pub struct Account {
    /// The user name, in lower case.
    pub name: String,
    /// The Argon2 hash of the password.
    pub password_hash: Secret,
    /// What a page calls them.
    pub display_name: String,
    /// The private user identity.
    pub impi: String,
    /// The public user identities, the default first.
    pub impus: Vec<String>,
}

/// RFC 6749 §4.1.2: an authorization code. The code itself is not kept, only its hash.
#[derive(Clone, PartialEq, Eq)]
pub struct Code {
    /// SHA-256 of the code.
    pub hash: String,
    /// Who may trade it.
    pub client_id: String,
    /// Where it was sent.
    pub redirect_uri: String,
    /// RFC 7636: what the verifier must hash to.
    pub challenge: String,
    /// Who signed in.
    pub account: String,
    /// What was asked for.
    pub scope: String,
    /// Good until (seconds since 1970, not included).
    pub expires: u64,
    /// The grant that was made of it, once it is used; an empty one if the trade failed.
    pub used: Option<String>,
}

/// What an account has granted to a client: it lives as long as its refresh tokens.
#[derive(Clone, PartialEq, Eq)]
pub struct Grant {
    /// Its name; also the first part of its refresh tokens and of `jti`.
    pub id: String,
    /// The client.
    pub client_id: String,
    /// The account.
    pub account: String,
    /// What was granted.
    pub scope: String,
    /// SHA-256 of the refresh token that is good.
    pub current: String,
    /// SHA-256 of the one before, and when it was replaced.
    pub previous: Option<(String, u64)>,
    /// Whether `current` came in place of one that was lost on its way.
    pub replaced: bool,
    /// When the refresh token ends unless it is used.
    pub idle_until: u64,
    /// When all of it ends.
    pub expires: u64,
}

/// An identity of the pool that is lent to somebody, or was a moment ago (TS 24.371 §6.2.3).
#[derive(Clone, PartialEq, Eq)]
pub struct Lease {
    /// The private user identity: it is lent once.
    pub impi: String,
    /// The lease's own name, in its tokens.
    pub id: String,
    /// The WWSF.
    pub client_id: String,
    /// SHA-256 of the WWSF's name of the visitor.
    pub visitor: String,
    /// Whether it is over: no further token is issued by it.
    pub ended: bool,
    /// When the identity may be lent to somebody else.
    pub free_at: u64,
}

/// A signing key as it is kept.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredKey {
    /// Its name.
    pub kid: String,
    /// What it signs with.
    pub algorithm: Algorithm,
    /// The private key.
    pub pkcs8: Vec<u8>,
    /// Since when it signs.
    pub created: u64,
}

/// Everything that was written down, at start.
#[derive(Default)]
pub struct Loaded {
    /// Who can sign in.
    pub accounts: Vec<Account>,
    /// The signing keys.
    pub keys: Vec<StoredKey>,
    /// Codes under way.
    pub codes: Vec<Code>,
    /// Grants.
    pub grants: Vec<Grant>,
    /// Identities that are lent.
    pub leases: Vec<Lease>,
}

/// One thing to write down.
#[derive(Clone, PartialEq, Eq)]
pub enum Change {
    /// A new account, or one that changed.
    PutAccount(Account),
    /// An account that is no more.
    RemoveAccount(String),
    /// A new signing key.
    PutKey(StoredKey),
    /// A signing key that nothing is signed with any more.
    RemoveKey(String),
    /// A new code, or one that was used.
    PutCode(Code),
    /// A code that has expired.
    RemoveCode(String),
    /// A new grant, or one whose refresh token changed.
    PutGrant(Grant),
    /// A grant that was revoked or has expired.
    RemoveGrant(String),
    /// An identity that is lent, or whose lease changed.
    PutLease(Lease),
    /// An identity that is free, and not of the pool any more (its private user identity).
    RemoveLease(String),
}

/// Names the change and nobody in it.
impl fmt::Debug for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PutAccount(_) => "PutAccount",
            Self::RemoveAccount(_) => "RemoveAccount",
            Self::PutKey(_) => "PutKey",
            Self::RemoveKey(_) => "RemoveKey",
            Self::PutCode(_) => "PutCode",
            Self::RemoveCode(_) => "RemoveCode",
            Self::PutGrant(_) => "PutGrant",
            Self::RemoveGrant(_) => "RemoveGrant",
            Self::PutLease(_) => "PutLease",
            Self::RemoveLease(_) => "RemoveLease",
        })
    }
}
