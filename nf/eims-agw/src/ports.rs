//! The ports towards the core: an even one for RTP and the next for RTCP (RFC 3550 §11).

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

/// Pairs of ports of a range, or none of its own: then the system picks.
#[derive(Debug)]
pub(crate) struct PortPool {
    pairs: Option<Pairs>,
}

#[derive(Debug)]
struct Pairs {
    first: u16,
    count: u16,
    /// Where the next search begins: a port rests as long as can be before it is used again, so
    /// that what is still on the way to its last user finds nobody.
    next: u16,
    used: BTreeSet<u16>,
}

impl PortPool {
    /// A pool over a range; without one every pair is (0, 0), and the system picks.
    pub(crate) fn new(range: Option<RangeInclusive<u16>>) -> Self {
        let pairs = range.map(|range| {
            let first = u32::from(*range.start()).next_multiple_of(2);
            let pairs = (u32::from(*range.end()) + 1).saturating_sub(first) / 2;
            Pairs {
                first: first as u16,
                count: pairs as u16,
                next: 0,
                used: BTreeSet::new(),
            }
        });
        Self { pairs }
    }

    /// Takes a pair, or says that none is left.
    pub(crate) fn take(&mut self) -> Option<(u16, u16)> {
        let Some(pairs) = &mut self.pairs else {
            return Some((0, 0));
        };
        for step in 0..pairs.count {
            let index = ((u32::from(pairs.next) + u32::from(step)) % u32::from(pairs.count)) as u16;
            if pairs.used.insert(index) {
                pairs.next = (index + 1) % pairs.count;
                let rtp = pairs.first + 2 * index;
                return Some((rtp, rtp + 1));
            }
        }
        None
    }

    /// Gives a pair back, named by its RTP port.
    pub(crate) fn give_back(&mut self, rtp: u16) {
        if let Some(pairs) = &mut self.pairs
            && rtp >= pairs.first
        {
            pairs.used.remove(&((rtp - pairs.first) / 2));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_even_and_odd_and_rest_after_use() {
        let mut pool = PortPool::new(Some(40001..=40007));
        assert_eq!(pool.take(), Some((40002, 40003)));
        assert_eq!(pool.take(), Some((40004, 40005)));
        pool.give_back(40002);
        assert_eq!(pool.take(), Some((40006, 40007)));
        assert_eq!(pool.take(), Some((40002, 40003)));
        assert_eq!(pool.take(), None);
    }

    #[test]
    fn an_empty_range_has_none_and_no_range_has_all() {
        assert_eq!(PortPool::new(Some(40000..=40000)).take(), None);
        assert_eq!(PortPool::new(Some(65535..=65535)).take(), None);
        assert_eq!(
            PortPool::new(Some(65534..=65535)).take(),
            Some((65534, 65535))
        );
        let mut any = PortPool::new(None);
        assert_eq!((any.take(), any.take()), (Some((0, 0)), Some((0, 0))));
    }
}
