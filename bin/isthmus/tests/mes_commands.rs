//! `isthmus mes`: what application providers and operators type, at everything in one process.

mod process;

use std::collections::HashSet;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use process::phone::Phone;
use process::{Folder, HOME, PATIENCE, Process, run};
use serde_json::{Value, json};
use testbed::{Target, response};

/// The laboratory, and how it is asked.
struct Lab {
    product: Process,
    server: String,
    admin: String,
}

impl Lab {
    fn start(folder: &Folder, more: &[&str]) -> Self {
        let product = Process::all_in_one(folder, more);
        let http = product.wait_for("\n  http://");
        let admin = product.wait_for("Metrics and health: http://");
        let admin = admin.split('/').next().expect("an address");
        Self {
            server: format!("http://{}", http.trim_end_matches('/')),
            admin: format!("http://{admin}"),
            product,
        }
    }

    fn ask(&self, words: &[&str]) -> Output {
        run(&[&["mes"], words, &["--server", &self.server]].concat())
    }

    fn look(&self, words: &[&str]) -> String {
        let output = run(&[&["mes"], words, &["--admin", &self.admin]].concat());
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).expect("text")
    }

    /// One that runs until it ends by itself; its lines.
    fn begin(&self, words: &[&str]) -> Running {
        let child = Command::new(env!("CARGO_BIN_EXE_isthmus"))
            .arg("mes")
            .args(words)
            .args(["--server", &self.server])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("the binary runs");
        Running(child)
    }
}

struct Running(Child);

impl Running {
    fn ends(mut self) -> Vec<Value> {
        drop(self.0.stdin.take());
        let output = self.0.wait_with_output().expect("it ends");
        assert!(output.status.success(), "{output:?}");
        lines(&output)
    }

    fn says(&mut self, line: &str) {
        let input = self.0.stdin.as_mut().expect("it is open");
        writeln!(input, "{line}").expect("it reads");
    }
}

