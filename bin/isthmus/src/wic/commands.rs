//! What a phone is told while it runs: one command a line on standard input.

use std::io::BufRead as _;
use std::net::IpAddr;
use std::path::PathBuf;

use core_bootstrap::stream::Source;
use nf_wic::CallId;
use tokio::sync::mpsc;

/// Something to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Command {
    /// Call somebody; a call that is talked in is held first.
    Call(String),
    /// Answer the call that rings, or that one.
    Answer(Option<CallId>),
    /// Refuse the call that rings with this status.
    Reject(u16),
    /// End the current call, or that one.
    Hangup(Option<CallId>),
    /// Hold the current call (`true`), or go on with it.
    Hold(bool),
    /// Hold one call and go on with the other one.
    Swap,
    /// Add video to the current call, or drop it.
    Video(Option<Shown>),
    /// Move the media of the current call to other sockets, perhaps on that address.
    Restart(Option<IpAddr>),
    /// Send a re-INVITE that changes nothing, or (`true`) an UPDATE.
    Refresh(bool),
    /// Give the WebSocket up and open another one.
    Reconnect,
    /// Open a data channel, as `--channel` has it.
    Open(String),
    /// Take one that the other end asks for (`true`), or refuse it.
    Take(u32, bool),
    /// Close one.
    Close(u32),
    /// Say a line on one.
    Say(u32, String),
    /// Send a file.
    Send(PathBuf),
    /// Say which applications there are: from that bootstrap channel.
    Applications(Source),
    /// Fetch one, from that bootstrap channel, into that file.
    Fetch(Source, String, PathBuf),
    /// Say how the data channels are.
    Channels,
    /// Press these keys.
    Digits(String),
    /// Say how the calls are.
    Report,
    /// Hang up, unregister, and end.
    Quit,
    /// Say what commands there are.
    Help,
}

/// What is shown when video is added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    /// What `--play-video` or `--echo-video` said; nothing without them.
    AsToldAtFirst,
    /// What the other end shows.
    Echo,
    /// This film.
    Film(PathBuf),
}

/// Each command with its words.
pub(super) const HELP: [&str; 25] = [
    "call URI",
    "answer [CALL]",
    "reject [STATUS]",
    "hangup [CALL]",
    "hold",
    "resume",
    "swap",
    "video on [FILE|echo]",
    "video off",
    "restart [ADDRESS]",
    "reinvite",
    "update",
    "reconnect",
    "open CHANNEL",
    "take NUMBER",
    "refuse NUMBER",
    "close NUMBER",
    "say NUMBER TEXT",
    "send FILE",
    "applications [STREAM]",
    "fetch APPLICATION FILE [STREAM]",
    "channels",
    "digits KEYS",
    "report",
    "quit",
];

/// Nobody types more before the first is read.
const QUEUE: usize = 64;

impl Command {
    /// Reads a line. An error is a sentence for who wrote it.
    pub(super) fn parse(line: &str) -> Result<Self, String> {
        let mut words = line.split_whitespace();
        let name = words.next().unwrap_or_default();
        let rest: Vec<&str> = words.collect();
        let one = |what: &str| match rest.as_slice() {
            [word] => Ok((*word).to_owned()),
            _ => Err(format!("«{name}» wants {what}")),
        };
        let none = |command: Self| match rest.as_slice() {
            [] => Ok(command),
            _ => Err(format!("«{name}» has no words after it")),
        };
        let call = || match rest.as_slice() {
            [] => Ok(None),
            [number] => number
                .parse()
                .map(|number| Some(CallId(number)))
                .map_err(|_| format!("«{number}» is no number of a call")),
            _ => Err(format!("«{name}» wants one call at most")),
        };
        match name {
            "call" => one("a URI, or a name of the home domain").map(Self::Call),
            "answer" => call().map(Self::Answer),
            "reject" => {
                let status = if rest.is_empty() {
                    "486".to_owned()
                } else {
                    one("one status")?
                };
                match status.parse() {
                    Ok(status @ 400..700) => Ok(Self::Reject(status)),
                    _ => Err(format!("«{status}» is no status from 400 to 699")),
                }
            }
            "hangup" => call().map(Self::Hangup),
            "hold" => none(Self::Hold(true)),
            "resume" => none(Self::Hold(false)),
            "swap" => none(Self::Swap),
            "video" => match rest.as_slice() {
                ["on"] => Ok(Self::Video(Some(Shown::AsToldAtFirst))),
                ["on", "echo"] => Ok(Self::Video(Some(Shown::Echo))),
                ["on", file] => Ok(Self::Video(Some(Shown::Film(file.into())))),
                ["off"] => Ok(Self::Video(None)),
                _ => Err("«video» wants «on», «on FILE», «on echo» or «off»".into()),
            },
            "restart" if rest.is_empty() => Ok(Self::Restart(None)),
            "restart" => {
                let word = one("one address at most")?;
                let address = word.parse();
                let address = address.map_err(|_| format!("«{word}» is no IP address"))?;
                Ok(Self::Restart(Some(address)))
            }
            "reinvite" => none(Self::Refresh(false)),
            "update" => none(Self::Refresh(true)),
            "reconnect" => none(Self::Reconnect),
            "open" => one("a label, and options after commas").map(Self::Open),
            "take" | "refuse" => {
                let take = name == "take";
                one("the number of a channel")
                    .and_then(|word| number(&word).map(|number| Self::Take(number, take)))
            }
            "close" => {
                one("the number of a channel").and_then(|word| number(&word).map(Self::Close))
            }
            "say" => {
                let mut words = line.trim_start().splitn(3, char::is_whitespace);
                match (words.nth(1), words.next()) {
                    (Some(channel), Some(text)) => Ok(Self::Say(number(channel)?, text.to_owned())),
                    _ => Err("«say» wants the number of a channel and a text".into()),
                }
            }
            "send" => match line.trim().split_once(char::is_whitespace) {
                Some((_, file)) => Ok(Self::Send(file.trim().into())),
                None => Err("«send» wants a file".into()),
            },
            "applications" => match rest.as_slice() {
                [] => Ok(Self::Applications(Source::LocalNetwork)),
                [stream] => source(stream).map(Self::Applications),
                _ => Err("«applications» wants one stream at most".into()),
            },
            "fetch" => {
                let (application, file, source) = match rest.as_slice() {
                    [application, file] => (application, file, Source::LocalNetwork),
                    [application, file, stream] => (application, file, source(stream)?),
                    _ => return Err("«fetch» wants an application and a file".into()),
                };
                let application = (*application).to_owned();
                Ok(Self::Fetch(source, application, (*file).into()))
            }
            "channels" => none(Self::Channels),
            "digits" => {
                let keys = one("keys: 0-9, *, #, A-D")?;
                let is_key = |key: char| key.is_ascii_digit() || "*#ABCDabcd".contains(key);
                if keys.chars().all(is_key) {
                    Ok(Self::Digits(keys))
                } else {
                    Err(format!("«{keys}» has something that is no key"))
                }
            }
            "report" => none(Self::Report),
            "quit" => none(Self::Quit),
            "help" => none(Self::Help),
            _ => Err(format!("there is no command «{name}»; «help» lists them")),
        }
    }
}

