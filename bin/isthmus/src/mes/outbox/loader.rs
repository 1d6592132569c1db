//! What the machine asks the store for, one question after the other: each is answered with all that
//! was written before it was asked.

use std::time::{Duration, Instant};

use nf_mmtel_es::{Head, Notification, Output};
use tokio::sync::mpsc;

use crate::store::{Store, StoreError, StoredHead};

/// How soon a question is asked again.
const AGAIN: Duration = Duration::from_secs(1);

/// An answer.
pub(super) enum Loaded {
    Targets(Vec<String>),
    Heads {
        origin: String,
        heads: Vec<StoredHead>,
        all: bool,
    },
    Session {
        session: String,
        heads: Vec<StoredHead>,
        all: bool,
    },
}

impl StoredHead {
    /// With the machine's time in place of the clock's.
    pub(super) fn at(self, now: Instant, clock: u64) -> Head {
        let left = Duration::from_secs(self.until.saturating_sub(clock));
        Head {
            notification: Notification {
                id: self.id,
                session: self.session,
                target: self.target,
                until: now + left,
            },
            more: self.more,
        }
    }
}

pub(super) async fn run(
    store: Store,
    mut questions: mpsc::UnboundedReceiver<Output>,
    answers: mpsc::Sender<Loaded>,
) {
    while let Some(question) = questions.recv().await {
        let loaded = loop {
            match ask(&store, &question).await {
                Ok(loaded) => break loaded,
                Err(_) => tokio::time::sleep(AGAIN).await,
            }
        };
        if let Some(loaded) = loaded
            && answers.send(loaded).await.is_err()
        {
            return;
        }
    }
}

async fn ask(store: &Store, question: &Output) -> Result<Option<Loaded>, StoreError> {
    store.commit_after_others(Vec::new()).written().await?;
    Ok(match question {
        Output::LoadTargets => Some(Loaded::Targets(store.notification_targets().await?)),
        Output::LoadHeads {
            origin,
            after,
            most,
        } => {
            let heads = store.notification_heads(origin, *after, *most).await?;
            Some(Loaded::Heads {
                origin: origin.clone(),
                all: heads.len() < *most,
                heads,
            })
        }
        Output::LoadSession {
            session,
            after,
            most,
        } => {
            let heads = store.notifications_of(session, *after, *most).await?;
            Some(Loaded::Session {
                session: session.clone(),
                all: heads.len() < *most,
                heads,
            })
        }
        Output::Deliver { .. } | Output::Over { .. } | Output::Moved { .. } => None,
    })
}
