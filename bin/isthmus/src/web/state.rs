//! What all shards share: the two functions, each behind a lock that is held for microseconds.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use core_credentials::jwk::JwkSet;
use core_credentials::token::{Algorithm, SigningKey};
use core_credentials::{Random, Secret, password};
use nf_waf::{Account, Client, Waf};
use nf_wwsf::{Origin, Origins, Wwsf};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use tokio::sync::Semaphore;

use super::w4::W4;
use super::{AccountConfig, ClientConfig, WafConfig, WebError, WwsfConfig};
use crate::store::{Change, Loaded, Store};

/// Says what time it is, in seconds since 1970.
pub type Clock = Arc<dyn Fn() -> u64 + Send + Sync>;

/// WWSF and WAF, one of them or both.
#[derive(Clone)]
pub struct Web(pub(super) Arc<Shared>);

pub(super) struct Shared {
    pub(super) store: Store,
    pub(super) clock: Clock,
    pub(super) waf: Option<WafState>,
    pub(super) wwsf: Option<WwsfState>,
}

pub(super) struct WafState {
    waf: Mutex<Waf>,
    path: String,
    metadata_path: String,
    signing: Algorithm,
    /// Password checks at one time: each takes 19 MiB and a core.
    pub(super) checking: Semaphore,
    /// Password checks that run or wait.
    pub(super) waiting: Semaphore,
}

pub(super) struct WwsfState {
    wwsf: Mutex<Wwsf>,
    pub(super) w4: W4,
    /// One refresh of a session at a time: sessions share these by a hash of their name.
    refreshing: Vec<tokio::sync::Mutex<()>>,
}

const CHECKING: usize = 2;
const WAITING: usize = 32;
const REFRESHING: usize = 256;

impl Web {
    /// Makes the functions from what the operator says and what the store holds. `w4_trust` are
    /// certificates that W4 trusts beside those of the configuration: the lab's own.
    ///
    /// It blocks for passwords and keys, some tenths of a second: call it at start.
    pub fn open(
        waf: Option<&WafConfig>,
        wwsf: Option<&WwsfConfig>,
        store: Store,
        loaded: Loaded,
        w4_trust: &[CertificateDer<'static>],
        clock: Option<Clock>,
    ) -> Result<Self, WebError> {
        let clock = clock.unwrap_or_else(|| Arc::new(system_clock));
        let wwsf = wwsf
            .map(|config| open_wwsf(config, loaded.sessions, w4_trust))
            .transpose()?;
        let waf = waf
            .map(|config| open_waf(config, loaded.waf, &store, clock()))
            .transpose()?;
        Ok(Self(Arc::new(Shared {
            store,
            clock,
            waf,
            wwsf,
        })))
    }

    /// The keys of our own WAF, for an eP-CSCF in the same process.
    pub fn key_set(&self) -> Option<JwkSet> {
        Some(self.0.waf.as_ref()?.lock().key_set())
    }

    /// Drops what has expired and renews the signing key when it is time, for ever. One task of one
    /// shard runs this. `on_new_keys` hears of a new key set.
    pub async fn keep_house(self, on_new_keys: impl Fn(JwkSet)) {
        let mut interval = tokio::time::interval(Duration::from_mins(1));
        loop {
            interval.tick().await;
            match self.clean_up().await {
                Ok(true) => self.key_set().into_iter().for_each(&on_new_keys),
                Ok(false) => {}
                Err(error) => tracing::error!(%error, "the web functions could not be cleaned up"),
            }
        }
    }

    /// One round of [`Self::keep_house`]; whether there is a new signing key.
    pub async fn clean_up(&self) -> Result<bool, WebError> {
        let now = self.now();
        let mut new_key = false;
        if let Some(state) = &self.0.waf {
            let key = if state.lock().signs_with(now).is_some() {
                None
            } else {
                let signing = state.signing;
                let made = tokio::task::spawn_blocking(move || SigningKey::generate(signing)).await;
                Some(made.ok().flatten().ok_or(WebError::Crypto)?)
            };
            new_key = key.is_some();
            let commit = {
                let mut waf = state.lock();
                let mut changes = waf.handle_timeout(now);
                changes.extend(key.map(|key| waf.adopt_key(now, key)).unwrap_or_default());
                self.0
                    .store
                    .commit(changes.into_iter().map(Change::Waf).collect())
            };
            commit.written().await?;
        }
        if let Some(state) = &self.0.wwsf {
            let commit = {
                let changes = state.lock().handle_timeout(now);
                self.0
                    .store
                    .commit(changes.into_iter().map(Change::Wwsf).collect())
            };
            commit.written().await?;
        }
        Ok(new_key)
    }

    /// Where the WAF's endpoints are and where its metadata is, if there is a WAF.
    pub(super) fn waf_paths(&self) -> Option<(&str, &str)> {
        self.0
            .waf
            .as_ref()
            .map(|state| (state.path.as_str(), state.metadata_path.as_str()))
    }

    pub(super) fn now(&self) -> u64 {
        (self.0.clock)()
    }
}

impl WafState {
    pub(super) fn lock(&self) -> MutexGuard<'_, Waf> {
        // A panic under the lock is a bug, and one request's: the state is whole between statements.
        self.waf.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl WwsfState {
    pub(super) fn lock(&self) -> MutexGuard<'_, Wwsf> {
        self.wwsf.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the other refreshes of this session.
    pub(super) async fn one_refresh(&self, sid: &str) -> tokio::sync::MutexGuard<'_, ()> {
        let hash = sid.bytes().fold(0_usize, |hash, byte| {
            hash.wrapping_mul(31).wrapping_add(usize::from(byte))
        });
        self.refreshing[hash % REFRESHING].lock().await
    }
}

/// Fresh randomness for one request.
pub(super) fn random() -> Result<Random, WebError> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(WebError::Randomness)?;
    Ok(Random::new(seed))
}

