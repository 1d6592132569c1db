//! Which DTLS association it is, at one end (RFC 8842 §5).

use std::fmt::Write;
use std::time::Instant;

use core_iq::{Refusal, StreamEnd};

use crate::random::Random;
use crate::w3_side::W3Side;

/// RFC 8842 §4: a `tls-id` has at most as many characters.
const LONGEST: usize = 255;

/// The names of an association, ours and the peer's: the same for its life, whatever ICE does.
#[derive(Debug)]
pub(super) struct Names {
    ours: [u8; 16],
    theirs: Option<Box<str>>,
    /// How often DTLS had begun anew when the association got these names.
    restarts: u32,
}

pub(super) fn place(end: StreamEnd) -> usize {
    match end {
        StreamEnd::W3 => 0,
        StreamEnd::Core => 1,
    }
}

/// Whether a peer's name can be.
pub(super) fn check(theirs: Option<&str>) -> Result<(), Refusal> {
    if theirs.is_some_and(|theirs| theirs.len() > LONGEST) {
        return Err(Refusal::Invalid("a tls-id that is too long".into()));
    }
    Ok(())
}

impl Names {
    pub(super) fn new(random: &mut Random) -> Self {
        Self {
            ours: random.bytes(),
            theirs: None,
            restarts: 0,
        }
    }

    /// For `a=tls-id`.
    pub(super) fn ours(&self) -> String {
        let mut text = String::with_capacity(2 * self.ours.len());
        for byte in self.ours {
            // It cannot fail: the text grows.
            let _ = write!(text, "{byte:02x}");
        }
        text
    }

    pub(super) fn renew(&mut self, random: &mut Random) {
        self.ours = random.bytes();
    }

    /// RFC 8842 §3.1 — whether it is another association from now on: by the peer's name for it, or
    /// because its certificate or its role is another. It begins then.
    pub(super) fn is_other(
        &mut self,
        now: Instant,
        theirs: Option<&str>,
        transport: &mut W3Side,
    ) -> bool {
        if let Some(theirs) = theirs {
            let known = self.theirs.as_deref();
            let other = known.is_some_and(|known| known != theirs);
            if other && transport.restarts() == self.restarts {
                transport.restart_dtls(now);
            }
            if known != Some(theirs) {
                self.theirs = Some(theirs.into());
            }
        }
        std::mem::replace(&mut self.restarts, transport.restarts()) != transport.restarts()
    }
}
