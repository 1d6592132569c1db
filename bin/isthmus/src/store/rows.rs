//! Rows and values of WAF and WWSF. This file is compiled twice, once a database: SQLite and PostgreSQL
//! get the same words.

use core_credentials::Secret;
use core_credentials::token::Algorithm;
use nf_waf::{Account, Code, Grant, Lease, StoredKey};
use nf_wwsf::{Identity, Session};
use sqlx::{Error, Row as _, query};

use super::super::Loaded;
use super::{Connection, Row};

pub(super) async fn load(connection: &mut Connection, loaded: &mut Loaded) -> Result<(), Error> {
    for row in query("SELECT * FROM accounts")
        .fetch_all(&mut *connection)
        .await?
    {
        loaded.waf.accounts.push(account(&row)?);
    }
    for row in query("SELECT * FROM signing_keys")
        .fetch_all(&mut *connection)
        .await?
    {
        loaded.waf.keys.push(signing_key(&row)?);
    }
    for row in query("SELECT * FROM codes")
        .fetch_all(&mut *connection)
        .await?
    {
        loaded.waf.codes.push(code(&row)?);
    }
    for row in query("SELECT * FROM grants")
        .fetch_all(&mut *connection)
        .await?
    {
        loaded.waf.grants.push(grant(&row)?);
    }
    for row in query("SELECT * FROM leases")
        .fetch_all(&mut *connection)
        .await?
    {
        loaded.waf.leases.push(lease(&row)?);
    }
    for row in query("SELECT * FROM sessions")
        .fetch_all(&mut *connection)
        .await?
    {
        loaded.sessions.push(session(&row)?);
    }
    Ok(())
}

pub(super) async fn write_waf(
    connection: &mut Connection,
    change: &nf_waf::Change,
) -> Result<(), Error> {
    use nf_waf::Change;
    let statement = match change {
        Change::PutAccount(account) => query(
            "INSERT INTO accounts (name, password_hash, display_name, impi, impus) \
             VALUES ($1, $2, $3, $4, $5) ON CONFLICT (name) DO UPDATE SET \
             password_hash = excluded.password_hash, display_name = excluded.display_name, \
             impi = excluded.impi, impus = excluded.impus",
        )
        .bind(&account.name)
        .bind(account.password_hash.expose())
        .bind(&account.display_name)
        .bind(&account.impi)
        .bind(to_json(&account.impus)),
        Change::RemoveAccount(name) => query("DELETE FROM accounts WHERE name = $1").bind(name),
        Change::PutKey(key) => query(
            "INSERT INTO signing_keys (kid, algorithm, pkcs8, created) VALUES ($1, $2, $3, $4)",
        )
        .bind(&key.kid)
        .bind(key.algorithm.name())
        .bind(&key.pkcs8)
        .bind(to_db(key.created)),
        Change::RemoveKey(kid) => query("DELETE FROM signing_keys WHERE kid = $1").bind(kid),
        Change::PutCode(code) => query(
            "INSERT INTO codes \
             (hash, client_id, redirect_uri, challenge, account, scope, expires, used) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
             ON CONFLICT (hash) DO UPDATE SET used = excluded.used",
        )
        .bind(&code.hash)
        .bind(&code.client_id)
        .bind(&code.redirect_uri)
        .bind(&code.challenge)
        .bind(&code.account)
        .bind(&code.scope)
        .bind(to_db(code.expires))
        .bind(&code.used),
        Change::RemoveCode(hash) => query("DELETE FROM codes WHERE hash = $1").bind(hash),
        Change::PutGrant(grant) => query(
            "INSERT INTO grants (id, client_id, account, scope, current, previous, previous_at, \
             replaced, idle_until, expires) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) \
             ON CONFLICT (id) DO UPDATE SET current = excluded.current, \
             previous = excluded.previous, previous_at = excluded.previous_at, \
             replaced = excluded.replaced, idle_until = excluded.idle_until",
        )
        .bind(&grant.id)
        .bind(&grant.client_id)
        .bind(&grant.account)
        .bind(&grant.scope)
        .bind(&grant.current)
        .bind(grant.previous.as_ref().map(|(hash, _)| hash))
        .bind(grant.previous.as_ref().map(|(_, at)| to_db(*at)))
        .bind(grant.replaced)
        .bind(to_db(grant.idle_until))
        .bind(to_db(grant.expires)),
        Change::RemoveGrant(id) => query("DELETE FROM grants WHERE id = $1").bind(id),
        Change::PutLease(lease) => query(
            "INSERT INTO leases (impi, id, client_id, visitor, ended, free_at) \
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (impi) DO UPDATE SET \
             id = excluded.id, client_id = excluded.client_id, visitor = excluded.visitor, \
             ended = excluded.ended, free_at = excluded.free_at",
        )
        .bind(&lease.impi)
        .bind(&lease.id)
        .bind(&lease.client_id)
        .bind(&lease.visitor)
        .bind(lease.ended)
        .bind(to_db(lease.free_at)),
        Change::RemoveLease(impi) => query("DELETE FROM leases WHERE impi = $1").bind(impi),
    };
    statement.execute(connection).await.map(|_| ())
}

