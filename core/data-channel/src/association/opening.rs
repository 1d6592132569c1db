//! What the peer says to open a channel, and to what we opened.

use std::time::Duration;

use super::entry::{Entry, Phase};
use super::{Association, CloseReason, Event};
use crate::{ChannelId, Ended, Message, Misbehaved, PayloadProtocol, Priority, dcep};

/// So long may data wait for the description of their channel.
const EARLY: Duration = Duration::from_secs(10);

impl Association {
    /// RFC 8832 §6 — the first message on a stream that was not in use.
    pub(super) fn begun_by_peer(&mut self, id: ChannelId) {
        if self.refused.contains(&id.0) {
            return;
        }
        if self.channels.len() >= self.config.limits.channels || !id.is_valid() {
            return self.refuse(id);
        }
        let Some((protocol, data)) = self.engine.read(self.now, id.0) else {
            return;
        };
        let first = match protocol {
            PayloadProtocol::Dcep => return self.requested(id, &data),
            other => Message::from_payload(other, data),
        };
        let until = self.now + EARLY;
        let entry = Entry {
            first,
            ..Entry::new(Phase::Early { until }, Priority::NORMAL)
        };
        let broken = entry.first.is_none();
        self.channels.insert(id, entry);
        if broken {
            self.reset(id, CloseReason::Misbehaved(Misbehaved::UnknownPayload));
        }
    }

    fn requested(&mut self, id: ChannelId, data: &[u8]) {
        let most = self.config.limits.name;
        let broken = match dcep::Message::parse(data) {
            Ok(dcep::Message::Open(_)) if self.config.role.opens(id) => Misbehaved::OpenOfOtherRole,
            Ok(dcep::Message::Open(channel))
                if channel.label.len() > most || channel.protocol.len() > most =>
            {
                Misbehaved::NameTooLong
            }
            Ok(dcep::Message::Open(channel)) => {
                let phase = Phase::Requested {
                    channel: channel.clone(),
                };
                let entry = Entry::new(phase, channel.priority);
                self.channels.insert(id, entry);
                return self.outputs.push_back(Event::Requested { id, channel });
            }
            Ok(dcep::Message::Ack) => Misbehaved::UnexpectedAck,
            Err(malformed) => Misbehaved::Dcep(malformed),
        };
        let reason = CloseReason::Misbehaved(broken);
        let phase = Phase::Early { until: self.now };
        self.channels
            .insert(id, Entry::new(phase, Priority::NORMAL));
        self.reset(id, reason);
    }

    /// More channels than we hold: each is reset; a peer that goes on and on is left.
    fn refuse(&mut self, id: ChannelId) {
        self.engine.reset(self.now, id.0);
        self.refused.insert(id.0);
        if self.refused.len() > self.config.limits.channels {
            let reason = Misbehaved::TooManyChannels.to_string();
            self.end(Ended::Lost(reason));
        }
    }

    /// RFC 8832 §6 — something came on a channel whose OPEN we sent.
    pub(super) fn answered(&mut self, id: ChannelId) {
        let Some((protocol, data)) = self.engine.read(self.now, id.0) else {
            return;
        };
        let broken = match protocol {
            PayloadProtocol::Dcep => self.dcep_in_use(id, &data),
            other => match Message::from_payload(other, data) {
                // Data that overtook the ACK say the same.
                Some(first) => {
                    self.acknowledged(id);
                    if let Some(entry) = self.channels.get_mut(&id) {
                        entry.first = Some(first);
                    }
                    self.tell_readable(id);
                    Ok(())
                }
                None => Err(Misbehaved::UnknownPayload),
            },
        };
        if let Err(broken) = broken {
            self.reset(id, CloseReason::Misbehaved(broken));
        }
    }

    /// DCEP on a channel that we know.
    pub(super) fn dcep_in_use(&mut self, id: ChannelId, data: &[u8]) -> Result<(), Misbehaved> {
        match dcep::Message::parse(data) {
            Ok(dcep::Message::Ack) if self.config.role.opens(id) => {
                self.acknowledged(id);
                Ok(())
            }
            Ok(dcep::Message::Ack) => Err(Misbehaved::UnexpectedAck),
            Ok(dcep::Message::Open(_)) => Err(Misbehaved::OpenInUse),
            Err(malformed) => Err(Misbehaved::Dcep(malformed)),
        }
    }

    pub(super) fn acknowledged(&mut self, id: ChannelId) {
        if let Some(entry) = self.channels.get_mut(&id)
            && let Phase::Opening { channel } = &entry.phase
        {
            self.engine
                .set_reliability(id.0, channel.ordered, channel.reliability);
            entry.phase = Phase::Open;
            self.outputs.push_back(Event::Opened { id });
        }
    }
}
