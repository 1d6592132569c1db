//! Rows and values of the MMTel Enabler Server. Compiled twice, as `rows.rs` is.

use api_mmtel_es::common::Uri;
use api_mmtel_es::{read, write};
use bytes::Bytes;
use nf_mmtel_es::{Application, Change, Package, StoredSession, Version};
use sqlx::{Error, Row as _, query};

use super::super::enabler::{EnablerChange, EnablerLoaded, Put, StoredHead};
use super::rows::{from_db, to_db};
use super::{Connection, Row};

/// Everything but packages and notifications, which are asked for when they are needed.
pub(super) async fn load(connection: &mut Connection) -> Result<EnablerLoaded, Error> {
    let mut loaded = EnablerLoaded::default();
    let mut versions = std::collections::HashMap::<String, Vec<Version>>::new();
    let rows = query("SELECT * FROM application_versions ORDER BY app_id, number");
    for row in rows.fetch_all(&mut *connection).await? {
        let of = versions.entry(row.try_get("app_id")?).or_default();
        of.push(Version {
            app_ver: row.try_get("app_ver")?,
            package: package(&row)?,
            until: from_db(&row, "until")?,
        });
    }
    let rows = query("SELECT * FROM applications");
    for row in rows.fetch_all(&mut *connection).await? {
        let mut application = application(&row)?;
        application.history = versions.remove(application.id()).unwrap_or_default();
        loaded.applications.push(application);
    }
    let rows = query("SELECT * FROM enabler_sessions ORDER BY id");
    for row in rows.fetch_all(&mut *connection).await? {
        loaded.sessions.push(StoredSession {
            id: row.try_get("id")?,
            state: Bytes::from(row.try_get::<Vec<u8>, _>("state")?),
        });
    }
    let row = query("SELECT MAX(id) AS last, COUNT(*) AS count FROM outbox");
    let row = row.fetch_one(&mut *connection).await?;
    let last: Option<i64> = row.try_get("last")?;
    loaded.last_notification = last.unwrap_or_default().cast_unsigned();
    loaded.pending = from_db(&row, "count")?;
    Ok(loaded)
}

pub(super) async fn write_change(
    connection: &mut Connection,
    change: &EnablerChange,
) -> Result<(), Error> {
    match change {
        EnablerChange::Of(change) => write_of(connection, change).await,
        EnablerChange::Put(put) => put_notification(connection, put).await,
        EnablerChange::Over(id) => end_notification(connection, *id).await,
        EnablerChange::Moved {
            session,
            from,
            to,
            origin,
        } => query("UPDATE outbox SET target = $1, origin = $2 WHERE session = $3 AND target = $4")
            .bind(to.as_str())
            .bind(origin)
            .bind(session)
            .bind(from.as_str())
            .execute(connection)
            .await
            .map(|_| ()),
    }
}

async fn write_of(connection: &mut Connection, change: &Change) -> Result<(), Error> {
    let statement = match change {
        Change::PutPackage(stored) => query(
            "INSERT INTO packages (sha256, bytes) VALUES ($1, $2) ON CONFLICT (sha256) DO NOTHING",
        )
        .bind(stored.package.sha256.to_vec())
        .bind(stored.bytes.to_vec()),
        Change::RemovePackage(sha256) => {
            query("DELETE FROM packages WHERE sha256 = $1").bind(sha256.to_vec())
        }
        Change::PutApplication(application) => {
            return put_application(connection, application).await;
        }
        Change::RemoveApplication(app_id) => {
            let versions = query("DELETE FROM application_versions WHERE app_id = $1");
            versions.bind(app_id).execute(&mut *connection).await?;
            query("DELETE FROM applications WHERE app_id = $1").bind(app_id)
        }
        Change::PutSession(session) => query(
            "INSERT INTO enabler_sessions (id, state) VALUES ($1, $2) \
             ON CONFLICT (id) DO UPDATE SET state = excluded.state",
        )
        .bind(&session.id)
        .bind(session.state.to_vec()),
        Change::RemoveSession(id) => query("DELETE FROM enabler_sessions WHERE id = $1").bind(id),
        // It has no number yet: whoever queues changes makes an `EnablerChange::Put` of it.
        Change::Notify(_) => return Ok(()),
    };
    statement.execute(connection).await.map(|_| ())
}

