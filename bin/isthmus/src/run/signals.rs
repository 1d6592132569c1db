//! Waiting for the end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::fault::Fault;

/// Returns when the process is asked to end: SIGTERM, SIGINT.
pub(super) fn wait() -> Result<(), Fault> {
    let fail = |error: std::io::Error| Fault::new(format!("signals cannot be heard: {error}"));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.map_err(fail)?.block_on(async {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            let mut term = signal(SignalKind::terminate()).map_err(fail)?;
            let mut int = signal(SignalKind::interrupt()).map_err(fail)?;
            tokio::select! {
                _ = term.recv() => {}
                _ = int.recv() => {}
            }
            Ok(())
        }
        #[cfg(not(unix))]
        tokio::signal::ctrl_c().await.map_err(fail)
    })
}

/// Becomes true when it is asked a second time: now, and not when calls have ended.
pub(super) fn again() -> Arc<AtomicBool> {
    let asked = Arc::<AtomicBool>::default();
    let told = Arc::clone(&asked);
    // Without this thread calls have their whole time, which is no harm.
    let _ = std::thread::Builder::new()
        .name("signals".into())
        .spawn(move || {
            if wait().is_ok() {
                told.store(true, Ordering::Relaxed);
            }
        });
    asked
}
