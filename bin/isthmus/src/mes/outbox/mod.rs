//! Notifications leave from here: one thread with the machine ([`nf_mmtel_es::Outbox`]), what it asks
//! the store for, and the deliveries that are under way.
//!
//! ```text
//!  the store's thread ──▶ put        (written a moment ago)
//!  loader ──────────────▶ handle_*   (what was written before)         ┌─▶ delivery ─▶ target
//!                                                            machine ──┤
//!  delivery ────────────▶ handle_answer                                └─▶ the store: it is over
//! ```

mod client;
mod loader;

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use api_mmtel_es::common::Uri;
pub(in crate::mes) use client::Client;
use loader::Loaded;
use nf_mmtel_es::{Answer, Down, End, Notification, Outbox, OutboxSettings, Output};
use tokio::sync::mpsc;
use tracing::{debug, info, warn};

use super::{Enabler, EnablerError};
use crate::store::{Arrival, EnablerChange};

/// How soon something is tried again that the store refused.
const AGAIN: Duration = Duration::from_secs(1);

/// What operators see of it.
#[derive(Debug, Default)]
pub(crate) struct OutboxFigures {
    /// How many wait or are on their way, here and in the store.
    pending: AtomicU64,
    delivered: AtomicU64,
    refused: AtomicU64,
    forbidden: AtomicU64,
    too_old: AtomicU64,
    failed: AtomicU64,
    /// Targets that do not answer well.
    down: std::sync::Mutex<Vec<Down>>,
}

impl OutboxFigures {
    /// With so many that wait in the store.
    pub(super) fn new(pending: u64) -> Self {
        Self {
            pending: AtomicU64::new(pending),
            ..Self::default()
        }
    }

    /// So many wait.
    pub(super) fn wait(&self, pending: u64) {
        self.pending.store(pending, Ordering::Relaxed);
    }

    /// One more will wait.
    pub(super) fn put(&self) {
        self.pending.fetch_add(1, Ordering::Relaxed);
    }

    /// By name.
    pub(crate) fn named(&self) -> Vec<(String, u64)> {
        let down = self.down().len() as u64;
        let read = |figure: &AtomicU64| figure.load(Ordering::Relaxed);
        [
            ("enabler_notifications_pending", read(&self.pending)),
            (
                "enabler_notifications_delivered_total",
                read(&self.delivered),
            ),
            ("enabler_notifications_refused_total", read(&self.refused)),
            (
                "enabler_notifications_forbidden_total",
                read(&self.forbidden),
            ),
            ("enabler_notifications_too_old_total", read(&self.too_old)),
            ("enabler_deliveries_failed_total", read(&self.failed)),
            ("enabler_targets_down", down),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .to_vec()
    }

    /// The targets that do not answer well, as they were a moment ago.
    pub(crate) fn down(&self) -> Vec<Down> {
        let down = self.down.lock();
        down.map(|down| down.clone()).unwrap_or_default()
    }

    fn over(&self, end: &End) {
        let figure = match end {
            End::Delivered => &self.delivered,
            End::Refused(..) => &self.refused,
            End::Forbidden(_) => &self.forbidden,
            End::TooOld => &self.too_old,
        };
        figure.fetch_add(1, Ordering::Relaxed);
    }
}

/// What the thread hears.
pub(super) struct Inputs {
    /// What was written.
    pub(super) arrivals: mpsc::Receiver<Arrival>,
    /// Targets that are to be tried at once.
    pub(super) released: mpsc::UnboundedReceiver<String>,
}

/// Begins to deliver, on a thread of its own, until the process ends.
pub(super) fn start(
    enabler: Enabler,
    settings: OutboxSettings,
    client: Client,
    inputs: Inputs,
) -> Result<(), EnablerError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.map_err(EnablerError::Thread)?;
    std::thread::Builder::new()
        .name("notifications".into())
        .spawn(move || runtime.block_on(run(enabler, settings, client, inputs)))
        .map_err(EnablerError::Thread)?;
    Ok(())
}

async fn run(enabler: Enabler, settings: OutboxSettings, client: Client, inputs: Inputs) {
    let Inputs {
        mut arrivals,
        mut released,
    } = inputs;
    let (answer, mut answers) = mpsc::channel(settings.at_once.max(1));
    let (load, loads) = mpsc::unbounded_channel();
    let (loaded, mut loads_done) = mpsc::channel(1);
    tokio::spawn(loader::run(enabler.store().clone(), loads, loaded));
    let mut sender = Sender {
        machine: Outbox::new(settings),
        figures: Arc::clone(enabler.figures()),
        enabler,
        client: Arc::new(client),
        answer,
        load,
    };
    sender.act();
    let mut looked = Instant::now();
    // Whether something happened since.
    let mut stale = false;
    loop {
        let look = stale
            .then(|| looked + AGAIN)
            .map(tokio::time::Instant::from_std);
        let wake = sender.machine.poll_timeout();
        let wake = wake.map(tokio::time::Instant::from_std);
        tokio::select! {
            arrival = arrivals.recv() => match arrival {
                None => return,
                Some(Arrival::Lost) => sender.machine.look_again(),
                Some(Arrival::Put(put)) => {
                    let now = Instant::now();
                    let until = now + left(put.until, sender.enabler.now());
                    let (id, session, target) = (put.id, put.session, put.target);
                    sender.machine.put(now, Notification { id, session, target, until });
                }
            },
            Some((id, came)) = answers.recv() => {
                if came == Answer::None {
                    sender.figures.failed.fetch_add(1, Ordering::Relaxed);
                }
                sender.machine.handle_answer(Instant::now(), id, came);
            }
            Some(target) = released.recv() => {
                sender.machine.release(Instant::now(), &target);
            }
            Some(loaded) = loads_done.recv() => sender.loaded(loaded),
            () = sleep(wake) => sender.machine.handle_timeout(Instant::now()),
            () = sleep(look) => {}
        }
        sender.act();
        stale = looked.elapsed() < AGAIN;
        if !stale {
            looked = Instant::now();
            sender.look();
        }
    }
}

