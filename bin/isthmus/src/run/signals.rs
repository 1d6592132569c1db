//! Waiting for the end.

use std::sync::{Arc, Condvar, Mutex, PoisonError};

use crate::fault::Fault;

/// SIGTERM and SIGINT, heard from the first to the last: the first asks to end, the second not to wait
/// for calls.
#[derive(Debug)]
pub(super) struct Signals {
    heard: Arc<(Mutex<u32>, Condvar)>,
}

impl Signals {
    /// From now on the process does not end by itself when it is asked to.
    pub(super) fn listen() -> Result<Self, Fault> {
        let fail = |error: std::io::Error| Fault::new(format!("signals cannot be heard: {error}"));
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let runtime = runtime.map_err(fail)?;
        let mut source = {
            let _here = runtime.enter();
            Source::open().map_err(fail)?
        };
        let heard = Arc::<(Mutex<u32>, Condvar)>::default();
        let told = Arc::clone(&heard);
        std::thread::Builder::new()
            .name("signals".into())
            .spawn(move || {
                loop {
                    runtime.block_on(source.next());
                    let mut count = told.0.lock().unwrap_or_else(PoisonError::into_inner);
                    *count += 1;
                    told.1.notify_all();
                }
            })
            .map_err(fail)?;
        Ok(Self { heard })
    }

    /// Returns when the process is asked to end.
    pub(super) fn wait(&self) {
        let count = self.heard.0.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.heard.1.wait_while(count, |count| *count == 0));
    }

    /// It was asked a second time: now, and not when calls have ended.
    pub(super) fn again(&self) -> bool {
        *self.heard.0.lock().unwrap_or_else(PoisonError::into_inner) > 1
    }
}

#[cfg(unix)]
struct Source {
    term: tokio::signal::unix::Signal,
    int: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Source {
    fn open() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            term: signal(SignalKind::terminate())?,
            int: signal(SignalKind::interrupt())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.term.recv() => {}
            _ = self.int.recv() => {}
        }
    }
}

#[cfg(not(unix))]
struct Source;

#[cfg(not(unix))]
impl Source {
    fn open() -> std::io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
