//! What the store's threads do, on the database that includes this file.

use sqlx::{Connection as _, Error};

use super::super::{Change, EnablerLoaded, Loaded, Question, StoreError};
use super::{Connection, enabler_rows, rows};

/// Brings the tables up to date, and reads all of them.
pub(in crate::store) async fn begin(connection: &mut Connection) -> Result<Loaded, StoreError> {
    sqlx::migrate!("./migrations").run(&mut *connection).await?;
    let mut loaded = Loaded::default();
    rows::load(connection, &mut loaded)
        .await
        .map_err(StoreError::Read)?;
    loaded.enabler = reload(connection).await.map_err(StoreError::Read)?;
    Ok(loaded)
}

/// Reads what the enabler has, again.
pub(in crate::store) async fn reload(connection: &mut Connection) -> Result<EnablerLoaded, Error> {
    enabler_rows::load(connection).await
}

/// One transaction.
pub(in crate::store) async fn write<'a>(
    connection: &mut Connection,
    changes: impl Iterator<Item = &'a Change>,
) -> Result<(), Error> {
    let mut transaction = connection.begin().await?;
    for change in changes {
        match change {
            Change::Waf(change) => rows::write_waf(&mut transaction, change).await?,
            Change::Wwsf(change) => rows::write_wwsf(&mut transaction, change).await?,
            Change::Enabler(change) => {
                enabler_rows::write_change(&mut transaction, change).await?;
            }
        }
    }
    transaction.commit().await
}

/// Answers one question.
pub(in crate::store) async fn answer(
    connection: &mut Connection,
    question: Question,
) -> Result<(), Error> {
    // Who asked may be gone.
    match question {
        Question::Package(sha256, answer) => {
            drop(answer.send(enabler_rows::read_package(connection, &sha256).await?));
        }
        Question::Notification(id, answer) => {
            drop(answer.send(enabler_rows::read_notification(connection, id).await?));
        }
        Question::Targets(answer) => {
            drop(answer.send(enabler_rows::read_targets(connection).await?));
        }
        Question::Heads(origin, after, most, answer) => {
            let heads = enabler_rows::read_heads(connection, &origin, after, most).await?;
            drop(answer.send(heads));
        }
        Question::Session(session, after, most, answer) => {
            let waiting = enabler_rows::read_session(connection, &session, after, most).await?;
            drop(answer.send(waiting));
        }
    }
    Ok(())
}
