//! The m-line for data channels (TS 24.371 §8.2.2, §8.2.3; RFC 8841, RFC 8864).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use core_bootstrap::stream::{SUBPROTOCOL, Source};
use core_data_channel::{Channel, ChannelId, Limits, Priority, Reliability};
use wire_sdp::Media;
use wire_sdp::attribute::{
    AppEndpoint, AppEndpoints, ChannelParameters, Dcmap, Dcsa, MaxMessageSize, ReqApp, SctpPort,
};

use super::ChannelApplication;
use super::table::NegotiatedChannel;
use super::transport::{SCTP_PORT, Sctp};
use crate::SdpError;
use crate::media::RemoteTransport;

/// RFC 8841 §4.3 — the protocol of the m-line.
pub(crate) const PROTO: &str = "UDP/DTLS/SCTP";

/// RFC 8841 §4.4 — its format.
pub(crate) const FORMAT: &str = "webrtc-datachannel";

/// What the peer's description says of data channels.
#[derive(Clone, Debug)]
pub(crate) struct RemoteData {
    pub(crate) transport: RemoteTransport,
    pub(crate) sctp: Sctp,
    pub(crate) channels: Vec<NegotiatedChannel>,
}

/// Whether an m-line is one of data channels that we can serve.
pub(crate) fn is_data(media: &Media) -> bool {
    let line = media.line();
    line.media == "application"
        && line.proto.eq_ignore_ascii_case(PROTO)
        && line.formats.split(' ').any(|format| format == FORMAT)
}

/// RFC 8841 §5, §6, RFC 8864 §5 — SCTP and the channels. A channel that cannot be, or one stream twice,
/// spoils the m-line.
pub(crate) fn read(media: &Media) -> Result<(Sctp, Vec<NegotiatedChannel>), SdpError> {
    let bad = |error: wire_sdp::Malformed| SdpError::Malformed(error.to_string());
    let malformed = |why: &str| SdpError::Malformed(why.to_owned());
    let port = media.attribute::<SctpPort>().map_err(bad)?;
    // RFC 8841 §5.2: 0 is an association that is to end.
    let port = port.map_or(SCTP_PORT, |port| port.0);
    if port == 0 {
        return Err(SdpError::NothingInCommon("no SCTP port"));
    }
    let max_message_size = media.attribute::<MaxMessageSize>().map_err(bad)?;
    let mut channels: Vec<NegotiatedChannel> = Vec::new();
    let mut streams = BTreeSet::new();
    for map in media.attributes::<Dcmap<'_>>() {
        let map = map.map_err(bad)?;
        let stream = ChannelId(map.stream);
        let parameters = ChannelParameters::read(&map).filter(|_| stream.is_valid());
        let parameters = parameters.ok_or_else(|| malformed("a=dcmap of no channel"))?;
        if !streams.insert(stream) || streams.len() > Limits::default().channels {
            return Err(malformed("a=dcmap twice, or too often"));
        }
        // RFC 8864 §5.2.1: of what is no attribute of ours nothing is made.
        let attributes = media.attributes::<Dcsa<'_>>().flatten();
        let attributes = attributes.filter(|attribute| attribute.stream == map.stream);
        channels.push(NegotiatedChannel {
            stream,
            channel: channel(parameters),
            attributes: attributes
                .map(|attribute| attribute.attribute.to_owned())
                .collect(),
            application: ReqApp::of(media, map.stream).map(|(id, endpoint)| ChannelApplication {
                id: id.to_owned(),
                endpoint,
            }),
            qos_hint: None,
        });
    }
    let sctp = Sctp {
        port,
        max_message_size: max_message_size.map(|size| size.0),
    };
    Ok((sctp, channels))
}

/// Writes what follows transport and DTLS.
pub(crate) fn write(sdp: &mut String, tls_id: &str, channels: &[NegotiatedChannel]) {
    let size = Limits::default().receive_message;
    let _ = write!(sdp, "a=tls-id:{tls_id}\r\na=sctp-port:{SCTP_PORT}\r\n");
    let _ = write!(sdp, "a=max-message-size:{size}\r\n");
    // TS 26.114 §6.2.7.4: one for the m-line.
    if let Some(hint) = channels.iter().find_map(|one| one.qos_hint.as_deref()) {
        let _ = write!(sdp, "a=3gpp-qos-hint:{hint}\r\n");
    }
    // TS 26.114 §6.2.10.1: what of the far end's network is asked for here is its sender's.
    let remote = |one: &NegotiatedChannel| {
        let http = one.channel.protocol == SUBPROTOCOL;
        http && Source::of(one.stream.0).is_some_and(Source::is_remote)
    };
    if channels.iter().any(remote) {
        sdp.push_str("a=3gpp-bdc-used-by:sender\r\n");
    }
    for described in channels {
        let parameters = parameters(&described.channel).to_string();
        let map = Dcmap {
            stream: described.stream.0,
            options: &parameters,
        };
        let _ = write!(sdp, "a=dcmap:{map}\r\n");
        for attribute in &described.attributes {
            let attribute = Dcsa {
                stream: described.stream.0,
                attribute,
            };
            let _ = write!(sdp, "a=dcsa:{attribute}\r\n");
        }
    }
    let mut applications: BTreeMap<&str, Vec<(u16, AppEndpoint)>> = BTreeMap::new();
    for described in channels {
        if let Some(one) = &described.application {
            let channels = applications.entry(&one.id).or_default();
            channels.push((described.stream.0, one.endpoint));
        }
    }
    for (application, channels) in applications {
        let parameters = AppEndpoints(&channels).to_string();
        let value = ReqApp {
            application,
            parameters: &parameters,
        };
        let _ = write!(sdp, "a=3gpp-req-app:{value}\r\n");
    }
}

