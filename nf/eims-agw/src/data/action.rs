//! What whoever speaks Iq asks of a channel.

use std::time::Instant;

use core_data_channel::{ChannelId, OpenError, SendError};
use core_iq::{ChannelAction, ChannelAt, ContextId, Refusal, Reply, StreamId};

use super::{Data, words};
use crate::gateway::Gateway;

impl Gateway {
    /// TS 24.371 §8.4.1 — the gateway ends channels for somebody else.
    pub(crate) fn channel(
        &mut self,
        now: Instant,
        context: ContextId,
        stream: StreamId,
        action: ChannelAction,
    ) -> Result<Reply, Refusal> {
        let index = self.stream_of(context, stream)?;
        let stream = self.streams.at_mut(index).ok_or(Refusal::UnknownStream)?;
        let Some(data) = &mut stream.data else {
            return Err(Refusal::Invalid("a stream without data channels".into()));
        };
        let result = data.act(now, action);
        self.after_data(now, index);
        result
    }
}

impl Data {
    fn act(&mut self, now: Instant, action: ChannelAction) -> Result<Reply, Refusal> {
        let id = |at: ChannelAt| ChannelId(at.id);
        match action {
            ChannelAction::Open { end, channel } => {
                let association = self.ends.association(end);
                let association = association.ok_or(Refusal::UnknownChannel)?;
                match association.open(now, words::channel_of(&channel)) {
                    Ok(id) => {
                        self.join.speak_for(ChannelAt { end, id: id.0 });
                        return Ok(Reply::ChannelOpening { id: id.0 });
                    }
                    Err(OpenError::TooMany) => {
                        let reason = "as many data channels as allowed are open";
                        return Err(Refusal::NoResources(reason.into()));
                    }
                    Err(error) => return Err(Refusal::Invalid(error.to_string())),
                }
            }
            ChannelAction::Accept(at) => {
                let association = self.ends.association(at.end);
                let accepted = self.join.take_request(at)
                    && association.is_some_and(|association| association.accept(now, id(at)));
                if !accepted {
                    return Err(Refusal::UnknownChannel);
                }
            }
            ChannelAction::Close(at) => self.join.close(now, &mut self.ends, at),
            ChannelAction::Send(at, message) => {
                let association = self.ends.association(at.end);
                let association = association.ok_or(Refusal::UnknownChannel)?;
                association
                    .send(now, id(at), words::message_of(message))
                    .map_err(|error| match error {
                        SendError::Full => Refusal::ChannelFull,
                        SendError::TooLarge(_) => Refusal::Invalid(error.to_string()),
                        _ => Refusal::UnknownChannel,
                    })?;
            }
            ChannelAction::Credit(at, more) => {
                self.join.add_credit(now, &mut self.ends, at, more);
            }
        }
        Ok(Reply::ChannelDone)
    }
}
