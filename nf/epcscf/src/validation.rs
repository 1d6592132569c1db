//! What every request meets first: is it one that may go on, and is this the time for it?

use std::time::Instant;

use core_sip::ServerTransactionId;
use core_sip::proxy::{LoopHash, check_request};
use wire_sip::{Message, StatusCode};

use crate::EpCscf;

/// What a request may ask for.
pub(crate) struct Door {
    /// Option tags of Proxy-Require.
    supported: &'static [&'static str],
    /// Schemes of the Request-URI.
    schemes: &'static [&'static str],
}

const SUPPORTED: &[&str] = &["path", "outbound", "gruu", "privacy", "sec-agree"];
/// What the core can be asked for.
pub(crate) const FOR_CORE: Door = Door {
    supported: SUPPORTED,
    schemes: &["sip", "sips", "tel", "urn"],
};
/// What a WIC can be asked by: its contact, which is a SIP URI.
pub(crate) const FOR_WIC: Door = Door {
    supported: SUPPORTED,
    schemes: &["sip", "sips"],
};
/// What is registered. TS 24.229 §5.2.2: sec-agree is taken out, not refused.
pub(crate) const REGISTRATION: Door = Door {
    supported: &["path", "outbound", "gruu", "sec-agree"],
    schemes: &["sip", "sips"],
};

impl EpCscf {
    /// RFC 3261 §16.3 — what is looked at before a request is worked on, and what its loops are told by; `None` where
    /// it has its refusal.
    pub(crate) fn validate(
        &mut self,
        now: Instant,
        id: ServerTransactionId,
        request: &Message,
        door: &Door,
    ) -> Option<LoopHash> {
        match check_request(
            request,
            &self.config.sent_by(),
            door.supported,
            door.schemes,
        ) {
            Ok(hash) => Some(hash),
            Err(refusal) => {
                let response = refusal.answer(request, &self.random.tag());
                self.transactions.respond(now, id, response);
                None
            }
        }
    }

    /// RFC 3261 §21.5.4 — what would begin here is to begin elsewhere, or later.
    pub(crate) fn refuse_while_draining(
        &mut self,
        now: Instant,
        id: ServerTransactionId,
        request: &Message,
    ) {
        let unavailable = StatusCode::SERVICE_UNAVAILABLE;
        let response = core_sip::retry_after(request, unavailable, &self.random.tag(), 10);
        self.transactions.respond(now, id, response);
    }
}
