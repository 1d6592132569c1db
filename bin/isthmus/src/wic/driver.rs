//! One phone: its sockets, its clock, and what it was told to do.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context as _;
use bytes::Bytes;
use core_credentials::aka::Version;
use core_sip::{ConnectionId, Transport};
use nf_wic::media::{AudioSource, MediaPart, Video, VideoSource};
use nf_wic::{Config, Credentials, Ended, Event, Output, Wic};
use rustls::ClientConfig;
use serde_json::json;
use tokio::net::{UdpSocket, lookup_host};
use tokio::sync::mpsc;
use url::Url;
use wire_sip::StatusCode;

use super::args::{numbered, seconds};
use super::link::{Door, FromLink};
use super::report::Report;
use super::sign_in::Session;
use super::{Args, ivf, sim, wav};

/// Where the all-in-one has it.
const W2: &str = "wss://localhost:8443/w2";

/// A token is renewed when it has less than that.
const RENEW: u64 = 60;

/// One hour of G.711 is enough to listen to.
const LONGEST_RECORDING: usize = 8000 * 3600;

/// A few minutes of a picture as browsers send it.
const LONGEST_FILM: usize = 256 << 20;

/// Longer than a datagram.
const DATAGRAM: usize = 2048;

/// A phone and all that it needs.
pub(super) struct Driver {
    index: u32,
    args: Arc<Args>,
    wic: Wic,
    media: UdpSocket,
    video: Option<UdpSocket>,
    video_at: Option<SocketAddr>,
    door: Door,
    session: Option<Session>,
    report: Report,
    links: mpsc::Receiver<FromLink>,
    up: mpsc::Sender<FromLink>,
    down: Option<mpsc::Sender<Bytes>>,
    link: u64,
    task: Task,
}

/// How far it is with what it was told to do.
#[derive(Debug, Default)]
struct Task {
    registered: bool,
    called_at: Option<Instant>,
    answered_at: Option<Instant>,
    calls: u32,
    failed: bool,
    done: bool,
    /// The next thing to do, and when.
    steps: Vec<(Instant, Step)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    GiveUp,
    Renew,
    Reject,
    Dtmf,
    Hold,
    Resume,
    HangUp,
    Leave,
    /// The registrar did not answer the goodbye.
    Gone,
}

impl Driver {
    /// An error is one of what was asked for; `None` when signing in failed, which is reported.
    pub(super) async fn new(
        index: u32,
        args: &Arc<Args>,
        tls: &Arc<ClientConfig>,
        (source, shown): (AudioSource, VideoSource),
        report: Report,
    ) -> anyhow::Result<Option<Self>> {
        let now = Instant::now();
        let mut identity = args.identity(index);
        let mut told = None;
        let mut task = Task::default();
        let mut session = None;
        let credentials = if let Some(token) = &args.token {
            Credentials::Token {
                token: token.clone(),
            }
        } else if let Some(file) = &args.sim {
            Credentials::Usim {
                usim: Box::new(sim::read(&numbered(file, index))?),
                version: if args.aka_v1 {
                    Version::V1
                } else {
                    Version::V2
                },
            }
        } else if let Some(base) = &args.sign_in {
            let (user, password) = (args.user(index), args.password(index)?);
            let mut open = Session::new(args, base)?;
            let grant = match open.open(&user, &password).await {
                Ok(grant) => grant,
                Err(error) => {
                    let reason = format!("{error:#}");
                    report.say("no_token", json!({ "reason": reason }));
                    return Ok(None);
                }
            };
            let renew = grant.expires_in.saturating_sub(RENEW).max(1);
            let renew = now + std::time::Duration::from_secs(renew);
            task.steps.push((renew, Step::Renew));
            identity.private = grant.impi;
            identity.home_domain = grant.home_domain;
            if let Some(public) = grant.impus.into_iter().next() {
                identity.public = args.impu.clone().unwrap_or(public);
            }
            told = grant.w2;
            session = Some(open);
            Credentials::Token {
                token: grant.access_token,
            }
        } else {
            Credentials::Digest {
                password: args.password(index)?,
            }
        };
        let w2 = args.w2.clone().or(told);
        let w2 = w2.unwrap_or_else(|| W2.to_owned());
        let url = Url::parse(&w2).context("--w2 is no URL")?;
        let transport = match url.scheme() {
            "wss" => Transport::Wss,
            "ws" => Transport::Ws,
            other => anyhow::bail!("--w2 is {other}: ws and wss are known"),
        };
        let media = media_socket(args, &url).await?;
        let video = if args.wants_video() {
            Some(media_socket(args, &url).await?)
        } else {
            None
        };
        let video_at = video.as_ref().map(UdpSocket::local_addr).transpose()?;
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(|error| anyhow::anyhow!("no randomness: {error}"))?;
        let config = Config {
            identity,
            credentials,
            transport,
            media: media.local_addr()?,
            video: video_at.map(|local| Video {
                local,
                source: shown,
                keep_bytes: if args.record_video.is_some() {
                    LONGEST_FILM
                } else {
                    0
                },
            }),
            codecs: args.codecs(),
            source,
            keep_samples: if args.record.is_some() {
                LONGEST_RECORDING
            } else {
                0
            },
            answer_after: args.answer.then(|| seconds(args.ring)),
            expires: std::time::Duration::from_secs(args.expires),
            seed,
        };
        let (up, links) = mpsc::channel(64);
        task.steps.push((now + seconds(args.timeout), Step::GiveUp));
        Ok(Some(Self {
            index,
            args: Arc::clone(args),
            wic: Wic::new(config),
            media,
            video,
            video_at,
            door: Door {
                url,
                origin: args.origin.clone(),
                tls: Arc::clone(tls),
            },
            session,
            report,
            links,
            up,
            down: None,
            link: 0,
            task,
        }))
    }

