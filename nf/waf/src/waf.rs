//! The WAF itself: what it holds, how keys come and go, and what time takes away.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use core_credentials::Secret;
use core_credentials::jwk::JwkSet;
use core_credentials::token::{Algorithm, SigningKey, Verifier};
use http::StatusCode;

use crate::assertions::Assertions;
use crate::guesses::Guesses;
use crate::pool::PoolSettings;
use crate::state::{Account, Change, Code, Grant, Lease, Loaded, StoredKey};
use crate::{Client, Counters, Reply, pages, reply};

/// What is the same for all.
#[derive(Debug, Clone)]
pub struct Settings {
    /// RFC 8414 §2: the issuer identifier; all endpoints are below it.
    pub issuer: String,
    /// Who takes the access tokens: the eP-CSCF.
    pub audience: String,
    /// The claim `3gpp-waf` (TS 24.229 §7.13.2).
    pub waf: Option<String>,
    /// Lifetime of an access token in seconds.
    pub access_token_lifetime: u64,
    /// How long a refresh token may lie unused, in seconds.
    pub refresh_token_lifetime: u64,
    /// How long a grant lives, however often it is refreshed, in seconds.
    pub grant_lifetime: u64,
    /// How long a signing key signs, in seconds.
    pub signing_key_lifetime: u64,
    /// When this WAF began (seconds since 1970): client assertions from before are not taken.
    pub began: u64,
    /// Identities that are lent to visitors; none, and there is no pool.
    pub pool: PoolSettings,
}

/// RFC 6749 §4.1.2 recommends ten minutes at most; a browser needs one second.
pub(crate) const CODE_LIFETIME: u64 = 60;
/// Codes under way; beyond, no more are given until some are traded or have expired.
pub(crate) const MAX_CODES: usize = 10_000;
/// Grants of one account; one more ends the oldest.
pub(crate) const MAX_GRANTS_OF_ACCOUNT: usize = 32;
/// Grants of all accounts.
pub(crate) const MAX_GRANTS: usize = 200_000;

impl Settings {
    /// The usual lifetimes: 5 minutes, 12 hours, 30 days, 90 days.
    pub fn new(issuer: &str, audience: &str) -> Self {
        const HOUR: u64 = 3600;
        Self {
            issuer: issuer.to_owned(),
            audience: audience.to_owned(),
            waf: None,
            access_token_lifetime: 300,
            refresh_token_lifetime: 12 * HOUR,
            grant_lifetime: 30 * 24 * HOUR,
            signing_key_lifetime: 90 * 24 * HOUR,
            began: 0,
            pool: PoolSettings::default(),
        }
    }
}

/// The authorization server.
pub struct Waf {
    pub(crate) settings: Settings,
    pub(crate) clients: HashMap<String, Arc<Client>>,
    pub(crate) accounts: HashMap<String, Account>,
    pub(crate) codes: HashMap<String, Code>,
    pub(crate) grants: HashMap<String, Grant>,
    /// By private user identity.
    pub(crate) leases: HashMap<String, Lease>,
    pub(crate) guesses: Guesses,
    pub(crate) assertions: Assertions,
    pub(crate) counters: Counters,
    /// The newest last: that one signs.
    keys: Vec<Held>,
    verifier: Verifier,
}

struct Held {
    key: SigningKey,
    created: u64,
}

/// What to write down, and what may be said once it is.
#[derive(Debug)]
#[must_use = "the changes are to be written down before the reply leaves"]
pub struct Outcome {
    /// In this order, in one transaction.
    pub changes: Vec<Change>,
    /// The reply.
    pub reply: Reply,
}

impl Outcome {
    pub(crate) fn unchanged(reply: Reply) -> Self {
        Self {
            changes: Vec::new(),
            reply,
        }
    }
}