/// TS 26.114 §6.2.10.1 — a bootstrap channel.
fn source(word: &str) -> Result<Source, String> {
    let source = word.parse().ok().and_then(Source::of);
    source.ok_or_else(|| format!("«{word}» is none of the streams 0, 10, 100 and 110"))
}

fn number(word: &str) -> Result<u32, String> {
    let number = word.parse();
    number.map_err(|_| format!("«{word}» is no number of a channel"))
}

/// Reads standard input to its end, on a thread of its own: nothing can be stopped that waits for it.
pub(super) fn from_standard_input() -> mpsc::Receiver<String> {
    let (lines, commands) = mpsc::channel(QUEUE);
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines() {
            let Ok(line) = line else { return };
            if lines.blocking_send(line).is_err() {
                return;
            }
        }
    });
    commands
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_of_the_help_is_a_command() {
        for line in HELP {
            let line = line
                .replace("[FILE|echo]", "echo")
                .replace("[CALL]", "2")
                .replace("[STATUS]", "603")
                .replace("[ADDRESS]", "127.0.0.2")
                .replace("KEYS", "12#")
                .replace("NUMBER", "1")
                .replace("URI", "bob")
                .replace("[STREAM]", "100")
                .replace("APPLICATION", "1")
                .replace("FILE", "a.zip");
            assert!(Command::parse(&line).is_ok(), "{line}");
            if line.starts_with("say") || line.starts_with("send") {
                continue;
            }
            let more = Command::parse(&format!("{line} too much"));
            assert!(more.is_err(), "{line}");
        }
    }

    #[test]
    fn words_mean_what_they_say() {
        let good = |line: &str| Command::parse(line).unwrap();
        assert_eq!(good("call bob"), Command::Call("bob".into()));
        assert_eq!(good("  hangup 3 "), Command::Hangup(Some(CallId(3))));
        assert_eq!(good("reject"), Command::Reject(486));
        assert_eq!(good("reject 603"), Command::Reject(603));
        assert_eq!(good("resume"), Command::Hold(false));
        let shown = Shown::Film("a.ivf".into());
        assert_eq!(good("video on a.ivf"), Command::Video(Some(shown)));
        assert_eq!(good("video off"), Command::Video(None));
        assert_eq!(good("update"), Command::Refresh(true));
        assert_eq!(
            good("say 2  hello  all"),
            Command::Say(2, " hello  all".into())
        );
        let local = Source::LocalNetwork;
        assert_eq!(good("applications"), Command::Applications(local));
        let fetch = Command::Fetch(Source::RemoteNetwork, "7".into(), "a.zip".into());
        assert_eq!(good("fetch 7 a.zip 100"), fetch);
        assert_eq!(good("take 3"), Command::Take(3, true));
        assert_eq!(good("refuse 3"), Command::Take(3, false));
        assert_eq!(good("send a b.txt"), Command::Send("a b.txt".into()));
        assert_eq!(
            good("open chat,unordered"),
            Command::Open("chat,unordered".into())
        );
        let address = "::1".parse().ok();
        assert_eq!(good("restart ::1"), Command::Restart(address));
    }

    #[test]
    fn what_is_no_command_is_said_in_a_sentence() {
        for (line, word) in [
            ("dance", "no command «dance»"),
            ("", "no command «»"),
            ("call", "wants a URI"),
            ("hold 2", "no words after it"),
            ("hangup x", "«x» is no number"),
            ("reject 200", "«200» is no status"),
            ("video", "wants «on»"),
            ("restart here", "no IP address"),
            ("digits 12x", "no key"),
            ("say 1", "wants the number"),
            ("applications 7", "«7» is none of the streams"),
            ("fetch a", "wants an application and a file"),
            ("close x", "«x» is no number"),
        ] {
            let said = Command::parse(line).unwrap_err();
            assert!(said.contains(word), "{line}: {said}");
        }
    }
}
