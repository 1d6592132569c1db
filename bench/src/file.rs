//! A file of 1 GiB between two WICs without a browser, each behind an access of its own, in a call through
//! gateway and core: how fast, under the same SHA-256, and what memory it costs the processes that the
//! gateway is in.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdout, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::all_in_one::AllInOne;
use crate::cpu;
use crate::process;
use crate::report::Row;

const SIZE: u64 = 1 << 30;
/// What the memory may grow by, from the call that stands to its peak.
const FLAT: u64 = 32 << 20;

/// A phone whose lines are read.
struct Phone {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Phone {
    fn start(product: &AllInOne, name: &str, words: &[&str]) -> Result<Self> {
        let mut child = product.phone(name, words)?.stdout(Stdio::piped()).spawn()?;
        let lines = BufReader::new(child.stdout.take().context("it is piped")?);
        Ok(Self { child, lines })
    }

    /// The next event of that name; one that says that a file was lost is an error.
    fn hears(&mut self, event: &str) -> Result<Value> {
        let mut line = String::new();
        while self.lines.read_line(&mut line)? > 0 {
            let value: Value = serde_json::from_str(&line)?;
            if value["event"] == event {
                return Ok(value);
            }
            if value["event"] == "file_failed" {
                bail!("{line}");
            }
            line.clear();
        }
        bail!("it ended without «{event}»")
    }
}

impl Drop for Phone {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One file, once.
pub fn run() -> Result<Vec<Row>> {
    let product = AllInOne::start()?;
    let folder = process::folder("file")?;
    let result = measure(&product, &folder);
    let _ = std::fs::remove_dir_all(&folder);
    result
}

fn measure(product: &AllInOne, folder: &Path) -> Result<Vec<Row>> {
    let file = folder.join("1-gib.bin");
    write(&file)?;
    let into = folder.join("into");
    std::fs::create_dir(&into)?;
    let (file, into) = (file.display().to_string(), into.display().to_string());
    let takes = ["--answer", "--duration", "0", "--save-files", &into];
    let mut bob = Phone::start(product, "bob", &takes)?;
    bob.hears("registered")?;
    let words = ["--call", "bob", "--send-file", &file, "--timeout", "60"];
    let mut alice = Phone::start(product, "alice", &words)?;
    bob.hears("file_coming")?;
    let before = cpu::pss(product.id());
    let cpu = cpu::time(product.id());
    let begun = Instant::now();
    let done = Arc::new(AtomicBool::new(false));
    let watched = {
        let (done, id) = (Arc::clone(&done), product.id());
        std::thread::spawn(move || watch(id, &done))
    };
    let received = bob.hears("file_received");
    let seconds = begun.elapsed().as_secs_f64();
    let cpu = (cpu::time(product.id()) - cpu).as_secs_f64();
    done.store(true, Ordering::Relaxed);
    let peak = watched.join().unwrap_or_default();
    let received = received?;
    let sent = alice.hears("file_sent")?;
    if sent["sha256"] != received["sha256"] || received["size"] != SIZE {
        bail!("not the same file: {sent}, {received}");
    }
    let megabytes = SIZE as f64 / 1e6;
    let grown = peak.saturating_sub(before);
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    let row = |work: &str, isthmus: String, verdict: &str| Row {
        work: work.to_owned(),
        isthmus,
        peer: String::new(),
        verdict: verdict.to_owned(),
    };
    Ok(vec![
        row(
            "file of 1 GiB, two headless WICs",
            format!("{:.1} MB/s", megabytes / seconds),
            "the same SHA-256",
        ),
        row(
            "its all-in-one's CPU",
            format!("{:.1} s/GB", cpu / megabytes * 1e3),
            "",
        ),
        row(
            "its all-in-one's memory, peak",
            format!("{:.1} MiB", mib(peak)),
            &format!(
                "{:.1} MiB more than before, {}",
                mib(grown),
                if grown <= FLAT { "flat" } else { "not flat" }
            ),
        ),
    ])
}

/// Bytes that repeat themselves nowhere soon.
fn write(path: &Path) -> Result<()> {
    let mut file = std::io::BufWriter::with_capacity(1 << 20, std::fs::File::create(path)?);
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for _ in 0..SIZE / 8 {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        file.write_all(&state.to_le_bytes())?;
    }
    file.flush()?;
    Ok(())
}

/// The most memory that a process and its children have until it is done.
fn watch(id: u32, done: &AtomicBool) -> u64 {
    let mut peak = 0;
    while !done.load(Ordering::Relaxed) {
        peak = peak.max(cpu::pss(id));
        std::thread::sleep(Duration::from_millis(100));
    }
    peak
}
