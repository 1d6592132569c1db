//! The peer: what one writes in an afternoon. A handler of axum reads the JSON and inserts a row by
//! sqlx, with the same SQLite settings, in a transaction of its own.

use std::path::PathBuf;

use anyhow::Result;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};
use sqlx::SqlitePool;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

use crate::process;

/// A running one; it ends with this program.
pub struct Plain {
    pub port: u16,
    folder: PathBuf,
}

impl Drop for Plain {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

pub fn start() -> Result<Plain> {
    let folder = process::folder("plain")?;
    let options = SqliteConnectOptions::new()
        .filename(folder.join("plain.sqlite"))
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(std::time::Duration::from_secs(30));
    let (tell, port) = std::sync::mpsc::channel();
    std::thread::spawn(move || -> Result<()> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()?;
        runtime.block_on(async move {
            let pool = SqlitePoolOptions::new().max_connections(4);
            let pool = pool.connect_with(options).await?;
            sqlx::query("CREATE TABLE applications (id TEXT PRIMARY KEY, profile TEXT NOT NULL)")
                .execute(&pool)
                .await?;
            let router = Router::new()
                .route("/configure", post(configure))
                .with_state(pool);
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
            tell.send(listener.local_addr()?.port())?;
            axum::serve(listener, router).await?;
            Ok(())
        })
    });
    Ok(Plain {
        port: port.recv()?,
        folder,
    })
}

async fn configure(
    State(pool): State<SqlitePool>,
    Json(request): Json<Value>,
) -> (StatusCode, Json<Value>) {
    let profile = &request["dcAppConfigParamList"][0];
    let id = format!("{}-{}", request["reqId"], profile["appIndex"]);
    let written = sqlx::query("INSERT INTO applications (id, profile) VALUES ($1, $2)")
        .bind(&id)
        .bind(profile.to_string())
        .execute(&pool)
        .await;
    match written {
        Ok(_) => (StatusCode::OK, Json(json!({ "appId": id }))),
        Err(error) => (
            StatusCode::INTERNAL_SERVER_ERROR,
            Json(json!(error.to_string())),
        ),
    }
}