fn lines(output: &Output) -> Vec<Value> {
    let text = String::from_utf8_lossy(&output.stdout);
    let lines = text.lines();
    lines
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

fn refused(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("it is there") {
        let entry = entry.expect("a file");
        std::fs::copy(entry.path(), to.join(entry.file_name())).expect("copied");
    }
}

#[test]
fn a_provider_uploads_lists_calls_and_takes_away() {
    let folder = Folder::new();
    let lab = Lab::start(&folder, &[]);
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../apps/menu");
    let menu = folder.path().join("menu");
    copy(&sample, &menu);
    let menu = menu.to_str().expect("a plain name");
    let output = lab.ask(&["upload", menu, "--provider", "games"]);
    let said = String::from_utf8_lossy(&output.stdout);
    let (_, id) = said
        .trim()
        .rsplit_once("configured: ")
        .expect("its identifier");

    // As its provider sees it, and as the operator does.
    let listed = lab.ask(&["list", id, "--provider", "games"]);
    let table = String::from_utf8_lossy(&listed.stdout);
    assert!(
        table.starts_with("ID ") && table.contains("Menu"),
        "{table}"
    );
    let json = lab.ask(&["list", id, "--provider", "games", "--json"]);
    assert_eq!(lines(&json)[0]["appName"], "Menu");
    let all = lab.look(&["list"]);
    assert!(all.contains(id) && all.contains("games"), "{all}");
    assert_eq!(
        lab.look(&["list", "--provider", "other"]).lines().count(),
        1
    );

    // A call with its channel: what is typed is said, and what the phone says is printed.
    let [_, ws] = lab.product.w2();
    let words = ["--answer", "--accept-channel", "any"];
    let mut bob = Phone::start(&ws, "bob", &lab.product.password("bob"), &words);
    let mut call = lab.begin(&[
        "call",
        "bob",
        "--application",
        id,
        "--say",
        r#"{"type":"menu"}"#,
        "--lines",
    ]);
    let text = |phone: &mut Phone| {
        phone.hears("line")["text"]
            .as_str()
            .expect("a text")
            .to_owned()
    };
    assert_eq!(text(&mut bob), r#"{"type":"menu"}"#);
    call.says("hello");
    assert_eq!(text(&mut bob), r#"{"text":"hello"}"#);
    let sessions = lab.look(&["sessions"]);
    assert!(
        sessions.contains(&format!("sip:bob@{HOME}")) && sessions.contains("established"),
        "{sessions}"
    );
    bob.told("say 1 {\"choice\":2}");
    lab.product
        .wait_for_figure("isthmus_mmtel_es_messages_heard_total", 1);
    bob.told("hangup");
    let events = call.ends();
    let named = |name: &str| {
        events
            .iter()
            .filter(|one| one["event"] == name)
            .collect::<Vec<_>>()
    };
    assert_eq!(named("message")[0]["message"]["choice"], 2, "{events:?}");
    assert_eq!(named("said").len(), 2, "{events:?}");
    assert_eq!(named("channel")[0]["state"], "opened", "{events:?}");
    assert_eq!(events.last().expect("the end")["event"], "ended");
    // The enabler may still read that the last one was taken.
    let begin = Instant::now();
    let mut sent = lab.look(&["sent"]);
    while !(sent.contains("choice") && sent.contains("ENDED")) {
        assert!(begin.elapsed() < PATIENCE, "{sent}");
        std::thread::sleep(Duration::from_millis(50));
        sent = lab.look(&["sent"]);
    }

    // Two are connected, and one hangs up.
    bob.hears("ended");
    let mut alice = Phone::start(&ws, "alice", &lab.product.password("alice"), &["--answer"]);
    let session = lab.begin(&["connect", "alice", "bob"]);
    for phone in [&mut alice, &mut bob] {
        phone.hears("answered");
        phone.hears("media_connected");
    }
    alice.told("hangup");
    let events = session.ends();
    let names: Vec<_> = events
        .iter()
        .map(|one| one["event"].as_str().unwrap_or_default())
        .collect();
    assert_eq!(
        names,
        [
            "created",
            "session_establishment_success",
            "session_termination"
        ]
    );
    let gone = events[0]["session"].as_str().expect("its identifier");
    assert!(refused(&lab.ask(&["end", gone])).contains("404"));

    let gone = lab.ask(&["delete", id, "--provider", "games"]);
    assert_eq!(lines(&gone)[0]["event"], "deleted");
    assert!(
        refused(&lab.ask(&["delete", id, "--provider", "games"]))
            .contains("not all of them are gone")
    );
}

#[test]
fn what_cannot_be_done_is_said_in_words() {
    let folder = Folder::new();
    let lab = Lab::start(&folder, &[]);
    let said = refused(&lab.ask(&["call", "bob", "--no-audio"]));
    assert!(said.contains("/mediaInfo"), "{said}");
    let said = refused(&lab.ask(&["call", "bob"]));
    assert!(said.contains("no call: 480"), "{said}");
    let said = refused(&run(&[
        "mes",
        "call",
        "bob",
        "--server",
        "http://127.0.0.1:9",
    ]));
    assert!(said.contains("does an enabler run there?"), "{said}");
    let said = refused(&run(&["mes", "sessions", "--admin", "http://127.0.0.1:9"]));
    assert!(said.contains("does an enabler run there?"), "{said}");
    let target = ["release", "http://127.0.0.1:9", "--admin", &lab.admin];
    let said = refused(&run(&[&["mes"], &target[..]].concat()));
    assert!(said.contains("is not among the targets"), "{said}");
    let help = run(&["mes", "--help"]);
    let help = String::from_utf8_lossy(&help.stdout);
    for command in [
        "upload", "list", "delete", "call", "connect", "end", "events", "sessions", "sent",
        "targets", "release",
    ] {
        assert!(
            help.contains(&format!("\n  {command} ")),
            "{command}:\n{help}"
        );
        assert!(run(&["mes", command, "--help"]).status.success());
    }
}

/// What is written to a port there, and what comes back.
fn raw(url: &str, request: &str) -> String {
    let address = url.strip_prefix("http://").expect("an http URL");
    let mut stream = TcpStream::connect(address).expect("the port is open");
    let patience = Some(PATIENCE);
    stream.set_read_timeout(patience).expect("a limit");
    stream.write_all(request.as_bytes()).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

/// The page shows 500 of a kind, the command line all of them. And the port shows them to nobody who comes by a name
/// that anybody can give.
#[test]
fn everything_is_listed_and_who_is_led_there_sees_nothing() {
    let folder = Folder::new();
    let lab = Lab::start(&folder, &[]);
    let list: Vec<Value> = (0..501)
        .map(|index| json!({ "appIndex": index.to_string(), "appName": "Chess" }))
        .collect();
    let body = json!({ "reqId": "many", "dcAppNum": 501, "dcAppConfigParamList": list });
    let body = body.to_string();
    let length = body.len();
    let path = "/mmtel-dcappmgmt/v1/dcapps/configure";
    let answer = raw(
        &lab.server,
        &format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        ),
    );
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    let listed = run(&["mes", "list", "--admin", &lab.admin]);
    assert!(listed.status.success(), "{listed:?}");
    let rows = String::from_utf8_lossy(&listed.stdout).lines().count();
    assert_eq!(rows, 502, "501 and their titles");
    assert!(listed.stderr.is_empty(), "{listed:?}");
    let listed = run(&["mes", "list", "--json", "--admin", &lab.admin]);
    let ids: HashSet<String> = lines(&listed)
        .iter()
        .map(|one| one["id"].to_string())
        .collect();
    assert_eq!(ids.len(), 501);
    let state = raw(
        &lab.admin,
        "GET /enabler/state HTTP/1.0\r\nHost: localhost\r\n\r\n",
    );
    assert_eq!(state.matches("\"provider\":\"many\"").count(), 500);
    let sessions = run(&["mes", "sessions", "--admin", &lab.admin]);
    assert!(sessions.stderr.is_empty(), "{sessions:?}");

    for (method, path, host, status) in [
        ("GET", "/enabler/state", "localhost", 200),
        ("GET", "/enabler/state", "evil.example:9090", 403),
        ("GET", "/enabler/applications", "evil.example", 403),
        ("GET", "/enabler/sessions?after=x", "localhost", 200),
        (
            "PUT",
            "/enabler/release?target=http://x",
            "evil.example",
            403,
        ),
        ("PUT", "/enabler/release?target=http://x", "127.0.0.1", 404),
        ("GET", "/metrics", "prometheus.example", 200),
    ] {
        let request =
            format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        let answer = raw(&lab.admin, &request);
        let line = answer.lines().next().unwrap_or_default();
        assert!(
            line.starts_with(&format!("HTTP/1.1 {status} ")),
            "{path} {host}: {line}"
        );
    }
}

#[test]
fn an_operator_sees_a_target_that_is_down_and_has_it_tried() {
    let folder = Folder::new();
    let busy = Target::start(|_, count| {
        Some(match count {
            0 => response(503, "Retry-After: 3000\r\n"),
            _ => response(204, ""),
        })
    });
    let events = format!(
        "[[mmtel_es.calls.events]]\nsubscribers = [\"*\"]\nnotify = \"{}/\"\n",
        busy.url
    );
    let file = folder.write("events.toml", &events);
    let lab = Lab::start(&folder, &["--config", file.to_str().expect("a plain name")]);
    let [_, ws] = lab.product.w2();
    let mut alice = Phone::start(&ws, "alice", &lab.product.password("alice"), &[]);
    alice.told(&format!("call sip:nobody@{HOME}"));
    alice.hears("ended");
    busy.wait_for(1);
    lab.product
        .wait_for_figure("isthmus_enabler_targets_down", 1);
    let targets = lab.look(&["targets"]);
    assert!(targets.contains(&busy.url), "{targets}");
    let released = lab.look(&["release", &format!("{}/", busy.url)]);
    assert!(released.contains("released"), "{released}");
    busy.wait_for(2);
    lab.product
        .wait_for_figure("isthmus_enabler_targets_down", 0);
    lab.product
        .wait_for_figure("isthmus_enabler_notifications_pending", 0);
    let sent = lab.look(&["sent"]);
    assert!(sent.contains("503") && sent.contains("204"), "{sent}");
}

#[test]
fn whoever_listens_is_told_of_calls() {
    let folder = Folder::new();
    let port = process::ports::free_port();
    let events = format!(
        "[[mmtel_es.calls.events]]\nsubscribers = [\"sip:alice@{HOME}\"]\nnotify = \"http://127.0.0.1:{port}/\"\n"
    );
    let file = folder.write("events.toml", &events);
    let lab = Lab::start(&folder, &["--config", file.to_str().expect("a plain name")]);
    let listen = format!("127.0.0.1:{port}");
    let listener = Command::new(env!("CARGO_BIN_EXE_isthmus"))
        .args(["mes", "events", "--count", "2", "--listen", &listen])
        .stdout(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    let [_, ws] = lab.product.w2();
    let mut bob = Phone::start(&ws, "bob", &lab.product.password("bob"), &["--answer"]);
    let mut alice = Phone::start(&ws, "alice", &lab.product.password("alice"), &[]);
    alice.told(&format!("call sip:bob@{HOME}"));
    alice.hears("answered");
    alice.told("hangup");
    bob.hears("ended");
    let output = listener.wait_with_output().expect("it ends");
    let told = lines(&output);
    let events: Vec<_> = told[1..]
        .iter()
        .map(|one| one["eventType"].as_str())
        .collect();
    assert_eq!(
        events,
        [
            Some("SESSION_ESTABLISHMENT_SUCCESS"),
            Some("SESSION_TERMINATION")
        ]
    );
}
