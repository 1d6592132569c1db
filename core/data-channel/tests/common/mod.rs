//! Two associations over a virtual network.
#![allow(dead_code, unreachable_pub, clippy::missing_panics_doc)]

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use bytes::Bytes;
use core_data_channel::{
    Association, AssociationConfig, ChannelId, Event, Limits, Message, Output, Role,
};
use testbed::{Clock, LinkQuality, Net};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    Left,
    Right,
}

pub struct Pair {
    pub clock: Clock,
    pub net: Net<Side, Bytes>,
    pub ends: BTreeMap<Side, Association>,
    pub events: BTreeMap<Side, Vec<Event>>,
}

impl Pair {
    pub fn new() -> Self {
        Self::with(LinkQuality::good(), Limits::default(), Limits::default())
    }

    pub fn with(quality: LinkQuality, left: Limits, right: Limits) -> Self {
        let clock = Clock::new();
        let end = |role, limits| {
            let config = AssociationConfig {
                limits,
                send_message: Some(256 * 1024),
                ..AssociationConfig::new(role)
            };
            Association::new(clock.now(), config)
        };
        Self {
            clock,
            net: Net::new(5, quality),
            ends: BTreeMap::from([
                (Side::Left, end(Role::Client, left)),
                (Side::Right, end(Role::Server, right)),
            ]),
            events: BTreeMap::new(),
        }
    }

    /// A pair that stands.
    pub fn connected() -> Self {
        let mut pair = Self::new();
        pair.run(Duration::from_secs(1));
        assert_eq!(pair.take(Side::Left), [Event::Connected]);
        assert_eq!(pair.take(Side::Right), [Event::Connected]);
        pair
    }

    pub fn now(&self) -> Instant {
        self.clock.now()
    }

    pub fn end(&mut self, side: Side) -> (Instant, &mut Association) {
        let now = self.clock.now();
        (now, self.ends.get_mut(&side).unwrap())
    }

    pub fn send(&mut self, side: Side, id: ChannelId, message: Message) {
        let (now, end) = self.end(side);
        end.send(now, id, message).unwrap();
    }

    pub fn read(&mut self, side: Side, id: ChannelId) -> Option<Message> {
        let (now, end) = self.end(side);
        end.read(now, id)
    }

    pub fn take(&mut self, side: Side) -> Vec<Event> {
        self.drain();
        self.events.remove(&side).unwrap_or_default()
    }

    /// Lets so much time pass.
    pub fn run(&mut self, time: Duration) {
        let until = self.now() + time;
        while let Some(at) = self.next().filter(|at| *at <= until) {
            self.step(at);
        }
        self.clock.advance_to(until);
        self.step(until);
    }

    /// When something happens next.
    pub fn next(&mut self) -> Option<Instant> {
        self.drain();
        let timeouts = self.ends.values().filter_map(Association::poll_timeout);
        timeouts.chain(self.net.next_delivery()).min()
    }

    pub fn step(&mut self, at: Instant) {
        let now = self.clock.advance_to(at);
        while let Some(delivery) = self.net.deliver(now) {
            let end = self.ends.get_mut(&delivery.to).unwrap();
            end.handle_packet(now, delivery.payload);
            self.drain();
        }
        for end in self.ends.values_mut() {
            if end.poll_timeout().is_some_and(|due| due <= now) {
                end.handle_timeout(now);
            }
        }
        self.drain();
    }

    pub fn drain(&mut self) {
        let now = self.clock.now();
        for (side, end) in &mut self.ends {
            while let Some(output) = end.poll_output() {
                match output {
                    Output::Packet(packet) => {
                        assert!(packet.len() <= 1377, "{side:?}: {} bytes", packet.len());
                        let to = match side {
                            Side::Left => Side::Right,
                            Side::Right => Side::Left,
                        };
                        self.net.send(now, *side, to, packet);
                    }
                    Output::Event(event) => self.events.entry(*side).or_default().push(event),
                }
            }
        }
    }
}
