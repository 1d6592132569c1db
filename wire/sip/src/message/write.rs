//! Back to bytes: neighbouring lines that were not edited leave as one run.

use bytes::Bytes;

use super::{Body, Message, SIDE, Span, StartLine};

impl Message {
    /// The whole message. A message without edits is its own buffer.
    pub fn to_bytes(&self) -> Bytes {
        if self.side.is_empty() && matches!(self.body, Body::Raw(_)) && self.is_whole() {
            return self.raw.clone();
        }
        let mut out = Vec::with_capacity(self.raw.len() + self.side.len() + 64);
        self.write_to(&mut out);
        Bytes::from(out)
    }

    /// Appends the whole message.
    pub fn write_to(&self, out: &mut Vec<u8>) {
        let (StartLine::Request { line, .. } | StartLine::Status { line, .. }) = self.start;
        let mut run = line;
        for entry in &self.entries {
            let next = entry.line();
            if run.start + run.len == next.start && (run.start ^ next.start) & SIDE == 0 {
                run.len += next.len;
            } else {
                out.extend_from_slice(self.octets(run));
                run = next;
            }
        }
        if let Body::Raw(at) = self.body
            && run.start + run.len + 2 == at
        {
            run.len += 2 + (self.raw.len() as u32 - at);
            out.extend_from_slice(self.octets(run));
            return;
        }
        out.extend_from_slice(self.octets(run));
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(self.body());
    }

    /// How many octets it takes on the wire.
    pub fn wire_len(&self) -> usize {
        let (StartLine::Request { line, .. } | StartLine::Status { line, .. }) = self.start;
        let Span { len, .. } = line;
        let head: u32 = self.entries.iter().map(|entry| entry.line_len).sum();
        (len + head) as usize + 2 + self.body().len()
    }

    /// Removing lines edits nothing in `side`: is every line still there?
    fn is_whole(&self) -> bool {
        self.wire_len() == self.raw.len()
    }
}
