//! How a phone is made from its command line.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use core_credentials::aka::Version;
use core_sip::Transport;
use nf_wic::media::{AudioSource, VideoSource};
use nf_wic::{Config, Credentials, EMERGENCY_NUMBERS, Wic};
use rustls::ClientConfig;
use serde_json::json;
use tokio::sync::mpsc;
use url::Url;

use super::applications::Wanted;
use super::args::{numbered, seconds};
use super::channels::Channels;
use super::driver::{Driver, Step, Task};
use super::link::Door;
use super::report::Report;
use super::sign_in::Session;
use super::sockets::{Sockets, way_to};
use super::{Args, sim};
use crate::credentials::in_words;

/// Where the all-in-one has it.
const W2: &str = "wss://localhost:8443/w2";

/// A token is renewed when it has less than that.
pub(super) const RENEW: u64 = 60;

/// One hour of G.711 is enough to listen to.
const LONGEST_RECORDING: usize = 8000 * 3600;

/// A few minutes of a picture as browsers send it.
const LONGEST_FILM: usize = 256 << 20;

impl Driver {
    /// An error is one of what was asked for; `None` when signing in failed, which is reported.
    pub(super) async fn new(
        index: u32,
        args: &Arc<Args>,
        tls: &Arc<ClientConfig>,
        (source, shown): (AudioSource, VideoSource),
        report: Report,
        commands: Option<mpsc::Receiver<String>>,
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
                    report.say("no_token", json!({ "reason": in_words(&error) }));
                    return Ok(None);
                }
            };
            let renew = grant.expires_in.saturating_sub(RENEW).max(1);
            let renew = now + Duration::from_secs(renew);
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
        let address = match args.media_address {
            Some(address) => address,
            None => way_to(&url).await?,
        };
        // One for each m-line of each call.
        let calls = if args.commands { 2 } else { 1 };
        let lines = 1
            + usize::from(args.commands || args.wants_video())
            + usize::from(args.commands || args.wants_data());
        let mut sockets = Sockets::default();
        for _ in 0..calls * lines {
            sockets.open(address).await?;
        }
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(|error| anyhow::anyhow!("no randomness: {error}"))?;
        let config = Config {
            identity,
            credentials,
            transport,
            sockets: sockets.addresses(),
            calls,
            video: args.wants_video().then(|| shown.clone()),
            keep_bytes: if args.record_video.is_some() {
                LONGEST_FILM
            } else {
                0
            },
            channels: args.channels(),
            accept_channels: args.channel_rules(),
            ask_channels: args.ask_channel.clone(),
            tells_channels: !args.quiet_channels,
            codecs: args.codecs(),
            source,
            keep_samples: if args.record.is_some() {
                LONGEST_RECORDING
            } else {
                0
            },
            answer_after: args.answer.then(|| seconds(args.ring)),
            emergency_numbers: EMERGENCY_NUMBERS.map(str::to_owned).to_vec(),
            expires: Duration::from_secs(args.expires),
            seed,
        };
        let (up, links) = mpsc::channel(64);
        task.steps.push((now + seconds(args.timeout), Step::GiveUp));
        Ok(Some(Self {
            index,
            args: Arc::clone(args),
            wic: Wic::new(config),
            address,
            sockets,
            shown,
            channels: Channels::default(),
            wanted: Wanted::new(),
            door: Door {
                url,
                origin: args.origin.clone(),
                tls: Arc::clone(tls),
            },
            session,
            report,
            links,
            up,
            commands,
            down: None,
            link: 0,
            task,
        }))
    }
}
