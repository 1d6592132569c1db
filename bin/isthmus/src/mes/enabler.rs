//! What all routes share: the state, the way to the store, and what is the same for all.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use api_mmtel_es::common::Uri;
use api_mmtel_es::{Cause, ProblemDetails};
use nf_mmtel_es::calls::{Ask, Told};
use nf_mmtel_es::{Applications, Change, Consumer, Settings};
use tokio::sync::Semaphore;

use super::EnablerConfig;
use super::calls::CallsHandle;
use crate::store::{self, Commit, EnablerChange, EnablerLoaded, Put, Store};
use crate::web::Clock;

/// Bodies beyond this are large.
pub(super) const LARGE: usize = 64 * 1024;
/// Large bodies that are in memory at one time.
const LARGE_AT_ONCE: usize = 8;
/// How long a notification is tried.
const AGE: Duration = Duration::from_hours(24);
/// How soon the store is read again when it could not be.
const RELOAD: Duration = Duration::from_secs(1);

/// Why the enabler does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EnablerError {
    /// The operating system gives no randomness.
    #[error("no randomness")]
    Randomness(#[source] getrandom::Error),
}

/// The MMTel Enabler Server. Cheap to clone.
#[derive(Clone)]
pub struct Enabler(Arc<Shared>);

struct Shared {
    store: Store,
    clock: Clock,
    api_root: String,
    max_body: usize,
    settings: Settings,
    /// `None` while it is read from the store again.
    applications: Mutex<Option<Applications>>,
    /// The last number that a notification got. Held while changes are queued, so that the order of
    /// numbers is the order in which they are written.
    numbers: Mutex<u64>,
    large: Arc<Semaphore>,
    /// The way to the calls, once they run.
    calls: OnceLock<CallsHandle>,
}

impl Enabler {
    /// Makes it from what the operator says and what the store holds. `api_root` is where it is
    /// served, unless the operator says otherwise.
    pub fn open(
        config: &EnablerConfig,
        api_root: &str,
        store: Store,
        loaded: EnablerLoaded,
        clock: Clock,
    ) -> Result<Self, EnablerError> {
        let settings = config.settings();
        let applications = applications(&settings, loaded.applications)?;
        Ok(Self(Arc::new(Shared {
            store,
            clock,
            api_root: config.api_root.clone().unwrap_or_else(|| api_root.into()),
            max_body: config.max_body,
            settings,
            applications: Mutex::new(Some(applications)),
            numbers: Mutex::new(loaded.last_notification),
            large: Arc::new(Semaphore::new(LARGE_AT_ONCE)),
            calls: OnceLock::new(),
        })))
    }

    /// Where consumers reach it (TS 29.122 §5.2.4).
    pub fn api_root(&self) -> &str {
        &self.0.api_root
    }

    /// From now on there are calls.
    pub(super) fn serve_calls(&self, calls: CallsHandle) {
        let _ = self.0.calls.set(calls);
    }

    /// Asks the calls, if there are any.
    pub(super) async fn ask_calls(
        &self,
        consumer: Consumer,
        ask: Ask,
    ) -> Result<Told, Box<ProblemDetails>> {
        match self.0.calls.get() {
            Some(calls) => calls.ask(consumer, ask).await,
            None => Err(busy("Nobody can be called from here.")),
        }
    }

    /// Puts changes in the queue of the store, in the order of the calls: call it while the state that
    /// changed is still locked, or from the one task that owns it. What depends on them may leave when
    /// [`Self::written`] says so, and not before; that holds for no changes, too, since what was read
    /// may wait to be written by another.
    pub(crate) fn commit(&self, changes: Vec<Change>) -> Commit {
        let mut last = self
            .0
            .numbers
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let until = self.now() + AGE.as_secs();
        let changes = changes.into_iter().map(|change| {
            store::Change::Enabler(match change {
                Change::Notify(notice) => {
                    *last += 1;
                    EnablerChange::Put(Put {
                        id: *last,
                        origin: origin(&notice.target),
                        notice,
                        until,
                    })
                }
                change => EnablerChange::Of(change),
            })
        });
        let changes = changes.collect();
        self.0.store.commit_after_others(changes)
    }

    /// Waits until changes are written. If they cannot be, nothing has changed: what is in memory is
    /// read from the store again.
    pub(crate) async fn written(&self, commit: Commit) -> Result<(), Box<ProblemDetails>> {
        if commit.written().await.is_ok() {
            return Ok(());
        }
        self.reload();
        Err(busy(
            "The request could not be written down, and changed nothing.",
        ))
    }

    /// The applications, while the guard lives.
    pub(super) fn applications(&self) -> Result<ApplicationsGuard<'_>, Box<ProblemDetails>> {
        let guard = self.lock();
        if guard.is_none() {
            return Err(busy("What is stored is being read."));
        }
        Ok(ApplicationsGuard(guard))
    }

    pub(super) fn settings(&self) -> &Settings {
        &self.0.settings
    }

    pub(super) fn max_body(&self) -> usize {
        self.0.max_body
    }

    pub(super) fn large(&self) -> &Arc<Semaphore> {
        &self.0.large
    }

    pub(super) fn now(&self) -> u64 {
        (self.0.clock)()
    }

    fn lock(&self) -> MutexGuard<'_, Option<Applications>> {
        // A panic under the lock is a bug, and one request's: the state is whole between statements.
        let lock = self.0.applications.lock();
        lock.unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads the state again. Nobody changes it meanwhile, so that what was queued before is in it and
    /// nothing is queued that it does not know.
    fn reload(&self) {
        if self.lock().take().is_none() {
            return; // somebody does so already
        }
        let enabler = self.clone();
        tokio::spawn(async move {
            loop {
                if let Ok(loaded) = enabler.0.store.reload_enabler().await
                    && let Ok(all) = applications(&enabler.0.settings, loaded.applications)
                {
                    *enabler.lock() = Some(all);
                    return;
                }
                tokio::time::sleep(RELOAD).await;
            }
        });
    }
}

/// The applications, locked.
pub(super) struct ApplicationsGuard<'a>(MutexGuard<'a, Option<Applications>>);

impl ApplicationsGuard<'_> {
    pub(super) fn get(&mut self) -> &mut Applications {
        self.0
            .as_mut()
            .expect("it was there when the guard was made")
    }
}

fn applications(
    settings: &Settings,
    loaded: Vec<nf_mmtel_es::Application>,
) -> Result<Applications, EnablerError> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(EnablerError::Randomness)?;
    Ok(Applications::new(settings.clone(), seed, loaded))
}

fn busy(detail: &str) -> Box<ProblemDetails> {
    let problem = ProblemDetails::new(503).detail(detail);
    Box::new(problem.cause(&Cause::InsufficientResources))
}

/// Scheme, host and port; what is no URL of that kind has none.
fn origin(target: &Uri) -> String {
    let url = url::Url::parse(target.as_str());
    url.map_or_else(|_| String::new(), |url| url.origin().ascii_serialization())
}
