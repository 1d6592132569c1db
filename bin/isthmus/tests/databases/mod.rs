//! The databases that a test runs on.

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

use isthmus::store::Place;
use sqlx::{Connection as _, Executor as _, PgConnection};

/// Where a PostgreSQL is, for tests.
const POSTGRES: &str = "ISTHMUS_TEST_POSTGRES";

/// The file, and a new database of the PostgreSQL that the environment names.
pub(crate) fn databases(file: &Path) -> Vec<Place> {
    let mut places = vec![Place::File(file.to_owned())];
    places.extend(std::env::var(POSTGRES).ok().map(|url| {
        // On a thread of its own: the test may have a runtime already.
        let made = std::thread::spawn(move || create(&url));
        Place::Postgres(made.join().expect("a database"))
    }));
    places
}

fn create(url: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let name = format!("test_{}_{number}", std::process::id());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let mut server = PgConnection::connect(url).await.expect("PostgreSQL");
        let create = format!("CREATE DATABASE {name}");
        let create = sqlx::AssertSqlSafe(create);
        server.execute(create).await.expect("a new database");
    });
    let (server, _) = url.rsplit_once('/').expect("the name of a database");
    format!("{server}/{name}")
}
