//! A pool of identities that are lent to visitors (TS 24.371 §6.2.3, §6.3.2).
//!
//! ```text
//!            client_credentials, visitor                    renewed by the same visitor
//!   free ──────────────────────────────▶ lent ◀───────────────────────────────────────┐
//!    ▲                                    │ └──────────────────────────────────────────┘
//!    │ the last token is dead, and        │ the visitor left, or the eP-CSCF says that nobody
//!    │ every registration by it too       ▼ is registered by it any more
//!    └────────────────────────────────── ended
//! ```
//! An identity is lent again only when whoever had it is off the network: when its last token has
//! expired and [`PoolSettings::grace`] after it, in which registrations end; or at once when the one
//! eP-CSCF that takes the tokens has ended its registrations and refuses its tokens from then on.

use core_credentials::Random;
use core_credentials::token::Claims;
use http::StatusCode;
use serde_json::json;

use crate::form::Form;
use crate::reply::{self, OAuthError};
use crate::state::{Change, Lease};
use crate::waf::{Outcome, Waf, fingerprint, is_within};
use crate::{Client, Reply};

/// The identities of a pool, and for how long they are lent.
#[derive(Debug, Clone, Default)]
pub struct PoolSettings {
    /// What is lent.
    pub identities: Vec<PoolIdentity>,
    /// Lifetime of an access token that lends one, in seconds.
    pub token_lifetime: u64,
    /// How long after its last token's end an identity is lent again, in seconds: clocks differ, and a
    /// registration may outlast its token by a moment.
    pub grace: u64,
    /// Whether one eP-CSCF takes all the tokens, so that what it gives back is free at once.
    pub reuse_at_once: bool,
}

/// One identity of the pool.
#[derive(Clone, PartialEq, Eq)]
pub struct PoolIdentity {
    /// The private user identity.
    pub impi: String,
    /// The public user identities, the default first.
    pub impus: Vec<String>,
    /// What a page calls whoever has it.
    pub display_name: String,
}

impl std::fmt::Debug for PoolIdentity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PoolIdentity(..)")
    }
}

/// Longest name of a visitor.
const MAX_VISITOR: usize = 128;