fn channel(parameters: ChannelParameters) -> Channel {
    Channel {
        label: parameters.label,
        protocol: parameters.subprotocol,
        ordered: parameters.ordered,
        reliability: match (parameters.max_retr, parameters.max_time) {
            (Some(times), _) => Reliability::MaxRetransmits(times),
            (None, Some(milliseconds)) => Reliability::MaxLifetime(milliseconds),
            (None, None) => Reliability::Reliable,
        },
        priority: Priority(parameters.priority),
    }
}

fn parameters(channel: &Channel) -> ChannelParameters {
    let (max_retr, max_time) = match channel.reliability {
        Reliability::Reliable => (None, None),
        Reliability::MaxRetransmits(times) => (Some(times), None),
        Reliability::MaxLifetime(milliseconds) => (None, Some(milliseconds)),
    };
    ChannelParameters {
        label: channel.label.clone(),
        subprotocol: channel.protocol.clone(),
        ordered: channel.ordered,
        max_retr,
        max_time,
        priority: channel.priority.0,
    }
}

#[cfg(test)]
mod tests {
    use wire_sdp::Session;

    use super::*;

    fn parse(lines: &str) -> Result<(Sctp, Vec<NegotiatedChannel>), SdpError> {
        let text = format!(
            "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\n\
             m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n{lines}"
        );
        let session = Session::parse(text.as_bytes()).expect("SDP");
        assert!(is_data(&session.medias()[0]));
        read(&session.medias()[0])
    }

    /// TS 26.114 §6.2.10
    #[test]
    fn what_the_m_line_says_for_all_is_said_once() {
        let channel = |stream, protocol: &str, hint: Option<&str>| NegotiatedChannel {
            stream: ChannelId(stream),
            channel: Channel {
                protocol: protocol.into(),
                ..Channel::new("")
            },
            attributes: Vec::new(),
            application: None,
            qos_hint: hint.map(str::to_owned),
        };
        let written = |channels: &[NegotiatedChannel]| {
            let mut sdp = String::new();
            write(&mut sdp, "abcdefghijabcdefghij", channels);
            sdp
        };
        let sdp = written(&[
            channel(100, "http", None),
            channel(1000, "", Some("loss=0.01;latency=100")),
            channel(1002, "", Some("latency=1")),
        ]);
        assert!(
            sdp.contains("a=3gpp-qos-hint:loss=0.01;latency=100\r\n"),
            "{sdp}"
        );
        assert_eq!(sdp.matches("qos-hint").count(), 1, "{sdp}");
        assert!(sdp.contains("a=3gpp-bdc-used-by:sender\r\n"), "{sdp}");
        let sdp = written(&[channel(0, "http", None), channel(100, "", None)]);
        assert!(
            !sdp.contains("used-by") && !sdp.contains("qos-hint"),
            "{sdp}"
        );
    }

    fn application(id: &str, endpoint: AppEndpoint) -> ChannelApplication {
        let id = id.to_owned();
        ChannelApplication { id, endpoint }
    }

    #[test]
    fn what_is_written_is_read() {
        let channels = [
            NegotiatedChannel {
                stream: ChannelId(1000),
                channel: Channel {
                    protocol: "msrp".into(),
                    ordered: false,
                    reliability: Reliability::MaxLifetime(150),
                    priority: Priority::HIGH,
                    ..Channel::new("with \"%\" ü")
                },
                attributes: vec!["setup:active".into(), "accept-types:text/plain".into()],
                application: Some(application("board", AppEndpoint::Ue)),
                qos_hint: None,
            },
            NegotiatedChannel {
                stream: ChannelId(1002),
                channel: Channel::new(""),
                attributes: Vec::new(),
                application: Some(application("poll", AppEndpoint::Server)),
                qos_hint: None,
            },
            NegotiatedChannel {
                stream: ChannelId(1004),
                channel: Channel::new(""),
                attributes: Vec::new(),
                application: Some(application("board", AppEndpoint::Server)),
                qos_hint: None,
            },
            NegotiatedChannel {
                stream: ChannelId(1006),
                channel: Channel::new("chat"),
                attributes: Vec::new(),
                application: None,
                qos_hint: None,
            },
        ];
        let mut sdp = String::new();
        write(&mut sdp, "abcdefghijabcdefghij", &channels);
        let (sctp, read) = parse(&sdp).expect("our own");
        assert_eq!(read, channels);
        let size = Limits::default().receive_message;
        assert_eq!(sctp.max_message_size, Some(u64::from(size)));
        assert_eq!(sctp.port, SCTP_PORT);
    }

    /// TS 24.371 V12.3 §8.2 — channels are opened by DCEP alone, and the description names none.
    #[test]
    fn a_description_may_have_no_channel() {
        let (sctp, channels) = parse("a=sctp-port:5001\r\n").expect("an m-line");
        assert_eq!((sctp.port, sctp.max_message_size), (5001, None));
        assert_eq!(channels, []);
    }

    #[test]
    fn what_cannot_be_spoils_the_m_line() {
        for lines in [
            "a=sctp-port:0\r\n",
            "a=dcmap:65535\r\n",
            "a=dcmap:1000\r\na=dcmap:1000\r\n",
            "a=dcmap:1000 max-retr=1;max-time=1\r\n",
            "a=dcmap:x\r\n",
        ] {
            assert!(parse(lines).is_err(), "{lines}");
        }
    }
}
