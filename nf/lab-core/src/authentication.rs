//! Who sends this request? SIP Digest (TS 33.203 Annex N and O) and Trusted Node Authentication
//! (TS 33.203 Annex U).

use std::time::{Duration, Instant};

use core_credentials::{
    Random,
    auth_header::AuthHeader,
    digest::{Algorithm, AuthenticationInfo, Challenge, Credentials, NonceVerdict, Nonces},
};
use wire_sip::{HeaderName, Message, StatusCode};

use crate::users::{UserId, Users};

/// TS 24.229 §7.8: reg-await-auth, the time there is to answer a challenge.
const AWAIT_AUTH: Duration = Duration::from_mins(4);
/// How many challenges may be open.
const MOST_NONCES: usize = 100_000;

/// How a REGISTER came to us: TS 24.229 §7.2A.2 `integrity-protected`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IntegrityProtected {
    /// `auth-done`: a trusted node has authenticated the user.
    AuthDone,
    /// `tls-yes`, `ip-assoc-yes`, `yes`: from where this user is registered.
    Associated,
    /// `tls-pending`, `ip-assoc-pending`, nothing, or anything that we do not know.
    Pending,
}

/// What came of it.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// It is who it says it is. The proof goes into the 200.
    Authenticated(Option<AuthenticationInfo>),
    /// Ask, or ask again.
    Challenge(Vec<Challenge>),
    /// It is not.
    Refused(StatusCode),
}

/// The state of Digest: the challenges that are open.
pub(crate) struct Authentication {
    realm: String,
    nonces: Nonces,
    random: Random,
}

impl Authentication {
    pub(crate) fn new(realm: &str, seed: [u8; 32]) -> Self {
        Self {
            realm: realm.to_owned(),
            nonces: Nonces::new(AWAIT_AUTH, MOST_NONCES),
            random: Random::new(seed),
        }
    }

    /// TS 24.229 §5.4.1.1 — decides about a REGISTER for an identity of `user`. `trusted` says
    /// whether the sender is one of our P-CSCFs, whose word `integrity-protected` is; `registered`
    /// whether this user has a contact.
    pub(crate) fn register(
        &mut self,
        now: Instant,
        users: &Users,
        user: UserId,
        request: &Message,
        trusted: bool,
        registered: bool,
    ) -> Verdict {
        let Some(value) = request.header(HeaderName::Authorization) else {
            // TS 24.229 §5.4.1.1: without Authorization the To header field names the user.
            return Verdict::Challenge(self.challenges(now, trusted, false));
        };
        let Ok(header) = AuthHeader::parse(value) else {
            return Verdict::Refused(StatusCode::BAD_REQUEST);
        };
        if !header.is("Digest") {
            return Verdict::Challenge(self.challenges(now, trusted, false));
        }
        let username = header.params().value("username").unwrap_or_default();
        // The private identity must be the one that owns the public one.
        if users.by_impi(&username) != Some(user) {
            return Verdict::Refused(StatusCode::FORBIDDEN);
        }
        let protection = header.params().value("integrity-protected");
        let answered = header
            .params()
            .value("response")
            .is_some_and(|response| !response.is_empty());
        let speaks_sha = header
            .params()
            .value("algorithm")
            .is_some_and(|name| Algorithm::parse(&name) == Some(Algorithm::SHA_256));
        match IntegrityProtected::parse(protection.as_deref()) {
            // TS 33.203 Annex U: no challenge, if the node may say so.
            IntegrityProtected::AuthDone if trusted => {
                return Verdict::Authenticated(None);
            }
            IntegrityProtected::AuthDone => return Verdict::Refused(StatusCode::FORBIDDEN),
            // TS 24.229 §5.4.1.2.2E: the association is proof enough of a registered user.
            IntegrityProtected::Associated if trusted && registered && !answered => {
                return Verdict::Authenticated(None);
            }
            IntegrityProtected::Associated | IntegrityProtected::Pending => {}
        }
        if !answered {
            return Verdict::Challenge(self.challenges(now, trusted || speaks_sha, false));
        }
        self.check(now, users, user, &header, request, trusted)
    }

    /// RFC 3261 §22.3 — decides about a request other than REGISTER from a phone that is not where
    /// it registered.
    pub(crate) fn proxy(
        &mut self,
        now: Instant,
        users: &Users,
        user: UserId,
        request: &Message,
    ) -> Verdict {
        let Some(value) = request.header(HeaderName::ProxyAuthorization) else {
            return Verdict::Challenge(self.challenges(now, false, false));
        };
        let Ok(header) = AuthHeader::parse(value) else {
            return Verdict::Refused(StatusCode::BAD_REQUEST);
        };
        let username = header.params().value("username").unwrap_or_default();
        if users.by_impi(&username) != Some(user) {
            return Verdict::Refused(StatusCode::FORBIDDEN);
        }
        self.check(now, users, user, &header, request, false)
    }

    /// RFC 7616 §3.4.6, TS 24.229 §5.4.1.2.1: nonce, count and response.
    fn check(
        &mut self,
        now: Instant,
        users: &Users,
        user: UserId,
        header: &AuthHeader<'_>,
        request: &Message,
        speaks_sha: bool,
    ) -> Verdict {
        let Ok(credentials) = Credentials::from_header(header) else {
            return Verdict::Challenge(self.challenges(now, speaks_sha, false));
        };
        let method = request.method();
        let Some(password) = users.get(user).password(credentials.algorithm) else {
            return Verdict::Challenge(self.challenges(now, speaks_sha, false));
        };
        let speaks_sha = speaks_sha || credentials.algorithm == Algorithm::SHA_256;
        let right = credentials.realm == self.realm
            && credentials.verify(password, method.as_str(), request.body());
        let nc = credentials.protection.as_ref().map(|p| p.nc);
        match (right, self.nonces.check(now, &credentials.nonce, nc)) {
            (true, NonceVerdict::Fresh) => {
                self.nonces.accept(&credentials.nonce, nc);
                let proof = credentials.authentication_info(password, b"", None);
                Verdict::Authenticated(Some(proof))
            }
            // TS 24.229 §5.4.1.2.3: the password is right, the nonce is not.
            (true, NonceVerdict::Stale | NonceVerdict::Replayed) => {
                Verdict::Challenge(self.challenges(now, speaks_sha, true))
            }
            (false, _) => Verdict::Refused(StatusCode::FORBIDDEN),
        }
    }

    /// MD5 for everybody; SHA-256 before it (RFC 8760 §2.3: the preferred one comes first) for those who
    /// know it, which is whoever comes by way of a P-CSCF or names it. Some older phones give up at an
    /// algorithm that they do not know, and JsSIP keeps the last challenge only and knows MD5 alone.
    fn challenges(&mut self, now: Instant, sha_256: bool, stale: bool) -> Vec<Challenge> {
        let algorithms = [Algorithm::SHA_256, Algorithm::MD5];
        let challenges = algorithms
            .into_iter()
            .skip(usize::from(!sha_256))
            .map(|algorithm| {
                let nonce = self.nonces.issue(now, &mut self.random);
                let mut challenge = Challenge::new(&self.realm, &nonce, algorithm);
                challenge.stale = stale;
                challenge
            });
        challenges.collect()
    }
}

impl IntegrityProtected {
    fn parse(value: Option<&str>) -> Self {
        match value {
            Some("auth-done") => Self::AuthDone,
            // `tls-protected` is how TS 24.371 §6.4.1.2 spells `tls-yes`.
            Some("tls-yes" | "tls-protected" | "ip-assoc-yes" | "yes") => Self::Associated,
            _ => Self::Pending,
        }
    }
}
