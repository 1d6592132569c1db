//! What the documents say to type beside a running laboratory works when it is pasted.

mod process;

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use process::phone::Phone;
use process::{Folder, Process};
use serde_json::Value;

/// Where the documents have the laboratory, and the one who is told.
const SERVER: &str = "http://localhost:8080";
const LISTENER: &str = "127.0.0.1:9000";

fn document(name: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    std::fs::read_to_string(root.join(name)).expect("the document is there")
}

/// A shell gets the lines, with the ports of this laboratory, and nobody is told of calls; the answers of the APIs, one by one, and
/// all that was printed.
fn pasted(product: &Process, lines: &str) -> (Vec<Value>, String) {
    let address = product.wait_for("\n  http://");
    let lines = lines
        .replace(SERVER, &format!("http://{}", address.trim_end_matches('/')))
        // What it prints comes when it comes, and is not to come into an answer.
        .replace("isthmus mes events", "isthmus mes events >/dev/null")
        .replace(LISTENER, "127.0.0.1:0");
    let program = Path::new(env!("CARGO_BIN_EXE_isthmus"));
    let folder = program.parent().expect("a folder").display();
    let path = std::env::var("PATH").unwrap_or_default();
    let mut shell = Command::new("bash")
        .env("PATH", format!("{folder}:{path}"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("a shell");
    let mut input = shell.stdin.take().expect("it is piped");
    input.write_all(lines.as_bytes()).expect("it reads");
    drop(input);
    let output = shell.wait_with_output().expect("it ends");
    let errors = String::from_utf8_lossy(&output.stderr);
    let printed = String::from_utf8(output.stdout).expect("text");
    assert!(!errors.contains("curl:"), "{errors}");
    let answers = printed.lines().filter(|line| line.starts_with('{'));
    let answers = answers.map(|line| serde_json::from_str(line).expect("JSON"));
    (answers.collect(), format!("{printed}{errors}"))
}

#[test]
fn the_tour_of_the_enabler_works_when_it_is_pasted() {
    let folder = Folder::new();
    let product = Process::all_in_one(&folder, &[]);
    let [_, ws] = product.w2();
    let takes = ["--answer", "--accept-channel", "any"];
    let phone = |name| Phone::start(&ws, name, &product.password(name), &takes);
    let _phones = ["alice", "bob", "carol"].map(phone);

    let text = document("docs/mmtel-enabler.md");
    let (_, tour) = text.split_once("## A tour").expect("a tour");
    let (_, lines) = tour.split_once("```sh\n").expect("lines for a shell");
    let (lines, _) = lines.split_once("```").expect("their end");
    let (answers, printed) = pasted(&product, lines);
    let [
        apis,
        configured,
        retrieved,
        updated,
        called,
        patched,
        wrong,
        deleted,
    ] = &answers[..]
    else {
        panic!("{printed}");
    };
    assert_eq!(apis["apis"].as_array().map(Vec::len), Some(4), "{printed}");
    let configured = &configured["dcAppConfigRespList"][0];
    assert_eq!(configured["status"], "SUCCESS", "{printed}");
    let app = &retrieved["dcAppInfoList"][0]["appId"];
    assert_eq!(app, &configured["appId"], "{printed}");
    let updated = &updated["dcAppStatRespList"][0]["status"];
    assert_eq!(updated, "SUCCESS", "{printed}");
    assert_eq!(called["callResult"], "SUCCESS", "{printed}");
    let correlation = &patched["imsSessionInfo"]["notifCorrelationId"];
    assert_eq!(correlation, "mine", "{printed}");
    assert!(printed.lines().any(|line| line == "204"), "{printed}");
    assert_eq!(wrong["status"], 400, "{printed}");
    let pointers = wrong["invalidParams"].as_array().map_or(0, Vec::len);
    assert!(pointers > 1, "{printed}");
    assert_eq!(deleted["status"], "SUCCESS", "{printed}");
}

#[test]
fn what_the_first_page_says_to_type_is_answered() {
    let folder = Folder::new();
    let product = Process::all_in_one(&folder, &[]);
    let text = document("README.md");
    let lines: Vec<_> = commands(&text).collect();
    assert!(!lines.is_empty(), "there is none");
    for line in lines {
        let (answers, printed) = pasted(&product, &line);
        assert_eq!(answers.len(), 1, "{line}: {printed}");
        // Nobody has a phone here.
        assert_eq!(answers[0]["callResult"], "FAILED", "{line}: {printed}");
    }
}

/// The commands of curl in a text, with the lines in which they go on.
fn commands(text: &str) -> impl Iterator<Item = String> {
    let mut lines = text.lines();
    std::iter::from_fn(move || {
        let first = lines.find(|line| line.trim_start().starts_with("curl "))?;
        let mut command = first.trim().to_owned();
        while command.ends_with('\\') {
            command.push('\n');
            command.push_str(lines.next()?);
        }
        Some(command)
    })
}
