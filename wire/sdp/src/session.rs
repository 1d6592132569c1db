//! A whole description.

use bytes::Bytes;

use crate::{Ending, Limits, Line, Malformed, Media, Origin, Section, Timing};

/// RFC 8866 §5 — a session description: the session level and its media descriptions, line by line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    section: Section,
    media: Vec<Media>,
    /// Blank lines at the end, which some peers add.
    trailer: Bytes,
}

impl Session {
    /// A description of its own: `v=`, this `o=`, a session without name and without bounds in time.
    pub fn new(origin: &Origin<'_>) -> Session {
        let lines = [
            Line::new('v', 0),
            Line::new('o', origin),
            Line::new('s', '-'),
            Line::new('t', Timing::default()),
        ];
        // Lines that are made here end as the first one does, which therefore has an ending of its own.
        let lines = lines.map(|line| Line {
            ending: Ending::CrLf,
            ..line
        });
        Session {
            section: Section {
                lines: lines.into(),
            },
            media: Vec::new(),
            trailer: Bytes::new(),
        }
    }

    /// Parses with the default [`Limits`].
    pub fn parse(bytes: &[u8]) -> Result<Session, Malformed> {
        Session::parse_with(&Bytes::copy_from_slice(bytes), &Limits::default())
    }

    /// Parses without copying: the lines share the buffer.
    pub fn parse_with(bytes: &Bytes, limits: &Limits) -> Result<Session, Malformed> {
        if bytes.len() > limits.bytes {
            return Err(Malformed::value("the description is too large"));
        }
        let mut session = Session {
            section: Section::default(),
            media: Vec::new(),
            trailer: Bytes::new(),
        };
        let mut start = 0;
        let mut at = 0;
        while start < bytes.len() {
            at += 1;
            let (end, next, ending) = line_at(bytes, start);
            if end == start {
                if bytes[start..].iter().any(|b| !matches!(b, b'\r' | b'\n')) {
                    return Err(Malformed {
                        what: "a blank line stands before the end",
                        at,
                    });
                }
                session.trailer = bytes.slice(start..);
                break;
            }
            if at > limits.lines || end - start > limits.line {
                return Err(Malformed {
                    what: "too many lines, or a line too long",
                    at,
                });
            }
            check(&bytes[start..end]).map_err(|what| Malformed { what, at })?;
            session.take(Line::checked(bytes.slice(start..end), ending), limits, at)?;
            start = next;
        }
        session.finished()
    }

    /// Adds a media description at the end.
    pub fn push_media(&mut self, media: Media) {
        self.media.push(media);
    }

    /// Removes the media descriptions for which the test (of index and description) is false.
    pub fn retain_media(&mut self, mut test: impl FnMut(usize, &Media) -> bool) {
        let mut index = 0;
        self.media.retain(|media| {
            index += 1;
            test(index - 1, media)
        });
    }

    /// Replaces the `o=` line.
    pub fn set_origin(&mut self, origin: &Origin<'_>) {
        if let Some(line) = self
            .section
            .lines
            .iter_mut()
            .find(|line| line.kind() == 'o')
        {
            let ending = line.ending;
            *line = Line::new('o', origin);
            line.ending = ending;
        }
    }

    /// The session level, for edits.
    pub fn section_mut(&mut self) -> &mut Section {
        &mut self.section
    }

    /// One media description, for edits.
    pub fn media_mut(&mut self, index: usize) -> Option<&mut Media> {
        self.media.get_mut(index)
    }

    /// All media descriptions, for edits.
    pub fn medias_mut(&mut self) -> &mut [Media] {
        &mut self.media
    }

    /// The session level.
    pub fn section(&self) -> &Section {
        &self.section
    }

    /// One media description.
    pub fn media(&self, index: usize) -> Option<&Media> {
        self.media.get(index)
    }

    /// All media descriptions, in order.
    pub fn medias(&self) -> &[Media] {
        &self.media
    }

