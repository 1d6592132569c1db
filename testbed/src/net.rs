use std::{
    cmp::{Ordering, Reverse},
    collections::{BTreeMap, BinaryHeap},
    time::{Duration, Instant},
};

use crate::Dice;

/// What a link does to what is sent over it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinkQuality {
    /// The least time from one end to the other.
    pub latency: Duration,
    /// Up to this much is added to each packet; without `ordered`, packets overtake one another.
    pub jitter: Duration,
    /// Packets lost in a thousand.
    pub loss: u16,
    /// Packets delivered twice in a thousand.
    pub duplication: u16,
    /// Packets held back by three latencies in a thousand, so that later ones overtake them.
    pub reordering: u16,
    /// Packets arrive in the order in which they were sent, as over TCP.
    pub ordered: bool,
}

impl LinkQuality {
    /// Ten milliseconds, nothing lost, in order.
    pub const fn good() -> Self {
        Self {
            latency: Duration::from_millis(10),
            jitter: Duration::ZERO,
            loss: 0,
            duplication: 0,
            reordering: 0,
            ordered: true,
        }
    }

    /// A bad radio link: a fifth is lost, some comes twice, some late.
    pub const fn bad() -> Self {
        Self {
            latency: Duration::from_millis(40),
            jitter: Duration::from_millis(60),
            loss: 200,
            duplication: 100,
            reordering: 100,
            ordered: false,
        }
    }

    /// Nothing arrives.
    pub const fn dead() -> Self {
        Self {
            loss: 1000,
            ..Self::good()
        }
    }
}

/// Something that arrives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery<A, P> {
    /// When it arrives.
    pub at: Instant,
    /// Who sent it.
    pub from: A,
    /// Whom it is for.
    pub to: A,
    /// What was sent.
    pub payload: P,
}

/// A network between addresses of type `A` that carries payloads of type `P`.
#[derive(Debug)]
pub struct Net<A, P> {
    dice: Dice,
    default: LinkQuality,
    links: BTreeMap<(A, A), LinkQuality>,
    last_ordered: BTreeMap<(A, A), Instant>,
    queue: BinaryHeap<Reverse<Queued<A, P>>>,
    enqueued: u64,
    sent: u64,
    lost: u64,
}

impl<A: Ord + Clone, P: Clone> Net<A, P> {
    /// A network whose links are all of quality `default`; one seed, one course of events.
    pub fn new(seed: u64, default: LinkQuality) -> Self {
        Self {
            dice: Dice::new(seed),
            default,
            links: BTreeMap::new(),
            last_ordered: BTreeMap::new(),
            queue: BinaryHeap::new(),
            enqueued: 0,
            sent: 0,
            lost: 0,
        }
    }

    /// Changes the link from `from` to `to`, in this direction only.
    pub fn set_link(&mut self, from: A, to: A, quality: LinkQuality) {
        self.links.insert((from, to), quality);
    }

    /// Changes every link that has no quality of its own.
    pub fn set_default(&mut self, quality: LinkQuality) {
        self.default = quality;
    }

    /// Sends a packet.
    pub fn send(&mut self, now: Instant, from: A, to: A, payload: P) {
        let hop = (from, to);
        let quality = self.links.get(&hop).copied().unwrap_or(self.default);
        self.sent += 1;
        if self.dice.chance(quality.loss) {
            self.lost += 1;
            return;
        }
        let copies = if self.dice.chance(quality.duplication) {
            2
        } else {
            1
        };
        for _ in 0..copies {
            let mut at = now + quality.latency + self.dice.up_to(quality.jitter);
            if self.dice.chance(quality.reordering) {
                at += quality.latency * 3;
            }
            if quality.ordered {
                let last = self.last_ordered.entry(hop.clone()).or_insert(at);
                at = at.max(*last);
                *last = at;
            }
            self.enqueue(at, hop.clone(), payload.clone());
        }
    }

    /// The first packet that has arrived by `now`, in order of arrival.
    pub fn deliver(&mut self, now: Instant) -> Option<Delivery<A, P>> {
        if self.next_delivery()? > now {
            return None;
        }
        self.queue.pop().map(|Reverse(queued)| queued.delivery)
    }

    /// Forgets what is under way.
    pub fn clear(&mut self) {
        self.queue.clear();
    }

    /// When the next packet arrives.
    pub fn next_delivery(&self) -> Option<Instant> {
        self.queue.peek().map(|Reverse(queued)| queued.delivery.at)
    }

    /// How many packets were sent, lost ones too.
    pub fn sent(&self) -> u64 {
        self.sent
    }

    /// How many packets were lost.
    pub fn lost(&self) -> u64 {
        self.lost
    }

    fn enqueue(&mut self, at: Instant, (from, to): (A, A), payload: P) {
        self.enqueued += 1;
        let order = self.enqueued;
        self.queue.push(Reverse(Queued {
            order,
            delivery: Delivery {
                at,
                from,
                to,
                payload,
            },
        }));
    }
}

#[derive(Debug)]
struct Queued<A, P> {
    /// Ties in time are broken by the order of sending, so that a run can be repeated.
    order: u64,
    delivery: Delivery<A, P>,
}

impl<A, P> Queued<A, P> {
    fn key(&self) -> (Instant, u64) {
        (self.delivery.at, self.order)
    }
}

impl<A, P> PartialEq for Queued<A, P> {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl<A, P> Eq for Queued<A, P> {}

impl<A, P> PartialOrd for Queued<A, P> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<A, P> Ord for Queued<A, P> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}
