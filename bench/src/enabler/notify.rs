//! A hundred thousand notifications wait in the store for a target that is not there. It comes, and
//! gets them in order.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context as _, Result, bail};
use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::post;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{Connection as _, Row as _};
use tokio::runtime::Runtime;

use super::{reached, start_in};
use crate::process;
use crate::report::Row;

const WAITING: u64 = 100_000;
const SESSIONS: u64 = 1000;
/// What we promise.
const WITHIN: Duration = Duration::from_secs(120);

/// What the target got: by session, the number that came last; how many; how many out of order.
#[derive(Default)]
struct Got {
    last: HashMap<String, u64>,
    count: u64,
    out_of_order: u64,
}

pub fn run(runtime: &Runtime) -> Result<Row> {
    let (port, target) = (process::free_port()?, process::free_port()?);
    let store = process::folder("enabler-store")?;
    let more = "[mmtel_es.notifications]\nprivate = true\nplain = true\n";
    // The product makes its tables; then they are filled while it is not there.
    drop(start_in(process::folder("enabler")?, &store, port, more)?);
    runtime.block_on(fill(&store.join("isthmus.sqlite"), target))?;
    let product = start_in(process::folder("enabler")?, &store, port, more)?;
    // From here on it is tried as seldom as after an hour: 1, 2, 4, 8, 16 s have passed, and 30 s are the most.
    std::thread::sleep(Duration::from_secs(33));
    let before = peak(product.id())?;
    let got: Arc<Mutex<Got>> = Arc::default();
    let begun = Instant::now();
    runtime.spawn(serve(target, Arc::clone(&got)));
    let elapsed = loop {
        std::thread::sleep(Duration::from_millis(50));
        let count = got.lock().map(|got| got.count).unwrap_or_default();
        if count >= WAITING {
            break begun.elapsed();
        }
        if begun.elapsed() > 2 * WITHIN {
            bail!("only {count} were delivered:\n{}", product.log());
        }
    };
    let after = peak(product.id())?;
    let _ = std::fs::remove_dir_all(&store);
    let out_of_order = got.lock().map(|got| got.out_of_order).unwrap_or(u64::MAX);
    let good = elapsed < WITHIN && out_of_order == 0;
    Ok(Row {
        work: "100,000 notifications of 1000 sessions to a target that comes back, tried every 30 s until then".to_owned(),
        isthmus: format!(
            "{:.1} s, {out_of_order} out of order, peak memory {before} to {after} MB",
            elapsed.as_secs_f64()
        ),
        peer: String::new(),
        verdict: reached(good, "two minutes, in order"),
    })
}

async fn fill(file: &std::path::Path, target: u16) -> Result<()> {
    let options = SqliteConnectOptions::new().filename(file);
    let mut store = SqliteConnection::connect_with(&options).await?;
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
    let until = now.as_secs().cast_signed() + 24 * 3600;
    let origin = format!("http://127.0.0.1:{target}");
    let mut transaction = store.begin().await?;
    for id in 1..=WAITING {
        let session = id % SESSIONS;
        sqlx::query("INSERT INTO outbox (id, session, origin, target, body, until, head) VALUES ($1, $2, $3, $4, $5, $6, $7)")
            .bind(id.cast_signed())
            .bind(session.to_string())
            .bind(&origin)
            .bind(format!("{origin}/{session}"))
            .bind(format!("{{\"sessionId\":\"{session}\",\"number\":{id}}}").into_bytes())
            .bind(until)
            .bind(id <= SESSIONS)
            .execute(&mut *transaction)
            .await?;
    }
    transaction.commit().await?;
    let row = sqlx::query("SELECT COUNT(*) AS count FROM outbox")
        .fetch_one(&mut store)
        .await?;
    anyhow::ensure!(row.try_get::<i64, _>("count")? == WAITING.cast_signed());
    store.close().await?;
    Ok(())
}

async fn serve(port: u16, got: Arc<Mutex<Got>>) -> Result<()> {
    let router = Router::new()
        .route("/{session}", post(take))
        .with_state(got);
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    axum::serve(listener, router).await?;
    Ok(())
}

async fn take(
    State(got): State<Arc<Mutex<Got>>>,
    Path(session): Path<String>,
    body: String,
) -> StatusCode {
    let number = body
        .rsplit(':')
        .next()
        .and_then(|rest| rest.trim_end_matches('}').parse().ok());
    if let (Ok(mut got), Some(number)) = (got.lock(), number) {
        got.count += 1;
        let last = got.last.insert(session, number);
        got.out_of_order += u64::from(last.is_some_and(|last| last >= number));
    }
    StatusCode::NO_CONTENT
}

/// The most memory that a process has had, in MB.
fn peak(pid: u32) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes: u64 = line
        .context("VmHWM")?
        .trim()
        .trim_end_matches(" kB")
        .parse()?;
    Ok(kilobytes / 1024)
}
