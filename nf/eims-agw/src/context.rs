//! Contexts: made by Reserve, changed by Configure, ended by Release (TS 23.334 §8).
//!
//! ```text
//!   Reserve ──▶ streams are made, ports are wished for ──▶ all open ──▶ Reserved
//!                                                     └──▶ none left ─▶ refused, nothing remains
//! ```

use std::time::Instant;

use core_iq::{
    Command, ContextId, MediaKind, Refusal, Reply, RequestId, Reserved, StreamId, StreamSettings,
};
use smallvec::SmallVec;

use crate::Output;
use crate::core_side::CoreSide;
use crate::data::Data;
use crate::gateway::Gateway;
use crate::media::Side;
use crate::payloads::PayloadTable;
use crate::stream::{Stream, Video};
use crate::told::check;
use crate::w3_side::{self, W3Side};

/// How often another pair of ports is tried when one turns out to be taken by somebody else.
const TRIES: u8 = 8;

/// One call's place in the gateway.
#[derive(Debug)]
pub(crate) struct Context {
    id: ContextId,
    streams: SmallVec<[u32; 4]>,
    pub(crate) pending: Option<Pending>,
}

/// A Reserve whose ports are not all open yet.
#[derive(Debug)]
pub(crate) struct Pending {
    pub(crate) request: RequestId,
    /// The Context was made for it, and goes with it.
    first: bool,
    pub(crate) made: SmallVec<[u32; 4]>,
    pub(crate) waiting: usize,
}

impl Gateway {
    /// The eP-CSCF asks.
    pub fn handle_iq(&mut self, now: Instant, id: RequestId, command: Command) {
        // What came before is done before: nobody is to be told that there is room, and then that there is none.
        self.move_data();
        let result = match command {
            Command::Reserve { context, streams } => {
                match self.reserve(now, id, context, &streams) {
                    // The answer waits for the ports.
                    Ok(()) => return,
                    Err(refusal) => Err(refusal),
                }
            }
            Command::Configure { context, streams } => self
                .configure(now, context, &streams)
                .map(Reply::Configured),
            Command::Subtract { context, streams } => {
                self.subtract(context, &streams).map(Reply::Configured)
            }
            Command::Channel {
                context,
                stream,
                action,
            } => self.channel(now, context, stream, action),
            Command::Release { context } => {
                self.release(context);
                Ok(Reply::Released)
            }
        };
        self.reply(id, result);
    }

    fn reserve(
        &mut self,
        now: Instant,
        request: RequestId,
        context: Option<ContextId>,
        wanted: &[StreamSettings],
    ) -> Result<(), Refusal> {
        let limits = self.config.limits;
        if wanted.is_empty() {
            return Err(Refusal::Invalid("a Reserve without streams".into()));
        }
        let existing = match context {
            None => {
                if self.contexts.len() >= limits.contexts {
                    return Err(Refusal::NoResources(format!(
                        "{} contexts are in use",
                        limits.contexts
                    )));
                }
                None
            }
            Some(id) => {
                let index = self.index_of(id)?;
                let context = self.contexts.at(index).ok_or(Refusal::UnknownContext)?;
                if context.pending.is_some() {
                    return Err(Refusal::Invalid(
                        "another Reserve of this context is under way".into(),
                    ));
                }
                Some(index)
            }
        };
        let held = existing.map_or(0, |index| self.held(index).len());
        if held + wanted.len() > limits.streams {
            return Err(Refusal::NoResources(format!(
                "more than {} streams in a context",
                limits.streams
            )));
        }
        let mut tables = Vec::with_capacity(wanted.len());
        for (position, settings) in wanted.iter().enumerate() {
            let twice = wanted[..position]
                .iter()
                .any(|other| other.stream == settings.stream);
            let there = existing.is_some_and(|index| self.find(index, settings.stream).is_some());
            if twice || there {
                return Err(Refusal::StreamExists);
            }
            let second = settings.second.is_some();
            tables.push(check(settings, second)?.unwrap_or_default());
        }

        let index = existing.unwrap_or_else(|| {
            let (index, generation) = self.contexts.next();
            let generation = generation.wrapping_add(self.epoch);
            let id = ContextId(
                u64::from(self.config.worker) << 48
                    | u64::from(generation & 0x00ff_ffff) << 24
                    | u64::from(index),
            );
            self.contexts.insert(Context {
                id,
                streams: SmallVec::new(),
                pending: None,
            })
        });
        let Some(id) = self.contexts.at(index).map(|context| context.id) else {
            return Err(Refusal::UnknownContext);
        };
        let mut made = SmallVec::new();
        for (settings, payloads) in wanted.iter().zip(tables) {
            made.push(self.make(now, id, settings, payloads));
        }
        if let Some(context) = self.contexts.at_mut(index) {
            context.streams.extend(made.iter().copied());
            context.pending = Some(Pending {
                request,
                first: existing.is_none(),
                waiting: made.len()
                    + wanted
                        .iter()
                        .filter(|settings| settings.second.is_some())
                        .count(),
                made: made.clone(),
            });
        }
        for (stream, settings) in made.into_iter().zip(wanted) {
            let second = settings.second.is_some().then_some(Side::W3);
            let mut sides = [Some(Side::Core), second].into_iter().flatten();
            if !sides.all(|side| self.wish(id, stream, side, TRIES)) {
                self.give_up(id, "no port towards the core is free");
                break;
            }
        }
        Ok(())
    }

