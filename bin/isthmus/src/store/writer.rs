//! The writing thread: what waits goes into one transaction, and all are answered when it stands.

use tokio::sync::{mpsc, oneshot};

use super::database::Database;
use super::{Arrival, Change, EnablerChange, EnablerLoaded, Place, Waiting};

/// Most requests in one transaction.
const GROUP: usize = 256;

/// Something for the writing thread.
#[derive(Debug)]
pub(super) enum Job {
    /// Changes, and whom to tell whether they are written.
    Write {
        changes: Vec<Change>,
        done: oneshot::Sender<bool>,
    },
    /// What the enabler has.
    Reload(oneshot::Sender<EnablerLoaded>),
    /// Who hears of notifications.
    Tell(mpsc::Sender<Arrival>),
}

impl Job {
    fn changes(&self) -> &[Change] {
        match self {
            Self::Write { changes, .. } => changes,
            Self::Reload(_) | Self::Tell(_) => &[],
        }
    }

    fn of_enabler(&self) -> bool {
        self.changes()
            .iter()
            .any(|change| matches!(change, Change::Enabler(_)))
    }
}

pub(super) async fn run(database: Database, place: Place, mut jobs: mpsc::Receiver<Job>) {
    let mut writer = Writer {
        database,
        place,
        void: false,
        arrivals: None,
        lost: false,
    };
    let mut waiting = Vec::with_capacity(GROUP);
    while jobs.recv_many(&mut waiting, GROUP).await > 0 {
        let mut group = Vec::with_capacity(waiting.len());
        for job in waiting.drain(..) {
            match job {
                Job::Reload(answer) => {
                    writer.group(std::mem::take(&mut group)).await;
                    writer.reload(answer).await;
                }
                Job::Tell(arrivals) => writer.arrivals = Some(arrivals),
                job @ Job::Write { .. } => group.push(job),
            }
        }
        writer.group(group).await;
        writer.confess().await;
    }
    writer.database.close().await;
}

struct Writer {
    database: Database,
    place: Place,
    /// A change of the enabler's was not written. Its state is ahead of the store now, and what follows
    /// from it is not written either, until it has read the store again.
    void: bool,
    arrivals: Option<mpsc::Sender<Arrival>>,
    /// Somebody is to be told that something was not told.
    lost: bool,
}

impl Writer {
    async fn group(&mut self, group: Vec<Job>) {
        let (group, refused): (Vec<_>, Vec<_>) = group
            .into_iter()
            .partition(|job| !(self.void && job.of_enabler()));
        for job in refused {
            answer(job, false);
        }
        match self.write(&group).await {
            Ok(()) => {
                for job in group {
                    self.tell(&job);
                    answer(job, true);
                }
            }
            Err(error) => {
                tracing::error!(%error, requests = group.len(), "the store wrote nothing");
                self.database.mend(&self.place).await;
                self.one_by_one(group).await;
            }
        }
    }

    /// One that cannot be written does not take the others with it.
    async fn one_by_one(&mut self, group: Vec<Job>) {
        for job in group {
            let written = !(self.void && job.of_enabler())
                && self.write(std::slice::from_ref(&job)).await.is_ok();
            self.void |= !written && job.of_enabler();
            if written {
                self.tell(&job);
            }
            answer(job, written);
        }
    }

    /// Tells of the notifications that were written. Who does not follow reads them from the store.
    fn tell(&mut self, job: &Job) {
        let Some(arrivals) = &self.arrivals else {
            return;
        };
        for change in job.changes() {
            let Change::Enabler(EnablerChange::Put(put)) = change else {
                continue;
            };
            let waiting = Waiting {
                id: put.id,
                session: put.notice.session.clone(),
                target: put.notice.target.clone(),
                until: put.until,
            };
            self.lost |= arrivals.try_send(Arrival::Put(waiting)).is_err();
        }
    }

    /// Says that something was not told, as soon as there is room for it.
    async fn confess(&mut self) {
        if let Some(arrivals) = self.arrivals.as_ref().filter(|_| self.lost) {
            let _ = arrivals.send(Arrival::Lost).await; // nobody follows any more
            self.lost = false;
        }
    }

    async fn write(&mut self, group: &[Job]) -> Result<(), sqlx::Error> {
        if group.iter().all(|job| job.changes().is_empty()) {
            return Ok(());
        }
        let changes = group.iter().flat_map(Job::changes);
        self.database.write(changes).await
    }

    async fn reload(&mut self, answer: oneshot::Sender<EnablerLoaded>) {
        match self.database.reload().await {
            Ok(loaded) => {
                self.void = false;
                let _ = answer.send(loaded); // who asked may be gone
            }
            Err(error) => {
                tracing::error!(%error, "the store was not read");
                self.database.mend(&self.place).await;
            }
        }
    }
}

fn answer(job: Job, written: bool) {
    if let Job::Write { done, .. } = job {
        let _ = done.send(written);
    }
}
