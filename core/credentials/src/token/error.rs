//! Why a token is not taken, and what follows from it.

/// What is wrong with an access token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// Not a JWT, or claims are missing (RFC 9068 §2.2).
    #[error("the token cannot be read")]
    Malformed,
    /// `alg` is `none` (RFC 9068 §4).
    #[error("the token is not signed")]
    Unsigned,
    /// Another algorithm than those allowed.
    #[error("the token is signed with an algorithm that is not allowed")]
    AlgorithmNotAllowed,
    /// `typ` is not `at+jwt`: an ID token or something else (RFC 9068 §4).
    #[error("the token is not an access token")]
    NotAnAccessToken,
    /// `iss` is nobody we trust.
    #[error("the token's issuer is not trusted")]
    UnknownIssuer,
    /// `kid` names no key of the issuer that we have: it may be new, or invented.
    #[error("the token's key is not known")]
    UnknownKey,
    /// The signature does not fit.
    #[error("the token's signature is wrong")]
    BadSignature,
    /// `aud` does not name us.
    #[error("the token is for somebody else")]
    WrongAudience,
    /// `exp` has passed.
    #[error("the token has expired")]
    Expired,
    /// The identity of a pool that it lends was given back.
    #[error("the token's identity was given back")]
    LeaseEnded,
    /// `nbf` has not come.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// The scope does not let a WIC in.
    #[error("the token does not allow access to the IMS")]
    InsufficientScope,
    /// Its issuer, asked, says that it is not good: it may be old, revoked or invented (RFC 7662 §2.2).
    #[error("the token's issuer does not stand by it")]
    Inactive,
    /// Everything is right but it names no private or public user identity.
    #[error("the token names no IMS identity")]
    NoIdentity,
}

impl TokenError {
    /// Whether an honest client cannot have sent this: the eP-CSCF closes its WebSocket at once.
    /// The others are answered with a challenge, and the client comes back with a better token.
    pub fn is_forged(self) -> bool {
        matches!(
            self,
            Self::Unsigned | Self::BadSignature | Self::WrongAudience
        )
    }

    /// RFC 6750 §3.1: the `error` of the challenge.
    pub fn challenge_error(self) -> &'static str {
        match self {
            Self::InsufficientScope => "insufficient_scope",
            _ => "invalid_token",
        }
    }
}
