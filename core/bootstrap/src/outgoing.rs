//! What waits to be sent, cut into channel messages.

use std::collections::VecDeque;

use bytes::Bytes;

#[derive(Debug)]
pub(crate) struct Outgoing {
    parts: VecDeque<Bytes>,
    message: usize,
}

impl Outgoing {
    /// `message` is what a channel message holds at most.
    pub(crate) fn new(message: usize) -> Self {
        Self {
            parts: VecDeque::new(),
            message: message.max(1),
        }
    }

    pub(crate) fn push(&mut self, part: Bytes) {
        if !part.is_empty() {
            self.parts.push_back(part);
        }
    }

    /// The next channel message: as much of the first part as fits. A short head goes with the
    /// beginning of its body.
    pub(crate) fn message(&mut self) -> Option<Bytes> {
        let first = self.parts.front()?;
        let second = self.parts.get(1);
        if let Some(second) = second
            && first.len() < self.message
        {
            let more = second.len().min(self.message - first.len());
            let mut joined = Vec::with_capacity(first.len() + more);
            joined.extend_from_slice(first);
            joined.extend_from_slice(&second[..more]);
            let joined = Bytes::from(joined);
            let rest = second.slice(more..);
            self.parts.pop_front();
            self.parts.pop_front();
            self.parts.push_front(rest);
            if self.parts.front().is_some_and(Bytes::is_empty) {
                self.parts.pop_front();
            }
            self.parts.push_front(joined);
        }
        let first = self.parts.front()?;
        Some(first.slice(..first.len().min(self.message)))
    }

    /// The message of before has been sent.
    pub(crate) fn sent(&mut self) {
        if let Some(first) = self.parts.front_mut() {
            let length = first.len().min(self.message);
            if length == first.len() {
                self.parts.pop_front();
            } else {
                *first = first.slice(length..);
            }
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }
}
