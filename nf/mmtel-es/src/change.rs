//! What is to be written down: the words between the enabler and its store.

use api_mmtel_es::common::Uri;
use bytes::Bytes;

use crate::application::{Application, StoredPackage};

/// One thing to write down. What a function gives is written in one transaction, in order.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// A package that nobody had before.
    PutPackage(StoredPackage),
    /// A new application, or one that changed.
    PutApplication(Box<Application>),
    /// An application that is no more.
    RemoveApplication(String),
    /// A package that nobody has any more.
    RemovePackage([u8; 32]),
    /// A session as it is now, to be found again after a restart.
    PutSession(StoredSession),
    /// A session that is over.
    RemoveSession(String),
    /// Something to tell an application server.
    Notify(Notice),
}

/// A session, in a form that its owner can read again.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredSession {
    /// Its identifier.
    pub id: String,
    /// What its owner needs.
    pub state: Bytes,
}

/// A notification that is to be delivered. It gets its number and its age where it is written down.
#[derive(Clone, PartialEq, Eq)]
pub struct Notice {
    /// The session whose order it keeps.
    pub session: String,
    /// Where it goes.
    pub target: Uri,
    /// Its JSON text.
    pub body: Bytes,
}

/// Says nothing about people.
impl std::fmt::Debug for StoredSession {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoredSession").finish_non_exhaustive()
    }
}

/// Says nothing about people.
impl std::fmt::Debug for Notice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Notice").finish_non_exhaustive()
    }
}