    /// The `o=` line.
    pub fn origin(&self) -> Origin<'_> {
        let line = self.section.lines.iter().find(|line| line.kind() == 'o');
        let value = line
            .expect("a description without o= is not parsed")
            .value();
        Origin::parse(value).expect("checked when it was parsed")
    }

    /// RFC 8866 §5.3 — the session name.
    pub fn name(&self) -> Option<&str> {
        self.section
            .lines
            .iter()
            .find(|line| line.kind() == 's')
            .map(Line::value)
    }

    /// The first `t=` line.
    pub fn timing(&self) -> Result<Option<Timing>, Malformed> {
        let line = self.section.lines.iter().find(|line| line.kind() == 't');
        line.map(|line| Timing::parse(line.value())).transpose()
    }

    /// Every line in order, with its level: `None` for the session, else the index of the media description.
    pub fn lines(&self) -> impl Iterator<Item = (Option<usize>, &Line)> {
        let media = self.media.iter().enumerate().flat_map(|(index, media)| {
            std::iter::once(&media.line)
                .chain(media.lines())
                .map(move |line| (Some(index), line))
        });
        self.section
            .lines()
            .iter()
            .map(|line| (None, line))
            .chain(media)
    }

    /// The bytes: unedited lines as they came, each new line with the ending of the first one.
    pub fn to_bytes(&self) -> Bytes {
        let mut out = Vec::with_capacity(1024);
        let usual = self
            .section
            .lines
            .first()
            .map_or(Ending::CrLf, |line| line.ending)
            .as_bytes();
        let mut lines = self.lines().map(|(_, line)| line).peekable();
        while let Some(line) = lines.next() {
            out.extend_from_slice(line.as_bytes());
            match line.ending {
                Ending::AsUsual => out.extend_from_slice(usual),
                // What was last without an ending may have got a line behind it.
                Ending::None if lines.peek().is_some() => out.extend_from_slice(usual),
                own => out.extend_from_slice(own.as_bytes()),
            }
        }
        out.extend_from_slice(&self.trailer);
        Bytes::from(out)
    }

    fn take(&mut self, line: Line, limits: &Limits, at: usize) -> Result<(), Malformed> {
        let placed = |e: Malformed| Malformed { what: e.what, at };
        match line.kind() {
            'v' if at != 1 => {
                return Err(Malformed {
                    what: "v= is the first line and no other",
                    at,
                });
            }
            'v' if line.value().trim_end() != "0" => {
                return Err(Malformed {
                    what: "the version is 0",
                    at,
                });
            }
            'v' => self.section.lines.push(line),
            _ if at == 1 => {
                return Err(Malformed {
                    what: "the first line is v=0",
                    at,
                });
            }
            'o' => {
                if !self.media.is_empty() || self.section.lines.iter().any(|l| l.kind() == 'o') {
                    return Err(Malformed {
                        what: "one o= line, before any m= line",
                        at,
                    });
                }
                Origin::parse(line.value()).map_err(placed)?;
                self.section.lines.push(line);
            }
            'm' => {
                if self.media.len() == limits.media {
                    return Err(Malformed {
                        what: "too many m= lines",
                        at,
                    });
                }
                self.media.push(Media::from_line(line).map_err(placed)?);
            }
            _ => match self.media.last_mut() {
                Some(media) => media.section.lines.push(line),
                None => self.section.lines.push(line),
            },
        }
        Ok(())
    }

    fn finished(self) -> Result<Session, Malformed> {
        if self.section.lines.iter().any(|line| line.kind() == 'o') {
            Ok(self)
        } else {
            Err(Malformed::value("there is no o= line"))
        }
    }
}

/// Where the line that starts here ends, where the next one starts, and the ending between.
fn line_at(bytes: &[u8], start: usize) -> (usize, usize, Ending) {
    match memchr::memchr(b'\n', &bytes[start..]) {
        Some(0) => (start, start + 1, Ending::Lf),
        Some(n) if bytes[start + n - 1] == b'\r' => (start + n - 1, start + n + 1, Ending::CrLf),
        Some(n) => (start + n, start + n + 1, Ending::Lf),
        None => (bytes.len(), bytes.len(), Ending::None),
    }
}

