use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail};
use nf_wic::media::Codec;
use nf_wic::{ChannelRule, DataChannelInit, Identity};

use super::{channel_words, files};

/// A phone without a browser: registers, calls or answers, and prints one JSON object a line.
///
/// With --count, `{}` in user, password and target is the number of the phone, from 0.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// The WebSocket of the eP-CSCF [default: what --sign-in is told, or wss://localhost:8443/w2].
    #[arg(long, value_name = "URL")]
    pub w2: Option<String>,
    /// Take any certificate: for a laboratory, whose own is self-signed.
    #[arg(long)]
    pub insecure: bool,
    /// Trust the certificates of this PEM file, and no others.
    #[arg(long, value_name = "FILE", conflicts_with = "insecure")]
    pub ca: Option<PathBuf>,
    /// The Origin that the WebSocket is opened with, where the eP-CSCF wants one.
    #[arg(long, value_name = "ORIGIN")]
    pub origin: Option<String>,
    /// Who it is: a name of the home domain.
    #[arg(long, value_name = "NAME", default_value = "alice")]
    pub user: String,
    /// The home domain.
    #[arg(
        long,
        value_name = "DOMAIN",
        default_value = "ims.mnc001.mcc001.3gppnetwork.org"
    )]
    pub domain: String,
    /// The public user identity, if it is not sip:NAME@DOMAIN.
    #[arg(long, value_name = "URI")]
    pub impu: Option<String>,
    /// The private user identity, if it is not NAME@DOMAIN.
    #[arg(long, value_name = "NAME")]
    pub impi: Option<String>,
    /// The password: for SIP Digest, or with --sign-in for the WAF's page.
    #[arg(long, value_name = "WORD")]
    pub password: Option<String>,
    /// A file whose first line is the password.
    #[arg(long, value_name = "FILE", conflicts_with = "password")]
    pub password_file: Option<PathBuf>,
    /// Register with this access token.
    #[arg(long, value_name = "TOKEN", conflicts_with_all = ["password", "password_file", "sign_in"])]
    pub token: Option<String>,
    /// Sign in as a person does, at the WWSF that has this address, and register with its token.
    #[arg(long, value_name = "URL")]
    pub sign_in: Option<String>,
    /// Register by IMS-AKA with the SIM of this file: `k`, `opc` or `op`, and perhaps `sqn`.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["password", "password_file", "token", "sign_in"])]
    pub sim: Option<PathBuf>,
    /// With --sim: AKAv1-MD5 in place of AKAv2-SHA-256.
    #[arg(long, requires = "sim")]
    pub aka_v1: bool,
    /// Call this URI.
    #[arg(long, value_name = "URI", conflicts_with_all = ["answer", "reject"])]
    pub call: Option<String>,
    /// Answer calls that come.
    #[arg(long)]
    pub answer: bool,
    /// Refuse calls that come: 486 (busy), or with this status, 400 to 699.
    #[arg(long, value_name = "STATUS", conflicts_with = "answer", num_args = 0..=1,
          default_missing_value = "486", value_parser = clap::value_parser!(u16).range(400..700))]
    pub reject: Option<u16>,
    /// Let it ring for so long before it is answered or refused, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 0.0)]
    pub ring: f64,
    /// How many calls are made or answered; 0 for no end.
    #[arg(long, value_name = "COUNT", default_value_t = 1)]
    pub calls: u32,
    /// Hang up so long after the answer, in seconds; 0 leaves it to the other end [default: 5, with
    /// --commands 0].
    #[arg(long, value_name = "SECONDS")]
    pub duration: Option<f64>,
    /// Read commands from standard input, one a line, to its end; `help` lists them.
    #[arg(long, conflicts_with_all = ["count", "calls", "stay"])]
    pub commands: bool,
    /// Without a call: stay registered for so long, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 0.0)]
    pub stay: f64,
    /// Give up when it is not registered, a call is not answered, or in a call the connection does not
    /// come back, after so long, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 30.0)]
    pub timeout: f64,
    /// Play this WAV file, over and over: 8 kHz, mono, 16 bits.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["tone", "silence"])]
    pub play: Option<PathBuf>,
    /// Play a tone of so many hertz.
    #[arg(long, value_name = "HERTZ", default_value_t = 440.0)]
    pub tone: f64,
    /// Say nothing.
    #[arg(long)]
    pub silence: bool,
    /// Record what is heard into this WAV file.
    #[arg(long, value_name = "FILE")]
    pub record: Option<PathBuf>,
    /// Offer and take video; with nothing else, only to watch.
    #[arg(long)]
    pub video: bool,
    /// Show this IVF file with VP8, over and over; implies --video.
    #[arg(long, value_name = "FILE", conflicts_with = "echo_video")]
    pub play_video: Option<PathBuf>,
    /// Show the other end what it shows; implies --video.
    #[arg(long)]
    pub echo_video: bool,
    /// Record what is seen into this IVF file; implies --video.
    #[arg(long, value_name = "FILE")]
    pub record_video: Option<PathBuf>,
    /// Open this data channel in each call: LABEL, and after commas protocol=NAME, unordered,
    /// max-retransmits=TIMES or max-lifetime=MILLISECONDS, priority=NUMBER, stream=NUMBER, in-band (DCEP),
    /// application=ID with endpoint=ue or endpoint=server, qos=HINT.
    #[arg(long, value_name = "CHANNEL", value_parser = channel_words::channel)]
    pub channel: Vec<DataChannelInit>,
    /// Take data channels of the other end: any, label=LABEL, protocol=NAME or application=ID; none without a
    /// rule.
    #[arg(long, value_name = "RULE", value_parser = channel_words::rule)]
    pub accept_channel: Vec<ChannelRule>,
    /// With --commands: ask before such data channels of the other end are taken, in a call that stands.
    #[arg(long, value_name = "RULE", value_parser = channel_words::rule, requires = "commands")]
    pub ask_channel: Vec<ChannelRule>,
    /// Do not say in REGISTER and calls that this phone knows data channels, as clients of the first release do not:
    /// its channels are then opened in band.
    #[arg(long)]
    pub quiet_channels: bool,
    /// Send back what comes on data channels, but for files; takes any.
    #[arg(long)]
    pub echo_channels: bool,
    /// Say this line on a data channel `chat`, which is opened in each call.
    #[arg(long, value_name = "TEXT")]
    pub say: Vec<String>,
    /// Send this file in each call, and hang up when the other end has it [--duration is then 0].
    #[arg(long, value_name = "FILE")]
    pub send_file: Vec<PathBuf>,
    /// Take files, into this folder, which is made if it is not there.
    #[arg(long, value_name = "FOLDER")]
    pub save_files: Option<PathBuf>,
    /// Press these keys, a second after the media are there.
    #[arg(long, value_name = "DIGITS")]
    pub dtmf: Option<String>,
    /// Hold so long after the answer, in seconds.
    #[arg(long, value_name = "SECONDS")]
    pub hold: Option<f64>,
    /// Resume so long after the answer, in seconds.
    #[arg(long, value_name = "SECONDS", requires = "hold")]
    pub resume: Option<f64>,
    /// The codec that is liked best.
    #[arg(long, value_enum, default_value_t = CodecName::Pcma)]
    pub codec: CodecName,
    /// How long a registration is asked for, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 600_000)]
    pub expires: u64,
    /// The address of the media socket, if it is not that which leads to the eP-CSCF.
    #[arg(long, value_name = "ADDRESS")]
    pub media_address: Option<IpAddr>,
    /// So many phones at once.
    #[arg(long, value_name = "COUNT", default_value_t = 1)]
    pub count: u32,
    /// So many new phones a second, with --count.
    #[arg(long, value_name = "COUNT", default_value_t = 50.0)]
    pub rate: f64,
}

