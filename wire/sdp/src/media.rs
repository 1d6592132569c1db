//! One media description: its `m=` line and the lines below it.

use std::fmt;
use std::ops::{Deref, DerefMut};

use crate::attribute::{Fmtp, RtcpFb, Rtpmap};
use crate::{Line, Malformed, MediaLine, Section};

/// One media description.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Media {
    pub(crate) line: Line,
    pub(crate) section: Section,
}

impl Media {
    /// A new description with nothing below its `m=` line.
    pub fn new(line: &MediaLine<'_>) -> Result<Media, Malformed> {
        Media::from_line(Line::new('m', line))
    }

    pub(crate) fn from_line(line: Line) -> Result<Media, Malformed> {
        MediaLine::parse(line.value())?;
        Ok(Media {
            line,
            section: Section::default(),
        })
    }

    /// Changes the port and leaves the rest of the `m=` line.
    pub fn set_port(&mut self, port: u16) {
        self.edit_line(|line| {
            line.port = port;
            line.ports = None;
        });
    }

    /// Changes the proto field.
    pub fn set_proto(&mut self, proto: &str) {
        let MediaLine {
            media,
            port,
            ports,
            formats,
            ..
        } = self.line();
        let line = MediaLine {
            media,
            port,
            ports,
            proto,
            formats,
        };
        self.line = self.rewritten(&line);
    }

    /// Changes the format list. An empty list leaves the line as it is: an `m=` line has one format at least.
    pub fn set_formats<T: fmt::Display>(&mut self, formats: impl IntoIterator<Item = T>) {
        let formats: Vec<String> = formats.into_iter().map(|f| f.to_string()).collect();
        if formats.is_empty() {
            return;
        }
        let formats = formats.join(" ");
        let MediaLine {
            media,
            port,
            ports,
            proto,
            ..
        } = self.line();
        let line = MediaLine {
            media,
            port,
            ports,
            proto,
            formats: &formats,
        };
        self.line = self.rewritten(&line);
    }

    /// The `m=` line.
    pub fn line(&self) -> MediaLine<'_> {
        MediaLine::parse(self.line.value()).expect("checked when it was parsed or rewritten")
    }

    /// The lines below the `m=` line.
    pub fn section(&self) -> &Section {
        &self.section
    }

    /// RFC 8866 §5.14 with the static payload types of RFC 3551 §6 — every RTP payload type and what it carries.
    pub fn payloads(&self) -> impl Iterator<Item = (u8, Option<Rtpmap<'_>>)> {
        self.line()
            .payload_types()
            .map(|payload| (payload, self.rtpmap(payload)))
    }

    /// What this payload type carries: by its `a=rtpmap`, else by RFC 3551.
    pub fn rtpmap(&self, payload: u8) -> Option<Rtpmap<'_>> {
        self.attributes::<Rtpmap<'_>>()
            .filter_map(Result::ok)
            .find(|map| map.payload == payload)
            .or_else(|| Rtpmap::static_assignment(payload))
    }

    /// The format parameters of this payload type.
    pub fn fmtp(&self, payload: u8) -> Option<Fmtp<'_>> {
        self.attributes::<Fmtp<'_>>()
            .filter_map(Result::ok)
            .find(|fmtp| fmtp.payload() == Some(payload))
    }

    /// RFC 4585 §4.2 — the feedback that holds for this payload type, by itself or by `*`.
    pub fn feedback(&self, payload: u8) -> impl Iterator<Item = RtcpFb<'_>> {
        self.attributes::<RtcpFb<'_>>()
            .filter_map(Result::ok)
            .filter(move |fb| fb.payload.is_none_or(|p| p == payload))
    }

    fn edit_line(&mut self, edit: impl FnOnce(&mut MediaLine<'_>)) {
        let mut line = self.line();
        edit(&mut line);
        self.line = self.rewritten(&line);
    }

    fn rewritten(&self, line: &MediaLine<'_>) -> Line {
        let mut new = Line::new('m', line);
        new.ending = self.line.ending;
        // A field with white space or nothing in it would make another line of it: then the old one stays.
        if MediaLine::parse(new.value()).is_ok() {
            new
        } else {
            self.line.clone()
        }
    }
}

impl Deref for Media {
    type Target = Section;

    fn deref(&self) -> &Section {
        &self.section
    }
}

impl DerefMut for Media {
    fn deref_mut(&mut self) -> &mut Section {
        &mut self.section
    }
}