fn check(line: &[u8]) -> Result<(), &'static str> {
    if line.len() < 2 || !line[0].is_ascii_lowercase() || line[1] != b'=' {
        return Err("a line is a lower-case letter, `=` and a value");
    }
    if line.iter().any(|b| matches!(b, b'\r' | 0)) {
        return Err("a line has no CR or NUL in it");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8866 §5, the example of a description.
    const RFC_8866: &str = "v=0\r\no=jdoe 3724394400 3724394405 IN IP4 198.51.100.1\r\ns=Call to John Smith\r\n\
        i=SDP Offer #1\r\nu=http://www.jdoe.example.com/home.html\r\ne=Jane Doe <jane@jdoe.example.com>\r\n\
        p=+1 617 555-6011\r\nc=IN IP4 198.51.100.1\r\nt=0 0\r\nm=audio 49170 RTP/AVP 0\r\n\
        m=audio 49180 RTP/AVP 0\r\nm=video 51372 RTP/AVP 99\r\nc=IN IP6 2001:db8::2\r\na=rtpmap:99 h263-1998/90000\r\n";

    #[test]
    fn a_new_description_is_one_that_can_be_read() {
        let origin = Origin::parse("- 7 1 IN IP4 192.0.2.1").expect("valid");
        let mut session = Session::new(&origin);
        let line = crate::MediaLine::parse("audio 9 RTP/AVP 0").expect("valid");
        session.push_media(Media::new(&line).expect("valid"));
        let text = "v=0\r\no=- 7 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\n";
        assert_eq!(&session.to_bytes()[..], text.as_bytes());
        assert!(Session::parse(text.as_bytes()).is_ok());
    }

    #[test]
    fn rfc_8866_example_is_read_and_kept() {
        let session = Session::parse(RFC_8866.as_bytes()).expect("valid");
        assert_eq!(session.origin().version, 3_724_394_405);
        assert_eq!(session.name(), Some("Call to John Smith"));
        assert_eq!(session.timing(), Ok(Some(Timing::default())));
        assert_eq!(session.medias().len(), 3);
        assert_eq!(session.media(2).expect("video").line().port, 51372);
        assert_eq!(&session.to_bytes()[..], RFC_8866.as_bytes());
    }

    #[test]
    fn an_edit_leaves_every_other_line_as_it_came() {
        let odd = RFC_8866.replace(
            "m=audio 49180 RTP/AVP 0\r\n",
            "m=audio 49180  RTP/AVP 0 \na=x:  y\r\n",
        );
        let mut session = Session::parse(odd.as_bytes()).expect("valid");
        session.media_mut(2).expect("video").set_port(0);
        assert_eq!(
            session.to_bytes(),
            odd.replace("m=video 51372", "m=video 0").as_bytes()
        );
    }

    #[test]
    fn bare_lf_and_a_missing_last_ending_are_accepted() {
        let text = "v=0\no=- 1 1 IN IP4 192.0.2.1\ns=-\nt=0 0\nm=audio 9 RTP/AVP 0";
        let mut session = Session::parse(text.as_bytes()).expect("valid");
        assert_eq!(&session.to_bytes()[..], text.as_bytes());
        session
            .media_mut(0)
            .expect("audio")
            .push_attribute(&crate::attribute::Ptime(20));
        assert_eq!(
            &session.to_bytes()[..],
            format!("{text}\na=ptime:20\n").as_bytes()
        );
    }

    #[test]
    fn blank_lines_are_kept_at_the_end_and_refused_elsewhere() {
        let text = format!("{RFC_8866}\r\n\n");
        assert_eq!(
            Session::parse(text.as_bytes()).expect("valid").to_bytes(),
            text.as_bytes()
        );
        let text = RFC_8866.replace("t=0 0\r\n", "t=0 0\r\n\r\n");
        assert_eq!(Session::parse(text.as_bytes()).expect_err("blank").at, 10);
    }

    #[test]
    fn what_is_not_sdp_is_told_with_its_line() {
        for (text, at) in [
            ("o=- 1 1 IN IP4 192.0.2.1\r\n", 1),
            ("v=1\r\n", 1),
            ("v=0\r\nhello\r\n", 2),
            ("v=0\r\no=-\r\n", 2),
            ("v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\nm=audio\r\n", 3),
            ("v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=a\rb\r\n", 3),
            ("v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\nv=0\r\n", 3),
            ("v=0\r\ns=-\r\n", 0),
            ("", 0),
        ] {
            assert_eq!(
                Session::parse(text.as_bytes()).expect_err(text).at,
                at,
                "{text}"
            );
        }
    }

    #[test]
    fn limits_hold() {
        let parse =
            |limits: Limits| Session::parse_with(&Bytes::from_static(RFC_8866.as_bytes()), &limits);
        assert!(
            parse(Limits {
                media: 2,
                ..Limits::default()
            })
            .is_err()
        );
        assert!(
            parse(Limits {
                lines: 12,
                ..Limits::default()
            })
            .is_err()
        );
        assert!(
            parse(Limits {
                line: 20,
                ..Limits::default()
            })
            .is_err()
        );
        assert!(
            parse(Limits {
                bytes: 100,
                ..Limits::default()
            })
            .is_err()
        );
        assert!(parse(Limits::default()).is_ok());
    }
}
