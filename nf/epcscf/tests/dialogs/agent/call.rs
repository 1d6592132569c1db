//! One call as one of its ends knows it.

use std::time::{Duration, Instant};

use core_sip::{ClientTransactionId, ServerTransactionId};
use wire_sip::{HeaderName, Message};

use crate::text::{Channels, Section};

/// What one side believes of the media: its own port and direction, and the other's direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Belief {
    pub(crate) port: u16,
    pub(crate) mine: &'static str,
    pub(crate) theirs: &'static str,
    /// Its own data channels.
    pub(crate) channels: Option<Channels>,
}

/// A description of ours that waits for its answer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Said {
    pub(super) port: u16,
    pub(super) direction: &'static str,
    pub(super) channels: Option<Channels>,
}

/// Sent again until it is acknowledged.
#[derive(Debug, Clone)]
pub(super) struct Repeat {
    pub(super) server: ServerTransactionId,
    pub(super) message: Message,
    pub(super) at: Instant,
    pub(super) interval: Duration,
    pub(super) until: Instant,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    Early,
    Confirmed,
    Over,
}

#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) name: String,
    pub(crate) local_tag: String,
    pub(crate) remote_tag: Option<String>,
    pub(super) local: String,
    pub(super) remote: String,
    pub(super) target: String,
    pub(super) routes: Vec<String>,
    pub(super) cseq: u32,
    pub(super) remote_cseq: Option<u32>,
    pub(crate) stage: Stage,
    /// Our own INVITE that has no final response.
    pub(super) client: Option<ClientTransactionId>,
    /// Our own UPDATE.
    pub(super) update: Option<ClientTransactionId>,
    /// It carried an offer.
    pub(super) update_offers: bool,
    /// Their INVITE that has none.
    pub(super) invite: Option<(ServerTransactionId, Message)>,
    /// The description that we offered, and the direction that they did.
    pub(super) offered: Option<Said>,
    pub(super) theirs: Option<&'static str>,
    /// What our first INVITE offered, to each fork.
    pub(super) invited: Option<Said>,
    pub(super) ok: Option<Repeat>,
    pub(super) early: Option<Repeat>,
    /// The m-line of data channels as it said it last, once there is one.
    pub(super) data: Option<Section>,
    pub(super) rseq: u32,
    /// It knows reliable responses in this call, as the one who is called.
    pub(super) knows: bool,
    pub(crate) belief: Option<Belief>,
    /// It hangs up as soon as it may.
    pub(super) leaving: bool,
    /// How often it was ended by the other side.
    pub(crate) released: u32,
}

/// Whether an INVITE wants every provisional response to be reliable.
pub(super) fn requires(request: &Message) -> bool {
    request.lists(HeaderName::Require, "100rel")
}

impl Call {
    /// Nothing is open in it.
    pub(super) fn is_free(&self) -> bool {
        self.client.is_none()
            && self.update.is_none()
            && self.invite.is_none()
            && self.offered.is_none()
            && self.theirs.is_none()
    }
}
