//! The MMTel Enabler Server under load: applications configured and retrieved, beside a plain handler
//! of axum and sqlx; and notifications that waited for a target.

mod load;
mod notify;
mod plain;

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Result, ensure};

use crate::process::{self, Process};
use crate::report::Row;
use load::Load;

/// Connections that ask one after the other, as fast as they are answered.
const CONNECTIONS: usize = 64;
const LONG: Duration = Duration::from_secs(8);

/// What we promise.
const CONFIGURED: f64 = 3000.0;
const P99: Duration = Duration::from_millis(20);
const RETRIEVED: f64 = 10_000.0;

pub fn run() -> Result<Vec<Row>> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    let mut rows = Vec::new();
    let (configured, retrieved) = {
        let port = process::free_port()?;
        let _product = start(port, "")?;
        let base = "/mmtel-dcappmgmt/v1/dcapps";
        let configure = format!("{base}/configure");
        // A profile of a kilobyte, by providers that each stay within their bound.
        let configured = runtime.block_on(load::run(port, CONNECTIONS, LONG, move |n| {
            (configure.clone(), configuration(n))
        }))?;
        let one = runtime.block_on(load::once(
            port,
            &format!("{base}/configure"),
            &configuration(0),
        ))?;
        let app_id = one
            .split("\"appId\":\"")
            .nth(1)
            .and_then(|rest| rest.split('"').next())
            .unwrap_or_default()
            .to_owned();
        let retrieval = format!("{base}/retrieval");
        let retrieved = runtime.block_on(load::run(port, CONNECTIONS, LONG / 2, move |_| {
            let body = format!(r#"{{"reqId":"p0","dcAppNum":1,"appIdList":["{app_id}"]}}"#);
            (retrieval.clone(), body)
        }))?;
        (configured, retrieved)
    };
    let plain = plain::start()?;
    let port = plain.port;
    let peer = runtime.block_on(load::run(port, CONNECTIONS, LONG, |n| {
        ("/configure".to_owned(), configuration(n))
    }))?;
    rows.push(Row {
        work: "configure an application of 1 kB, on the disk before the answer".to_owned(),
        isthmus: configured.to_string(),
        peer: format!("axum + sqlx, a transaction a request: {peer}"),
        verdict: verdict(&configured),
    });
    rows.push(Row {
        work: "retrieve it".to_owned(),
        isthmus: retrieved.to_string(),
        peer: String::new(),
        verdict: reached(retrieved.rate() >= RETRIEVED, "10,000 a second"),
    });
    rows.push(notify::run(&runtime)?);
    Ok(rows)
}

/// The product alone, without TLS; with more lines of configuration.
fn start(port: u16, more: &str) -> Result<Process> {
    let folder = process::folder("enabler")?;
    let data = folder.join("data");
    start_in(folder, &data, port, more)
}

/// With its data in that folder.
fn start_in(folder: PathBuf, data: &Path, port: u16, more: &str) -> Result<Process> {
    let data = data.display();
    let text = format!(
        "data_dir = \"{data}\"\n[log]\nlevel = \"warn\"\n[admin]\nlisten = \"127.0.0.1:0\"\n\
         [http]\nlisten = \"127.0.0.1:0\"\nplain_listen = \"127.0.0.1:{port}\"\n{more}"
    );
    std::fs::write(folder.join("mmtel-es.toml"), text)?;
    let words = ["mmtel-es", "--config", "mmtel-es.toml"];
    let mut product = Process::start(folder, &process::isthmus()?, &words)?;
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    product.wait_for(address)?;
    // Its port is there before its tables are.
    let mut stream = TcpStream::connect(address)?;
    stream.write_all(b"GET /openapi HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    ensure!(
        answer.starts_with("HTTP/1.1 200"),
        "it does not answer: {answer}"
    );
    Ok(product)
}

/// The request of that number: no two are the same.
fn configuration(number: u64) -> String {
    let text = "x".repeat(780);
    format!(
        r#"{{"reqId":"p{}","dcAppNum":1,"dcAppConfigParamList":[{{"appIndex":"{number}","appName":"Application {number}","svcType":"GAMES","appVer":"1.0","autoload":false,"appIconUrl":"https://games.example/{number}.png","qosReq":"{text}"}}]}}"#,
        number / 500
    )
}

fn verdict(load: &Load) -> String {
    let good = load.rate() >= CONFIGURED && load.p99() < P99;
    reached(good, "3000 a second, p99 under 20 ms")
}

fn reached(good: bool, what: &str) -> String {
    let word = if good { "reached" } else { "MISSED" };
    format!("{what}: {word}")
}
