//! Identities in logs: redacted unless the operator has asked to see them.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};

static SHOW: AtomicBool = AtomicBool::new(false);

/// Says once, at start, whether [`Pii`] prints what it holds. It changes what logs show and nothing else.
pub fn show_pii(show: bool) {
    SHOW.store(show, Ordering::Relaxed);
}

/// Something that tells who a person is: an identity, an address, a number. Prints `‹redacted›`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Pii<T>(pub T);

impl<T> Pii<T> {
    /// What is inside.
    pub fn reveal(&self) -> &T {
        &self.0
    }
}

impl<T: fmt::Display> fmt::Display for Pii<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if SHOW.load(Ordering::Relaxed) {
            self.0.fmt(f)
        } else {
            f.write_str("‹redacted›")
        }
    }
}

impl<T: fmt::Debug> fmt::Debug for Pii<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if SHOW.load(Ordering::Relaxed) {
            self.0.fmt(f)
        } else {
            f.write_str("‹redacted›")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_only_when_asked() {
        let who = Pii("sip:alice@home1.net");
        assert_eq!(format!("{who} {who:?}"), "‹redacted› ‹redacted›");
        show_pii(true);
        let shown = format!("{who}");
        show_pii(false);
        assert_eq!(shown, "sip:alice@home1.net");
    }
}
