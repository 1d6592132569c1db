//! What every request meets first: is it one that may go on, and is this the time for it?

use std::time::Instant;

use core_sip::ServerTransactionId;
use core_sip::proxy::{LoopHash, check_request};
use wire_sip::{Message, StatusCode};

use crate::EpCscf;

/// Option tags that a Proxy-Require may ask of us.
const SUPPORTED: &[&str] = &["path", "outbound", "gruu", "privacy", "sec-agree"];
/// URIs that the core can be asked for.
pub(crate) const FOR_CORE: &[&str] = &["sip", "sips", "tel", "urn"];
/// URIs that a WIC can be asked by: its contact, which is a SIP URI.
pub(crate) const FOR_WIC: &[&str] = &["sip", "sips"];

impl EpCscf {
    /// RFC 3261 §16.3 — what is looked at before a request is worked on, and what its loops are told by; `None` where
    /// it has its refusal.
    pub(crate) fn validate(
        &mut self,
        now: Instant,
        id: ServerTransactionId,
        request: &Message,
        schemes: &[&str],
    ) -> Option<LoopHash> {
        match check_request(request, &self.config.sent_by(), SUPPORTED, schemes) {
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
