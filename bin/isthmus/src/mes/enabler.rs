//! What all routes share: the state, the way to the store, and what is the same for all.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use api_mmtel_es::common::Uri;
use api_mmtel_es::{Cause, ProblemDetails};
use core_credentials::jwk::JwkSet;
use nf_mmtel_es::calls::{Ask, SessionSeen, Told};
use nf_mmtel_es::{Applications, Change, Consumer, Notice, Settings};
use tokio::sync::{Semaphore, mpsc, watch};

use super::EnablerConfig;
use super::calls::CallsHandle;
use super::http::{Door, Rates, Redirect};
use super::outbox::{self, Client, OutboxFigures};
use super::repository::Repository;
use super::view::Deliveries;
use crate::store::{self, Commit, EnablerChange, EnablerLoaded, Put, Store};
use crate::web::Clock;

/// Bodies beyond this are large.
pub(super) const LARGE: usize = 64 * 1024;
/// Large bodies that are in memory at one time.
const LARGE_AT_ONCE: usize = 8;
/// So many permanent redirections are remembered.
const MOVES: usize = 10_000;
/// How soon the store is read again when it could not be.
const RELOAD: Duration = Duration::from_secs(1);

/// What is the same for all notifications.
struct Numbers {
    /// The last number that one got.
    last: u64,
    /// Where sessions went that were to be told elsewhere for good: session and old place, new place.
    moved: HashMap<(String, Uri), Uri>,
    /// How long one is tried, in seconds.
    age: u64,
}

