//! An application calls a UE: from `POST /dccall` to its 200, with an `isthmus wic` that answers at once,
//! through everything in one process. The call has sound at the gateway by then, and is written down.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use crate::all_in_one::AllInOne;
use crate::report::Row;

const CALLS: usize = 40;
/// What we promise of the median.
const PROMISED: f64 = 60.0;
const HOME: &str = "ims.mnc001.mcc001.3gppnetwork.org";

/// One call after the other.
pub fn run() -> Result<Vec<Row>> {
    let product = AllInOne::start()?;
    let words = ["--answer", "--calls", "0", "--duration", "1"];
    let mut callee = product
        .phone("bob", &words)?
        .stdout(Stdio::null())
        .spawn()?;
    std::thread::sleep(Duration::from_secs(1));
    let times = (0..CALLS).map(|number| call(&product, number));
    let times: Result<Vec<f64>> = times.collect();
    let _ = callee.kill();
    let _ = callee.wait();
    let mut times = times?;
    times.sort_by(f64::total_cmp);
    let median = times[times.len() / 2];
    let slow = times[times.len() * 95 / 100];
    Ok(vec![Row {
        work: format!("`/dccall` to the 200, median of {CALLS} (95 %: {slow:.1} ms)"),
        isthmus: format!("{median:.1} ms"),
        peer: String::new(),
        verdict: format!("{:.2} of the promise of {PROMISED} ms", median / PROMISED),
    }])
}

/// One call, in milliseconds; it is over when this returns.
fn call(product: &AllInOne, number: usize) -> Result<f64> {
    let body = format!(
        r#"{{"terminatingId":"sip:bob@{HOME}","mediaInfo":["audio"],"callType":"A2P","notificationInfo":"http://127.0.0.1:9/{number}"}}"#
    );
    let length = body.len();
    let mut stream = TcpStream::connect(product.http())?;
    stream.set_nodelay(true)?;
    let request = format!(
        "POST /mmtel-dcappcall/v1/dccall HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    );
    let begun = Instant::now();
    stream.write_all(request.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let took = begun.elapsed();
    ensure!(
        answer.contains("\"SUCCESS\""),
        "it was not answered: {answer}"
    );
    // The UE hangs up after a second.
    std::thread::sleep(Duration::from_millis(1300));
    Ok(took.as_secs_f64() * 1000.0)
}
