//! Limits on guessing passwords: by account and by address, each failure doubling the wait.
//!
//! An attempt counts when it begins and is taken back when the password was right, so that many at
//! once are not one.

use std::collections::HashMap;
use std::net::IpAddr;

/// Failures that cost nothing.
const FREE: u32 = 5;
/// The longest wait for an account: a stranger must not lock its owner out for long.
const LONGEST_FOR_ACCOUNT: u64 = 60;
/// The longest wait for an address.
const LONGEST_FOR_ADDRESS: u64 = 900;
/// A failure is forgotten after this time without another.
const FORGOTTEN: u64 = 3600;
/// Accounts and addresses remembered; then the one that was quiet longest is forgotten.
const CAPACITY: usize = 10_000;

#[derive(Debug, Default)]
pub(crate) struct Guesses {
    known: HashMap<Key, Failures>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key {
    Account(String),
    /// An IPv6 address counts by its /64, which is one subscriber's.
    Address(IpAddr),
}

#[derive(Debug, Clone, Copy)]
struct Failures {
    count: u32,
    last: u64,
}

impl Guesses {
    /// Begins an attempt, or says how many seconds to wait first.
    pub(crate) fn begin(&mut self, now: u64, account: &str, address: IpAddr) -> Result<(), u64> {
        let keys = Key::both(account, address);
        let wait = keys
            .iter()
            .map(|key| self.wait(now, key))
            .max()
            .unwrap_or(0);
        if wait > 0 {
            return Err(wait);
        }
        for key in keys {
            self.make_room(now);
            let failures = self.known.entry(key).or_insert(Failures {
                count: 0,
                last: now,
            });
            if now >= failures.last.saturating_add(FORGOTTEN) {
                failures.count = 0;
            }
            failures.count = failures.count.saturating_add(1);
            failures.last = now;
        }
        Ok(())
    }

    /// The password was right: the account starts afresh, and the address is given its attempt back.
    pub(crate) fn succeed(&mut self, account: &str, address: IpAddr) {
        let [account, address] = Key::both(account, address);
        self.known.remove(&account);
        if let Some(failures) = self.known.get_mut(&address) {
            failures.count = failures.count.saturating_sub(1);
        }
    }

    fn wait(&self, now: u64, key: &Key) -> u64 {
        let Some(failures) = self.known.get(key) else {
            return 0;
        };
        let Some(paid) = failures.count.checked_sub(FREE) else {
            return 0;
        };
        let longest = match key {
            Key::Account(_) => LONGEST_FOR_ACCOUNT,
            Key::Address(_) => LONGEST_FOR_ADDRESS,
        };
        let wait = 1_u64.checked_shl(paid).unwrap_or(longest).min(longest);
        failures.last.saturating_add(wait).saturating_sub(now)
    }

    fn make_room(&mut self, now: u64) {
        if self.known.len() < CAPACITY {
            return;
        }
        self.known
            .retain(|_, failures| now < failures.last.saturating_add(FORGOTTEN));
        if self.known.len() >= CAPACITY {
            // Rare and in one sweep: half of them, the quiet ones.
            let mut times: Vec<u64> = self.known.values().map(|failures| failures.last).collect();
            let middle = times.len() / 2;
            let (_, median, _) = times.select_nth_unstable(middle);
            let median = *median;
            self.known.retain(|_, failures| failures.last > median);
        }
    }
}

impl Key {
    fn both(account: &str, address: IpAddr) -> [Self; 2] {
        let address = match address.to_canonical() {
            IpAddr::V6(v6) => {
                let prefix = u128::from(v6) & !u128::from(u64::MAX);
                IpAddr::V6(prefix.into())
            }
            v4 @ IpAddr::V4(_) => v4,
        };
        [Self::Account(account.to_owned()), Self::Address(address)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    #[test]
    fn each_failure_doubles_the_wait_of_the_account() {
        let mut guesses = Guesses::default();
        let mut now = 1000;
        for i in 0..FREE {
            assert_eq!(guesses.begin(now, "alice", address(i as u8)), Ok(()));
        }
        for wait in [1, 2, 4, 8, 16, 32, 60, 60] {
            assert_eq!(guesses.begin(now, "alice", address(99)), Err(wait));
            now += wait;
            assert_eq!(
                guesses.begin(now, "alice", address(now as u8)),
                Ok(()),
                "{wait}"
            );
        }
        assert_eq!(guesses.begin(now, "bob", address(98)), Ok(()));
    }

    #[test]
    fn an_address_waits_whatever_accounts_it_tries() {
        let mut guesses = Guesses::default();
        for i in 0..FREE {
            assert_eq!(guesses.begin(0, &format!("user{i}"), address(1)), Ok(()));
        }
        assert_eq!(guesses.begin(0, "another", address(1)), Err(1));
        let v6 = |last: u16| IpAddr::from([0x2001, 0xdb8, 0, 1, 0, 0, 0, last]);
        for i in 0..FREE {
            assert_eq!(
                guesses.begin(0, &format!("v6user{i}"), v6(i as u16)),
                Ok(())
            );
        }
        assert_eq!(guesses.begin(0, "another", v6(99)), Err(1));
    }

    #[test]
    fn success_clears_the_account_and_time_clears_all() {
        let mut guesses = Guesses::default();
        for _ in 0..20 {
            assert_eq!(guesses.begin(0, "alice", address(1)), Ok(()));
            guesses.succeed("alice", address(1));
        }
        for _ in 0..FREE {
            assert_eq!(guesses.begin(0, "alice", address(1)), Ok(()));
        }
        assert!(guesses.begin(0, "alice", address(1)).is_err());
        for _ in 0..FREE {
            assert_eq!(guesses.begin(FORGOTTEN, "alice", address(1)), Ok(()));
        }
    }

    #[test]
    fn memory_is_bounded() {
        let mut guesses = Guesses::default();
        for i in 0..3 * CAPACITY as u64 {
            let address = IpAddr::from((i as u32).to_be_bytes());
            assert_eq!(guesses.begin(i / 100, &format!("user{i}"), address), Ok(()));
            assert!(guesses.known.len() <= CAPACITY);
        }
    }
}