impl Waf {
    /// A WAF as it was when it stopped. A key that cannot be read is left out.
    pub fn new(settings: Settings, clients: Vec<Client>, loaded: Loaded) -> Self {
        let mut stored = loaded.keys;
        stored.sort_by_key(|key| key.created);
        let keys = stored
            .into_iter()
            .filter_map(
                |StoredKey {
                     algorithm,
                     pkcs8,
                     created,
                     ..
                 }| {
                    Some(Held {
                        key: SigningKey::from_pkcs8(algorithm, &pkcs8)?,
                        created,
                    })
                },
            )
            .collect();
        let mut waf = Self {
            clients: clients
                .into_iter()
                .map(|client| (client.id.clone(), Arc::new(client)))
                .collect(),
            accounts: loaded
                .accounts
                .into_iter()
                .map(|a| (a.name.clone(), a))
                .collect(),
            codes: loaded
                .codes
                .into_iter()
                .map(|code| (code.hash.clone(), code))
                .collect(),
            grants: loaded
                .grants
                .into_iter()
                .map(|grant| (grant.id.clone(), grant))
                .collect(),
            leases: loaded
                .leases
                .into_iter()
                .map(|lease| (lease.impi.clone(), lease))
                .collect(),
            guesses: Guesses::default(),
            assertions: Assertions::since(settings.began),
            counters: Counters::default(),
            keys,
            verifier: Verifier::new(settings.audience.clone(), 0),
            settings,
        };
        waf.learn_keys();
        waf
    }

    /// The algorithm that new tokens are signed with, if there is a key that may still sign.
    pub fn signs_with(&self, now: u64) -> Option<Algorithm> {
        let newest = self.keys.last()?;
        let until = newest
            .created
            .saturating_add(self.settings.signing_key_lifetime);
        (now < until).then(|| newest.key.algorithm())
    }

    /// Signs with this key from now on. Keys whose last token has expired are dropped.
    pub fn adopt_key(&mut self, now: u64, key: SigningKey) -> Vec<Change> {
        let Some(pkcs8) = key.to_pkcs8() else {
            return Vec::new();
        };
        let mut changes = vec![Change::PutKey(StoredKey {
            kid: key.kid().to_owned(),
            algorithm: key.algorithm(),
            pkcs8,
            created: now,
        })];
        self.keys.push(Held { key, created: now });
        // A key stops signing when the next one comes; its tokens live one lifetime more.
        let lifetime = self.settings.access_token_lifetime;
        while let [_, next, ..] = self.keys.as_slice()
            && next.created.saturating_add(lifetime) < now
        {
            changes.push(Change::RemoveKey(self.keys.remove(0).key.kid().to_owned()));
        }
        self.learn_keys();
        changes
    }

    /// Sets an account as the operator wants it. Nothing is written if it is so already.
    pub fn put_account(&mut self, account: Account) -> Vec<Change> {
        if self.accounts.get(&account.name) == Some(&account) {
            return Vec::new();
        }
        self.accounts.insert(account.name.clone(), account.clone());
        vec![Change::PutAccount(account)]
    }

    /// Removes the accounts that are not among these, with all that they granted.
    pub fn retain_accounts(&mut self, names: &HashSet<String>) -> Vec<Change> {
        let gone: Vec<String> = self
            .accounts
            .keys()
            .filter(|name| !names.contains(*name))
            .cloned()
            .collect();
        let mut changes = Vec::new();
        for name in gone {
            let grants = self.grants.values().filter(|grant| grant.account == name);
            let grants: Vec<String> = grants.map(|grant| grant.id.clone()).collect();
            for id in grants {
                changes.extend(self.end_grant(&id));
            }
            self.accounts.remove(&name);
            changes.push(Change::RemoveAccount(name));
        }
        changes
    }

    /// The stored hash of this account's password, so that the shell can see whether it is another.
    pub fn password_hash(&self, name: &str) -> Option<&Secret> {
        self.accounts
            .get(name)
            .map(|account| &account.password_hash)
    }