async fn put_application(
    connection: &mut Connection,
    application: &Application,
) -> Result<(), Error> {
    let profile = String::from_utf8(write(&application.profile)).unwrap_or_default();
    let package = application.package;
    query(
        "INSERT INTO applications \
         (app_id, provider, profile, package_sha256, package_size, made_by, created, changed) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (app_id) DO UPDATE SET \
         profile = excluded.profile, package_sha256 = excluded.package_sha256, \
         package_size = excluded.package_size, made_by = excluded.made_by, \
         changed = excluded.changed",
    )
    .bind(application.id())
    .bind(&application.provider)
    .bind(profile)
    .bind(package.map(|package| package.sha256.to_vec()))
    .bind(package.map(|package| to_db(package.size)))
    .bind(application.made_by.map(|hash| hash.to_vec()))
    .bind(to_db(application.created))
    .bind(to_db(application.changed))
    .execute(&mut *connection)
    .await?;
    if application.history.is_empty() {
        return Ok(());
    }
    let versions = query("DELETE FROM application_versions WHERE app_id = $1");
    let versions = versions.bind(application.id());
    versions.execute(&mut *connection).await?;
    for (number, version) in (0_i64..).zip(&application.history) {
        query(
            "INSERT INTO application_versions \
             (app_id, number, app_ver, package_sha256, package_size, until) \
             VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(application.id())
        .bind(number)
        .bind(&version.app_ver)
        .bind(version.package.map(|package| package.sha256.to_vec()))
        .bind(version.package.map(|package| to_db(package.size)))
        .bind(to_db(version.until))
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

/// The first of a session is its head.
async fn put_notification(connection: &mut Connection, put: &Put) -> Result<(), Error> {
    query(
        "INSERT INTO outbox (id, session, origin, target, body, until, head) \
         VALUES ($1, $2, $3, $4, $5, $6, \
         NOT EXISTS (SELECT 1 FROM outbox WHERE session = $2)) ON CONFLICT (id) DO NOTHING",
    )
    .bind(to_db(put.id))
    .bind(&put.notice.session)
    .bind(&put.origin)
    .bind(put.notice.target.as_str())
    .bind(put.notice.body.to_vec())
    .bind(to_db(put.until))
    .execute(connection)
    .await
    .map(|_| ())
}

/// The next of the session is the head.
async fn end_notification(connection: &mut Connection, id: u64) -> Result<(), Error> {
    let row = query("DELETE FROM outbox WHERE id = $1 RETURNING session").bind(to_db(id));
    let Some(row) = row.fetch_optional(&mut *connection).await? else {
        return Ok(());
    };
    let session: String = row.try_get("session")?;
    query(
        "UPDATE outbox SET head = TRUE \
         WHERE id = (SELECT MIN(id) FROM outbox WHERE session = $1) AND NOT head",
    )
    .bind(session)
    .execute(connection)
    .await
    .map(|_| ())
}

/// The body of a notification.
pub(super) async fn read_notification(
    connection: &mut Connection,
    id: u64,
) -> Result<Option<Bytes>, Error> {
    let row = query("SELECT body FROM outbox WHERE id = $1").bind(to_db(id));
    let row = row.fetch_optional(connection).await?;
    row.map(|row| row.try_get::<Vec<u8>, _>("body").map(Bytes::from))
        .transpose()
}

/// Where heads go.
pub(super) async fn read_targets(connection: &mut Connection) -> Result<Vec<String>, Error> {
    let rows = query("SELECT DISTINCT origin FROM outbox WHERE head");
    let rows = rows.fetch_all(connection).await?;
    rows.iter().map(|row| row.try_get("origin")).collect()
}

/// The first heads that go there and have a higher number.
pub(super) async fn read_heads(
    connection: &mut Connection,
    origin: &str,
    after: u64,
    most: usize,
) -> Result<Vec<StoredHead>, Error> {
    let rows = query(
        "SELECT id, session, target, until, EXISTS (SELECT 1 FROM outbox AS other \
         WHERE other.session = outbox.session AND other.id > outbox.id) AS more \
         FROM outbox WHERE head AND origin = $1 AND id > $2 ORDER BY id LIMIT $3",
    )
    .bind(origin)
    .bind(to_db(after))
    .bind(most as i64)
    .fetch_all(connection)
    .await?;
    rows.iter().map(head).collect()
}

/// The first notifications of a session that have a higher number.
pub(super) async fn read_session(
    connection: &mut Connection,
    session: &str,
    after: u64,
    most: usize,
) -> Result<Vec<StoredHead>, Error> {
    let rows = query(
        "SELECT id, session, target, until, FALSE AS more FROM outbox \
         WHERE session = $1 AND id > $2 ORDER BY id LIMIT $3",
    )
    .bind(session)
    .bind(to_db(after))
    .bind(most as i64)
    .fetch_all(connection)
    .await?;
    rows.iter().map(head).collect()
}

fn head(row: &Row) -> Result<StoredHead, Error> {
    let target: String = row.try_get("target")?;
    Ok(StoredHead {
        id: from_db(row, "id")?,
        session: row.try_get("session")?,
        target: Uri::new(target).map_err(|reason| Error::Decode(reason.into()))?,
        until: from_db(row, "until")?,
        more: row.try_get("more")?,
    })
}

/// A package's bytes.
pub(super) async fn read_package(
    connection: &mut Connection,
    sha256: &[u8; 32],
) -> Result<Option<Bytes>, Error> {
    let row = query("SELECT bytes FROM packages WHERE sha256 = $1").bind(sha256.to_vec());
    let row = row.fetch_optional(connection).await?;
    row.map(|row| row.try_get::<Vec<u8>, _>("bytes").map(Bytes::from))
        .transpose()
}

fn application(row: &Row) -> Result<Application, Error> {
    let profile: String = row.try_get("profile")?;
    let profile = read(profile.as_bytes());
    let profile = profile.map_err(|faults| Error::Decode(faults.to_string().into()))?;
    Ok(Application {
        provider: row.try_get("provider")?,
        profile,
        package: package(row)?,
        history: Vec::new(),
        made_by: hash(row.try_get("made_by")?)?,
        created: from_db(row, "created")?,
        changed: from_db(row, "changed")?,
    })
}

fn package(row: &Row) -> Result<Option<Package>, Error> {
    let size: Option<i64> = row.try_get("package_size")?;
    let sha256 = hash(row.try_get("package_sha256")?)?;
    Ok(sha256.map(|sha256| Package {
        sha256,
        size: size.unwrap_or_default().max(0).cast_unsigned(),
    }))
}

fn hash(bytes: Option<Vec<u8>>) -> Result<Option<[u8; 32]>, Error> {
    let hash = bytes.map(|bytes| <[u8; 32]>::try_from(bytes.as_slice()));
    hash.transpose()
        .map_err(|error| Error::Decode(error.into()))
}
