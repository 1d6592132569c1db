//! What is examined: the binary, as a process of its own.

use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex, OnceLock};
use std::time::{Duration, Instant};

use crate::{Core, HOME, PATIENCE, Refused, Waf, Wic};

/// How the subject is configured where a test wants it otherwise.
#[derive(Default)]
pub struct Setup<'a> {
    /// More lines of `[epcscf]`.
    pub epcscf: &'a str,
    /// Whose tokens are good.
    pub waf: Option<&'a Waf>,
}

/// An eP-CSCF with its gateway, and the core that it looks to.
pub struct Subject {
    process: Process,
    core: Option<Core>,
    w2: [String; 2],
    certificate: PathBuf,
}

impl Subject {
    /// The usual one.
    pub fn start() -> Self {
        Self::with(&Setup::default())
    }

    /// One that takes the tokens of this WAF.
    pub fn trusting(waf: &Waf) -> Self {
        let waf = Some(waf);
        Self::with(&Setup { epcscf: "", waf })
    }

    /// One that is configured for its test.
    pub fn with(setup: &Setup<'_>) -> Self {
        let mut core = Core::listen();
        let token = setup.waf.map_or_else(String::new, |waf| {
            format!("\n[epcscf.token]\nissuer = \"{}\"\n", waf.issuer())
        });
        let open = if setup.epcscf.contains("allow_no_origin") {
            ""
        } else {
            "allow_no_origin = true\n"
        };
        let text = format!(
            "home_domain = \"{HOME}\"\ndata_dir = \".\"\n\
             [admin]\nlisten = \"127.0.0.1:0\"\n\
             [http]\nlisten = \"127.0.0.1:0\"\nplain_listen = \"127.0.0.1:0\"\n\
             [gateway]\nworkers = 1\naddresses = [\"127.0.0.1\"]\n\
             [epcscf]\nmw_listen = \"127.0.0.1:0\"\nnext_hop = \"sip:{}\"\n\
             shards = 2\nvisited_network = \"visited.example.net\"\n{open}{}\n{token}",
            core.address(),
            setup.epcscf,
        );
        let folder = Folder::new();
        let file = folder.0.join("epcscf.toml");
        std::fs::write(&file, text).expect("the folder is ours");
        let certificate = folder.0.join("certificate.pem");
        let file = file.to_str().expect("a plain name").to_owned();
        let words = ["epcscf", "--config", &file, "--log", "json"];
        let process = Process::start(&words, Some(folder));
        let mw = process.logged("mw");
        core.subject_is_at(mw.parse().expect("an address"));
        let address = |url: String| {
            let (_, rest) = url.split_once("://").expect("a URL");
            rest.trim_end_matches("/w2").to_owned()
        };
        let w2 = [
            address(process.logged("w2")),
            address(process.logged("w2_plain")),
        ];
        if setup.waf.is_some() {
            process.wait_for("the WAF's keys are here");
        }
        Self {
            process,
            core: Some(core),
            w2,
            certificate,
        }
    }

    /// A WIC with a WebSocket over TLS.
    pub fn wic(&self, name: &str) -> Wic {
        Wic::connect(&self.w2[0], Some(&self.certificate), name, &[]).expect("W2 upgrades")
    }

    /// A WIC with a WebSocket without TLS.
    pub fn wic_without_tls(&self, name: &str) -> Wic {
        Wic::connect(&self.w2[1], None, name, &[]).expect("W2 upgrades")
    }

    /// A handshake with headers of its own; an empty value leaves one out that is usually there.
    pub fn handshake(&self, headers: &[(&str, &str)]) -> Result<Wic, Refused> {
        Wic::connect(&self.w2[1], None, "alice", headers)
    }

    /// The core behind Mw. There is one.
    pub fn core(&mut self) -> Core {
        self.core.take().expect("the core was not taken before")
    }

    /// Host and port of W2, with TLS or without.
    pub fn w2(&self, tls: bool) -> &str {
        &self.w2[usize::from(!tls)]
    }

