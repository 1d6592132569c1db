//! Channels that a client opened in band without a word in its SDP, as clients of the first release do: the core hears
//! of them in an offer of the edge's own (TS 24.371 §8.4.2).
//!
//! ```text
//!   requested ─▶ New ─ an offer to the core has it ─▶ Offered ─ its answer has it ──▶ Agreed
//!                 ▲                                      │  └── has not, or refused ─▶ closed by stream reset
//!                 └───── the offer came to nothing ──────┘
//! ```
//! An offer of the core's that has it no longer closes it too. What the client closes is no longer said.

use core_iq::{
    ChannelAt, ChannelDescription, ChannelPlace, NegotiatedChannel, StreamEnd, StreamId,
};
use wire_sdp::attribute::ChannelParameters;

/// TS 26.114 §6.2.10.1 — the first id of an application's channel.
const FIRST: u16 = 1000;
/// So many a call may have, with labels and subprotocols of so many octets in all: they are in every description.
const MOST: usize = 64;
const NAMES: usize = 8192;

/// All of one call.
#[derive(Debug, Clone, Default)]
pub(in crate::ims_alg) struct Announcements {
    all: Vec<Announced>,
    /// Whether the core knows data channels at all.
    pub(in crate::ims_alg) core_has_channels: bool,
    /// Whether the core hears of channels by SDP: else what is opened in band is opened in band there too.
    pub(in crate::ims_alg) core_reads_sdp: bool,
}

/// One of them.
#[derive(Debug, Clone)]
pub(in crate::ims_alg) struct Announced {
    stream: StreamId,
    at: ChannelAt,
    /// Its id towards the core.
    pub(super) id: u16,
    channel: ChannelDescription,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    New,
    Offered,
    Agreed,
}

impl Announced {
    /// Whether this is its id towards the core.
    pub(in crate::ims_alg) fn is(&self, id: u16) -> bool {
        self.id == id
    }

    pub(super) fn as_negotiated(&self) -> NegotiatedChannel {
        NegotiatedChannel {
            id: self.id,
            channel: self.channel.clone(),
            place: ChannelPlace::For(self.at),
        }
    }

    /// For `a=dcmap`.
    pub(super) fn parameters(&self) -> ChannelParameters {
        (&self.channel).into()
    }
}

impl Announcements {
    /// A channel was requested; `taken` are the ids that descriptions have. Whether it is to be announced now.
    pub(in crate::ims_alg) fn add(
        &mut self,
        stream: StreamId,
        at: ChannelAt,
        channel: &ChannelDescription,
        taken: &[u16],
    ) -> bool {
        let length = |channel: &ChannelDescription| channel.label.len() + channel.protocol.len();
        let names: usize = self.all.iter().map(|one| length(&one.channel)).sum();
        let full = self.all.len() == MOST || names + length(channel) > NAMES;
        // Only the client's own: what the core opens in band it opens in band at the client.
        if full || at.end != StreamEnd::W3 {
            return false;
        }
        self.remove(stream, at);
        let Some(id) = self.free(stream, taken) else {
            return false;
        };
        self.all.push(Announced {
            stream,
            at,
            id,
            channel: channel.clone(),
            state: State::New,
        });
        true
    }

    fn free(&self, stream: StreamId, taken: &[u16]) -> Option<u16> {
        let ours: Vec<u16> = self.of(stream).map(|one| one.id).collect();
        (FIRST..u16::MAX).find(|id| !ours.contains(id) && !taken.contains(id))
    }

    /// An offer has these channels of a stream: what is not said yet gets another id where theirs is the same, what is
    /// agreed on makes way for the client's own word. Gives what is closed so.
    pub(in crate::ims_alg) fn make_way(
        &mut self,
        stream: StreamId,
        offered: &[u16],
        by_client: bool,
    ) -> Vec<ChannelAt> {
        let mut closed = Vec::new();
        for at in (0..self.all.len()).rev() {
            let one = &self.all[at];
            if one.stream != stream || !offered.contains(&one.id) {
                continue;
            }
            let free = self
                .free(stream, offered)
                .filter(|_| one.state == State::New);
            match free {
                Some(free) => self.all[at].id = free,
                None if by_client => closed.push(self.all.remove(at).at),
                None => {}
            }
        }
        closed
    }

    /// It was closed.
    pub(in crate::ims_alg) fn remove(&mut self, stream: StreamId, at: ChannelAt) {
        self.all.retain(|one| (one.stream, one.at) != (stream, at));
    }

    /// An end of a stream has no channels any more, or the stream is gone.
    pub(in crate::ims_alg) fn forget(&mut self, stream: StreamId) {
        self.all.retain(|one| one.stream != stream);
    }

    /// Those of a stream.
    pub(in crate::ims_alg) fn of(&self, stream: StreamId) -> impl Iterator<Item = &Announced> {
        self.all.iter().filter(move |one| one.stream == stream)
    }

    /// Those of a stream that the core has agreed to, as an answer to the core may have them.
    pub(in crate::ims_alg) fn agreed(&self, stream: StreamId) -> impl Iterator<Item = &Announced> {
        let agreed = |one: &&Announced| one.state == State::Agreed;
        self.of(stream).filter(agreed)
    }

    /// Whether the core has not been told of all.
    pub(in crate::ims_alg) fn is_wanting(&self) -> bool {
        self.all.iter().any(|one| one.state == State::New)
    }

    /// An offer to the core has all there are.
    pub(in crate::ims_alg) fn offered(&mut self) {
        for one in &mut self.all {
            if one.state == State::New {
                one.state = State::Offered;
            }
        }
    }

    /// The offer came to nothing.
    pub(in crate::ims_alg) fn withdrawn(&mut self) {
        for one in &mut self.all {
            if one.state == State::Offered {
                one.state = State::New;
            }
        }
    }

    /// An exchange was settled, and the core's description has these channels of a stream. Gives what is to be closed:
    /// what the core was offered, or had, and does not have now.
    pub(in crate::ims_alg) fn settle(&mut self, stream: StreamId, core: &[u16]) -> Vec<ChannelAt> {
        let mut closed = Vec::new();
        self.all.retain_mut(|one| {
            if one.stream != stream || one.state == State::New {
                return true;
            }
            let there = core.contains(&one.id);
            if there {
                one.state = State::Agreed;
            } else {
                closed.push(one.at);
            }
            there
        });
        closed
    }

    /// The core takes none of those that are not agreed on.
    pub(in crate::ims_alg) fn refuse(&mut self) -> Vec<(StreamId, ChannelAt)> {
        let mut refused = Vec::new();
        self.all.retain(|one| {
            let agreed = one.state == State::Agreed;
            if !agreed {
                refused.push((one.stream, one.at));
            }
            agreed
        });
        refused
    }
}
