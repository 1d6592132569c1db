//! `m=`

use std::fmt;

use crate::Malformed;

/// RFC 8866 §5.14 — `m=<media> <port>[/<number of ports>] <proto> <fmt> …`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MediaLine<'a> {
    /// `audio`, `video`, `application`, `message`, `image`, `text`.
    pub media: &'a str,
    /// The port; 0 in an offer or answer means rejected (RFC 3264 §5.1), 9 with trickled ICE means "not yet known".
    pub port: u16,
    /// The number of ports, where it is written.
    pub ports: Option<u16>,
    /// The transport protocol, `UDP/TLS/RTP/SAVPF`.
    pub proto: &'a str,
    /// The formats as one text: [`MediaLine::formats`] splits it.
    pub formats: &'a str,
}

impl<'a> MediaLine<'a> {
    /// The value of an `m=` line.
    pub fn parse(value: &'a str) -> Result<MediaLine<'a>, Malformed> {
        let mut rest = value;
        let mut field = |what| {
            let text = rest.trim_start_matches(' ');
            let end = text.find(' ').unwrap_or(text.len());
            rest = &text[end..];
            if end == 0 {
                Err(Malformed::value(what))
            } else {
                Ok(&text[..end])
            }
        };
        let media = field("an m= line begins with a media type")?;
        let port = field("an m= line has a port")?;
        let proto = field("an m= line has a transport protocol")?;
        let formats = rest.trim_matches(' ');
        if formats.is_empty() {
            return Err(Malformed::value("an m= line has a format"));
        }
        let (port, ports) = match port.split_once('/') {
            Some((port, ports)) => (port, Some(number(ports)?)),
            None => (port, None),
        };
        Ok(MediaLine {
            media,
            port: number(port)?,
            ports,
            proto,
            formats,
        })
    }

    /// The formats, one by one.
    pub fn formats(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.formats.split_ascii_whitespace()
    }

    /// The formats that are RTP payload types.
    pub fn payload_types(&self) -> impl Iterator<Item = u8> + use<'a> {
        self.formats()
            .filter_map(|f| f.parse().ok().filter(|payload| *payload < 128))
    }

    /// Whether the proto field names RTP in one of its profiles.
    pub fn is_rtp(&self) -> bool {
        self.proto
            .split('/')
            .any(|part| part.eq_ignore_ascii_case("RTP"))
    }
}

impl fmt::Display for MediaLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.media, self.port)?;
        if let Some(ports) = self.ports {
            write!(f, "/{ports}")?;
        }
        write!(f, " {} {}", self.proto, self.formats)
    }
}

fn number(text: &str) -> Result<u16, Malformed> {
    if !text.bytes().all(|b| b.is_ascii_digit()) {
        return Err(Malformed::value("a port is a number"));
    }
    text.parse()
        .map_err(|_| Malformed::value("a port is a number up to 65535"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_8866_examples() {
        let line = MediaLine::parse("video 49170/2 RTP/AVP 31").expect("valid");
        assert_eq!(
            (line.media, line.port, line.ports),
            ("video", 49170, Some(2))
        );
        assert_eq!(line.to_string(), "video 49170/2 RTP/AVP 31");
        let line = MediaLine::parse("audio 49230 RTP/AVP 96 97 98").expect("valid");
        assert!(line.payload_types().eq([96, 97, 98]));
        assert!(line.is_rtp());
    }

    #[test]
    fn a_line_without_a_field_is_malformed() {
        for value in [
            "",
            "audio",
            "audio 9",
            "audio 9 RTP/AVP",
            "audio x RTP/AVP 0",
            "audio 65536 RTP/AVP 0",
            "audio +9 RTP/AVP 0",
        ] {
            assert!(MediaLine::parse(value).is_err(), "{value}");
        }
    }

    #[test]
    fn a_data_channel_is_not_rtp() {
        let line =
            MediaLine::parse("application 9 UDP/DTLS/SCTP webrtc-datachannel").expect("valid");
        assert!(!line.is_rtp());
        assert_eq!(line.payload_types().count(), 0);
    }
}
