//! The store: what was accepted survives the process. One SQLite file in the data folder, or a
//! PostgreSQL that a URL names.
//!
//! ```text
//!  shards ──▶ one queue ──▶ one thread: takes what waits, writes it as one transaction, answers all
//!         ──▶ another   ──▶ another thread: reads what is too large to be kept in memory
//! ```
//! The functions say what changes (`nf_waf::Change`, `nf_wwsf::Change`, `nf_mmtel_es::Change`), this
//! room writes it, and a reply that depends on it leaves only then. Small things are read once, at start.

mod database;
mod enabler;
mod postgres;
mod sqlite;
mod writer;

use std::path::{Path, PathBuf};

use bytes::Bytes;
use database::Database;
pub use enabler::{Arrival, EnablerChange, EnablerLoaded, Put, StoredHead, Waiting, origin};
use tokio::sync::{mpsc, oneshot};
use writer::Job;

/// Changes waiting to be written.
const QUEUE: usize = 4096;
/// Notifications that were written and not yet taken note of.
const ARRIVALS: usize = 4096;
/// Questions waiting to be answered.
const QUESTIONS: usize = 256;

/// One thing to write down.
#[derive(Debug, Clone)]
pub enum Change {
    /// Of the WAF.
    Waf(nf_waf::Change),
    /// Of the WWSF.
    Wwsf(nf_wwsf::Change),
    /// Of the MMTel Enabler Server.
    Enabler(EnablerChange),
}

/// Everything that was written down before.
#[derive(Default)]
pub struct Loaded {
    /// Of the WAF.
    pub waf: nf_waf::Loaded,
    /// Of the WWSF.
    pub sessions: Vec<nf_wwsf::Session>,
    /// Of the MMTel Enabler Server.
    pub enabler: EnablerLoaded,
}

/// Where the store is.
#[derive(Clone, PartialEq, Eq)]
pub enum Place {
    /// An SQLite file.
    File(PathBuf),
    /// A PostgreSQL: `postgres://user:password@host:port/database`.
    Postgres(String),
}

impl From<&PathBuf> for Place {
    fn from(file: &PathBuf) -> Self {
        Self::File(file.clone())
    }
}

impl From<&Path> for Place {
    fn from(file: &Path) -> Self {
        Self::File(file.to_owned())
    }
}

/// Without the password.
impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(file) => file.display().fmt(f),
            Self::Postgres(url) => {
                let url = url::Url::parse(url).ok();
                let host = url.as_ref().and_then(url::Url::host_str);
                write!(f, "PostgreSQL at {}", host.unwrap_or("an unknown host"))
            }
        }
    }
}

