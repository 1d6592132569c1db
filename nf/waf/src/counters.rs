//! What has happened at the WAF since it started.

/// Counts for an operator's figures. None of them says who.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// Passwords that were right.
    pub signed_in: u64,
    /// Passwords or names that were wrong.
    pub refused: u64,
    /// Attempts that came too soon after others.
    pub delayed: u64,
    /// Codes traded for tokens.
    pub granted: u64,
    /// Refresh tokens traded for the next.
    pub refreshed: u64,
    /// Codes and refresh tokens that were used again: somebody may have stolen one.
    pub replayed: u64,
    /// Grants given back.
    pub revoked: u64,
    /// Tokens issued that lend an identity of the pool.
    pub lent: u64,
    /// Identities that an eP-CSCF gave back.
    pub given_back: u64,
    /// Visitors for whom there was no identity.
    pub exhausted: u64,
}

impl Counters {
    /// Names and values.
    pub fn named(&self) -> [(&'static str, u64); 10] {
        [
            ("waf_signed_in", self.signed_in),
            ("waf_refused", self.refused),
            ("waf_delayed", self.delayed),
            ("waf_granted", self.granted),
            ("waf_refreshed", self.refreshed),
            ("waf_replayed", self.replayed),
            ("waf_revoked", self.revoked),
            ("waf_lent", self.lent),
            ("waf_given_back", self.given_back),
            ("waf_exhausted", self.exhausted),
        ]
    }
}