/// A codec on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum CodecName {
    /// A-law.
    Pcma,
    /// µ-law.
    Pcmu,
}

/// Longer than anybody waits; shorter than what overflows a clock.
const LONGEST: f64 = 1e8;

impl Args {
    pub(super) fn user(&self, index: u32) -> String {
        number(&self.user, index)
    }

    pub(super) fn identity(&self, index: u32) -> Identity {
        let user = self.user(index);
        let domain = &self.domain;
        let of = |given: &Option<String>, default: String| {
            given.as_ref().map_or(default, |given| number(given, index))
        };
        Identity {
            public: of(&self.impu, format!("sip:{user}@{domain}")),
            private: of(&self.impi, format!("{user}@{domain}")),
            home_domain: domain.clone(),
        }
    }

    pub(super) fn password(&self, index: u32) -> anyhow::Result<String> {
        if let Some(password) = &self.password {
            return Ok(number(password, index));
        }
        let Some(file) = &self.password_file else {
            bail!("a password is needed: --password or --password-file, or else --token or --sim");
        };
        let file = numbered(file, index);
        let text = std::fs::read_to_string(&file)
            .with_context(|| format!("{} cannot be read", file.display()))?;
        Ok(text.lines().next().unwrap_or_default().to_owned())
    }

    /// How long a call lasts; 0 has no end.
    pub(super) fn duration(&self) -> f64 {
        let default = if self.commands || !self.send_file.is_empty() {
            0.0
        } else {
            5.0
        };
        self.duration.unwrap_or(default)
    }

    /// The URI that a target is short for.
    pub(super) fn target(&self, target: &str, index: u32) -> String {
        let target = number(target, index);
        let is_uri = ["sip:", "sips:", "tel:", "urn:"]
            .iter()
            .any(|scheme| target.starts_with(scheme));
        if is_uri {
            target
        } else if target.contains('@') {
            format!("sip:{target}")
        } else {
            format!("sip:{target}@{}", self.domain)
        }
    }

    pub(super) fn codecs(&self) -> Vec<Codec> {
        match self.codec {
            CodecName::Pcma => vec![Codec::Pcma, Codec::Pcmu],
            CodecName::Pcmu => vec![Codec::Pcmu, Codec::Pcma],
        }
    }

