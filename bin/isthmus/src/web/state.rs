//! What all shards share: the two functions, each behind a lock that is held for microseconds.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use core_credentials::Random;
use core_credentials::jwk::JwkSet;
use core_credentials::token::{Algorithm, SigningKey};
use nf_waf::Waf;
use nf_wwsf::Wwsf;
use rustls_pki_types::CertificateDer;
use tokio::sync::Semaphore;

use super::w4::W4;
use super::{WafConfig, WebError, WwsfConfig, open};
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
    pub(super) waf: Mutex<Waf>,
    pub(super) path: String,
    pub(super) metadata_path: String,
    pub(super) signing: Algorithm,
    /// Password checks at one time: each takes 19 MiB and a core.
    pub(super) checking: Semaphore,
    /// Password checks that run or wait.
    pub(super) waiting: Semaphore,
}

pub(super) struct WwsfState {
    pub(super) wwsf: Mutex<Wwsf>,
    pub(super) w4: W4,
    /// One refresh of a session at a time: sessions share these by a hash of their name.
    pub(super) refreshing: Vec<tokio::sync::Mutex<()>>,
}

pub(super) const CHECKING: usize = 2;
pub(super) const WAITING: usize = 32;
pub(super) const REFRESHING: usize = 256;

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
        let clock = clock.unwrap_or_else(system_clock);
        let wwsf = wwsf
            .map(|config| open::wwsf(config, loaded.sessions, w4_trust, &clock))
            .transpose()?;
        let waf = waf
            .map(|config| open::waf(config, loaded.waf, &store, clock()))
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

    /// TS 24.371 §6A.3: the eP-CSCF in this process says that nobody is registered by this lease any
    /// more, and takes none of its tokens from now on.
    pub async fn end_lease(&self, lease: &str) -> Result<(), WebError> {
        let Some(state) = &self.0.waf else {
            return Ok(());
        };
        let commit = {
            let change = state.lock().end_lease(self.now(), lease);
            self.0
                .store
                .commit(change.into_iter().map(Change::Waf).collect())
        };
        Ok(commit.written().await?)
    }

    /// What has happened so far, by name, for an operator's figures.
    pub fn figures(&self) -> Vec<(&'static str, u64)> {
        let waf = self
            .0
            .waf
            .as_ref()
            .map(|state| state.lock().counters().named());
        let wwsf = self
            .0
            .wwsf
            .as_ref()
            .map(|state| state.lock().counters().named());
        waf.into_iter()
            .flatten()
            .chain(wwsf.into_iter().flatten())
            .collect()
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

/// The clock of this machine.
pub(crate) fn system_clock() -> Clock {
    Arc::new(|| {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        since.map_or(0, |since| since.as_secs())
    })
}
