//! A server of HTTP/1.1 by hand, for those who are told something: what it answers is up to the test.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

/// It is told what it is to be told by then, on whatever machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// What came in one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The lines before the body, as they came.
    pub head: String,
    /// Where it went.
    pub path: String,
    /// What it said.
    pub body: String,
}

/// A server that remembers what it was told. It is there until the process ends.
#[derive(Debug)]
pub struct Target {
    /// `http://` and its address.
    pub url: String,
    told: Arc<(Mutex<Vec<Told>>, Condvar)>,
    connections: Arc<AtomicUsize>,
    /// How many of them [`Self::next`] has given.
    given: AtomicUsize,
}

/// What is written back, as it is; `None` closes the connection without a word.
type Answer = Option<String>;

impl Target {
    /// `answer` gets the path and how many requests came before.
    pub fn start(answer: impl Fn(&str, usize) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let told: Arc<(Mutex<Vec<Told>>, Condvar)> = Arc::default();
        let answer = Arc::new(answer);
        let heard = Arc::clone(&told);
        let connections: Arc<AtomicUsize> = Arc::default();
        let opened = Arc::clone(&connections);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                opened.fetch_add(1, Ordering::Relaxed);
                let (heard, answer) = (Arc::clone(&heard), Arc::clone(&answer));
                std::thread::spawn(move || serve(stream, &heard, &*answer));
            }
        });
        Self {
            url,
            told,
            connections,
            given: AtomicUsize::new(0),
        }
    }

    /// One that takes everything.
    pub fn good() -> Self {
        Self::start(|_, _| Some(response(204, "")))
    }

    /// Waits until it was told so much, and says it.
    #[track_caller]
    pub fn wait_for(&self, count: usize) -> Vec<Told> {
        let told = self.within(PATIENCE, count);
        assert!(told.len() >= count, "{count} were not told, but {told:?}");
        told
    }

    /// What comes next, if it comes within that time.
    pub fn next(&self, within: Duration) -> Option<Told> {
        let given = self.given.load(Ordering::Relaxed);
        let told = self.within(within, given + 1).into_iter().nth(given)?;
        self.given.store(given + 1, Ordering::Relaxed);
        Some(told)
    }

    /// What it was told when it was so much, or when the time was over.
    fn within(&self, time: Duration, count: usize) -> Vec<Told> {
        let deadline = Instant::now() + time;
        let (told, more) = &*self.told;
        let mut told = told.lock().expect("no panic");
        while told.len() < count {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            told = more.wait_timeout(told, left).expect("no panic").0;
        }
        told.clone()
    }

    /// How many connections were opened to it.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    /// What it was told so far.
    pub fn told(&self) -> Vec<Told> {
        self.told.0.lock().expect("no panic").clone()
    }
}

/// A response without a body, with these header lines.
pub fn response(status: u16, lines: &str) -> String {
    let length = if status == 204 {
        ""
    } else {
        "Content-Length: 0\r\n"
    };
    format!("HTTP/1.1 {status} Status\r\n{length}{lines}\r\n")
}

fn serve(
    stream: TcpStream,
    told: &(Mutex<Vec<Told>>, Condvar),
    answer: &(impl Fn(&str, usize) -> Answer + ?Sized),
) {
    let Ok(mut writer) = stream.try_clone() else {
        return;
    };
    let mut reader = BufReader::new(stream);
    loop {
        let mut length = 0;
        let mut path = String::new();
        let mut head = String::new();
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
            head.push_str(&line);
            let line = line.trim_end();
            if path.is_empty() {
                line.split(' ').nth(1).unwrap_or("/").clone_into(&mut path);
            }
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().unwrap_or(0);
            }
            if line.is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        if reader.read_exact(&mut body).is_err() {
            return;
        }
        let before = {
            let mut all = told.0.lock().expect("no panic");
            let body = String::from_utf8_lossy(&body).into_owned();
            all.push(Told {
                head,
                path: path.clone(),
                body,
            });
            all.len() - 1
        };
        told.1.notify_all();
        let Some(text) = answer(&path, before) else {
            return;
        };
        if writer.write_all(text.as_bytes()).is_err() || text.contains("Connection: close") {
            return;
        }
    }
}
