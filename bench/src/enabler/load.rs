//! Connections of HTTP/1.1 that each ask, wait for the answer, and ask again.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

/// What came of it.
pub struct Load {
    /// How long each answer took, sorted.
    times: Vec<Duration>,
    elapsed: Duration,
}

impl Load {
    pub fn rate(&self) -> f64 {
        self.times.len() as f64 / self.elapsed.as_secs_f64()
    }

    pub fn p99(&self) -> Duration {
        self.at(0.99)
    }

    fn at(&self, part: f64) -> Duration {
        let index = (self.times.len() as f64 * part) as usize;
        self.times.get(index).copied().unwrap_or_default()
    }
}

impl fmt::Display for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = |time: Duration| time.as_secs_f64() * 1000.0;
        let (half, most) = (ms(self.at(0.5)), ms(self.p99()));
        write!(
            f,
            "{:.0} a second, p50 {half:.1} ms, p99 {most:.1} ms",
            self.rate()
        )
    }
}

/// `request` gives path and body by number.
pub async fn run(
    port: u16,
    connections: usize,
    long: Duration,
    request: impl Fn(u64) -> (String, String) + Send + Sync + 'static,
) -> Result<Load> {
    let request = Arc::new(request);
    let next = Arc::new(AtomicU64::new(0));
    let begun = Instant::now();
    let tasks: Vec<_> = (0..connections)
        .map(|_| {
            let (request, next) = (Arc::clone(&request), Arc::clone(&next));
            tokio::spawn(async move {
                let mut connection = Connection::open(port).await?;
                let mut times = Vec::new();
                while begun.elapsed() < long {
                    let (path, body) = request(next.fetch_add(1, Ordering::Relaxed));
                    let asked = Instant::now();
                    let answer = connection.post(&path, &body).await?;
                    times.push(asked.elapsed());
                    ensure!(!answer.contains("FAILED"), "refused: {answer}");
                }
                Ok(times)
            })
        })
        .collect();
    let mut times = Vec::new();
    for task in tasks {
        times.extend(task.await??);
    }
    let elapsed = begun.elapsed();
    times.sort_unstable();
    Ok(Load { times, elapsed })
}

/// One request.
pub async fn once(port: u16, path: &str, body: &str) -> Result<String> {
    Connection::open(port).await?.post(path, body).await
}

struct Connection(BufReader<TcpStream>);

impl Connection {
    async fn open(port: u16) -> Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.set_nodelay(true)?;
        Ok(Self(BufReader::new(stream)))
    }

    async fn post(&mut self, path: &str, body: &str) -> Result<String> {
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        self.0.get_mut().write_all(request.as_bytes()).await?;
        let (mut status, mut length) = (0, 0);
        loop {
            let mut line = String::new();
            ensure!(
                self.0.read_line(&mut line).await? > 0,
                "the connection is closed"
            );
            let line = line.trim_end().to_ascii_lowercase();
            if line.starts_with("http/") {
                status = line.split(' ').nth(1).context("a status")?.parse()?;
            } else if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse()?;
            } else if line.is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).await?;
        let body = String::from_utf8(body)?;
        ensure!(status == 200, "{status}: {body}");
        Ok(body)
    }
}