pub(super) async fn write_wwsf(
    connection: &mut Connection,
    change: &nf_wwsf::Change,
) -> Result<(), Error> {
    use nf_wwsf::Change;
    let statement = match change {
        Change::PutSession(session) => query(
            "INSERT INTO sessions (sid, secret_hash, refresh_token, account, display_name, impi, \
             impus, used, expires, visitor) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) \
             ON CONFLICT (sid) DO UPDATE SET refresh_token = excluded.refresh_token, \
             display_name = excluded.display_name, impi = excluded.impi, impus = excluded.impus, \
             used = excluded.used",
        )
        .bind(&session.sid)
        .bind(&session.secret_hash)
        .bind(session.refresh_token.expose())
        .bind(&session.identity.account)
        .bind(&session.identity.display_name)
        .bind(&session.identity.impi)
        .bind(to_json(&session.identity.impus))
        .bind(to_db(session.used))
        .bind(to_db(session.expires))
        .bind(session.visitor.expose()),
        Change::RemoveSession(sid) => query("DELETE FROM sessions WHERE sid = $1").bind(sid),
    };
    statement.execute(connection).await.map(|_| ())
}

fn account(row: &Row) -> Result<Account, Error> {
    Ok(Account {
        name: row.try_get("name")?,
        password_hash: Secret::new(row.try_get::<String, _>("password_hash")?),
        display_name: row.try_get("display_name")?,
        impi: row.try_get("impi")?,
        impus: from_json(row, "impus")?,
    })
}

fn signing_key(row: &Row) -> Result<StoredKey, Error> {
    let name: String = row.try_get("algorithm")?;
    let algorithm = [Algorithm::ES256, Algorithm::RS256]
        .into_iter()
        .find(|a| a.name() == name);
    Ok(StoredKey {
        kid: row.try_get("kid")?,
        algorithm: algorithm
            .ok_or_else(|| Error::Decode(format!("no signature algorithm {name}").into()))?,
        pkcs8: row.try_get("pkcs8")?,
        created: from_db(row, "created")?,
    })
}

fn code(row: &Row) -> Result<Code, Error> {
    Ok(Code {
        hash: row.try_get("hash")?,
        client_id: row.try_get("client_id")?,
        redirect_uri: row.try_get("redirect_uri")?,
        challenge: row.try_get("challenge")?,
        account: row.try_get("account")?,
        scope: row.try_get("scope")?,
        expires: from_db(row, "expires")?,
        used: row.try_get("used")?,
    })
}

fn grant(row: &Row) -> Result<Grant, Error> {
    let previous: Option<String> = row.try_get("previous")?;
    let previous_at: Option<i64> = row.try_get("previous_at")?;
    Ok(Grant {
        id: row.try_get("id")?,
        client_id: row.try_get("client_id")?,
        account: row.try_get("account")?,
        scope: row.try_get("scope")?,
        current: row.try_get("current")?,
        previous: previous.zip(previous_at.map(i64::cast_unsigned)),
        replaced: row.try_get("replaced")?,
        idle_until: from_db(row, "idle_until")?,
        expires: from_db(row, "expires")?,
    })
}

fn lease(row: &Row) -> Result<Lease, Error> {
    Ok(Lease {
        impi: row.try_get("impi")?,
        id: row.try_get("id")?,
        client_id: row.try_get("client_id")?,
        visitor: row.try_get("visitor")?,
        ended: row.try_get("ended")?,
        free_at: from_db(row, "free_at")?,
    })
}

fn session(row: &Row) -> Result<Session, Error> {
    Ok(Session {
        sid: row.try_get("sid")?,
        secret_hash: row.try_get("secret_hash")?,
        refresh_token: Secret::new(row.try_get::<String, _>("refresh_token")?),
        identity: Identity {
            account: row.try_get("account")?,
            display_name: row.try_get("display_name")?,
            impi: row.try_get("impi")?,
            impus: from_json(row, "impus")?,
        },
        used: from_db(row, "used")?,
        expires: from_db(row, "expires")?,
        visitor: Secret::new(row.try_get::<String, _>("visitor")?),
    })
}

/// SQL has signed integers only; a time beyond them is as good as the last one.
pub(super) fn to_db(time: u64) -> i64 {
    i64::try_from(time).unwrap_or(i64::MAX)
}

pub(super) fn from_db(row: &Row, column: &str) -> Result<u64, Error> {
    let time: i64 = row.try_get(column)?;
    Ok(time.max(0).cast_unsigned())
}

fn to_json(list: &[String]) -> String {
    serde_json::Value::from(list).to_string()
}

fn from_json(row: &Row, column: &str) -> Result<Vec<String>, Error> {
    let text: String = row.try_get(column)?;
    serde_json::from_str(&text).map_err(|error| Error::Decode(error.into()))
}