type Refused = (OAuthError, &'static str);

impl Waf {
    /// RFC 6749 §4.4, TS 24.371 §6.3.2: "the WAF authenticates only the WWSF without user involvement".
    /// The parameter `visitor` is the WWSF's secret name of whom the identity is for: the same visitor
    /// gets the same identity as long as it is lent.
    pub(crate) fn lend(
        &mut self,
        now: u64,
        random: &mut Random,
        client: &Client,
        form: &Form,
        changes: &mut Vec<Change>,
    ) -> Result<Reply, Refused> {
        if self.settings.pool.identities.is_empty() {
            return Err((OAuthError::UnsupportedGrantType, "there is no pool"));
        }
        if !client.pool {
            return Err((
                OAuthError::UnauthorizedClient,
                "the pool is not for this client",
            ));
        }
        let scope = form
            .value("scope")
            .unwrap_or(core_credentials::bearer::SCOPE);
        if !is_within(scope, core_credentials::bearer::SCOPE) {
            return Err((OAuthError::InvalidScope, "an unknown scope"));
        }
        let visitor = form
            .value("visitor")
            .filter(|visitor| visitor.len() <= MAX_VISITOR)
            .ok_or((OAuthError::InvalidRequest, "visitor is missing"))?;
        let visitor = fingerprint(visitor);
        let Some((identity, id)) = self.choose(now, &client.id, &visitor) else {
            self.counters.exhausted += 1;
            return Ok(self.exhausted(now));
        };
        let lifetime = self.settings.pool.token_lifetime;
        let token_until = now + lifetime;
        let lease = Lease {
            impi: identity.impi.clone(),
            id: id.unwrap_or_else(|| random.identifier()),
            client_id: client.id.clone(),
            visitor,
            ended: false,
            free_at: token_until + self.settings.pool.grace,
        };
        let claims = Claims {
            iss: self.settings.issuer.clone(),
            // RFC 9068 §2.2: nobody's account is involved.
            sub: client.id.clone(),
            aud: vec![self.settings.audience.clone()],
            client_id: client.id.clone(),
            iat: now,
            exp: token_until,
            nbf: None,
            jti: format!("{}.{}", lease.id, random.identifier()),
            scope: scope.to_owned(),
            impi: identity.impi,
            impu: identity.impus,
            waf: self.settings.waf.clone(),
            wwsf: client.wwsf.clone(),
            lease: Some(lease.id.clone()),
        };
        let token = self
            .signing_key()
            .and_then(|key| key.issue(&claims))
            .ok_or((OAuthError::ServerError, "no token can be signed"))?;
        self.counters.lent += 1;
        self.leases.insert(lease.impi.clone(), lease.clone());
        changes.push(Change::PutLease(lease));
        // RFC 6749 §4.4.3: no refresh token; the visitor's name serves again.
        Ok(reply::secret_json(
            StatusCode::OK,
            &json!({
                "access_token": token.expose(),
                "token_type": "Bearer",
                "expires_in": lifetime,
                "scope": scope,
            }),
        ))
    }

    /// The identity that this visitor has, with its lease; or one that is free: the visitor's last one
    /// if it can be, else the one that is free longest.
    fn choose(
        &self,
        now: u64,
        client: &str,
        visitor: &str,
    ) -> Option<(PoolIdentity, Option<String>)> {
        let lease_of = |identity: &PoolIdentity| self.leases.get(&identity.impi);
        let mine = |lease: &Lease| lease.client_id == client && lease.visitor == visitor;
        let identities = &self.settings.pool.identities;
        let find = |wanted: &dyn Fn(&Lease) -> bool| {
            identities.iter().find_map(|identity| {
                let lease = lease_of(identity).filter(|lease| wanted(lease))?;
                Some((identity.clone(), lease.id.clone()))
            })
        };
        if let Some((identity, lease)) = find(&|lease| mine(lease) && !lease.ended) {
            return Some((identity, Some(lease)));
        }
        if let Some((identity, _)) = find(&|lease| mine(lease) && lease.is_free(now)) {
            return Some((identity, None));
        }
        let free = identities
            .iter()
            .filter(|identity| lease_of(identity).is_none_or(|lease| lease.is_free(now)));
        let longest = free.min_by_key(|identity| lease_of(identity).map(|lease| lease.free_at))?;
        Some((longest.clone(), None))
    }

    /// RFC 6749 §5.2 leaves room for errors of one's own (§8.5); this one is the authorization
    /// endpoint's (§4.1.2.1).
    fn exhausted(&self, now: u64) -> Reply {
        let body = json!({
            "error": "temporarily_unavailable",
            "error_description": "every identity of the pool is in use",
        });
        let next = self.leases.values().map(|lease| lease.free_at).min();
        let wait = next.unwrap_or(now).saturating_sub(now).clamp(1, 600);
        reply::secret_json_with_wait(StatusCode::SERVICE_UNAVAILABLE, &body, wait)
    }

    /// The visitor has left: its lease ends, and its identity is free when its tokens are dead.
    pub(crate) fn end_visit(&mut self, client: &str, visitor: &str) -> Option<Change> {
        let visitor = fingerprint(visitor);
        let lease = self
            .leases
            .values_mut()
            .find(|lease| lease.client_id == client && lease.visitor == visitor && !lease.ended)?;
        lease.ended = true;
        Some(Change::PutLease(lease.clone()))
    }

    /// `POST /release`, TS 24.371 §6A.3: an eP-CSCF says that nobody is registered by this lease any
    /// more, and that it takes none of its tokens from now on.
    pub fn release(&mut self, now: u64, authorization: Option<&str>, body: &str) -> Outcome {
        let refuse = |error: OAuthError, description| Outcome::unchanged(error.reply(description));
        let Ok(form) = Form::parse(body) else {
            return refuse(OAuthError::InvalidRequest, "the request cannot be read");
        };
        match self.authenticate_client(now, authorization, &form) {
            Ok(client) if client.edge => {}
            Ok(_) => {
                return refuse(
                    OAuthError::UnauthorizedClient,
                    "the client is no eP-CSCF of this network",
                );
            }
            Err((error, description)) => return refuse(error, description),
        }
        let Some(lease) = form.value("lease") else {
            return refuse(OAuthError::InvalidRequest, "lease is missing");
        };
        Outcome {
            changes: self.end_lease(now, lease).into_iter().collect(),
            reply: reply::empty(StatusCode::OK),
        }
    }

    /// The same, said by an eP-CSCF in this process.
    pub fn end_lease(&mut self, now: u64, id: &str) -> Option<Change> {
        let at_once = self.settings.pool.reuse_at_once;
        let lease = self.leases.values_mut().find(|lease| lease.id == id)?;
        if lease.ended && !at_once {
            return None;
        }
        lease.ended = true;
        if at_once {
            lease.free_at = lease.free_at.min(now);
        }
        self.counters.given_back += 1;
        Some(Change::PutLease(lease.clone()))
    }

    /// Whether a token's lease still lends anything.
    pub(crate) fn lends(&self, claims: &Claims) -> bool {
        claims.lease.as_ref().is_some_and(|id| {
            let lease = self.leases.get(&claims.impi);
            lease.is_some_and(|lease| lease.id == *id && !lease.ended)
        })
    }

    /// What a page calls whoever has this identity.
    pub(crate) fn name_in_pool(&self, impi: &str) -> Option<&str> {
        let mut identities = self.settings.pool.identities.iter();
        identities
            .find(|identity| identity.impi == impi)
            .map(|identity| identity.display_name.as_str())
    }
}

impl Lease {
    /// Whether somebody else may have the identity.
    fn is_free(&self, now: u64) -> bool {
        now >= self.free_at
    }
}
