//! What happened at the sockets of one thread, as other threads may read it.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counted since the start.
#[derive(Debug, Default)]
pub(crate) struct SipFigures {
    malformed: AtomicU64,
    flooded: AtomicU64,
    connections_refused: AtomicU64,
    tls_failed: AtomicU64,
}

impl SipFigures {
    /// Messages that were none, answered or not.
    pub(crate) fn malformed_total(&self) -> u64 {
        self.malformed.load(Ordering::Relaxed)
    }

    /// Datagrams of addresses that sent too many.
    pub(crate) fn flooded_total(&self) -> u64 {
        self.flooded.load(Ordering::Relaxed)
    }

    /// All of them by name.
    pub(crate) fn named(&self, of: &str) -> Vec<(String, u64)> {
        [
            ("malformed_total", &self.malformed),
            ("flooded_total", &self.flooded),
            ("connections_refused_total", &self.connections_refused),
            ("tls_failed_total", &self.tls_failed),
        ]
        .map(|(name, figure)| (format!("{of}_{name}"), figure.load(Ordering::Relaxed)))
        .to_vec()
    }

    pub(super) fn malformed(&self) {
        self.malformed.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn flooded(&self) {
        self.flooded.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn connection_refused(&self) {
        self.connections_refused.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn tls_failed(&self) {
        self.tls_failed.fetch_add(1, Ordering::Relaxed);
    }
}
