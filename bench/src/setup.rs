//! Call set-up through the whole all-in-one: from the INVITE that one `isthmus wic` sends to the 200
//! that it gets from another that answers at once. DTLS is not in it.

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Result, bail};

use crate::all_in_one::AllInOne;
use crate::report::Row;

const CALLS: usize = 100;
/// What we promise of the median.
const PROMISED: f64 = 20.0;

/// One caller, one callee, one call after the other.
pub fn run() -> Result<Vec<Row>> {
    let product = AllInOne::start()?;
    let words = ["--answer", "--calls", "0", "--duration", "0"];
    let mut callee = product
        .phone("bob", &words)?
        .stdout(Stdio::null())
        .spawn()?;
    std::thread::sleep(Duration::from_secs(1));
    let calls = CALLS.to_string();
    let words = ["--call", "bob", "--calls", &calls, "--duration", "1"];
    let mut caller = product.phone("alice", &words)?;
    let caller = caller.stdout(Stdio::piped()).output();
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
