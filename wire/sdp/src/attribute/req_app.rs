//! `a=3gpp-req-app`

use std::fmt;

use crate::{Attribute, Malformed, Media};

/// TS 26.114 §6.2.10 — who is at the other end of an application's channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AppEndpoint {
    /// The other party's UE.
    Ue,
    /// A data channel application server.
    Server,
}

impl fmt::Display for AppEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            AppEndpoint::Ue => "UE",
            AppEndpoint::Server => "Server",
        })
    }
}

// Deviates: the grammar of this attribute could not be had. `<stream>:` before an endpoint says which channel
// it is, since the channels of an m-line may be of several; an endpoint without it is that of each.
/// TS 26.114 §6.2.10 — `a=3gpp-req-app:<application>;adc-stream-id-endpoint=<stream>:Server,<stream>:UE`:
/// which application channels belong to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReqApp<'a> {
    /// The application, without quotes.
    pub application: &'a str,
    /// The parameters as they are written.
    pub parameters: &'a str,
}

const ENDPOINT: &str = "adc-stream-id-endpoint";

impl<'a> ReqApp<'a> {
    /// What is said of ends: the stream, where one is named, and who is at its other end.
    pub fn endpoints(&self) -> impl Iterator<Item = (Option<u16>, AppEndpoint)> + use<'a> {
        let named = parameters(self.parameters).find_map(|one| {
            let (name, value) = one.split_once('=')?;
            name.trim().eq_ignore_ascii_case(ENDPOINT).then_some(value)
        });
        named
            .into_iter()
            .flat_map(|list| list.split(','))
            .filter_map(|one| {
                let (stream, word) = match one.trim().split_once(':') {
                    Some((stream, word)) => (Some(stream.trim().parse().ok()?), word.trim()),
                    None => (None, one.trim()),
                };
                let server = word.eq_ignore_ascii_case("server");
                // A word that nobody knows is no server.
                Some((
                    stream,
                    if server {
                        AppEndpoint::Server
                    } else {
                        AppEndpoint::Ue
                    },
                ))
            })
    }

    /// The application of a channel of this m-line, and who is at its other end.
    pub fn of(media: &'a Media, stream: u16) -> Option<(&'a str, AppEndpoint)> {
        let mut whole = None;
        for one in media.attributes::<ReqApp<'_>>().filter_map(Result::ok) {
            let mut said = false;
            for (which, endpoint) in one.endpoints() {
                said = true;
                match which {
                    Some(which) if which == stream => return Some((one.application, endpoint)),
                    Some(_) => {}
                    None => whole = whole.or(Some((one.application, endpoint))),
                }
            }
            if !said {
                whole = whole.or(Some((one.application, AppEndpoint::Ue)));
            }
        }
        whole
    }
}

/// `;` or a blank is between two.
fn parameters(text: &str) -> impl Iterator<Item = &str> {
    text.split([';', ' '])
        .map(str::trim)
        .filter(|one| !one.is_empty())
}

impl<'a> Attribute<'a> for ReqApp<'a> {
    const NAME: &'static str = "3gpp-req-app";

    fn parse(value: &'a str) -> Result<ReqApp<'a>, Malformed> {
        let bad = || Malformed::value("a=3gpp-req-app begins with an application");
        let value = value.trim();
        let (application, rest) = if let Some(quoted) = value.strip_prefix('"') {
            quoted.split_once('"').ok_or_else(bad)?
        } else {
            let end = value.find([';', ' ']).unwrap_or(value.len());
            let (application, rest) = value.split_at(end);
            if !application.bytes().all(super::is_token) {
                return Err(bad());
            }
            (application, rest)
        };
        if application.is_empty() {
            return Err(bad());
        }
        Ok(ReqApp {
            application,
            parameters: rest.trim_start_matches([';', ' ']),
        })
    }
}

impl fmt::Display for ReqApp<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.application.bytes().all(super::is_token) {
            f.write_str(self.application)?;
        } else {
            write!(f, "\"{}\"", self.application)?;
        }
        if self.parameters.is_empty() {
            Ok(())
        } else {
            write!(f, ";{}", self.parameters)
        }
    }
}

/// TS 26.114 §6.2.10 — the parameters of [`ReqApp`] for these channels of one application.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AppEndpoints<'a>(pub &'a [(u16, AppEndpoint)]);

impl fmt::Display for AppEndpoints<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (stream, endpoint)) in self.0.iter().enumerate() {
            let before = if index == 0 { ENDPOINT } else { "" };
            let sign = if index == 0 { '=' } else { ',' };
            write!(f, "{before}{sign}{stream}:{endpoint}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Session;

    fn of(lines: &str, stream: u16) -> Option<(String, AppEndpoint)> {
        let text = format!(
            "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\n\
             m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n{lines}"
        );
        let session = Session::parse(text.as_bytes()).expect("SDP");
        let found = ReqApp::of(&session.medias()[0], stream);
        found.map(|(application, endpoint)| (application.to_owned(), endpoint))
    }

    #[test]
    fn whose_a_channel_is() {
        let lines = "a=3gpp-req-app:board;adc-stream-id-endpoint=1000:UE,1002:server\r\n\
                     a=3gpp-req-app:\"my menu\" adc-stream-id-endpoint=1004:Server;app-dc-status=x\r\n";
        let some = |name: &str, endpoint| Some((name.to_owned(), endpoint));
        assert_eq!(of(lines, 1000), some("board", AppEndpoint::Ue));
        assert_eq!(of(lines, 1002), some("board", AppEndpoint::Server));
        assert_eq!(of(lines, 1004), some("my menu", AppEndpoint::Server));
        assert_eq!(of(lines, 1006), None);
        let lines = "a=3gpp-req-app:poll;adc-stream-id-endpoint=Server\r\na=3gpp-req-app:other\r\n";
        assert_eq!(of(lines, 1000), some("poll", AppEndpoint::Server));
        assert_eq!(
            of("a=3gpp-req-app:poll\r\n", 7),
            some("poll", AppEndpoint::Ue)
        );
    }

    #[test]
    fn what_is_written_is_read() {
        let channels = [(1000, AppEndpoint::Server), (1002, AppEndpoint::Ue)];
        let parameters = AppEndpoints(&channels).to_string();
        let written = ReqApp {
            application: "menu",
            parameters: &parameters,
        };
        let text = written.to_string();
        assert_eq!(text, "menu;adc-stream-id-endpoint=1000:Server,1002:UE");
        let read = ReqApp::parse(&text).expect("valid");
        assert_eq!(read, written);
        let expected = channels.map(|(stream, endpoint)| (Some(stream), endpoint));
        assert_eq!(read.endpoints().collect::<Vec<_>>(), expected);
        for wrong in ["", ";x", "\"", "\"\"", "a,b"] {
            assert!(ReqApp::parse(wrong).is_err(), "{wrong}");
        }
    }
}
