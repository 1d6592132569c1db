//! A WIC at W2 and W3, the core at Mw, and an enabler with applications.

use std::time::Instant;

use conformance::{Core, Enabler, HOME, PATIENCE, Setup, Subject, Wic};
use core_data_channel::{Channel, ChannelId, Event, Message as ChannelMessage};
use core_w3::dtls::Role;
use serde_json::{Value, json};
use wire_sdp::{Media, Session};
use wire_sip::{HeaderName, Message};

use crate::data_door::DataEnd;
use crate::zip;

const BROWSER: &str = include_str!("../../../wire/sdp/tests/data/chromium.sdp");
const SECRET: &str = "what-an-edge-shows";

/// The applications of a provider that is public, and those of two users.
const PROVIDER: &str = "games";

pub(crate) struct Scene {
    pub(crate) subject: Subject,
    pub(crate) core: Core,
    pub(crate) wic: Wic,
    pub(crate) end: DataEnd,
    pub(crate) enabler: Enabler,
    _secret: Secret,
}

/// A file with the secret.
struct Secret(std::path::PathBuf);

impl Secret {
    fn write() -> Self {
        use std::sync::atomic::{AtomicU32, Ordering};
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("ts-26-114-{}-{number}.secret", std::process::id());
        let file = std::env::temp_dir().join(name);
        std::fs::write(&file, SECRET).expect("the folder is there");
        Self(file)
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

impl Scene {
    /// Alice is registered, and the network has no application yet.
    pub(crate) fn start() -> Self {
        let secret = Secret::write();
        let file = secret.0.display();
        let enabler = Enabler::with(&format!("[mmtel_es]\nrepository_secret = \"{file}\"\n"));
        let url = enabler.address();
        let lines = format!("[epcscf.repository]\nurl = \"http://{url}\"\nsecret = \"{file}\"\n");
        let mut subject = Subject::with(&Setup {
            epcscf: &lines,
            waf: None,
        });
        let (mut core, mut wic) = (subject.core(), subject.wic("alice"));
        wic.is_registered_by(&mut core);
        Self {
            subject,
            core,
            wic,
            end: DataEnd::new(),
            enabler,
            _secret: secret,
        }
    }

    /// An application of the public provider; its identifier.
    pub(crate) fn application(&self, name: &str, more: &Value) -> String {
        self.application_of(PROVIDER, name, more)
    }

    pub(crate) fn application_of(&self, provider: &str, name: &str, more: &Value) -> String {
        let page = format!("<title>{name}</title>{}", "x".repeat(100_000));
        let package = zip::archive(&[("index.html", page.as_bytes())]);
        let mut profile = json!({
            "appIndex": "1", "appName": name, "appVer": "1.2", "peerDcReq": true, "appPkg": zip::base64(&package),
        });
        let all = profile.as_object_mut().expect("an object");
        all.extend(more.as_object().cloned().unwrap_or_default());
        let body = json!({ "reqId": provider, "dcAppNum": 1, "dcAppConfigParamList": [profile] });
        let path = "/mmtel-dcappmgmt/v1/dcapps/configure";
        let answer = self.enabler.post(path, &body).ok();
        let id = &answer["dcAppConfigRespList"][0]["appId"];
        id.as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
    }

    /// The SDP of an offer with these lines about data channels.
    pub(crate) fn offer(&self, lines: &str) -> String {
        let audio = BROWSER.split("m=video").next().expect("audio is first");
        let audio = audio.replace("BUNDLE 0 1", "BUNDLE 0");
        let data = self.end.line("actpass", true).replace("a=mid:0", "a=mid:1");
        format!("{audio}{data}{lines}")
    }

    /// Alice calls somebody with these channels; the INVITE as the core has it.
    pub(crate) fn calls(&mut self, to: &str, lines: &str) -> Message {
        let offer = self.offer(lines);
        let invite = self.wic.invite(to, "", &offer);
        self.wic.send(&invite);
        self.core.request("INVITE")
    }

    /// The core answers that with audio; what Alice hears.
    pub(crate) fn is_answered(&mut self, seen: &Message, status: u16, more: &str) -> Message {
        let routes: Vec<&str> = seen.values(HeaderName::RecordRoute).collect();
        let routes = routes.join(", ");
        let address = self.core.address();
        let contact = if more.contains("Contact:") {
            String::new()
        } else {
            format!("Contact: <sip:far@{address}>\r\n")
        };
        let refused = Session::parse(seen.body()).expect("SDP").medias().len() > 1;
        let refused = if refused {
            "m=application 0 UDP/DTLS/SCTP webrtc-datachannel\r\n"
        } else {
            ""
        };
        let tail = format!(
            "Record-Route: {routes}\r\n{contact}{more}\
             \r\nv=0\r\no=far 5 5 IN IP4 192.0.2.99\r\ns=-\r\nc=IN IP4 192.0.2.99\r\nt=0 0\r\n\
             m=audio 30000 RTP/AVP 8 101\r\na=rtpmap:8 PCMA/8000\r\n\
             a=rtpmap:101 telephone-event/8000\r\na=sendrecv\r\n{refused}"
        );
        self.core.answer(seen, status, &tail);
        self.wic.status(status)
    }

    /// A call that stands, and the m-line of data channels that Alice was answered.
    pub(crate) fn stands(&mut self, to: &str, lines: &str, more: &str) -> (Message, Media) {
        let seen = self.calls(to, lines);
        let ok = self.is_answered(&seen, 200, more);
        let ack = self.wic.in_dialog("ACK", &ok, "");
        self.wic.send(&ack);
        self.core.request("ACK");
        let media = data(&ok);
        (ok, media)
    }

    /// DTLS and SCTP with the gateway, and these channels as a browser has them: negotiated.
    pub(crate) fn connects(&mut self, gateway: &Media, streams: &[u16]) {
        let role = match gateway.value("setup") {
            Some("active") => Role::Server,
            _ => Role::Client,
        };
        self.end.begin(gateway, role);
        let deadline = Instant::now() + PATIENCE;
        while self.end.take(|event| *event == Event::Connected).is_none() {
            assert!(Instant::now() < deadline, "there is no association");
            self.end.turn();
        }
        for stream in streams {
            self.end.with(|sctp, now| {
                let channel = Channel {
                    protocol: "http".into(),
                    ..Channel::new("")
                };
                let done = sctp.negotiate(now, ChannelId(*stream), channel);
                done.expect("the stream is free");
            });
        }
    }

    /// Says these octets on a channel.
    pub(crate) fn says(&mut self, stream: u16, octets: &str) {
        let message = ChannelMessage::binary(octets.as_bytes().to_vec());
        let sent = self
            .end
            .with(|sctp, now| sctp.send(now, ChannelId(stream), message));
        sent.expect("there is room");
    }

    /// The next answer on a channel, and how many messages it took.
    #[track_caller]
    pub(crate) fn hears(&mut self, stream: u16) -> (Answer, usize) {
        let deadline = Instant::now() + PATIENCE;
        let (mut octets, mut messages) = (Vec::new(), 0);
        loop {
            let message = self.end.with(|sctp, now| sctp.read(now, ChannelId(stream)));
            if let Some(message) = message {
                octets.extend_from_slice(&message.data);
                messages += 1;
                if let Some(answer) = Answer::read(&octets) {
                    return (answer, messages);
                }
            }
            assert!(
                Instant::now() < deadline,
                "{}",
                String::from_utf8_lossy(&octets)
            );
        }
    }

    /// Asks as China Telecom's terminal SDK does: without Host, and with no other line unless it has an ETag.
    #[track_caller]
    pub(crate) fn asks(&mut self, stream: u16, target: &str, etag: Option<&str>) -> Answer {
        let line = etag.map(|etag| format!("If-None-Match: {etag}\r\n"));
        let line = line.unwrap_or_default();
        self.says(stream, &format!("GET {target} HTTP/1.1\r\n{line}\r\n"));
        self.hears(stream).0
    }

    /// The names on the list of a channel.
    #[track_caller]
    pub(crate) fn listed(&mut self, stream: u16) -> Vec<String> {
        let list = self.asks(stream, LIST, None).json();
        let all = list["applications"].as_array().expect("a list");
        let names = all.iter().filter_map(|one| one["appName"].as_str());
        names.map(str::to_owned).collect()
    }
}

/// What the SDK asks for its list.
pub(crate) const LIST: &str = "/applicationlist?begin-index=0&app-num=100&sdkVersion=1.0.0";

/// Bob, in the same network, and somebody in another one.
pub(crate) fn bob() -> String {
    format!("sip:bob@{HOME}")
}

pub(crate) const STRANGER: &str = "sip:zoe@elsewhere.example";

/// The m-line of data channels in a message.
#[track_caller]
pub(crate) fn data(message: &Message) -> Media {
    let session = Session::parse(message.body()).expect("SDP");
    let mut medias = session.medias().iter();
    let media = medias.find(|media| media.line().media == "application");
    media.expect("an m-line of data channels").clone()
}

/// The streams that it names.
pub(crate) fn streams(media: &Media) -> Vec<u16> {
    let maps = media.values("dcmap");
    let streams = maps.filter_map(|map| map.split(' ').next()?.parse().ok());
    streams.collect()
}

/// `a=dcmap` of bootstrap channels, as a UE offers them.
pub(crate) fn dcmaps(streams: &[u16]) -> String {
    let lines = streams
        .iter()
        .map(|stream| format!("a=dcmap:{stream} subprotocol=\"http\"\r\n"));
    lines.collect()
}

/// An answer on a bootstrap channel.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// As the SDK reads it: whole when there are as many octets as Content-Length says, and never without it.
    fn read(octets: &[u8]) -> Option<Self> {
        let end = octets.windows(4).position(|four| four == b"\r\n\r\n")?;
        let head = String::from_utf8(octets[..end].to_vec()).expect("text");
        let body = &octets[end + 4..];
        let mut answer = Self {
            status: head.split(' ').nth(1)?.parse().ok()?,
            head,
            body: Vec::new(),
        };
        let length: usize = answer.header("content-length")?.parse().ok()?;
        assert!(
            body.len() <= length,
            "more than its Content-Length: {}",
            answer.head
        );
        answer.body = body.to_vec();
        (body.len() == length).then_some(answer)
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.split("\r\n").skip(1);
        lines.find_map(|line| {
            let (known, value) = line.split_once(':')?;
            known.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.status, 200, "{}", self.head);
        serde_json::from_slice(&self.body).expect("JSON")
    }
}
