//! Edits. Each leaves every other line byte for byte as it was.

use std::fmt::{Display, Write};

use bytes::Bytes;

use super::{Body, Entry, Message, SIDE, Span, StartLine};
use crate::HeaderName;
use crate::scan::split_commas;

impl Message {
    /// Another Request-URI; nothing happens to a response.
    pub fn set_request_uri(&mut self, uri: &str) {
        let StartLine::Request { method, .. } = self.start else {
            return;
        };
        let method = self.text(method).to_owned();
        self.write_request_line(&method, uri);
    }

    pub(super) fn write_request_line(&mut self, method: &str, uri: &str) {
        let start = self.side.len();
        let _ = write!(self.side, "{method} ");
        let at = self.side.len();
        self.push_clean(uri);
        let len = self.side.len() - at;
        self.side.push_str(" SIP/2.0\r\n");
        self.start = StartLine::Request {
            line: side(start, self.side.len() - start),
            method: side(start, method.len()),
            uri: side(at, len),
        };
    }

    /// A new line before the first of that name, or on top when there is none.
    pub fn push_front(&mut self, name: HeaderName, value: impl Display) {
        let entry = self.new_line(name.as_str(), name, value);
        let at = self.entries.iter().position(|e| e.id == name).unwrap_or(0);
        self.entries.insert(at, entry);
    }

    /// A new line after the last of that name, or at the end when there is none.
    pub fn push_back(&mut self, name: HeaderName, value: impl Display) {
        let entry = self.new_line(name.as_str(), name, value);
        let at = self
            .entries
            .iter()
            .rposition(|e| e.id == name)
            .map_or(self.entries.len(), |at| at + 1);
        self.entries.insert(at, entry);
    }

    /// One line of that name with that value: the first is replaced where it stands, others go.
    pub fn set(&mut self, name: HeaderName, value: impl Display) {
        match self.entries.iter().position(|e| e.id == name) {
            Some(at) => {
                self.entries[at] = self.new_line(name.as_str(), name, value);
                let mut index = 0;
                self.entries.retain(|e| {
                    index += 1;
                    index - 1 <= at || e.id != name
                });
            }
            None => self.push_back(name, value),
        }
    }

    /// Every line of that name goes; `true` when there was one.
    pub fn remove(&mut self, name: HeaderName) -> bool {
        let before = self.entries.len();
        self.entries.retain(|e| e.id != name);
        before != self.entries.len()
    }

    /// The first comma-separated element of the first line of that name goes.
    pub fn remove_first_value(&mut self, name: HeaderName) -> bool {
        let mut first = true;
        self.retain_values(name, |_| !std::mem::take(&mut first));
        !first
    }

    /// The first comma-separated element of the first line of that name becomes another.
    pub fn replace_first_value(&mut self, name: HeaderName, value: impl Display) -> bool {
        let Some(at) = self.entries.iter().position(|e| e.id == name) else {
            return false;
        };
        let mut rest = split_commas(self.text(self.entries[at].value()));
        if rest.next().is_none() {
            return false;
        }
        let rest = rest.collect::<Vec<_>>().join(", ");
        let line = if rest.is_empty() {
            value.to_string()
        } else {
            format!("{value}, {rest}")
        };
        self.entries[at] = self.new_line(name.as_str(), name, line);
        true
    }

    /// Keeps the comma-separated elements that `keep` wants; a line that loses none stays as it is, one that loses all
    /// goes.
    pub fn retain_values(&mut self, name: HeaderName, mut keep: impl FnMut(&str) -> bool) {
        let mut at = 0;
        while at < self.entries.len() {
            if self.entries[at].id != name {
                at += 1;
                continue;
            }
            let value = self.text(self.entries[at].value());
            let (mut kept, mut dropped) = (String::new(), false);
            for element in split_commas(value) {
                if keep(element) {
                    if !kept.is_empty() {
                        kept.push_str(", ");
                    }
                    kept.push_str(element);
                } else {
                    dropped = true;
                }
            }
            if !dropped {
                at += 1;
            } else if kept.is_empty() {
                self.entries.remove(at);
            } else {
                self.entries[at] = self.new_line(name.as_str(), name, kept);
                at += 1;
            }
        }
    }

    /// Rewrites every line of that name; `None` from `with` leaves a line as it is.
    pub fn map_lines(&mut self, name: HeaderName, mut with: impl FnMut(&str) -> Option<String>) {
        for at in 0..self.entries.len() {
            if self.entries[at].id == name
                && let Some(value) = with(self.text(self.entries[at].value()))
            {
                self.entries[at] = self.new_line(name.as_str(), name, value);
            }
        }
    }

    /// A new last line under any name.
    pub fn push_named(&mut self, name: &str, value: impl Display) {
        let id = HeaderName::parse(name);
        let entry = self.new_line(name, id, value);
        self.entries.push(entry);
    }

    /// Another body: Content-Type follows when given, Content-Length always.
    pub fn set_body(&mut self, content_type: Option<&str>, body: impl Into<Bytes>) {
        let body = body.into();
        match content_type {
            Some(content_type) => self.set(HeaderName::ContentType, content_type),
            None if body.is_empty() => {
                self.remove(HeaderName::ContentType);
            }
            None => {}
        }
        self.set(HeaderName::ContentLength, body.len());
        self.body = Body::Own(body);
    }

    /// No body: the fields that describe one go, Content-Length becomes 0.
    pub fn remove_body(&mut self) {
        for name in [
            HeaderName::ContentDisposition,
            HeaderName::ContentEncoding,
            HeaderName::ContentLanguage,
        ] {
            self.remove(name);
        }
        self.set_body(None, Bytes::new());
    }

    fn new_line(&mut self, name: &str, id: HeaderName, value: impl Display) -> Entry {
        let start = self.side.len();
        let name_len = name.len().min(255);
        self.side.push_str(&name[..name_len]);
        self.side.push_str(": ");
        let value_start = self.side.len();
        let _ = write!(self.side, "{value}");
        // What we write is one line, whatever it was made from.
        if self.side.as_bytes()[value_start..]
            .iter()
            .any(u8::is_ascii_control)
        {
            let value = self.side.split_off(value_start);
            self.push_clean(&value);
        }
        let value_len = self.side.len() - value_start;
        self.side.push_str("\r\n");
        Entry {
            start: start as u32 | SIDE,
            line_len: (self.side.len() - start) as u32,
            value_len: value_len as u32,
            value_at: (value_start - start) as u16,
            name_len: name_len as u8,
            id,
        }
    }

    /// Control characters become spaces.
    fn push_clean(&mut self, text: &str) {
        self.side.extend(
            text.chars()
                .map(|c| if c.is_ascii_control() { ' ' } else { c }),
        );
    }
}

fn side(start: usize, len: usize) -> Span {
    Span {
        start: start as u32 | SIDE,
        len: len as u32,
    }
}