/// Why the enabler does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EnablerError {
    /// The operating system gives no randomness.
    #[error("no randomness")]
    Randomness(#[source] getrandom::Error),
    /// A thread cannot be started.
    #[error("cannot start a thread")]
    Thread(#[source] std::io::Error),
    /// The HTTP client for notifications cannot be made.
    #[error("cannot make an HTTP client")]
    Client(#[source] reqwest::Error),
    /// The operator's key for packages cannot be read.
    #[error("{0} holds no PEM key of Ed25519 (PKCS #8)")]
    SigningKey(String),
    /// What edges show cannot be read.
    #[error("{0}")]
    RepositorySecret(String),
    /// A certificate cannot be read.
    #[error("{0} holds no PEM certificate")]
    Certificate(String),
}

impl EnablerError {
    /// The key of the configuration that is to blame.
    pub(crate) fn key(&self) -> Option<&'static str> {
        match self {
            Self::SigningKey(_) => Some("mmtel_es.signing_key"),
            Self::RepositorySecret(_) => Some("mmtel_es.repository_secret"),
            Self::Certificate(_) => Some("mmtel_es.notifications.trust"),
            _ => None,
        }
    }
}

/// The MMTel Enabler Server. Cheap to clone.
#[derive(Clone)]
pub struct Enabler(Arc<Shared>);

struct Shared {
    store: Store,
    clock: Clock,
    api_root: String,
    /// Whether the operator has said so.
    said_root: bool,
    max_body: usize,
    settings: Settings,
    /// `None` while it is read from the store again.
    applications: Mutex<Option<Applications>>,
    /// The numbers of notifications. Held while changes are queued, so that the order of
    /// numbers is the order in which they are written.
    numbers: Mutex<Numbers>,
    figures: Arc<OutboxFigures>,
    /// Grows with everything that operators may see.
    seen: watch::Sender<u64>,
    deliveries: Deliveries,
    /// Targets that an operator has tried at once.
    releases: mpsc::UnboundedSender<String>,
    large: Arc<Semaphore>,
    /// The way to the calls, once they run.
    calls: OnceLock<CallsHandle>,
    door: Option<Door>,
    token_url: Option<String>,
    rates: Option<Rates>,
    /// Of pages, which have no tokens: whoever opens one takes nothing from a consumer of the same address.
    page_rates: Option<Rates>,
    redirect: Option<Redirect>,
    repository: Repository,
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
        let secret = config.repository_secret.as_deref();
        let repository = Repository::open(config.signing_key.as_deref(), secret)?;
        let figures = Arc::new(OutboxFigures::new(loaded.pending));
        let notifications = &config.notifications;
        let client = Client::new(notifications.targets(), &notifications.certificates()?)?;
        let arrivals = store.tell_of_notifications();
        let (releases, released) = mpsc::unbounded_channel();
        let enabler = Self(Arc::new(Shared {
            store,
            clock,
            said_root: config.api_root.is_some(),
            api_root: config.api_root.clone().unwrap_or_else(|| api_root.into()),
            max_body: config.max_body,
            settings,
            applications: Mutex::new(Some(applications)),
            numbers: Mutex::new(Numbers {
                last: loaded.last_notification,
                moved: HashMap::new(),
                age: notifications.max_age_seconds,
            }),
            figures,
            seen: watch::Sender::new(0),
            deliveries: Deliveries::new(notifications.show_texts.unwrap_or(false)),
            releases,
            large: Arc::new(Semaphore::new(LARGE_AT_ONCE)),
            calls: OnceLock::new(),
            door: config.token.door(),
            token_url: config.token.token_url(),
            rates: Rates::new(config.requests_per_second),
            page_rates: Rates::new(config.pages_per_second),
            redirect: config.redirect(),
            repository,
        }));
        let inputs = outbox::Inputs { arrivals, released };
        outbox::start(enabler.clone(), notifications.outbox(), client, inputs)?;
        Ok(enabler)
    }

    /// Where consumers reach it (TS 29.122 §5.2.4).
    pub fn api_root(&self) -> &str {
        &self.0.api_root
    }

    /// Whether that is the operator's word.
    pub(super) fn has_said_root(&self) -> bool {
        self.0.said_root
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

    /// All sessions; `None` while nobody can say.
    pub(super) async fn sessions(&self) -> Option<Vec<SessionSeen>> {
        match self.0.calls.get() {
            Some(calls) => calls.sessions().await,
            None => Some(Vec::new()),
        }
    }

    /// A target that does not answer well is tried at once.
    pub(super) fn release(&self, target: String) {
        let _ = self.0.releases.send(target);
    }

    /// The last deliveries.
    pub(super) fn deliveries(&self) -> &Deliveries {
        &self.0.deliveries
    }

    /// Tells when there is something new to be seen.
    pub(super) fn seen(&self) -> watch::Receiver<u64> {
        self.0.seen.subscribe()
    }

    /// There is something new to be seen.
    pub(super) fn show(&self) {
        self.0.seen.send_modify(|version| *version += 1);
    }

    /// An application server refused to be told about a session, for good.
    pub(super) fn refused(&self, session: String, cause: Cause) {
        if let Some(calls) = self.0.calls.get() {
            calls.refused(session, cause);
        }
    }

    /// Puts changes in the queue of the store, in the order of the calls: call it while the state that
    /// changed is still locked, or from the one task that owns it. What depends on them may leave when
    /// [`Self::written`] says so, and not before; that holds for no changes, too, since what was read
    /// may wait to be written by another.
    pub(crate) fn commit(&self, changes: Vec<Change>) -> Commit {
        let mut numbers = self.numbers();
        let until = self.now() + numbers.age;
        let changes = changes.into_iter().map(|change| {
            store::Change::Enabler(match change {
                Change::Notify(notice) => {
                    self.0.figures.put();
                    EnablerChange::Put(numbers.number(notice, until))
                }
                change => EnablerChange::Of(change),
            })
        });
        let changes = changes.collect();
        self.0.store.commit_after_others(changes)
    }

    /// What the outbox has to write.
    pub(super) fn commit_own(&self, changes: Vec<EnablerChange>) -> Commit {
        let changes = changes.into_iter().map(store::Change::Enabler);
        self.0.store.commit(changes.collect())
    }

    /// TS 29.122 §5.2.10: what is told about this session from now on goes to its new place at once.
    pub(super) fn remember_move(&self, session: &str, from: &Uri, to: &Uri) {
        let mut numbers = self.numbers();
        if numbers.moved.len() >= MOVES {
            numbers.moved.clear(); // they are told of it once more
        }
        numbers
            .moved
            .insert((session.to_owned(), from.clone()), to.clone());
    }

    /// What happened to notifications, and which targets do not answer well.
    pub(crate) fn figures(&self) -> &Arc<OutboxFigures> {
        &self.0.figures
    }

    /// The store.
    pub(super) fn store(&self) -> &Store {
        &self.0.store
    }

    fn numbers(&self) -> MutexGuard<'_, Numbers> {
        let lock = self.0.numbers.lock();
        lock.unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until changes are written. If they cannot be, nothing has changed: what is in memory is
    /// read from the store again.
    pub(crate) async fn written(&self, commit: Commit) -> Result<(), Box<ProblemDetails>> {
        if commit.written().await.is_ok() {
            self.show();
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

    /// What bootstrap channels are answered with beside the applications.
    pub(super) fn repository(&self) -> &Repository {
        &self.0.repository
    }

    /// Where consumers show their tokens, if they must.
    pub(super) fn door(&self) -> Option<&Door> {
        self.0.door.as_ref()
    }

    /// Where tokens come from.
    pub(super) fn token_url(&self) -> Option<&str> {
        self.0.token_url.as_deref()
    }

    /// How often one may ask, if there is a bound.
    pub(super) fn rates(&self) -> Option<&Rates> {
        self.0.rates.as_ref()
    }

    /// How often the pages of one address may ask, if there is a bound.
    pub(super) fn page_rates(&self) -> Option<&Rates> {
        self.0.page_rates.as_ref()
    }

    /// Who serves in our place, if somebody does.
    pub(super) fn redirect(&self) -> Option<&Redirect> {
        self.0.redirect.as_ref()
    }

    /// The keys of the tokens' issuer, from now on.
    pub(crate) fn set_keys(&self, keys: &JwkSet) {
        if let Some(door) = self.door() {
            door.set_keys(keys);
        }
    }

    /// How many tokens named a key that is not known.
    pub(crate) fn unknown_keys(&self) -> u64 {
        self.door().map_or(0, Door::unknown)
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
    pub(super) fn reload(&self) {
        if self.lock().take().is_none() {
            return; // somebody does so already
        }
        let enabler = self.clone();
        tokio::spawn(async move {
            loop {
                if let Ok(loaded) = enabler.0.store.reload_enabler().await
                    && let Ok(all) = applications(&enabler.0.settings, loaded.applications)
                {
                    enabler.0.figures.wait(loaded.pending);
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

impl Numbers {
    fn number(&mut self, mut notice: Notice, until: u64) -> Put {
        self.last += 1;
        let key = (notice.session, notice.target);
        let moved = self.moved.get(&key).cloned();
        (notice.session, notice.target) = key;
        if let Some(to) = moved {
            notice.target = to;
        }
        Put {
            id: self.last,
            origin: store::origin(&notice.target),
            notice,
            until,
        }
    }
}
