//! Client assertions that were used: each is good once (RFC 7523 §3, item 7).

use std::collections::HashMap;

use crate::waf::fingerprint;

/// Assertions remembered. They live for minutes, and only clients with the right key get in.
const CAPACITY: usize = 50_000;

/// Those that were used and have not expired. In memory: what was issued before the start is refused,
/// for it may have been used then.
#[derive(Debug, Default)]
pub(crate) struct Assertions {
    began: u64,
    used: HashMap<String, u64>,
}

impl Assertions {
    pub(crate) fn since(began: u64) -> Self {
        Self {
            began,
            used: HashMap::new(),
        }
    }

    /// Whether this is its first use; `until` is when it is too old anyway.
    pub(crate) fn use_once(
        &mut self,
        now: u64,
        issued: u64,
        until: u64,
        client: &str,
        jti: &str,
    ) -> bool {
        if issued < self.began {
            return false;
        }
        if self.used.len() >= CAPACITY {
            self.used.retain(|_, until| now < *until);
        }
        if self.used.len() >= CAPACITY {
            return false;
        }
        // The client's name has no line feed, so that no two pairs are written alike.
        let key = fingerprint(&format!("{client}\n{jti}"));
        self.used
            .insert(key, until)
            .is_none_or(|until| until <= now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_good_once_and_memory_is_bounded() {
        let mut assertions = Assertions::since(1000);
        assert!(
            !assertions.use_once(1000, 999, 1060, "a", "1"),
            "before the start"
        );
        assert!(assertions.use_once(1000, 1000, 1060, "a", "1"));
        assert!(!assertions.use_once(1059, 1000, 1060, "a", "1"));
        assert!(
            assertions.use_once(1000, 1000, 1060, "b", "1"),
            "another client's"
        );
        for number in 0..CAPACITY {
            assertions.use_once(1000, 1000, 1060, "c", &number.to_string());
            assert!(assertions.used.len() <= CAPACITY);
        }
        assert!(!assertions.use_once(1000, 1000, 1060, "c", "one more"));
        assert!(assertions.use_once(1060, 1060, 1120, "c", "one more"));
    }
}
