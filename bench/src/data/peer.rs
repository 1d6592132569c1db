//! A peer of data channels in a process of its own, told what to do by lines of JSON.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use super::Program;

const LABEL: &str = "file flood";

/// One peer; it ends when this is dropped.
pub struct Peer {
    child: Child,
    input: ChildStdin,
    lines: Receiver<Value>,
}

/// What it tells.
pub enum Heard {
    /// Its offer or answer.
    Sdp(String),
    /// The channel is open.
    Open,
    /// All has come, in so many seconds from the first message.
    File(f64),
}

impl Peer {
    pub fn start(program: Program, direct: bool) -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let peers = root.join("web/e2e/peers");
        let path = |variable: &str, usual: &str| match std::env::var_os(variable) {
            Some(named) => named.into(),
            None => root.join(usual),
        };
        let (command, mut words) = match program {
            Program::Rust(stack) => (
                path(
                    "FOREIGN_PEERS_BIN",
                    "target/foreign-peers/release/foreign-peers",
                ),
                vec![stack.to_owned()],
            ),
            Program::Node(stack) => {
                let script = peers.join("data/w3c_program.js");
                (
                    "node".into(),
                    vec![script.display().to_string(), stack.to_owned()],
                )
            }
            Program::Python => {
                let script = peers.join("data/aiortc_peer.py");
                (
                    path("FOREIGN_PYTHON", "target/foreign-python/bin/python"),
                    vec![script.display().to_string()],
                )
            }
        };
        if direct {
            words.push("direct".to_owned());
        }
        let mut child = Command::new(&command)
            .args(&words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", command.display()))?;
        let input = child.stdin.take().context("it is piped")?;
        let output = child.stdout.take().context("it is piped")?;
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                let Ok(value) = serde_json::from_str(&line) else {
                    continue;
                };
                if sender.send(value).is_err() {
                    return;
                }
            }
        });
        Ok(Self {
            child,
            input,
            lines,
        })
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn open(&mut self) -> Result<()> {
        self.say(json!({ "do": "open", "label": LABEL }))
    }

    /// Without audio: the channels are all there is.
    pub fn offer(&mut self) -> Result<String> {
        self.say(json!({ "do": "offer", "audio": false }))?;
        self.sdp()
    }

    pub fn answer(&mut self, offer: &str) -> Result<String> {
        self.say(json!({ "do": "answer", "sdp": offer }))?;
        self.sdp()
    }

    pub fn answered(&mut self, answer: &str) -> Result<()> {
        self.say(json!({ "do": "answered", "sdp": answer }))
    }

    pub fn send_file(&mut self, size: u64) -> Result<()> {
        self.say(json!({ "do": "file", "label": LABEL, "size": size }))
    }

    /// Waits until all of a file has come; in how many seconds it did.
    pub fn file(&mut self, patience: Duration) -> Result<f64> {
        match self.wait(patience, |heard| matches!(heard, Heard::File(_)))? {
            Heard::File(seconds) => Ok(seconds),
            _ => bail!("no file"),
        }
    }

    fn sdp(&mut self) -> Result<String> {
        let patience = Duration::from_secs(20);
        match self.wait(patience, |heard| matches!(heard, Heard::Sdp(_)))? {
            Heard::Sdp(sdp) => Ok(sdp),
            _ => bail!("no SDP"),
        }
    }

    /// Waits for what is wanted; what comes before it is passed over.
    pub fn wait(&mut self, patience: Duration, wanted: impl Fn(&Heard) -> bool) -> Result<Heard> {
        let deadline = Instant::now() + patience;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let line = self
                .lines
                .recv_timeout(left)
                .context("the peer says nothing")?;
            let text = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
            let heard = match text("event").as_str() {
                "sdp" => Heard::Sdp(text("sdp")),
                "open" => Heard::Open,
                "file" => Heard::File(line["seconds"].as_f64().context("no seconds")?),
                "failed" => bail!("the peer: {}", text("reason")),
                _ => continue,
            };
            if wanted(&heard) {
                return Ok(heard);
            }
        }
    }

    fn say(&mut self, mut order: Value) -> Result<()> {
        order["peer"] = 1.into();
        writeln!(self.input, "{order}")?;
        Ok(())
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
