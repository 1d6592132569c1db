//! The binary as a process of its own, on ports that it finds itself.
#![allow(dead_code)] // each test program uses a part

pub(crate) mod authority;
pub(crate) mod consumer;
pub(crate) mod ear;
pub(crate) mod people;
pub(crate) mod phone;
pub(crate) mod ports;
pub(crate) mod sip;
pub(crate) mod w2;

use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

/// Longer than anything here takes on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);
/// The laboratory's home domain.
pub(crate) const HOME: &str = "ims.mnc001.mcc001.3gppnetwork.org";

/// A folder that goes with the test.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("isthmus-process-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).expect("a temporary folder");
        Self(folder)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// A file in it.
    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let file = self.0.join(name);
        std::fs::write(&file, text).expect("the folder is ours");
        file
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Runs to the end, and says all that was printed.
pub(crate) fn run(words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_isthmus"))
        .args(words)
        .stdin(Stdio::null())
        .output()
        .expect("the binary runs")
}

/// A running process.
pub(crate) struct Process {
    child: Child,
    printed: Arc<(Mutex<String>, Condvar)>,
}

impl Process {
    pub(crate) fn start(words: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_isthmus"))
            .args(words)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary runs");
        let printed = Arc::default();
        follow(child.stdout.take().expect("it is piped"), &printed);
        follow(child.stderr.take().expect("it is piped"), &printed);
        Self { child, printed }
    }

    /// Everything in one process.
    pub(crate) fn all_in_one(folder: &Folder, more: &[&str]) -> Self {
        let data = folder.path().to_str().expect("a plain name");
        let mut words = vec!["--data-dir", data];
        for port in [
            "--https-port",
            "--http-port",
            "--core-port",
            "--mw-port",
            "--admin-port",
        ] {
            words.extend([port, "0"]);
        }
        words.extend(more);
        let process = Self::start(&words);
        process.wait_for("Metrics and health: ");
        process
    }

    /// One function alone; it logs JSON, where it says its ports.
    pub(crate) fn alone(folder: &Folder, function: &str, configuration: &str) -> Self {
        let text = format!(
            "data_dir = \"{function}\"\n{configuration}\n\n[admin]\nlisten = \"127.0.0.1:0\"\n"
        );
        let file = folder.write(&format!("{function}.toml"), &text);
        let file = file.to_str().expect("a plain name");
        let process = Self::start(&[function, "--config", file, "--log", "json"]);
        process.wait_for("\"admin\":\"");
        process
    }

    /// What follows these words in what is printed, up to white space or a quotation mark.
    pub(crate) fn wait_for(&self, words: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        let (text, more) = &*self.printed;
        let mut text = text.lock().expect("no panic");
        loop {
            if let Some((_, rest)) = text.split_once(words)
                && let Some(end) = rest.find(|c: char| c.is_whitespace() || c == '"')
            {
                return rest[..end].to_owned();
            }
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "`{words}` was not printed:\n{text}");
            text = more.wait_timeout(text, left).expect("no panic").0;
        }
    }

    /// All that was printed so far.
    pub(crate) fn printed(&self) -> String {
        self.printed.0.lock().expect("no panic").clone()
    }

    /// A field of the JSON log.
    pub(crate) fn logged(&self, field: &str) -> String {
        self.wait_for(&format!("\"{field}\":\""))
    }

    /// A subscriber's password, as the all-in-one prints it.
    pub(crate) fn password(&self, name: &str) -> String {
        self.wait_for(&format!("\n  {name:<8} "))
    }

    /// Where the all-in-one's WebSocket is: with TLS, and without.
    pub(crate) fn w2(&self) -> [String; 2] {
        let secure = self.wait_for("\n  https://").replace('/', "");
        let plain = self.wait_for("\n  http://").replace('/', "");
        [format!("wss://{secure}/w2"), format!("ws://{plain}/w2")]
    }

    /// An answer of the all-in-one's admin port: its status and its text.
    pub(crate) fn admin(&self, path: &str) -> (u16, String) {
        let url = self.wait_for("Metrics and health: http://");
        let address = url.split('/').next().expect("an address").to_owned();
        get(&address, path)
    }

    /// The sum of a figure over its labels.
    pub(crate) fn figure(&self, name: &str) -> u64 {
        figure(&self.admin("/metrics").1, name)
    }

    /// Waits until a figure is what it should be; figures are a second late.
    pub(crate) fn wait_for_figure(&self, name: &str, wanted: u64) {
        let deadline = Instant::now() + PATIENCE;
        while self.figure(name) != wanted {
            assert!(
                Instant::now() < deadline,
                "{name} never was {wanted}:\n{}",
                self.admin("/metrics").1
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Asks it to end, as an operator's system does.
    pub(crate) fn terminate(&self) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args(["-TERM", &id]).status();
        assert!(sent.expect("there is a kill").success());
    }

    /// Ends it as a fault does, without a word to anybody.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("it is our child");
        let _ = self.child.wait();
    }

    /// Waits for its end.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("it is our child") {
                return status;
            }
            assert!(
                Instant::now() < deadline,
                "it does not end:\n{}",
                self.printed()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            let _ = writeln!(std::io::stderr(), "it printed:\n{}", self.printed());
        }
    }
}

/// `GET`, over a connection of its own.
pub(crate) fn get(address: &str, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).expect("the admin port is open");
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    )
    .expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    let status = answer
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok());
    let (_, body) = answer.split_once("\r\n\r\n").expect("a header");
    (status.expect("a status"), body.to_owned())
}

/// The sum of a figure over its labels.
pub(crate) fn figure(metrics: &str, name: &str) -> u64 {
    let values = metrics.lines().filter_map(|line| {
        let (key, value) = line.rsplit_once(' ')?;
        (key.split('{').next() == Some(name)).then(|| value.parse::<u64>().expect("a number"))
    });
    let mut values = values.peekable();
    // One that is not there would be 0, which many wait for.
    assert!(values.peek().is_some(), "there is no figure {name}");
    values.sum()
}

fn follow(stream: impl Read + Send + 'static, printed: &Arc<(Mutex<String>, Condvar)>) {
    let printed = Arc::clone(printed);
    std::thread::spawn(move || {
        for line in BufReader::new(stream).lines() {
            let Ok(line) = line else { return };
            let mut text = printed.0.lock().expect("no panic");
            text.push_str(&line);
            text.push('\n');
            printed.1.notify_all();
        }
    });
}
