//! Edits: each writes one line beside the buffer and leaves every other line byte for byte.

use std::fmt::Display;
use std::io::Write as _;

use bytes::Bytes;

use super::{Line, Message, Span, Start};
use crate::{HeaderName, StatusCode, scan};

impl Message {
    /// Puts another Request-URI in its place.
    pub fn set_request_uri(&mut self, uri: &str) {
        let span = self.beside(uri);
        if let Start::Request { uri, .. } = &mut self.start {
            *uri = span;
        }
    }

    /// Puts another status and reason phrase in their place.
    pub fn set_status(&mut self, status: StatusCode, reason: &str) {
        let span = self.beside(reason);
        if let Start::Response { .. } = self.start {
            self.start = Start::Response {
                status,
                reason: span,
            };
        }
    }

    /// A new line before the first of that name, or before all others.
    pub fn push_front(&mut self, name: HeaderName, value: impl Display) {
        let line = self.new_line(name, name.as_str(), &value);
        let at = self
            .lines
            .iter()
            .position(|other| other.name == name)
            .unwrap_or(0);
        self.lines.insert(at, line);
    }

    /// A new line behind the last of that name, or behind all others.
    pub fn push_back(&mut self, name: HeaderName, value: impl Display) {
        let line = self.new_line(name, name.as_str(), &value);
        let last = self.lines.iter().rposition(|other| other.name == name);
        self.lines
            .insert(last.map_or(self.lines.len(), |at| at + 1), line);
    }

    /// A new line behind all others, by text.
    pub fn push_named(&mut self, name: &str, value: impl Display) {
        let line = self.new_line(HeaderName::parse(name), name, &value);
        self.lines.push(line);
    }

    /// One line of that name with this value: in place of the first, the others removed.
    pub fn set(&mut self, name: HeaderName, value: impl Display) {
        let line = self.new_line(name, name.as_str(), &value);
        match self.lines.iter().position(|other| other.name == name) {
            None => self.lines.push(line),
            Some(at) => {
                self.lines[at] = line;
                let mut index = 0;
                self.lines.retain(|other| {
                    index += 1;
                    index - 1 <= at || other.name != name
                });
            }
        }
    }

    /// Every line of that name goes.
    pub fn remove(&mut self, name: HeaderName) {
        self.lines.retain(|line| line.name != name);
    }

    /// The same by text.
    pub fn remove_named(&mut self, name: &str) {
        match HeaderName::parse(name) {
            HeaderName::Other => {
                let gone: Vec<bool> = self
                    .headers()
                    .map(|h| h.name.eq_ignore_ascii_case(name))
                    .collect();
                let mut gone = gone.into_iter();
                self.lines.retain(|_| !gone.next().unwrap_or(false));
            }
            id => self.remove(id),
        }
    }

    /// The first comma-separated element goes, and its line when it was the only one.
    pub fn remove_first_value(&mut self, name: HeaderName) {
        self.with_first_value(name, None);
    }

    /// Another first comma-separated element.
    pub fn replace_first_value(&mut self, name: HeaderName, value: impl Display) {
        self.with_first_value(name, Some(value.to_string()));
    }

    /// Keeps the elements that `keep` says; lines of which all stay are untouched.
    pub fn retain_values(&mut self, name: HeaderName, mut keep: impl FnMut(&str) -> bool) {
        let mut at = 0;
        while at < self.lines.len() {
            if self.lines[at].name == name {
                let (mut kept, mut dropped) = (Vec::new(), false);
                for value in scan::split_commas(self.value(&self.lines[at])) {
                    if keep(value) {
                        kept.push(value);
                    } else {
                        dropped = true;
                    }
                }
                if dropped && kept.is_empty() {
                    self.lines.remove(at);
                    continue;
                }
                if dropped {
                    let value = kept.join(", ");
                    self.lines[at] = self.new_line(name, name.as_str(), &value);
                }
            }
            at += 1;
        }
    }

    /// Another body; Content-Type is set when one is given, Content-Length always.
    pub fn set_body(&mut self, content_type: Option<&str>, body: impl Into<Bytes>) {
        self.body = body.into();
        if let Some(content_type) = content_type {
            self.set(HeaderName::ContentType, content_type);
        }
        self.set(HeaderName::ContentLength, self.body.len());
    }

    /// No body.
    pub fn remove_body(&mut self) {
        self.remove(HeaderName::ContentType);
        self.set_body(None, Bytes::new());
    }

    /// As bytes. A message without edits is a view of those that came.
    pub fn to_bytes(&self) -> Bytes {
        let mut out = Vec::with_capacity(self.buffer.len() + self.edited.len() + 64);
        self.write_to(&mut out);
        out.into()
    }

    /// Appends the message to `out`.
    pub fn write_to(&self, out: &mut Vec<u8>) {
        match self.start {
            Start::Request { method, uri } => {
                out.extend_from_slice(self.text(method).as_bytes());
                out.push(b' ');
                out.extend_from_slice(self.text(uri).as_bytes());
                out.extend_from_slice(b" SIP/2.0\r\n");
            }
            Start::Response { status, reason } => {
                // Writing to a vector does not fail.
                let _ = write!(out, "SIP/2.0 {} ", status.as_u16());
                out.extend_from_slice(self.text(reason).as_bytes());
                out.extend_from_slice(b"\r\n");
            }
        }
        for line in &self.lines {
            let bytes = if line.edited {
                &self.edited[..]
            } else {
                &self.buffer[..]
            };
            out.extend_from_slice(&bytes[line.at as usize..line.end as usize]);
        }
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(&self.body);
    }

    fn with_first_value(&mut self, name: HeaderName, value: Option<String>) {
        let Some(at) = self.lines.iter().position(|line| line.name == name) else {
            return;
        };
        let mut values = scan::split_commas(self.value(&self.lines[at]));
        values.next();
        let rest = scan::trim(values.rest()).to_owned();
        let whole = match (value, rest.is_empty()) {
            (None, true) => {
                self.lines.remove(at);
                return;
            }
            (None, false) => rest,
            (Some(value), true) => value,
            (Some(value), false) => format!("{value}, {rest}"),
        };
        self.lines[at] = self.new_line(name, name.as_str(), &whole);
    }

    /// Writes a line beside the buffer. Line ends in a value would end the line: they become spaces.
    fn new_line(&mut self, name: HeaderName, text: &str, value: &dyn Display) -> Line {
        let at = self.edited.len();
        self.edited.extend_from_slice(text.as_bytes());
        self.edited.extend_from_slice(b": ");
        let value_at = self.edited.len();
        // Writing to a vector does not fail.
        let _ = write!(self.edited, "{value}");
        for byte in &mut self.edited[value_at..] {
            if matches!(byte, b'\r' | b'\n' | 0) {
                *byte = b' ';
            }
        }
        let value_len = self.edited.len() - value_at;
        self.edited.extend_from_slice(b"\r\n");
        Line {
            name,
            edited: true,
            name_len: text.len() as u8,
            at: at as u32,
            value_at: value_at as u32,
            value_len: value_len as u32,
            end: self.edited.len() as u32,
        }
    }

    pub(super) fn beside(&mut self, text: &str) -> Span {
        let at = self.edited.len();
        self.edited.extend(
            text.bytes()
                .filter(|byte| !matches!(byte, b'\r' | b'\n' | 0)),
        );
        Span {
            at: at as u32,
            len: (self.edited.len() - at) as u32,
            edited: true,
        }
    }
}