    fn make(
        &mut self,
        now: Instant,
        context: ContextId,
        settings: &StreamSettings,
        payloads: PayloadTable,
    ) -> u32 {
        let ice = w3_side::credentials(&mut self.random);
        let silence = self.config.silence;
        let data = (settings.media == MediaKind::Data).then(|| {
            let ice = w3_side::credentials(&mut self.random);
            let core = W3Side::new(ice, &self.identity, silence, false);
            Box::new(Data::new(core, &mut self.random))
        });
        let mut stream = Stream {
            context,
            id: settings.stream,
            media: settings.media,
            w3: W3Side::new(ice, &self.identity, silence, data.is_none()),
            core: CoreSide::default(),
            second: settings.second.is_some().then(Box::default),
            payloads,
            feedback: core_iq::Feedback::default(),
            deadline: None,
            ssrc_of_wic: None,
            ssrc_of_far_end: None,
            video: Video::default(),
            data,
        };
        if let Some(w3) = &settings.w3 {
            stream
                .w3
                .apply(now, w3, || w3_side::credentials(&mut self.random));
        }
        if let Some(core) = &settings.core {
            stream.core.apply(core);
        }
        if let Some(second) = &settings.second {
            stream.apply_second(&second.core);
        }
        if let Some(feedback) = settings.feedback {
            stream.apply_feedback(feedback);
        }
        let ufrag = stream.w3.local_ice().ufrag.as_str().into();
        let has_w3 = stream.second.is_none();
        let index = self.streams.insert(stream);
        if has_w3 {
            self.by_ufrag.insert(ufrag, index);
        }
        self.apply_data(now, index, settings);
        self.after_w3(now, index);
        index
    }

    fn configure(
        &mut self,
        now: Instant,
        id: ContextId,
        wanted: &[StreamSettings],
    ) -> Result<Reserved, Refusal> {
        let context = self.index_of(id)?;
        let mut changes = Vec::with_capacity(wanted.len());
        for settings in wanted {
            let index = self
                .find(context, settings.stream)
                .ok_or(Refusal::UnknownStream)?;
            let stream = self.streams.at(index).ok_or(Refusal::UnknownStream)?;
            if stream.media != settings.media {
                return Err(Refusal::Invalid(format!(
                    "stream {} is not {:?}",
                    settings.stream.0, settings.media
                )));
            }
            let second = stream.second.is_some();
            changes.push((index, settings, check(settings, second)?));
        }
        // All is well with the request: from here on nothing is refused.
        let mut reserved = Reserved::nothing(id);
        for (index, settings, payloads) in changes {
            if self.change(now, index, settings, payloads) {
                self.tell(index, &mut reserved);
            }
        }
        Ok(reserved)
    }

    /// Applies to one stream; says whether there is something to be told of it.
    fn change(
        &mut self,
        now: Instant,
        index: u32,
        settings: &StreamSettings,
        payloads: Option<PayloadTable>,
    ) -> bool {
        let Some(stream) = self.streams.at_mut(index) else {
            return false;
        };
        let (to_core, to_w3) = (stream.open_to_core(), stream.open_to_w3());
        let mut restarted = false;
        if let Some(w3) = &settings.w3 {
            let random = &mut self.random;
            restarted = stream.w3.apply(now, w3, || w3_side::credentials(random));
        }
        let moved = settings
            .core
            .as_ref()
            .is_some_and(|core| stream.core.apply(core));
        let second = settings.second.as_ref();
        let second_moved = second.is_some_and(|second| stream.apply_second(&second.core));
        if let Some(payloads) = payloads {
            stream.payloads = payloads;
        }
        if let Some(feedback) = settings.feedback {
            stream.apply_feedback(feedback);
        }
        let begins_to_core = stream.open_to_core() && (!to_core || moved);
        let begins_to_w3 = stream.open_to_w3() && (!to_w3 || second_moved);
        if restarted {
            // The old name stays good until checks come with the new one (RFC 8445 §9).
            let ufrag = stream.w3.local_ice().ufrag.as_str().into();
            self.by_ufrag.insert(ufrag, index);
            while let Some(stale) = self.streams.at_mut(index).and_then(|s| s.w3.stale_ufrag()) {
                self.by_ufrag.remove(stale.as_str());
            }
        }
        let news = self.apply_data(now, index, settings);
        self.after_w3(now, index);
        // Video is never black: who looks for the first time gets a whole frame.
        if begins_to_core {
            self.far_end_begins(now, index);
        }
        if begins_to_w3 {
            self.ask_for_key_frame(index, Side::Core, None);
        }
        restarted || news
    }