async fn sleep(until: Option<tokio::time::Instant>) {
    match until {
        Some(until) => tokio::time::sleep_until(until).await,
        None => std::future::pending().await,
    }
}

/// How long is left until a time in seconds since 1970.
fn left(until: u64, now: u64) -> Duration {
    Duration::from_secs(until.saturating_sub(now))
}

struct Sender {
    machine: Outbox,
    enabler: Enabler,
    client: Arc<Client>,
    figures: Arc<OutboxFigures>,
    answer: mpsc::Sender<(u64, Answer)>,
    load: mpsc::UnboundedSender<Output>,
}

impl Sender {
    /// Does what the machine says.
    fn act(&mut self) {
        let mut changes = Vec::new();
        let mut over = 0;
        while let Some(output) = self.machine.poll_output() {
            match output {
                Output::Deliver { id, target } => self.deliver(id, target),
                Output::Over { id, session, end } => {
                    self.figures.over(&end);
                    if end != End::Delivered {
                        info!(?end, "a notification was not delivered");
                    }
                    if let Some(cause) = end.unwanted() {
                        self.enabler.refused(session, cause.clone());
                    }
                    over += 1;
                    changes.push(EnablerChange::Over(id));
                }
                Output::Moved { session, from, to } => {
                    self.enabler.remember_move(&session, &from, &to);
                    changes.push(EnablerChange::moved(session, from, to));
                }
                load => {
                    // What is over is written before more is read.
                    self.write(std::mem::take(&mut changes), std::mem::take(&mut over));
                    let _ = self.load.send(load);
                }
            }
        }
        self.write(changes, over);
    }

    fn deliver(&self, id: u64, target: Uri) {
        let (client, store) = (Arc::clone(&self.client), self.enabler.store().clone());
        let answer = self.answer.clone();
        let enabler = self.enabler.clone();
        tokio::spawn(async move {
            let came = match store.notification(id).await {
                Ok(Some(body)) => {
                    let came = client.deliver(&target, body.clone()).await;
                    let (now, target) = (enabler.now(), target.as_str());
                    enabler.deliveries().add(id, now, target, &body, &came);
                    enabler.show();
                    came
                }
                // It is not in the store any more: it is over.
                Ok(None) => Answer::Response {
                    status: 204,
                    location: None,
                    retry_after: None,
                    cause: None,
                },
                Err(_) => Answer::None,
            };
            let _ = answer.send((id, came)).await;
        });
    }

    /// Writes what is over. It is delivered once more if the process ends before.
    fn write(&self, changes: Vec<EnablerChange>, over: u64) {
        if changes.is_empty() {
            return;
        }
        let mut commit = self.enabler.commit_own(changes.clone());
        let enabler = self.enabler.clone();
        let figures = Arc::clone(&self.figures);
        tokio::spawn(async move {
            while commit.written().await.is_err() {
                debug!("the outbox could not be written");
                tokio::time::sleep(AGAIN).await;
                enabler.reload();
                commit = enabler.commit_own(changes.clone());
            }
            figures.pending.fetch_sub(over, Ordering::Relaxed);
        });
    }

    fn loaded(&mut self, loaded: Loaded) {
        let now = Instant::now();
        let clock = self.enabler.now();
        match loaded {
            Loaded::Targets(origins) => self.machine.handle_targets(now, origins),
            Loaded::Heads { origin, heads, all } => {
                let heads = heads.into_iter().map(|head| head.at(now, clock)).collect();
                self.machine.handle_heads(now, &origin, heads, all);
            }
            Loaded::Session {
                session,
                heads,
                all,
            } => {
                let heads = heads
                    .into_iter()
                    .map(|head| head.at(now, clock).notification);
                self.machine
                    .handle_session(now, &session, heads.collect(), all);
            }
        }
    }

    /// Shows the targets that do not answer well, and says which became so.
    fn look(&mut self) {
        let down = self.machine.down();
        if let Ok(mut shown) = self.figures.down.lock() {
            let before: HashSet<&str> = shown.iter().map(|one| one.origin.as_str()).collect();
            for one in down
                .iter()
                .filter(|one| !before.contains(one.origin.as_str()))
            {
                warn!(
                    target = one.origin,
                    tries = one.tries,
                    "a target of notifications does not answer well"
                );
            }
            let same = shown.len() == down.len();
            *shown = down;
            if !same {
                self.enabler.show();
            }
        }
    }
}
