//! Data channels of a session: what the gateway tells of them, and what the core's messages say.

use std::time::Instant;

use core_iq::{Event, Notification, StreamEnd};
use wire_sip::{HeaderName, Message};

use crate::EpCscf;

impl EpCscf {
    /// What became of a channel that the WIC opened in band.
    pub(super) fn channel_notified(&mut self, now: Instant, id: u64, notification: &Notification) {
        let Some(session) = self.sessions.get_mut(id) else {
            return;
        };
        let (stream, negotiation) = (notification.stream, &mut session.negotiation);
        match &notification.event {
            Event::ChannelRequested { at, channel } => negotiation.requested(stream, *at, channel),
            Event::ChannelClosed { at, .. } => negotiation.closed(stream, *at),
            Event::DataEnded { end, .. } if *end == StreamEnd::W3 => {
                negotiation.channels_ended(stream);
            }
            _ => return,
        }
        self.tell_closed(id);
        self.announce(now, id);
    }
}

/// TS 26.114 §6.2.10.1, TS 24.186 — whoever sent this has data channels as IMS has them: `webrtc-datachannel` among the
/// `+sip.app-subtype` of its Contact (RFC 5688), `g.3gpp.datachannel` there or in Feature-Caps (RFC 6809).
pub(super) fn names_data_channels(message: &Message) -> bool {
    is_data_channel_client(message) || core_has_data_channels(message)
}

/// TS 26.114 §6.2.10.1 — the client itself has them.
pub(super) fn is_data_channel_client(message: &Message) -> bool {
    let mut contacts = message.values(HeaderName::Contact);
    contacts.any(|contact| {
        let contact = contact.to_ascii_lowercase();
        let subtype = contact.split("+sip.app-subtype=").nth(1);
        contact.contains("+g.3gpp.datachannel")
            || subtype.is_some_and(|subtype| subtype.contains("webrtc-datachannel"))
    })
}

/// TS 24.186 — the network says that it knows data channels.
pub(crate) fn core_has_data_channels(message: &Message) -> bool {
    let mut capabilities = message.values(HeaderName::FeatureCaps);
    capabilities.any(|one| one.to_ascii_lowercase().contains("+g.3gpp.datachannel"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(line: &str) -> Message {
        let text = format!(
            "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP a\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>;tag=2\r\n\
             Call-ID: c\r\nCSeq: 1 INVITE\r\n{line}\r\nContent-Length: 0\r\n\r\n"
        );
        Message::parse(text.into_bytes().into()).expect("a message")
    }

    #[test]
    fn who_has_data_channels_says_so_in_contact_or_feature_caps() {
        for line in [
            "Contact: <sip:a@b>;+sip.app-subtype=\"webrtc-datachannel\"",
            "Contact: <sip:a@b>;audio;+SIP.app-subtype=\"x,webrtc-datachannel\"",
            "Contact: <sip:a@b>;+g.3gpp.datachannel",
            "Feature-Caps: *;+g.3gpp.srvcc,*;+g.3gpp.datachannel",
        ] {
            assert!(names_data_channels(&message(line)), "{line}");
        }
        for line in [
            "Contact: <sip:webrtc-datachannel@b>",
            "Contact: <sip:a@b>;+sip.app-subtype=\"x\"",
            "Feature-Caps: *;+g.3gpp.srvcc",
        ] {
            assert!(!names_data_channels(&message(line)), "{line}");
        }
    }
}
