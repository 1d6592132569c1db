//! The queries on PostgreSQL, and how it is connected to.

use std::str::FromStr as _;

use sqlx::postgres::{PgConnectOptions, PgRow as Row};
use sqlx::{ConnectOptions as _, Connection as _, Executor as _};

pub(super) use sqlx::PgConnection as Connection;

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

/// Connects, and teaches it SQLite's word for bytes, so that the tables are made of the same words.
pub(super) async fn open(url: &str) -> Result<Connection, StoreError> {
    let fail = |source| StoreError::Open {
        path: "PostgreSQL".to_owned(), // the URL has a password
        source,
    };
    let options = PgConnectOptions::from_str(url).map_err(fail)?;
    let options = options
        .application_name("isthmus")
        .disable_statement_logging();
    let mut connection = Connection::connect_with(&options).await.map_err(fail)?;
    connection
        .execute(
            "DO $$ BEGIN CREATE DOMAIN blob AS bytea; \
             EXCEPTION WHEN duplicate_object THEN NULL; END $$",
        )
        .await
        .map_err(fail)?;
    Ok(connection)
}