    /// Runs until what was asked for is done; says whether it was.
    pub(super) async fn run(mut self) -> anyhow::Result<bool> {
        let mut buffer = vec![0; DATAGRAM];
        let mut picture = vec![0; DATAGRAM];
        let audio_at = self.media.local_addr()?;
        self.wic.start();
        let mut interrupt = std::pin::pin!(tokio::signal::ctrl_c());
        let mut interrupted = false;
        while !self.task.done {
            self.drain().await;
            if self.task.done {
                break;
            }
            let steps = self.task.steps.iter().map(|(at, _)| *at);
            let next = steps.chain(self.wic.poll_timeout()).min();
            let sleep = async {
                match next {
                    Some(next) => tokio::time::sleep_until(next.into()).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                Some(event) = self.links.recv() => self.handle_link(event),
                received = self.media.recv_from(&mut buffer) => {
                    // A refused datagram (ICMP) is the other end's way to say that it is gone.
                    if let Ok((length, from)) = received {
                        let bytes = &buffer[..length];
                        self.wic.handle_media(Instant::now(), audio_at, from, bytes);
                    }
                }
                received = receive(self.video.as_ref(), &mut picture) => {
                    if let (Ok((length, from)), Some(at)) = (received, self.video_at) {
                        let bytes = &picture[..length];
                        self.wic.handle_media(Instant::now(), at, from, bytes);
                    }
                }
                () = sleep => {
                    let now = Instant::now();
                    self.wic.handle_timeout(now);
                    self.steps(now).await;
                }
                _ = &mut interrupt, if !interrupted => {
                    interrupted = true;
                    self.leave(Instant::now());
                }
            }
        }
        self.drain().await;
        Ok(!self.task.failed)
    }

    fn handle_link(&mut self, event: FromLink) {
        let now = Instant::now();
        match event {
            FromLink::Opened(number) if number == self.link => {
                self.wic.handle_connected(now, ConnectionId(number));
            }
            FromLink::Message(number, message) if number == self.link => {
                self.wic.handle_message(now, message);
            }
            FromLink::Closed(number, reason) if number == self.link => {
                self.report
                    .say("websocket_closed", json!({ "reason": reason }));
                self.down = None;
                self.wic.handle_closed(now);
            }
            // Of a link before this one.
            _ => {}
        }
    }

    async fn drain(&mut self) {
        while let Some(output) = self.wic.poll_output() {
            match output {
                Output::Connect => {
                    self.link += 1;
                    self.down = Some(self.door.open(self.link, self.up.clone()));
                }
                Output::Send(message) => {
                    if let Some(down) = &self.down
                        && down.try_send(message).is_err()
                    {
                        // It cannot keep up: a new one is better.
                        self.down = None;
                        self.wic.handle_closed(Instant::now());
                    }
                }
                Output::Transmit { from, to, bytes } => {
                    let video = self.video.as_ref().filter(|_| self.video_at == Some(from));
                    // An address that cannot be reached from here is one candidate of several.
                    let _ = video.unwrap_or(&self.media).send_to(&bytes, to).await;
                }
                Output::Event(event) => self.event(event).await,
            }
        }
    }

    async fn event(&mut self, event: Event) {
        let now = Instant::now();
        if event == Event::Answered {
            let setup = self.task.called_at.take();
            let setup = setup.map(|at| (at.elapsed().as_secs_f64() * 1e5).round() / 100.0);
            self.report.say("answered", json!({ "setup_ms": setup }));
        } else {
            self.report.event(&event);
        }
        match event {
            Event::Registered { .. } if !self.task.registered => {
                self.task.registered = true;
                self.forget(Step::GiveUp);
                if self.args.call.is_some() {
                    self.call(now);
                } else if !self.args.answer && self.args.reject.is_none() {
                    let stay = now + seconds(self.args.stay);
                    self.task.steps.push((stay, Step::Leave));
                }
            }
            Event::RegistrationFailed { .. } if !self.task.registered => self.give_up(),
            // The registrar will not have our goodbye: there is nothing to wait for.
            Event::RegistrationFailed { .. } if self.leaving() => self.task.done = true,
            Event::Incoming { .. } if self.args.reject.is_some() => {
                let at = now + seconds(self.args.ring);
                self.task.steps.push((at, Step::Reject));
            }
            Event::TokenRefused => match self.renew().await {
                Ok(()) => {}
                Err(error) => {
                    self.report
                        .say("no_token", json!({ "reason": format!("{error:#}") }));
                    self.give_up();
                }
            },
            Event::Answered => self.answered(now),
            Event::MediaConnected(MediaPart::Audio) if self.args.dtmf.is_some() => {
                let at = now + seconds(1.0);
                self.task.steps.push((at, Step::Dtmf));
            }
            Event::Ended(ended) => self.ended(now, &ended),
            Event::Unregistered => self.task.done = true,
            _ => {}
        }
    }

    fn call(&mut self, now: Instant) {
        if let Some(target) = self.args.target(self.index) {
            self.task.called_at = Some(now);
            let limit = now + seconds(self.args.timeout);
            self.task.steps.push((limit, Step::GiveUp));
            self.wic.call(now, &target);
        }
    }

    fn answered(&mut self, now: Instant) {
        self.forget(Step::GiveUp);
        self.task.answered_at = Some(now);
        let args = &self.args;
        let hold = args.hold.map(|after| (after, Step::Hold));
        let resume = args.resume.map(|after| (after, Step::Resume));
        let hang_up = (args.duration > 0.0).then_some((args.duration, Step::HangUp));
        for (after, step) in [hold, resume, hang_up].into_iter().flatten() {
            self.task.steps.push((now + seconds(after), step));
        }
    }

    fn ended(&mut self, now: Instant, ended: &Ended) {
        for step in [
            Step::GiveUp,
            Step::Reject,
            Step::Dtmf,
            Step::Hold,
            Step::Resume,
            Step::HangUp,
        ] {
            self.forget(step);
        }
        self.task.calls += 1;
        let answered = self.task.answered_at.take().is_some();
        let heard = ended.media.as_ref().is_some_and(|media| media.packets > 0);
        // Who only waits for calls is not to blame for one that was given up.
        let good = answered && ended.status == 200 && heard;
        self.task.failed |= !good && (answered || self.args.call.is_some());
        if let (Some(file), Some(media)) = (&self.args.record, &ended.media) {
            let file = wav::name(file, self.index, self.task.calls);
            if let Err(error) = wav::write(&file, &media.recording) {
                self.report
                    .say("not_recorded", json!({ "reason": format!("{error:#}") }));
                self.task.failed = true;
            }
        }
        if let (Some(file), Some(video)) = (&self.args.record_video, &ended.video) {
            let file = wav::name(file, self.index, self.task.calls);
            if let Err(error) = ivf::write(&file, &video.recording) {
                self.report
                    .say("not_recorded", json!({ "reason": format!("{error:#}") }));
                self.task.failed = true;
            }
        }
        if self.args.calls > 0 && self.task.calls >= self.args.calls {
            self.leave(now);
        } else if self.args.call.is_some() {
            self.call(now);
        }
    }

    async fn steps(&mut self, now: Instant) {
        let due: Vec<Step> = self
            .task
            .steps
            .iter()
            .filter(|(at, _)| *at <= now)
            .map(|(_, step)| *step)
            .collect();
        self.task.steps.retain(|(at, _)| *at > now);
        for step in due {
            match step {
                Step::GiveUp => {
                    self.report.say("gave_up", json!({}));
                    self.give_up();
                }
                Step::Renew => {
                    if let Err(error) = self.renew().await {
                        self.report
                            .say("no_token", json!({ "reason": format!("{error:#}") }));
                    }
                }
                Step::Reject => {
                    let status = self.args.reject.and_then(StatusCode::new);
                    self.wic
                        .reject(now, status.unwrap_or(StatusCode::BUSY_HERE));
                }
                Step::Dtmf => {
                    let digits = self.args.dtmf.clone().unwrap_or_default();
                    self.wic.send_dtmf(&digits);
                }
                Step::Hold => self.wic.hold(now, true),
                Step::Resume => self.wic.hold(now, false),
                Step::HangUp => self.wic.hang_up(now),
                Step::Leave => self.leave(now),
                Step::Gone => self.task.done = true,
            }
        }
    }

    fn give_up(&mut self) {
        self.task.failed = true;
        self.leave(Instant::now());
    }

    /// Hangs up, says goodbye to the registrar, and waits a little for its answer.
    fn leave(&mut self, now: Instant) {
        if self.leaving() {
            return;
        }
        let gone = now + seconds(3.0);
        self.task.steps = vec![(gone, Step::Gone)];
        self.wic.hang_up(now);
        if !self.wic.is_registered() {
            self.task.done = true;
            return;
        }
        self.wic.stop(now);
    }

    fn leaving(&self) -> bool {
        self.task.steps.iter().any(|(_, step)| *step == Step::Gone)
    }

    fn forget(&mut self, step: Step) {
        self.task.steps.retain(|(_, other)| *other != step);
    }

    async fn renew(&mut self) -> anyhow::Result<()> {
        let session = self
            .session
            .as_mut()
            .context("there is no session to renew it")?;
        let grant = session.token().await?;
        let now = Instant::now();
        self.wic.set_token(now, grant.access_token);
        let renew = grant.expires_in.saturating_sub(RENEW).max(1);
        let at = now + std::time::Duration::from_secs(renew);
        self.forget(Step::Renew);
        self.task.steps.push((at, Step::Renew));
        Ok(())
    }
}

/// The next datagram; where there is no socket there is never one.
async fn receive(
    socket: Option<&UdpSocket>,
    buffer: &mut [u8],
) -> std::io::Result<(usize, SocketAddr)> {
    match socket {
        Some(socket) => socket.recv_from(buffer).await,
        None => std::future::pending().await,
    }
}

/// A socket on the address that leads to the eP-CSCF: its gateway is not far from it.
async fn media_socket(args: &Args, url: &Url) -> anyhow::Result<UdpSocket> {
    let address = match args.media_address {
        Some(address) => address,
        None => way_to(url).await?,
    };
    UdpSocket::bind(SocketAddr::new(address, 0))
        .await
        .with_context(|| format!("no media socket on {address}"))
}

async fn way_to(url: &Url) -> anyhow::Result<IpAddr> {
    let host = url.host_str().context("the URL has no host")?;
    let port = url.port_or_known_default().unwrap_or(443);
    let found: Vec<SocketAddr> = lookup_host((host.trim_matches(['[', ']']), port))
        .await
        .with_context(|| format!("{host} has no address"))?
        .collect();
    // IPv4 first: the laboratory's gateway has nothing else.
    let there = found
        .iter()
        .find(|address| address.is_ipv4())
        .or(found.first())
        .with_context(|| format!("{host} has no address"))?;
    let any: IpAddr = if there.is_ipv4() {
        std::net::Ipv4Addr::UNSPECIFIED.into()
    } else {
        std::net::Ipv6Addr::UNSPECIFIED.into()
    };
    let probe = UdpSocket::bind(SocketAddr::new(any, 0)).await?;
    probe.connect(there).await?;
    Ok(probe.local_addr()?.ip())
}
