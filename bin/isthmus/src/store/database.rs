//! One connection, to whichever database it is.

use sqlx::{Connection as _, Error};

use super::{Change, EnablerLoaded, Loaded, Place, Question, StoreError, postgres, sqlite};

pub(super) enum Database {
    Sqlite(Box<sqlite::Connection>),
    Postgres(Box<postgres::Connection>),
}

/// The same on both.
macro_rules! on {
    ($database:expr, $queries:ident ( $($argument:expr),* )) => {
        match $database {
            Database::Sqlite(connection) => sqlite::queries::$queries(connection, $($argument),*).await,
            Database::Postgres(connection) => {
                postgres::queries::$queries(connection, $($argument),*).await
            }
        }
    };
}

impl Database {
    pub(super) async fn open(place: &Place) -> Result<Self, StoreError> {
        Ok(match place {
            Place::File(file) => Self::Sqlite(Box::new(sqlite::open(file).await?)),
            Place::Postgres(url) => Self::Postgres(Box::new(postgres::open(url).await?)),
        })
    }

    /// Another connection in the place of one that failed. A file does not break like that.
    pub(super) async fn mend(&mut self, place: &Place) {
        if matches!(self, Self::Postgres(_))
            && let Ok(another) = Self::open(place).await
        {
            *self = another;
        }
    }

    pub(super) async fn begin(&mut self) -> Result<Loaded, StoreError> {
        on!(self, begin())
    }

    pub(super) async fn reload(&mut self) -> Result<EnablerLoaded, Error> {
        on!(self, reload())
    }

    pub(super) async fn write<'a>(
        &mut self,
        changes: impl Iterator<Item = &'a Change>,
    ) -> Result<(), Error> {
        on!(self, write(changes))
    }

    pub(super) async fn answer(&mut self, question: Question) -> Result<(), Error> {
        on!(self, answer(question))
    }

    pub(super) async fn close(self) {
        let _ = match self {
            Self::Sqlite(connection) => connection.close().await,
            Self::Postgres(connection) => connection.close().await,
        };
    }
}