    /// The data channels of each call.
    pub(super) fn channels(&self) -> Vec<DataChannelInit> {
        let chat = (!self.say.is_empty()).then(channel_words::chat);
        let files = (!self.send_file.is_empty()).then(channel_words::for_files);
        let more = self.channel.iter().cloned();
        more.chain(chat).chain(files).collect()
    }

    /// Which data channels of the other end are taken.
    pub(super) fn channel_rules(&self) -> Vec<ChannelRule> {
        let any = self.echo_channels.then_some(ChannelRule::ANY);
        let files = self.save_files.is_some().then(|| ChannelRule {
            protocol: Some(files::PROTOCOL.to_owned()),
            ..ChannelRule::ANY
        });
        let more = self.accept_channel.iter().cloned();
        more.chain(any).chain(files).collect()
    }

    /// Whether there are data channels at all.
    pub(super) fn wants_data(&self) -> bool {
        let rules = self.channel_rules();
        !self.channels().is_empty() || !rules.is_empty() || !self.ask_channel.is_empty()
    }

    /// Whether there is video at all.
    pub(super) fn wants_video(&self) -> bool {
        let files = self.play_video.is_some() || self.record_video.is_some();
        self.video || self.echo_video || files
    }

    pub(super) fn spacing(&self) -> Duration {
        seconds(1.0 / self.rate.max(0.001))
    }
}

pub(super) fn seconds(value: f64) -> Duration {
    // NaN and what is negative are nothing.
    let value = if value > 0.0 { value.min(LONGEST) } else { 0.0 };
    Duration::from_secs_f64(value)
}

/// `{}` in a file's name is the number of the phone, too.
pub(super) fn numbered(file: &Path, index: u32) -> PathBuf {
    file.to_str()
        .map_or_else(|| file.to_owned(), |name| number(name, index).into())
}

fn number(text: &str, index: u32) -> String {
    text.replace("{}", &index.to_string())
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[derive(clap::Parser)]
    struct Cli {
        #[command(flatten)]
        args: Args,
    }

    fn parse(words: &str) -> Result<Args, clap::Error> {
        let words = ["wic"].into_iter().chain(words.split_whitespace());
        Cli::try_parse_from(words).map(|cli| cli.args)
    }

    #[test]
    fn names_are_made_into_identities_and_targets() {
        let args = parse("--user load{} --domain d --call bob --count 9 --password p{}").unwrap();
        let identity = args.identity(7);
        assert_eq!(identity.public, "sip:load7@d");
        assert_eq!(identity.private, "load7@d");
        assert_eq!(args.password(7).unwrap(), "p7");
        assert_eq!(args.target("bob", 7), "sip:bob@d");
        assert_eq!(args.target("bob{}", 7), "sip:bob7@d");
        assert_eq!(args.target("tel:+15550100", 0), "tel:+15550100");
        assert_eq!(args.target("bob@example.com", 0), "sip:bob@example.com");
    }

    #[test]
    fn what_does_not_go_together_is_refused() {
        assert!(parse("--call bob --answer").is_err());
        assert!(parse("--call bob --reject").is_err());
        assert!(parse("--answer --reject").is_err());
        assert!(parse("--sim f --token t").is_err());
        assert!(parse("--aka-v1").is_err());
        assert!(parse("--token t --password p").is_err());
        assert!(parse("--resume 3").is_err());
        assert!(parse("--commands --count 2").is_err());
        assert!(parse("").unwrap().password(0).is_err());
    }

    #[test]
    fn calls_are_refused_as_busy_or_as_told() {
        assert_eq!(parse("--reject").unwrap().reject, Some(486));
        assert_eq!(parse("--reject 603").unwrap().reject, Some(603));
        for wrong in ["200", "700", "x"] {
            assert!(parse(&format!("--reject {wrong}")).is_err(), "{wrong}");
        }
    }

    #[test]
    fn data_channels_are_wanted_and_taken_as_told() {
        let words = "--say hello --send-file a.bin --channel x,stream=1500";
        let args = parse(words).unwrap();
        let labels = args.channels().into_iter().map(|init| init.channel.label);
        assert_eq!(labels.collect::<Vec<_>>(), ["x", "chat", "files"]);
        assert!(args.channel_rules().is_empty() && args.wants_data());
        assert!(args.duration() < 0.1, "until it is there");
        let args = parse("--accept-channel label=a --save-files here").unwrap();
        let rules = args.channel_rules();
        assert_eq!(rules[0].label.as_deref(), Some("a"));
        assert_eq!(rules[1].protocol.as_deref(), Some(files::PROTOCOL));
        assert_eq!(
            parse("--echo-channels").unwrap().channel_rules(),
            [ChannelRule::ANY]
        );
        assert!(!parse("").unwrap().wants_data());
        assert!(parse("--channel x,fast").is_err());
    }

    #[test]
    fn odd_numbers_of_seconds_are_harmless() {
        assert_eq!(seconds(-1.0), Duration::ZERO);
        assert_eq!(seconds(f64::NAN), Duration::ZERO);
        assert_eq!(seconds(0.25), Duration::from_millis(250));
        assert!(seconds(f64::INFINITY) <= Duration::from_secs(100_000_000));
    }
}
