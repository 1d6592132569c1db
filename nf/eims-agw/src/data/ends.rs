use std::time::Instant;

use core_data_channel::{Association, AssociationConfig, Limits, Output, Role, max_message_size};
use core_iq::{SctpSettings, StreamEnd};
use core_w3::dtls;

use super::SCTP_PORT;

/// The largest message that the gateway takes, and relays.
pub(super) const MAX_MESSAGE_SIZE: u32 = 256 * 1024;

/// TS 26.114 §6.2.10.1 — SDP gives bootstrap channels the ids 0, 10, 100 and 110: what is opened in band
/// is beyond, and within the 1024 streams that Chromium has.
const IN_BAND: u16 = 112;

/// The SCTP associations of the two Terminations.
#[derive(Debug, Default)]
pub(super) struct Ends {
    w3: End,
    core: End,
}

#[derive(Debug, Default)]
struct End {
    sctp: Option<SctpSettings>,
    association: Option<Box<Association>>,
}

/// The other one.
pub(super) fn other(end: StreamEnd) -> StreamEnd {
    match end {
        StreamEnd::W3 => StreamEnd::Core,
        StreamEnd::Core => StreamEnd::W3,
    }
}

impl Ends {
    pub(super) fn set_sctp(&mut self, end: StreamEnd, sctp: SctpSettings) {
        let end = self.end(end);
        end.sctp = Some(sctp);
        if let Some(association) = &mut end.association {
            association.set_send_message(max_message_size(sctp.max_message_size));
        }
    }

    /// DTLS stands: SCTP begins over it, anew if there was one.
    pub(super) fn begin(&mut self, now: Instant, end: StreamEnd, role: dtls::Role) {
        let end = self.end(end);
        let sctp = end.sctp;
        let config = AssociationConfig {
            role: match role {
                dtls::Role::Client => Role::Client,
                dtls::Role::Server => Role::Server,
            },
            local_port: SCTP_PORT,
            // RFC 8841 §5.1: 5000 is what is used where nothing is said.
            remote_port: sctp.map_or(SCTP_PORT, |sctp| sctp.port),
            send_message: max_message_size(sctp.and_then(|sctp| sctp.max_message_size)),
            in_band_from: IN_BAND,
            limits: Limits {
                receive_message: MAX_MESSAGE_SIZE,
                ..Limits::default()
            },
        };
        end.association = Some(Box::new(Association::new(now, config)));
    }

    pub(super) fn drop_association(&mut self, end: StreamEnd) -> bool {
        self.end(end).association.take().is_some()
    }

    pub(super) fn association(&mut self, end: StreamEnd) -> Option<&mut Association> {
        self.end(end).association.as_deref_mut()
    }

    pub(super) fn handle_packet(&mut self, now: Instant, end: StreamEnd, packet: Vec<u8>) {
        if let Some(association) = self.association(end) {
            association.handle_packet(now, packet.into());
        }
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        for end in [StreamEnd::W3, StreamEnd::Core] {
            if let Some(association) = self.association(end)
                && association.poll_timeout().is_some_and(|due| due <= now)
            {
                association.handle_timeout(now);
            }
        }
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        [&self.w3, &self.core]
            .into_iter()
            .filter_map(|end| end.association.as_ref()?.poll_timeout())
            .min()
    }

    pub(super) fn poll_output(&mut self, end: StreamEnd) -> Option<Output> {
        self.association(end)?.poll_output()
    }

    fn end(&mut self, end: StreamEnd) -> &mut End {
        match end {
            StreamEnd::W3 => &mut self.w3,
            StreamEnd::Core => &mut self.core,
        }
    }
}
