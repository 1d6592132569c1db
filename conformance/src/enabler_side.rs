//! The other side of the MMTel Enabler Server: a consumer of its APIs that writes its requests by
//! hand, so that what a library would never send can be sent too.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::PATIENCE;
use crate::https::{self, Asked};
use crate::subject::{Folder, Process};

/// A MMTel Enabler Server, alone.
pub struct Enabler {
    process: Process,
    address: String,
    https: String,
    certificate: PathBuf,
}

/// What it answered.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The header fields, with names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

impl Enabler {
    /// One that tests share which run at the same time: each has a provider of its own.
    pub fn shared() -> Arc<Self> {
        static SHARED: Mutex<Weak<Enabler>> = Mutex::new(Weak::new());
        // A test that failed left it as it was.
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        shared.upgrade().unwrap_or_else(|| {
            let started = Arc::new(Self::with(""));
            *shared = Arc::downgrade(&started);
            started
        })
    }

    /// One with these lines of configuration.
    pub fn with(lines: &str) -> Self {
        let folder = Folder::new();
        let text = format!(
            "data_dir = \".\"\n[admin]\nlisten = \"127.0.0.1:0\"\n\
             [http]\nlisten = \"127.0.0.1:0\"\nplain_listen = \"127.0.0.1:0\"\n{lines}"
        );
        let file = folder.path().join("mmtel-es.toml");
        std::fs::write(&file, text).expect("the folder is ours");
        let file = file.to_str().expect("a plain name").to_owned();
        let words = ["mmtel-es", "--config", &file, "--log", "json"];
        let certificate = folder.path().join("certificate.pem");
        let process = Process::start(&words, Some(folder));
        let address = process.logged("http");
        let https = process.logged("https");
        Self {
            process,
            address,
            https,
            certificate,
        }
    }

    /// `POST` of a JSON body.
    pub fn post(&self, path: &str, body: &Value) -> Answer {
        self.post_text(path, &body.to_string())
    }

    /// `POST` of a text that says it is JSON.
    pub fn post_text(&self, path: &str, body: &str) -> Answer {
        self.send("POST", path, "Content-Type: application/json\r\n", body)
    }

    /// A request with these header lines; the length is added.
    pub fn send(&self, method: &str, path: &str, lines: &str, body: &str) -> Answer {
        let length = format!("Content-Length: {}\r\n", body.len());
        self.raw(&format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n{lines}{length}\r\n{body}",
            self.address
        ))
    }

    /// These bytes, and what comes back until the connection is closed.
    pub fn raw(&self, text: &str) -> Answer {
        Answer::to(&self.address, text)
    }

    /// A request over TLS, by `http/1.1` or `h2`; of the answer to the latter there are status and body.
    pub fn over_tls(
        &self,
        version: &str,
        method: &str,
        path: &str,
        kind: &str,
        body: &str,
    ) -> Answer {
        let asked = Asked {
            method,
            path,
            kind,
            body,
        };
        https::ask(&self.https, &self.certificate, version, &asked)
    }

    /// Host and port.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Waits until it logged these words.
    pub fn wait_for(&self, words: &str) {
        self.process.wait_for(words);
    }

    /// A field of its log.
    pub fn logged(&self, field: &str) -> String {
        self.process.logged(field)
    }

    /// Waits until a figure of its has that value.
    #[track_caller]
    pub fn wait_for_figure(&self, name: &str, wanted: u64) {
        let admin = self.logged("admin");
        let request =
            format!("GET /metrics HTTP/1.1\r\nHost: {admin}\r\nConnection: close\r\n\r\n");
        let line = format!("{name} {wanted}");
        let deadline = Instant::now() + PATIENCE;
        while !Answer::to(&admin, &request)
            .body
            .lines()
            .any(|one| one == line)
        {
            assert!(Instant::now() < deadline, "never was: {line}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// All that it logged so far.
    pub fn log(&self) -> String {
        self.process.printed()
    }
}

impl Answer {
    /// What a request with a JSON body is answered there, which may take as long as somebody rings.
    pub fn to_request(address: &str, method: &str, path: &str, body: &Value) -> Self {
        let body = body.to_string();
        let length = body.len();
        let kind = if method == "PATCH" {
            "application/json-patch+json"
        } else {
            "application/json"
        };
        Self::to(
            address,
            &format!(
                "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\
                 Content-Type: {kind}\r\nContent-Length: {length}\r\n\r\n{body}"
            ),
        )
    }

    fn to(address: &str, text: &str) -> Self {
        let mut stream = TcpStream::connect(address).expect("the port is open");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        // Who is refused early may not be read to the end.
        let _ = stream.write_all(text.as_bytes());
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        Self::read(&String::from_utf8(answer).expect("text"))
    }

    pub(crate) fn read(text: &str) -> Self {
        let (head, body) = text
            .split_once("\r\n\r\n")
            .unwrap_or_else(|| panic!("no answer: {text:?}"));
        let mut lines = head.split("\r\n");
        let status = lines.next().and_then(|line| line.split(' ').nth(1));
        let headers = lines.filter_map(|line| {
            let (name, value) = line.split_once(':')?;
            Some((name.to_ascii_lowercase(), value.trim().to_owned()))
        });
        Self {
            status: status
                .and_then(|status| status.parse().ok())
                .expect("a status"),
            headers: headers.collect(),
            body: body.to_owned(),
        }
    }

    /// A header field.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let found = headers.find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The body of a success.
    #[track_caller]
    pub fn ok(&self) -> Value {
        assert_eq!(
            (self.status, self.header("content-type")),
            (200, Some("application/json")),
            "{self:?}"
        );
        serde_json::from_str(&self.body).expect("JSON")
    }

    /// The ProblemDetails of an error (TS 29.122 §5.2.6).
    #[track_caller]
    pub fn problem(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(
            self.header("content-type"),
            Some("application/problem+json"),
            "{self:?}"
        );
        let problem: Value = serde_json::from_str(&self.body).expect("JSON");
        assert_eq!(problem["status"], status);
        assert!(problem["title"].is_string(), "{problem}");
        problem
    }

    /// The parameters that a 400 names.
    #[track_caller]
    pub fn invalid(&self) -> Vec<String> {
        let problem = self.problem(400);
        let params = problem["invalidParams"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let names = params
            .iter()
            .map(|one| one["param"].as_str().expect("a name").to_owned());
        names.collect()
    }
}
