//! The queries on SQLite, and how its file is opened.

use std::path::Path;

use sqlx::Connection as _;
pub(super) use sqlx::SqliteConnection as Connection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteRow as Row, SqliteSynchronous};

use super::StoreError;

#[path = "enabler_rows.rs"]
#[allow(clippy::duplicate_mod, reason = "the same queries on both databases")]
mod enabler_rows;
#[path = "queries.rs"]
#[allow(clippy::duplicate_mod, reason = "the same queries on both databases")]
pub(super) mod queries;
#[path = "rows.rs"]
#[allow(clippy::duplicate_mod, reason = "the same queries on both databases")]
mod rows;

/// Opens the file, or makes it.
pub(super) async fn open(path: &Path) -> Result<Connection, StoreError> {
    prepare_file(path);
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        // What was accepted survives a power cut too; grouping pays for it.
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(std::time::Duration::from_secs(5));
    Connection::connect_with(&options)
        .await
        .map_err(|source| StoreError::Open {
            path: path.display().to_string(),
            source,
        })
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
