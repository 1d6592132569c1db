//! What no agent should say.

use std::time::Instant;

use wire_sip::{HeaderName, Method};

use super::Agent;
use super::call::Stage;
use crate::text::sdp;

impl Agent {
    /// What no agent should say.
    pub(super) fn nonsense(&mut self, now: Instant) {
        let Some(at) = self.some(|call| call.remote_tag.is_some() && call.stage != Stage::Over)
        else {
            return;
        };
        let cseq = self.calls[at].cseq;
        let mut said = match self.dice.below(6) {
            0 => {
                let mut stranger = self.make(at, Method::Update);
                let to = stranger
                    .header(HeaderName::To)
                    .unwrap_or_default()
                    .to_owned();
                stranger.set(HeaderName::To, format_args!("{to}x"));
                stranger
            }
            1 => {
                let mut back = self.make(at, Method::Info);
                back.set(
                    HeaderName::CSeq,
                    format_args!("{} INFO", cseq.saturating_sub(1)),
                );
                self.calls[at].cseq = cseq;
                back
            }
            2 => {
                let mut prack = self.make(at, Method::Prack);
                prack.push_back(HeaderName::RAck, "99 1 INVITE");
                prack
            }
            3 => {
                // A second offer, whatever is under way.
                let mut second = self.make(at, Method::Update);
                let body = sdp(self.side, 9999, 9, "sendrecv", true, &[]);
                second.set_body(Some("application/sdp"), body.into_bytes());
                second
            }
            4 => {
                let mut broken = self.make(at, Method::Update);
                broken.set_body(Some("application/sdp"), &b"v=0\r\nthis is no SDP"[..]);
                broken
            }
            _ => {
                let mut brief = self.make(at, Method::Update);
                brief.push_back(HeaderName::Supported, "timer");
                brief.push_back(HeaderName::SessionExpires, "5");
                brief
            }
        };
        said.remove(HeaderName::Contact);
        self.send(now, said);
    }
}