/// Why nothing was read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The file cannot be made or read, or the server not be reached.
    #[error("cannot use the store {path}")]
    Open {
        /// The file.
        path: String,
        /// Why.
        #[source]
        source: sqlx::Error,
    },
    /// The tables cannot be brought up to date.
    #[error("cannot bring the store's tables up to date")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    /// A row does not make sense.
    #[error("cannot read the store")]
    Read(#[source] sqlx::Error),
    /// The transaction failed, or the queue is full.
    #[error("the change was not written")]
    NotWritten,
    /// The question was not answered.
    #[error("the store does not answer")]
    NotRead,
    /// The store's thread cannot be started.
    #[error("cannot start the store's thread")]
    Thread(#[source] std::io::Error),
}

/// The way to the store. Cheap to clone; the last one to go closes it.
#[derive(Debug, Clone)]
pub struct Store {
    queue: mpsc::Sender<Job>,
    questions: mpsc::Sender<Question>,
}

/// Something to be read.
#[derive(Debug)]
enum Question {
    Package([u8; 32], oneshot::Sender<Option<Bytes>>),
    Notification(u64, oneshot::Sender<Option<Bytes>>),
    Targets(oneshot::Sender<Vec<String>>),
    Heads(String, u64, usize, oneshot::Sender<Vec<StoredHead>>),
    Session(String, u64, usize, oneshot::Sender<Vec<StoredHead>>),
}

/// Changes on their way to the disk.
#[derive(Debug)]
#[must_use = "the reply leaves when this is done"]
pub struct Commit(Option<oneshot::Receiver<bool>>);

impl Store {
    /// Opens or makes the store, brings its tables up to date and reads it all. It blocks: call it at
    /// start.
    pub fn open(place: impl Into<Place>) -> Result<(Self, Loaded), StoreError> {
        let place = place.into();
        let (queue, jobs) = mpsc::channel(QUEUE);
        let written = place.clone();
        let loaded = begin("store", async move |ready| {
            let mut database = Database::open(&written).await?;
            let loaded = database.begin().await?;
            ready(loaded);
            writer::run(database, written, jobs).await;
            Ok(())
        })?;
        let (questions, asked) = mpsc::channel(QUESTIONS);
        begin("store-reader", async move |ready| {
            let database = Database::open(&place).await?;
            ready(());
            answer(database, place, asked).await;
            Ok(())
        })?;
        Ok((Self { queue, questions }, loaded))
    }

    /// Puts changes in the queue, in the order of the calls. Does not wait: it may be called while the
    /// state that changed is still locked, and the order of changes is then the order of states.
    pub fn commit(&self, changes: Vec<Change>) -> Commit {
        if changes.is_empty() {
            return Commit(None);
        }
        self.queue(changes)
    }

    /// Like [`Self::commit`], but when there is nothing to write it waits for what was queued before:
    /// whoever is answered with what another request did is answered when that is written.
    pub fn commit_after_others(&self, changes: Vec<Change>) -> Commit {
        self.queue(changes)
    }

    fn queue(&self, changes: Vec<Change>) -> Commit {
        let (done, written) = oneshot::channel();
        // A full queue drops the job, and with it `done`: the commit fails at once.
        let _ = self.queue.try_send(Job::Write { changes, done });
        Commit(Some(written))
    }

    /// What the enabler has, after all that was queued. Changes of the enabler's that could not be
    /// written made those that followed void, until this is asked.
    pub async fn reload_enabler(&self) -> Result<EnablerLoaded, StoreError> {
        let (answer, answered) = oneshot::channel();
        let asked = self.queue.send(Job::Reload(answer)).await;
        asked.map_err(|_| StoreError::NotRead)?;
        answered.await.map_err(|_| StoreError::NotRead)
    }

    /// The bytes of a package.
    pub async fn package(&self, sha256: [u8; 32]) -> Result<Option<Bytes>, StoreError> {
        self.ask(|answer| Question::Package(sha256, answer)).await
    }

    /// The body of a notification that waits.
    pub async fn notification(&self, id: u64) -> Result<Option<Bytes>, StoreError> {
        self.ask(|answer| Question::Notification(id, answer)).await
    }

    /// Scheme, host and port of the targets of all heads.
    pub async fn notification_targets(&self) -> Result<Vec<String>, StoreError> {
        self.ask(Question::Targets).await
    }

    /// The first heads that go there and have a higher number than `after`.
    pub async fn notification_heads(
        &self,
        origin: &str,
        after: u64,
        most: usize,
    ) -> Result<Vec<StoredHead>, StoreError> {
        let origin = origin.to_owned();
        self.ask(|answer| Question::Heads(origin, after, most, answer))
            .await
    }

    /// The first notifications of a session that have a higher number than `after`.
    pub async fn notifications_of(
        &self,
        session: &str,
        after: u64,
        most: usize,
    ) -> Result<Vec<StoredHead>, StoreError> {
        let session = session.to_owned();
        self.ask(|answer| Question::Session(session, after, most, answer))
            .await
    }

    /// Whoever delivers notifications hears of each when it is written.
    pub fn tell_of_notifications(&self) -> mpsc::Receiver<Arrival> {
        let (arrivals, heard) = mpsc::channel(ARRIVALS);
        let _ = self.queue.try_send(Job::Tell(arrivals)); // it is empty at start
        heard
    }

    async fn ask<T>(
        &self,
        question: impl FnOnce(oneshot::Sender<T>) -> Question,
    ) -> Result<T, StoreError> {
        let (answer, answered) = oneshot::channel();
        let asked = self.questions.send(question(answer)).await;
        asked.map_err(|_| StoreError::NotRead)?;
        answered.await.map_err(|_| StoreError::NotRead)
    }
}

impl Commit {
    /// Waits until the changes are on the disk.
    pub async fn written(self) -> Result<(), StoreError> {
        match self.0 {
            None => Ok(()),
            Some(written) => written
                .await
                .ok()
                .filter(|ok| *ok)
                .map(|_| ())
                .ok_or(StoreError::NotWritten),
        }
    }
}

/// Runs a thread of the store's, and waits until it says that it is ready.
fn begin<T: Send + 'static>(
    name: &str,
    work: impl AsyncFnOnce(Box<dyn FnOnce(T)>) -> Result<(), StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let (opened, result) = std::sync::mpsc::sync_channel(1);
    std::thread::Builder::new()
        .name(name.into())
        .spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            let runtime = match runtime {
                Ok(runtime) => runtime,
                Err(error) => {
                    let _ = opened.send(Err(StoreError::Thread(error)));
                    return;
                }
            };
            let ready = opened.clone();
            let ready = move |value| {
                let _ = ready.send(Ok(value)); // it waits
            };
            if let Err(error) = runtime.block_on(work(Box::new(ready))) {
                let _ = opened.send(Err(error));
            }
        })
        .map_err(StoreError::Thread)?;
    result.recv().map_err(|_| StoreError::NotWritten)?
}

/// The reading thread: one question after the other, on a connection of its own.
async fn answer(mut database: Database, place: Place, mut asked: mpsc::Receiver<Question>) {
    while let Some(question) = asked.recv().await {
        if let Err(error) = database.answer(question).await {
            tracing::error!(%error, "the store was not read");
            database.mend(&place).await;
        }
    }
    database.close().await;
}