    fn subtract(&mut self, id: ContextId, streams: &[StreamId]) -> Result<Reserved, Refusal> {
        let context = self.index_of(id)?;
        let busy = self
            .contexts
            .at(context)
            .is_some_and(|context| context.pending.is_some());
        if busy {
            return Err(Refusal::Invalid(
                "a Reserve of this context is under way".into(),
            ));
        }
        let mut found = SmallVec::<[u32; 4]>::new();
        for stream in streams {
            found.push(self.find(context, *stream).ok_or(Refusal::UnknownStream)?);
        }
        for index in found {
            self.end_stream(context, index);
        }
        Ok(Reserved::nothing(id))
    }

    fn release(&mut self, id: ContextId) {
        let Ok(index) = self.index_of(id) else {
            return;
        };
        let Some(context) = self.contexts.remove(index) else {
            return;
        };
        if let Some(pending) = context.pending {
            self.reply(pending.request, Err(Refusal::UnknownContext));
        }
        for stream in context.streams {
            self.drop_stream(stream);
        }
    }

    /// The Reserve under way cannot be done: what it made goes.
    pub(crate) fn give_up(&mut self, id: ContextId, reason: &str) {
        let Ok(index) = self.index_of(id) else {
            return;
        };
        let Some(pending) = self
            .contexts
            .at_mut(index)
            .and_then(|context| context.pending.take())
        else {
            return;
        };
        for stream in pending.made {
            self.end_stream(index, stream);
        }
        if pending.first {
            self.contexts.remove(index);
        }
        self.reply(pending.request, Err(Refusal::NoResources(reason.into())));
    }

    fn end_stream(&mut self, context: u32, stream: u32) {
        if let Some(context) = self.contexts.at_mut(context) {
            context.streams.retain(|held| *held != stream);
        }
        self.drop_stream(stream);
    }

    fn drop_stream(&mut self, index: u32) {
        let Some(mut stream) = self.streams.remove(index) else {
            return;
        };
        self.deadlines.set(index, &mut stream.deadline, None);
        for path in stream.w3.paths() {
            self.by_path.remove(&path);
        }
        for ufrag in stream.w3.ufrags() {
            self.by_ufrag.remove(ufrag.as_str());
        }
        // A wish that is still out is closed when its answer comes.
        let ports = &mut self.ports;
        self.wishes.retain(|_, wish| {
            let other = wish.stream != index;
            if !other {
                ports.give_back(wish.rtp);
            }
            other
        });
        let second = stream.second.as_ref().and_then(|second| second.bound);
        for bound in [stream.core.bound, second].into_iter().flatten() {
            self.ports.give_back(bound.rtp.1.port());
            self.close(&bound);
        }
    }

    pub(crate) fn reply(&mut self, id: RequestId, result: Result<Reply, Refusal>) {
        self.counters.refused += u64::from(result.is_err());
        self.outputs.push_back(Output::IqReply { id, result });
    }

    pub(crate) fn index_of(&self, id: ContextId) -> Result<u32, Refusal> {
        let index = (id.0 & 0x00ff_ffff) as u32;
        match self.contexts.at(index) {
            Some(context) if context.id == id => Ok(index),
            _ => Err(Refusal::UnknownContext),
        }
    }

    pub(crate) fn stream_of(&self, id: ContextId, stream: StreamId) -> Result<u32, Refusal> {
        let context = self.index_of(id)?;
        self.find(context, stream).ok_or(Refusal::UnknownStream)
    }

    fn held(&self, context: u32) -> &[u32] {
        let context = self.contexts.at(context);
        context.map_or(&[], |context| &context.streams)
    }

    fn find(&self, context: u32, stream: StreamId) -> Option<u32> {
        let mut held = self.held(context).iter().copied();
        held.find(|&index| self.streams.at(index).is_some_and(|s| s.id == stream))
    }
}
