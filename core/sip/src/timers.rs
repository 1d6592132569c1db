use std::time::Duration;

/// How long each timer of RFC 3261 runs, from its three values (RFC 3261 §17, appendix A).
///
/// TS 24.229 §7.7 has two sets of values: one between network elements, and one between a UE and
/// its P-CSCF that suits slow radio links.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TimerSet {
    /// T1, the round-trip time estimate.
    pub t1: Duration,
    /// T2, the longest interval between retransmissions of a non-INVITE request or an INVITE
    /// response.
    pub t2: Duration,
    /// T4, the longest time a message stays in the network.
    pub t4: Duration,
}

impl TimerSet {
    /// TS 24.229 §7.7, between network elements: the values of RFC 3261.
    pub const fn core() -> Self {
        Self {
            t1: Duration::from_millis(500),
            t2: Duration::from_secs(4),
            t4: Duration::from_secs(5),
        }
    }

    /// TS 24.229 §7.7, between UE and P-CSCF.
    pub const fn access() -> Self {
        Self {
            t1: Duration::from_secs(2),
            t2: Duration::from_secs(16),
            t4: Duration::from_secs(17),
        }
    }

    /// 64 × T1: Timers B, F, H, J (unreliable transports), L and M.
    pub const fn transaction(&self) -> Duration {
        Duration::from_millis(self.t1.as_millis() as u64 * 64)
    }

    /// Timer D for unreliable transports: RFC 3261 §17.1.1.2 asks for 32 s at least, TS 24.229
    /// §7.7 for 128 s towards a UE.
    pub fn timer_d(&self) -> Duration {
        self.transaction().max(Duration::from_secs(32))
    }

    /// RFC 4320 §4.1: how long a server waits before it says 100 to a request other than INVITE:
    /// until the client's Timer E has been set to T2.
    pub fn non_invite_trying(&self) -> Duration {
        let (mut interval, mut elapsed) = (self.t1, Duration::ZERO);
        while interval < self.t2 {
            elapsed += interval;
            interval = self.next_interval(interval);
        }
        elapsed
    }

    /// The retransmission interval after `interval`, where it doubles up to T2.
    pub fn next_interval(&self, interval: Duration) -> Duration {
        (interval * 2).min(self.t2)
    }

    /// RFC 3261 §17.2.1: a server says 100 to an INVITE unless its user does so within 200 ms.
    pub const TRYING: Duration = Duration::from_millis(200);

    /// RFC 3261 §16.6 item 11: Timer C runs for more than three minutes.
    pub const TIMER_C: Duration = Duration::from_secs(185);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// TS 24.229 §7.7, table 7.7.1.
    #[test]
    fn both_sets_of_24_229() {
        let core = TimerSet::core();
        assert_eq!(core.transaction(), Duration::from_secs(32));
        assert_eq!(core.timer_d(), Duration::from_secs(32));
        let access = TimerSet::access();
        assert_eq!(access.transaction(), Duration::from_secs(128));
        assert_eq!(access.timer_d(), Duration::from_secs(128));
        assert!(TimerSet::TIMER_C > Duration::from_mins(3));
    }

    /// RFC 4320 §4.1: with RFC 3261's values, Timer E fires after 0.5, 1.5 and 3.5 s.
    #[test]
    fn trying_for_other_requests_waits_for_timer_e() {
        assert_eq!(
            TimerSet::core().non_invite_trying(),
            Duration::from_millis(3500)
        );
        assert_eq!(
            TimerSet::access().non_invite_trying(),
            Duration::from_secs(14)
        );
    }
}
