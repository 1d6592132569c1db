//! A phone that is told what to do: `isthmus wic --commands`.

use std::io::Write as _;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::{PATIENCE, follow};

pub(crate) struct Phone {
    name: &'static str,
    child: Child,
    input: Option<ChildStdin>,
    printed: Arc<(Mutex<String>, Condvar)>,
    /// Lines that were looked at.
    read: usize,
}

/// What a phone has of a call.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Figures {
    pub(crate) packets: u64,
    pub(crate) sent: u64,
    pub(crate) energy: f64,
    pub(crate) frames: u64,
}

impl Phone {
    /// Registers; `more` are words of the command line.
    pub(crate) fn start(w2: &str, name: &'static str, password: &str, more: &[&str]) -> Self {
        let words = [
            "wic",
            "--w2",
            w2,
            "--insecure",
            "--commands",
            "--user",
            name,
        ];
        let mut child = Command::new(env!("CARGO_BIN_EXE_isthmus"))
            .args(words)
            .args(["--password", password])
            .args(more)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary runs");
        let printed = Arc::default();
        follow(child.stdout.take().expect("it is piped"), &printed);
        follow(child.stderr.take().expect("it is piped"), &printed);
        let input = child.stdin.take();
        let mut phone = Self {
            name,
            child,
            input,
            printed,
            read: 0,
        };
        phone.hears("registered");
        phone
    }

    /// Types a line.
    pub(crate) fn told(&mut self, line: &str) {
        let input = self.input.as_mut().expect("it is open");
        writeln!(input, "{line}").expect("it reads");
        input.flush().expect("it reads");
    }

    /// The next event of that name, whatever comes before it.
    #[track_caller]
    pub(crate) fn hears(&mut self, event: &str) -> Value {
        let heard = self.hears_within(event, PATIENCE);
        heard.unwrap_or_else(|| panic!("{}: no «{event}»:\n{}", self.name, self.printed()))
    }

    /// The next event of one of those names.
    #[track_caller]
    pub(crate) fn hears_one(&mut self, events: &[&str]) -> Value {
        let heard = self.hears_one_within(events, PATIENCE);
        heard.unwrap_or_else(|| panic!("{}: none of {events:?}:\n{}", self.name, self.printed()))
    }

    /// The same, where there may be none.
    pub(crate) fn hears_within(&mut self, event: &str, patience: Duration) -> Option<Value> {
        self.hears_one_within(&[event], patience)
    }

    fn hears_one_within(&mut self, events: &[&str], patience: Duration) -> Option<Value> {
        let deadline = Instant::now() + patience;
        let (text, more) = &*self.printed;
        let mut text = text.lock().expect("no panic");
        loop {
            let lines: Vec<&str> = text.lines().skip(self.read).collect();
            for line in lines {
                self.read += 1;
                let line = serde_json::from_str::<Value>(line).ok();
                let wanted = |line: &Value| events.iter().any(|event| line["event"] == *event);
                if let Some(line) = line.filter(wanted) {
                    return Some(line);
                }
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            text = more.wait_timeout(text, left).expect("no panic").0;
        }
    }

    /// How the current call is.
    #[track_caller]
    pub(crate) fn figures(&mut self) -> Figures {
        self.told("report");
        loop {
            let line = self.hears("report");
            if line["current"] == true {
                let number = |value: &Value| value.as_u64().unwrap_or_default();
                return Figures {
                    packets: number(&line["packets"]),
                    sent: number(&line["sent"]),
                    energy: line["energy"].as_f64().unwrap_or_default(),
                    frames: number(&line["video"]["frames"]),
                };
            }
        }
    }

    /// Ends its input, and waits until it has gone; its exit code.
    pub(crate) fn ends(&mut self) -> Option<i32> {
        self.input = None;
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait().expect("it is our child") {
                return status.code();
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("{} does not end:\n{}", self.name, self.printed());
    }

    pub(crate) fn printed(&self) -> String {
        self.printed.0.lock().expect("no panic").clone()
    }
}

impl Drop for Phone {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            let mut out = std::io::stderr();
            let _ = writeln!(out, "{} printed:\n{}", self.name, self.printed());
        }
    }
}
