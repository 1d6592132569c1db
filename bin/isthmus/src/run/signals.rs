//! Waiting for the end.

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
