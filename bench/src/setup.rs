//! Call set-up through the whole all-in-one: from the INVITE that one `isthmus wic` sends to the 200
//! that it gets from another that answers at once. DTLS is not in it.

use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::process::{self, Process};
use crate::report::Row;

const CALLS: usize = 100;
/// What we promise of the median.
const PROMISED: f64 = 20.0;

/// One caller, one callee, one call after the other.
pub fn run() -> Result<Vec<Row>> {
    let isthmus = process::isthmus()?;
    let folder = process::folder("all-in-one")?;
    let data = folder.join("data");
    let [https, http, core, mw, admin] = [(); 5].map(|()| process::free_port());
    let port = |port: Result<u16>| -> Result<String> { Ok(port?.to_string()) };
    let (https, admin) = (port(https)?, port(admin)?);
    let words = [
        "--data-dir",
        &data.display().to_string(),
        "--https-port",
        &https,
        "--http-port",
        &port(http)?,
        "--core-port",
        &port(core)?,
        "--mw-port",
        &port(mw)?,
        "--admin-port",
        &admin,
    ];
    let mut product = Process::start(folder, &isthmus, &words)?;
    product.wait_for(format!("127.0.0.1:{admin}").parse()?)?;
    std::thread::sleep(Duration::from_secs(1));
    let printed = product.log();
    let password = |name: &str| -> Result<String> {
        let line = printed
            .lines()
            .find(|line| line.trim_start().starts_with(name));
        let word = line.and_then(|line| line.split_whitespace().nth(1));
        Ok(word
            .with_context(|| format!("no password of {name}"))?
            .to_owned())
    };
    let w2 = format!("wss://localhost:{https}/w2");
    let domain = "ims.mnc001.mcc001.3gppnetwork.org";
    let wic = |name: &str, password: &str, more: &[&str]| {
        let mut command = Command::new(&isthmus);
        command.args([
            "wic",
            "--insecure",
            "--w2",
            &w2,
            "--user",
            name,
            "--password",
            password,
        ]);
        command
            .args(more)
            .stdin(Stdio::null())
            .stderr(Stdio::null());
        command
    };
    let mut callee = wic(
        "bob",
        &password("bob")?,
        &["--answer", "--calls", "0", "--duration", "0"],
    )
    .stdout(Stdio::null())
    .spawn()?;
    std::thread::sleep(Duration::from_secs(1));
    let callee_uri = format!("sip:bob@{domain}");
    let calls = CALLS.to_string();
    let words = ["--call", &callee_uri, "--calls", &calls, "--duration", "1"];
    let caller = wic("alice", &password("alice")?, &words)
        .stdout(Stdio::piped())
        .output();
    let _ = callee.kill();
    let _ = callee.wait();
    let text = String::from_utf8(caller?.stdout)?;
    let mut times: Vec<f64> = text
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter_map(|event| event.get("setup_ms")?.as_f64())
        .collect();
    if times.len() < CALLS / 2 {
        bail!(
            "only {} of {CALLS} calls were answered:\n{text}",
            times.len()
        );
    }
    times.sort_by(f64::total_cmp);
    let median = times[times.len() / 2];
    Ok(vec![Row {
        work: format!("call set-up, all in one, median of {}", times.len()),
        isthmus: format!("{median:.1} ms"),
        peer: String::new(),
        verdict: format!("{:.2} of the promise of {PROMISED} ms", median / PROMISED),
    }])
}