    /// The port of W2 with TLS, which is the one that WICs are told.
    pub fn w2_port(&self) -> &str {
        let (_, port) = self.w2[0].rsplit_once(':').expect("host and port");
        port
    }

    /// All that it logged so far.
    pub fn log(&self) -> String {
        self.process.printed()
    }

    /// A figure of its metrics, summed over its labels.
    pub fn figure(&self, name: &str) -> u64 {
        let address = self.process.logged("admin");
        let mut stream = std::net::TcpStream::connect(&address).expect("the admin port is open");
        let request =
            format!("GET /metrics HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).expect("sent");
        let mut text = String::new();
        stream.read_to_string(&mut text).expect("an answer");
        let name = format!("isthmus_{name}");
        let values = text.lines().filter_map(|line| {
            let (key, value) = line.rsplit_once(' ')?;
            (key.split('{').next() == Some(&name)).then(|| value.parse::<u64>().expect("a number"))
        });
        let mut values = values.peekable();
        // One that is not there would be 0, which many wait for.
        assert!(values.peek().is_some(), "there is no figure {name}");
        values.sum()
    }

    /// Waits until a figure is what it should be; figures are a second late.
    pub fn wait_for_figure(&self, name: &str, wanted: u64) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let is = self.figure(name);
            if is == wanted {
                return;
            }
            assert!(Instant::now() < deadline, "{name} is {is}, not {wanted}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

/// A running process; it ends with its value, and with it its folder.
pub(crate) struct Process {
    child: Child,
    /// Of a WIC that takes commands.
    input: Option<ChildStdin>,
    printed: Arc<(Mutex<String>, Condvar)>,
    folder: Option<Folder>,
}

impl Process {
    pub(crate) fn start(words: &[&str], folder: Option<Folder>) -> Self {
        let stdin = if words.contains(&"--commands") {
            Stdio::piped()
        } else {
            Stdio::null()
        };
        let mut child = Command::new(binary())
            .args(words)
            .stdin(stdin)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary runs");
        let printed = Arc::default();
        follow(child.stdout.take().expect("it is piped"), &printed);
        follow(child.stderr.take().expect("it is piped"), &printed);
        let input = child.stdin.take();
        Self {
            child,
            input,
            printed,
            folder,
        }
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

    /// A field of the JSON log.
    pub(crate) fn logged(&self, field: &str) -> String {
        self.wait_for(&format!("\"{field}\":\""))
    }

    /// Types a line.
    pub(crate) fn types(&mut self, line: &str) {
        let input = self.input.as_mut().expect("it takes commands");
        writeln!(input, "{line}").expect("it reads");
    }

    pub(crate) fn printed(&self) -> String {
        self.printed.0.lock().expect("no panic").clone()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            let _ = writeln!(std::io::stderr(), "it printed:\n{}", self.printed());
        }
        drop(self.folder.take());
    }
}

/// A folder that goes with the test.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("conformance-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).expect("a temporary folder");
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
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

/// `ISTHMUS_BIN`, or what cargo builds of this checkout.
fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        if let Some(named) = std::env::var_os("ISTHMUS_BIN").filter(|name| !name.is_empty()) {
            let named = PathBuf::from(named);
            assert!(
                named.is_file(),
                "ISTHMUS_BIN is no file: {}",
                named.display()
            );
            return named;
        }
        let test = std::env::current_exe().expect("this test has a path");
        let folder = test.ancestors().nth(2).expect("target/debug/deps/test");
        let profile = match folder.file_name().and_then(|name| name.to_str()) {
            Some("debug") | None => "dev",
            Some(other) => other,
        };
        let built = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            .args([
                "build",
                "--quiet",
                "--package",
                "isthmus",
                "--profile",
                profile,
            ])
            .arg("--target-dir")
            .arg(folder.parent().expect("target"))
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .status()
            .expect("cargo runs; or set ISTHMUS_BIN to a binary that is built");
        assert!(built.success(), "the binary does not build");
        folder.join("isthmus")
    })
}
