use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::time::Duration;

use crate::SocketId;

/// What one worker of the gateway is told at its making.
#[derive(Clone, Debug)]
pub struct Config {
    /// The worker's number: the upper bits of its Contexts' names.
    pub worker: u16,
    /// The sockets towards the WICs, one for each address, all shared by every Context.
    pub w3: Vec<W3Socket>,
    /// Where the sockets towards the core are bound.
    pub core_address: IpAddr,
    /// What the core is told instead, behind a 1:1 NAT.
    pub core_public_address: Option<IpAddr>,
    /// The ports towards the core; without a range the system picks.
    pub core_ports: Option<RangeInclusive<u16>>,
    /// Takes RTP from the signalled address with another port than the signalled one, and answers
    /// there: for far ends behind a NAT that do not know their own port. Never another address.
    pub symmetric_rtp: bool,
    /// A WIC that has sent no connectivity check for that long is reported (RFC 7675 §5.1).
    pub silence: Duration,
    /// What no request and no peer may exceed.
    pub limits: Limits,
    /// Where credentials come from: 32 random bytes, never used twice.
    pub seed: [u8; 32],
}

/// One socket towards the WICs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct W3Socket {
    /// Its number.
    pub socket: SocketId,
    /// The candidate that stands for it: where it is bound, or the public side of a 1:1 NAT.
    pub candidate: SocketAddr,
}

/// Limits of one worker.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Contexts at a time.
    pub contexts: usize,
    /// Streams in a Context.
    pub streams: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            contexts: 10_000,
            streams: 16,
        }
    }
}

impl Config {
    /// How long a WIC may be silent where nothing else is said.
    pub const SILENCE: Duration = Duration::from_secs(30);
}
