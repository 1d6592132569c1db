use std::net::SocketAddr;
use std::ops::Range;

use core_iq::{Notification, Refusal, Reply, RequestId};

/// Numbers a socket. The shell chooses: small numbers, used again after their release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SocketId(pub u32);

/// Numbers a wish for ports, so that its answer finds the way back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PortRequest(pub u64);

/// A datagram that came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// By which socket.
    pub socket: SocketId,
    /// Whence.
    pub source: SocketAddr,
    /// How much of the buffer it fills.
    pub length: usize,
}

/// What leaves at once, from the buffer that the arrival was in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Departure {
    /// By which socket.
    pub socket: SocketId,
    /// Whither.
    pub destination: SocketAddr,
    /// Which part of the buffer.
    pub range: Range<usize>,
}

/// A pair of ports towards the core that was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BoundPorts {
    /// For RTP, and where it is bound.
    pub rtp: (SocketId, SocketAddr),
    /// For RTCP, and where it is bound.
    pub rtcp: (SocketId, SocketAddr),
}

/// What a worker wants of its shell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Send what the gateway itself has to say: DTLS, RTCP, repetitions.
    Transmit {
        /// By which socket.
        socket: SocketId,
        /// Whither.
        destination: SocketAddr,
        /// What.
        bytes: Vec<u8>,
    },
    /// Answer a request.
    IqReply {
        /// Which one.
        id: RequestId,
        /// What was done, or why nothing.
        result: Result<Reply, Refusal>,
    },
    /// Tell the eP-CSCF.
    Notification(Notification),
    /// Open these two; answer with [`Gateway::handle_ports_bound`](crate::Gateway::handle_ports_bound).
    BindPorts {
        /// To be named in the answer.
        request: PortRequest,
        /// For RTP.
        rtp: SocketAddr,
        /// For RTCP.
        rtcp: SocketAddr,
    },
    /// Close these two; their numbers are free.
    ReleasePorts {
        /// Was for RTP.
        rtp: SocketId,
        /// Was for RTCP.
        rtcp: SocketId,
    },
}