fn system_clock() -> u64 {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

fn open_waf(
    config: &WafConfig,
    loaded: nf_waf::Loaded,
    store: &Store,
    now: u64,
) -> Result<WafState, WebError> {
    let issuer = url::Url::parse(&config.issuer)
        .map_err(|error| WebError::config("waf.issuer", error.to_string()))?;
    if issuer.query().is_some() || issuer.fragment().is_some() || config.issuer.ends_with('/') {
        let why = "a URL without query, fragment or slash at its end is needed";
        return Err(WebError::config("waf.issuer", why));
    }
    if config.access_token_lifetime < 120 {
        // The WWSF renews a token a minute before its end.
        let why = "120 seconds at least";
        return Err(WebError::config("waf.access_token_lifetime", why));
    }
    let settings = nf_waf::Settings {
        issuer: config.issuer.clone(),
        audience: config.audience.clone(),
        waf: config.identity.clone(),
        access_token_lifetime: config.access_token_lifetime,
        refresh_token_lifetime: config.refresh_token_lifetime,
        grant_lifetime: config.grant_lifetime,
        signing_key_lifetime: config.signing_key_lifetime,
    };
    let clients = config
        .clients
        .iter()
        .map(client)
        .collect::<Result<Vec<_>, _>>()?;
    let mut waf = Waf::new(settings, clients, loaded);
    let mut changes = Vec::new();
    let mut names = HashSet::new();
    for account in &config.accounts {
        let account = read_account(account, &waf)?;
        if !names.insert(account.name.clone()) {
            return Err(WebError::config("waf.accounts", "a name occurs twice"));
        }
        changes.extend(waf.put_account(account));
    }
    changes.extend(waf.retain_accounts(&names));
    if waf.signs_with(now) != Some(config.signing) {
        let key = SigningKey::generate(config.signing).ok_or(WebError::Crypto)?;
        changes.extend(waf.adopt_key(now, key));
    }
    // Nothing depends on these yet: the queue keeps them before all that will.
    drop(store.commit(changes.into_iter().map(Change::Waf).collect()));
    Ok(WafState {
        waf: Mutex::new(waf),
        path: issuer.path().trim_end_matches('/').to_owned(),
        metadata_path: Waf::metadata_path(&config.issuer),
        signing: config.signing,
        checking: Semaphore::new(CHECKING),
        waiting: Semaphore::new(WAITING),
    })
}

fn client(config: &ClientConfig) -> Result<Client, WebError> {
    if config.secret.expose().len() < 16 {
        return Err(WebError::config(
            "waf.clients.secret",
            "16 characters at least",
        ));
    }
    Ok(Client {
        id: config.id.clone(),
        secret: config.secret.clone(),
        redirect_uris: config.redirect_uris.clone(),
        wwsf: config.wwsf.clone(),
        resource_server: config.resource_server,
    })
}

/// A password that is the same as before keeps its hash, so that a restart changes nothing.
fn read_account(config: &AccountConfig, waf: &Waf) -> Result<Account, WebError> {
    let name = config.name.trim().to_lowercase();
    if name.is_empty() || config.impi.is_empty() || config.impus.is_empty() {
        let why = "name, impi and at least one of impus are needed";
        return Err(WebError::config("waf.accounts", why));
    }
    let password_hash = match (&config.password, &config.password_hash) {
        (None, Some(hash)) => hash.clone(),
        (Some(password), None) => {
            let before = waf.password_hash(&name);
            let same = |hash: &&Secret| password::verify(password.expose(), hash.expose());
            if let Some(hash) = before.filter(same) {
                hash.clone()
            } else {
                let salt = random()?.bytes();
                let hash = password::hash(password.expose(), salt, password::Cost::default());
                Secret::new(hash.ok_or(WebError::Crypto)?)
            }
        }
        _ => {
            let why = "either password or password_hash is needed";
            return Err(WebError::config("waf.accounts", why));
        }
    };
    Ok(Account {
        password_hash,
        display_name: config
            .display_name
            .clone()
            .unwrap_or_else(|| config.name.clone()),
        impi: config.impi.clone(),
        impus: config.impus.clone(),
        name,
    })
}

fn open_wwsf(
    config: &WwsfConfig,
    sessions: Vec<nf_wwsf::Session>,
    trust: &[CertificateDer<'static>],
) -> Result<WwsfState, WebError> {
    let origins = config.origins.iter().map(|text| {
        let why = || WebError::config("wwsf.origins", format!("{text} is no origin"));
        Origin::parse(text).ok_or_else(why)
    });
    let origins = origins.collect::<Result<Vec<_>, _>>()?;
    for (key, value) in [
        ("wwsf.issuer", config.issuer.as_str()),
        ("wwsf.client_id", &config.client_id),
        ("wwsf.client_secret", config.client_secret.expose()),
        ("wwsf.home_domain", &config.home_domain),
    ] {
        if value.is_empty() {
            return Err(WebError::config(key, "is needed"));
        }
    }
    let settings = nf_wwsf::Settings {
        issuer: config.issuer.clone(),
        authorize: match &config.authorize {
            Some(authorize) => authorize.clone(),
            None => format!("{}/authorize", config.issuer),
        },
        client_id: config.client_id.clone(),
        home_domain: config.home_domain.clone(),
        w2: config.w2.clone(),
        origins: if origins.is_empty() {
            Origins::Loopback
        } else {
            Origins::Only(origins)
        },
        session_lifetime: config.session_lifetime,
        idle_lifetime: config.idle_lifetime,
    };
    let mut trust = trust.to_vec();
    for path in &config.w4_trust {
        let bad = |source| WebError::Certificate {
            path: path.display().to_string(),
            source,
        };
        let pem = std::fs::read(path).map_err(bad)?;
        for certificate in CertificateDer::pem_slice_iter(&pem) {
            trust.push(certificate.map_err(|error| bad(std::io::Error::other(error)))?);
        }
    }
    let base = config.w4.as_deref().unwrap_or(&config.issuer);
    Ok(WwsfState {
        wwsf: Mutex::new(Wwsf::new(settings, sessions)),
        w4: W4::new(base, &config.client_id, &config.client_secret, &trust)?,
        refreshing: (0..REFRESHING)
            .map(|_| tokio::sync::Mutex::new(()))
            .collect(),
    })
}