    /// Drops what has expired. The shell calls this once a minute or so.
    pub fn handle_timeout(&mut self, now: u64) -> Vec<Change> {
        let mut changes = Vec::new();
        let old = |code: &&Code| code.expires <= now;
        let codes: Vec<_> = self
            .codes
            .values()
            .filter(old)
            .map(|c| c.hash.clone())
            .collect();
        for hash in codes {
            self.codes.remove(&hash);
            changes.push(Change::RemoveCode(hash));
        }
        let old = |grant: &&Grant| !grant.is_alive(now);
        let grants: Vec<_> = self
            .grants
            .values()
            .filter(old)
            .map(|g| g.id.clone())
            .collect();
        for id in grants {
            changes.extend(self.end_grant(&id));
        }
        // Leases are kept as long as the pool has their identity: who had it last tells who has it next.
        let pool = &self.settings.pool.identities;
        let gone = |lease: &&Lease| {
            lease.free_at <= now && !pool.iter().any(|identity| identity.impi == lease.impi)
        };
        let gone: Vec<_> = self
            .leases
            .values()
            .filter(gone)
            .map(|lease| lease.impi.clone())
            .collect();
        for impi in gone {
            self.leases.remove(&impi);
            changes.push(Change::RemoveLease(impi));
        }
        changes
    }

    /// What has happened so far.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// RFC 7517: the keys that verify our tokens.
    pub fn key_set(&self) -> JwkSet {
        JwkSet {
            keys: self
                .keys
                .iter()
                .map(|held| held.key.jwk().clone())
                .collect(),
        }
    }

    /// RFC 8414 §2 `jwks_uri`.
    pub fn jwks(&self) -> Reply {
        reply::public_json(&serde_json::json!(self.key_set()))
    }

    /// The style sheet of the sign-in page.
    pub fn style_sheet(&self) -> Reply {
        reply::file("text/css; charset=utf-8", pages::STYLE)
    }

    /// The icon of the sign-in page.
    pub fn icon(&self) -> Reply {
        reply::file("image/svg+xml", pages::ICON)
    }

    /// What to say when the changes of an outcome could not be written down.
    pub fn not_written() -> Reply {
        reply::OAuthError::ServerError.reply("nothing was written down; try again")
    }

    /// What to say to a browser when more people sign in than passwords can be checked.
    pub fn too_busy() -> Reply {
        let html = pages::failure("Too many people are signing in. Please try again in a moment.");
        let mut reply = reply::page(StatusCode::SERVICE_UNAVAILABLE, None, html);
        reply.headers_mut().insert(
            http::header::RETRY_AFTER,
            http::HeaderValue::from_static("5"),
        );
        reply
    }

    pub(crate) fn signing_key(&self) -> Option<&SigningKey> {
        self.keys.last().map(|held| &held.key)
    }

    pub(crate) fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    pub(crate) fn end_grant(&mut self, id: &str) -> Option<Change> {
        self.grants
            .remove(id)
            .map(|grant| Change::RemoveGrant(grant.id))
    }

    fn learn_keys(&mut self) {
        if !self.keys.is_empty() {
            // Our own keys can be used: `WrongKeys` cannot come of them.
            let _ = self
                .verifier
                .set_keys(&self.settings.issuer, &self.key_set());
        }
    }
}

impl fmt::Debug for Waf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Waf")
            .field("settings", &self.settings)
            .field("accounts", &self.accounts.len())
            .field("grants", &self.grants.len())
            .finish_non_exhaustive()
    }
}

impl Grant {
    /// Whether its refresh token is still good.
    pub(crate) fn is_alive(&self, now: u64) -> bool {
        now < self.idle_until && now < self.expires
    }
}

/// What is kept of a code or refresh token: enough to know it again, not enough to use it.
pub(crate) fn fingerprint(token: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, token.as_bytes()))
}

/// RFC 6749 §3.3: whether `asked` is a scope, all of whose parts are in `granted`.
pub(crate) fn is_within(asked: &str, granted: &str) -> bool {
    !asked.is_empty()
        && asked
            .split(' ')
            .all(|part| granted.split(' ').any(|g| g == part))
}
