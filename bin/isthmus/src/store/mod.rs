//! The store: what was accepted survives the process (one SQLite file in the data folder).
//!
//! ```text
//!  shards ──▶ one queue ──▶ one thread: takes what waits, writes it as one transaction, answers all
//! ```
//! The functions say what changes (`nf_waf::Change`, `nf_wwsf::Change`), this room writes it, and a
//! reply that depends on it leaves only then. Everything is read once, at start.

mod rows;

use std::path::Path;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{Connection as _, SqliteConnection};
use tokio::sync::{mpsc, oneshot};

/// Changes waiting to be written.
const QUEUE: usize = 4096;
/// Most requests in one transaction.
const GROUP: usize = 256;

/// One thing to write down.
#[derive(Debug, Clone)]
pub enum Change {
    /// Of the WAF.
    Waf(nf_waf::Change),
    /// Of the WWSF.
    Wwsf(nf_wwsf::Change),
}

/// Everything that was written down before.
#[derive(Default)]
pub struct Loaded {
    /// Of the WAF.
    pub waf: nf_waf::Loaded,
    /// Of the WWSF.
    pub sessions: Vec<nf_wwsf::Session>,
}

/// Why nothing was read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The file cannot be made or read.
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
    /// The store's thread cannot be started.
    #[error("cannot start the store's thread")]
    Thread(#[source] std::io::Error),
}

/// The way to the store. Cheap to clone; the last one to go closes it.
#[derive(Debug, Clone)]
pub struct Store {
    queue: mpsc::Sender<Job>,
}

#[derive(Debug)]
struct Job {
    changes: Vec<Change>,
    done: oneshot::Sender<bool>,
}

/// Changes on their way to the disk.
#[derive(Debug)]
#[must_use = "the reply leaves when this is done"]
pub struct Commit(Option<oneshot::Receiver<bool>>);

impl Store {
    /// Opens or makes the file, brings its tables up to date and reads it all. It blocks: call it at
    /// start.
    pub fn open(path: &Path) -> Result<(Self, Loaded), StoreError> {
        prepare_file(path);
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // What was accepted survives a power cut too; grouping pays for it.
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(std::time::Duration::from_secs(5));
        let name = path.display().to_string();
        let (queue, jobs) = mpsc::channel(QUEUE);
        let (opened, result) = std::sync::mpsc::sync_channel(1);
        std::thread::Builder::new()
            .name("store".into())
            .spawn(move || {
                let runtime = match tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()
                {
                    Ok(runtime) => runtime,
                    Err(error) => {
                        let _ = opened.send(Err(StoreError::Thread(error)));
                        return;
                    }
                };
                runtime.block_on(async move {
                    match open(&options, name).await {
                        Ok((connection, loaded)) => {
                            let _ = opened.send(Ok(loaded));
                            run(connection, jobs).await;
                        }
                        Err(error) => {
                            let _ = opened.send(Err(error));
                        }
                    }
                });
            })
            .map_err(StoreError::Thread)?;
        let loaded = result.recv().map_err(|_| StoreError::NotWritten)??;
        Ok((Self { queue }, loaded))
    }

    /// Puts changes in the queue, in the order of the calls. Does not wait: it may be called while the
    /// state that changed is still locked, and the order of changes is then the order of states.
    pub fn commit(&self, changes: Vec<Change>) -> Commit {
        if changes.is_empty() {
            return Commit(None);
        }
        let (done, written) = oneshot::channel();
        // A full queue drops the job, and with it `done`: the commit fails at once.
        let _ = self.queue.try_send(Job { changes, done });
        Commit(Some(written))
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

/// The file holds private keys: only its owner may read it. SQLite gives its WAL the same mode.
fn prepare_file(path: &Path) {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    // If it exists or cannot be made, SQLite says so in better words.
    let _ = options.open(path);
}

async fn open(
    options: &SqliteConnectOptions,
    path: String,
) -> Result<(SqliteConnection, Loaded), StoreError> {
    let mut connection = SqliteConnection::connect_with(options)
        .await
        .map_err(|source| StoreError::Open { path, source })?;
    sqlx::migrate!("./migrations").run(&mut connection).await?;
    let loaded = rows::load(&mut connection)
        .await
        .map_err(StoreError::Read)?;
    Ok((connection, loaded))
}

async fn run(mut connection: SqliteConnection, mut jobs: mpsc::Receiver<Job>) {
    let mut group = Vec::with_capacity(GROUP);
    while jobs.recv_many(&mut group, GROUP).await > 0 {
        let written = write(&mut connection, &group).await;
        if let Err(error) = &written {
            tracing::error!(%error, changes = group.len(), "the store wrote nothing");
        }
        for job in group.drain(..) {
            let _ = job.done.send(written.is_ok());
        }
    }
    let _ = connection.close().await;
}

async fn write(connection: &mut SqliteConnection, group: &[Job]) -> Result<(), sqlx::Error> {
    let mut transaction = connection.begin().await?;
    for change in group.iter().flat_map(|job| &job.changes) {
        match change {
            Change::Waf(change) => rows::write_waf(&mut transaction, change).await?,
            Change::Wwsf(change) => rows::write_wwsf(&mut transaction, change).await?,
        }
    }
    transaction.commit().await
}
