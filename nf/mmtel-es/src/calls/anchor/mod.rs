//! Subscribers' own calls that applications may change: the enabler is in their middle (TS 29.392 §5.3.2.3,
//! TS 24.229 §5.7.5), with media at a gateway.
//!
//! ```text
//!   caller            enabler            called
//!     │  INVITE          │  INVITE           │   Call-ID, tags and all that is not SDP as they came
//!     │ ───────────────▶ │ ────────────────▶ │
//!     │                  │  re-INVITE        │   the channel of an application: from here on the
//!     │                  │ ────────────────▶ │   numbers of requests (CSeq, RAck) are ours
//!     │  INVITE (hold)   │  INVITE           │
//!     │ ───────────────▶ │ ────────────────▶ │   with the m-line that the caller does not know of
//! ```
//!
//! It is one dialog for both: what refers to it from outside (REFER, Replaces, conference events) stays true,
//! and what we do not know of passes. Numbers, descriptions (`o=`, m-lines, addresses) and the way are
//! those of each side.
//!
//! - `sip.rs` what passes; `own.rs` what we offer; `sdp.rs` descriptions.

mod own;
mod sdp;
mod sip;

use core_sip::proxy::LoopHash;
use smallvec::SmallVec;
use wire_sdp::Session;
use wire_sip::Message;

use super::asked::Described;
use super::call::Call;
use super::description::Far;
use super::machine::Calls;
use crate::{Consumer, Settings};

/// The two sides: who called is 0, who was called 1.
pub(crate) type Side = usize;

/// What such a call has beside what every call has.
#[derive(Debug)]
pub(crate) struct Anchor {
    /// At which side the subscriber is.
    pub(crate) subscriber: Side,
    /// Whose applications may use it; `*` is all.
    pub(crate) providers: Vec<String>,
    caller_tag: String,
    /// The m-lines that each side knows, in its order.
    lines: [Vec<Line>; 2],
    /// What each side was told last.
    said: [Option<Session>; 2],
    /// What was offered and is not answered.
    offered: Option<Offered>,
    /// How many requests of ours each side got.
    made: [u32; 2],
    /// The INVITEs that went to each side: as they were numbered before, and after.
    invites: [SmallVec<[(u32, u32); 4]>; 2],
    /// The last Contact of each side.
    contacts: [Option<String>; 2],
    /// RFC 4028: how long the session lives, and whether the subscriber refreshes it.
    interval: Option<(String, bool)>,
    /// Requests with descriptions, on their way.
    open: SmallVec<[u64; 4]>,
    /// The request that waits for room at the gateway.
    held: Option<Box<Held>>,
    /// The one that waits until an application has its room.
    late: Option<Box<Late>>,
    /// What the gateway was told last.
    configured: Vec<core_iq::StreamSettings>,
    /// What an offer of ours says that is not answered.
    own: Option<Session>,
    /// The index that the next line gets that passes as it is.
    next_theirs: u32,
}

/// An m-line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line {
    /// It ends at the gateway: the stream of that index.
    Ours(usize),
    /// It passes as it is.
    Theirs(u32),
}

/// An offer.
#[derive(Debug)]
struct Offered {
    from: Side,
    /// The forwarded request that it is in; none when it is in a response.
    by: Option<u64>,
    far: Vec<(usize, Option<Far>)>,
    /// How many m-lines each side had before.
    lines: [usize; 2],
    /// What the other side was told before.
    said: Option<Session>,
    /// The channels in it, the subscriber's, that end here.
    asked: Vec<Described>,
}

/// A request that waits.
#[derive(Debug)]
struct Held {
    number: u64,
    request: Message,
    next: String,
    hash: LoopHash,
    /// How many m-lines each side had before it.
    lines: [usize; 2],
}

/// A request of which nothing is looked at yet.
#[derive(Debug)]
struct Late {
    number: u64,
    request: Message,
    next: String,
    hash: LoopHash,
}

impl Calls {
    /// Something is done with a call that we are in the middle of, if it is one. `None` if not.
    fn in_anchored<R>(
        &mut self,
        number: u64,
        done: impl FnOnce(&mut Anchor, &mut Call) -> R,
    ) -> Option<R> {
        let call = self.by_number.get_mut(&number)?;
        // What is done with either needs the other one whole.
        let mut anchor = call.anchor.take()?;
        let result = done(&mut anchor, call);
        call.anchor = Some(anchor);
        Some(result)
    }
}

impl Anchor {
    fn new(subscriber: Side, providers: Vec<String>, caller_tag: String) -> Self {
        Self {
            subscriber,
            providers,
            caller_tag,
            lines: [Vec::new(), Vec::new()],
            said: [None, None],
            offered: None,
            made: [0, 0],
            invites: [SmallVec::new(), SmallVec::new()],
            contacts: [None, None],
            interval: None,
            open: SmallVec::new(),
            held: None,
            late: None,
            configured: Vec::new(),
            own: None,
            next_theirs: 0,
        }
    }

    /// Whether a consumer's applications may be used in it.
    pub(crate) fn is_for(&self, consumer: &Consumer, settings: &Settings) -> bool {
        let mut providers = self.providers.iter();
        providers.any(|provider| {
            provider == "*" || settings.authorize(consumer, provider, false, None).is_ok()
        })
    }

    /// Whether an offer waits for room for what it adds.
    pub(crate) fn waits_for_room(&self) -> bool {
        self.held.is_some() || self.late.is_some()
    }

    /// Whose message it is.
    fn side_of(&self, tag: Option<&str>) -> Side {
        usize::from(tag != Some(&self.caller_tag))
    }
}
