//! Notifications leave the process: in order, at least once, whatever ends it and whatever their
//! targets do.

mod databases;
mod process;

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use api_mmtel_es::common::Uri;
use bytes::Bytes;
use databases::databases;
use http::{Response, StatusCode};
use http_body_util::Empty;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use isthmus::store::{Change, EnablerChange, Place, Put, Store, origin};
use nf_mmtel_es::Notice;
use process::authority::{Authority, Issued, serve};
use process::{Folder, Process, figure, get};
use testbed::{Target, Told, response};

const OPEN: &str = "[mmtel_es.notifications]\nprivate = true\nplain = true\n";

/// Writes notifications to a store as a process before would have: session, target, body.
fn fill(place: &Place, notifications: &[(&str, &str, String)]) {
    let (store, loaded) = Store::open(place.clone()).expect("a store");
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let until = now.expect("a clock").as_secs() + 3600;
    let first = loaded.enabler.last_notification + 1;
    let changes = (first..)
        .zip(notifications)
        .map(|(id, (session, target, body))| {
            let target = Uri::new(*target).expect("a URI");
            Change::Enabler(EnablerChange::Put(Put {
                id,
                origin: origin(&target),
                notice: Notice {
                    session: (*session).to_owned(),
                    target,
                    body: Bytes::from(body.clone()),
                },
                until,
            }))
        });
    let commit = store.commit(changes.collect());
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let written = runtime.expect("a runtime").block_on(commit.written());
    written.expect("they are written");
}

/// The enabler alone, on that store.
fn start(folder: &Folder, place: &Place, more: &str) -> Process {
    let store = match place {
        Place::File(_) => String::new(),
        Place::Postgres(url) => format!("[store]\nurl = \"{url}\"\n"),
    };
    let text = format!("[http]\nlisten = \"127.0.0.1:0\"\n{store}{more}");
    Process::alone(folder, "mmtel-es", &text)
}

/// Where the enabler alone keeps its file.
fn place(folder: &Folder) -> Place {
    let data = folder.path().join("mmtel-es");
    std::fs::create_dir_all(&data).expect("a folder");
    Place::File(data.join("isthmus.sqlite"))
}

fn wait_for(product: &Process, name: &str, wanted: u64) {
    let admin = product.logged("admin");
    for _ in 0..1200 {
        let metrics = get(&admin, "/metrics").1;
        if figure(&metrics, &format!("isthmus_{name}")) == wanted {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("{name} never was {wanted}:\n{}", get(&admin, "/metrics").1);
}

#[test]
fn what_waits_outlives_kill_9_and_leaves_in_order() {
    let folder = Folder::new();
    let Place::File(file) = place(&folder) else {
        unreachable!("it is a file")
    };
    for place in databases(&file) {
        let target = Target::good();
        let mut all = Vec::new();
        let sessions = ["a", "b", "c"];
        for number in 0..300_usize {
            let session = sessions[number % 3];
            let path = format!("{}/{session}", target.url);
            all.push((session, path, number.to_string()));
        }
        let rows: Vec<_> = all
            .iter()
            .map(|(s, t, b)| (*s, t.as_str(), b.clone()))
            .collect();
        fill(&place, &rows);
        let mut product = start(&folder, &place, OPEN);
        target.wait_for(60);
        product.kill();
        let product = start(&folder, &place, OPEN);
        wait_for(&product, "enabler_notifications_pending", 0);
        let mut last: HashMap<String, usize> = HashMap::new();
        for Told { path, body, .. } in target.told() {
            let number: usize = body.parse().expect("a number");
            let next = last.get(&path).map_or(number % 3, |last| last + 3);
            // What was told and not yet written off when the process was killed is told again.
            assert!(number <= next, "{number} of {path} came before {next}");
            last.insert(path, number.max(last_of(next)));
        }
        assert!(last.values().all(|last| *last >= 297), "{last:?}");
    }
}

/// The one before, in its session.
fn last_of(next: usize) -> usize {
    next.saturating_sub(3)
}

#[test]
fn targets_may_do_what_they_like() {
    let folder = Folder::new();
    let place = place(&folder);
    let moved = Target::good();
    let (to, for_good) = (format!("{}/307", moved.url), format!("{}/308", moved.url));
    let target = Target::start(move |path, _| {
        static BROKEN: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
        let first = || BROKEN.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == 0;
        Some(match path {
            "/broken" if first() => return None,
            "/short" => {
                "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\nConnection: close\r\n\r\n{}".into()
            }
            "/long" => format!(
                "HTTP/1.1 204 No\r\nConnection: close\r\n\r\n{}",
                "x".repeat(100_000)
            ),
            "/garbage" => "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n\0\u{fffd}{".into(),
            "/307" => response(307, &format!("Location: {to}\r\n")),
            "/308" => response(308, &format!("Location: {for_good}\r\n")),
            "/gone" => {
                let problem = r#"{"cause":"USER_NOT_FOUND"}"#;
                let length = problem.len();
                format!(
                    "HTTP/1.1 404 No\r\nContent-Type: application/problem+json\r\nContent-Length: {length}\r\n\r\n{problem}"
                )
            }
            _ => response(204, ""),
        })
    });
    let busy = Target::start(|_, before| {
        Some(match before {
            0 => response(503, "Retry-After: 1\r\n"),
            1 => response(429, "Retry-After: Sun, 06 Nov 1994 08:49:37 GMT\r\n"),
            _ => response(204, ""),
        })
    });
    let silent = Target::start(|_, _| {
        std::thread::sleep(Duration::from_mins(2));
        None
    });
    let nobody = "http://127.0.0.1:1/n".to_owned();
    let mut rows = Vec::new();
    for name in [
        "broken", "short", "long", "garbage", "307", "308", "gone", "good",
    ] {
        let url = format!("{}/{name}", target.url);
        rows.push((name, url.clone(), format!("{name} 1")));
        rows.push((name, url, format!("{name} 2")));
    }
    for body in ["silent 1", "silent 2"] {
        rows.push(("silent", silent.url.clone(), body.into()));
    }
    rows.push(("busy", format!("{}/n", busy.url), "busy".into()));
    rows.push(("nobody", nobody, "nobody".into()));
    rows.push(("file", "file:///etc/passwd".into(), "file".into()));
    let rows: Vec<_> = rows
        .iter()
        .map(|(s, t, b)| (*s, t.as_str(), b.clone()))
        .collect();
    fill(&place, &rows);
    let product = start(&folder, &place, OPEN);
    // Two are silent, one has a target that is not there.
    wait_for(&product, "enabler_notifications_pending", 3);
    wait_for(&product, "enabler_notifications_refused_total", 2);
    wait_for(&product, "enabler_notifications_forbidden_total", 1);
    let bodies = |of: &Target, path: &str| {
        let told = of.told().into_iter().filter(|told| told.path == path);
        told.map(|told| told.body).collect::<Vec<_>>()
    };
    for name in ["short", "long", "garbage", "gone", "good"] {
        let both = [format!("{name} 1"), format!("{name} 2")];
        assert_eq!(bodies(&target, &format!("/{name}")), both);
    }
    assert_eq!(
        bodies(&target, "/broken"),
        ["broken 1", "broken 1", "broken 2"]
    );
    assert_eq!(bodies(&target, "/307"), ["307 1", "307 2"]);
    assert_eq!(bodies(&moved, "/307"), ["307 1", "307 2"]);
    // Permanently: the second one does not ask at the old place.
    assert_eq!(bodies(&target, "/308"), ["308 1"]);
    assert_eq!(bodies(&moved, "/308"), ["308 1", "308 2"]);
    assert_eq!(bodies(&busy, "/n").len(), 3);
    // However often it was tried, the second one has to wait for it.
    assert!(bodies(&silent, "/").iter().all(|body| body == "silent 1"));
    product.wait_for("does not answer well");
}

/// TS 29.122 §5.2.5 does not say where notifications may go; a server that asked anything near it for
/// anybody would be a hole.
#[test]
fn nothing_near_is_told_unless_that_is_configured() {
    let folder = Folder::new();
    let place = place(&folder);
    let near = Target::good();
    let (_, port) = near.url.rsplit_once(':').expect("a port");
    let urls = [
        near.url.clone(),
        format!("http://localhost:{port}/"),
        format!("https://[::1]:{port}/"),
        format!("https://[::ffff:127.0.0.1]:{port}/"),
        format!("http://2130706433:{port}/"),
    ];
    let rows: Vec<_> = urls
        .iter()
        .map(|url| ("s", url.as_str(), String::new()))
        .collect();
    fill(&place, &rows);
    let product = start(&folder, &place, "");
    wait_for(&product, "enabler_notifications_forbidden_total", 5);
    wait_for(&product, "enabler_notifications_pending", 0);
    assert_eq!(near.told(), []);
}

/// A target that has HTTP/2 and nothing else; its URL, and for each request the connection that it came on.
fn with_http_2(issued: &Issued) -> (String, Arc<Mutex<Vec<usize>>>) {
    let acceptor = issued.acceptor(&["h2"]);
    let heard: Arc<Mutex<Vec<usize>>> = Arc::default();
    let told = Arc::clone(&heard);
    let address = serve(async move |listener| {
        for number in 0_usize.. {
            let Ok((stream, _)) = listener.accept().await else {
                return;
            };
            let (acceptor, told) = (acceptor.clone(), Arc::clone(&told));
            tokio::spawn(async move {
                let stream = acceptor.accept(stream).await.ok()?;
                let service = service_fn(move |_| {
                    told.lock().expect("no panic").push(number);
                    let mut taken = Response::new(Empty::<Bytes>::new());
                    *taken.status_mut() = StatusCode::NO_CONTENT;
                    std::future::ready(Ok::<_, Infallible>(taken))
                });
                let http = http2::Builder::new(TokioExecutor::new());
                http.serve_connection(TokioIo::new(stream), service)
                    .await
                    .ok()
            });
        }
    });
    (format!("https://{address}"), heard)
}

#[test]
fn connections_are_used_again_and_are_of_http_2_where_that_is() {
    let folder = Folder::new();
    let place = place(&folder);
    let authority = Authority::new();
    let trust = folder.write("authority.pem", &authority.pem);
    let (secure, heard) = with_http_2(&authority.issue(&["127.0.0.1"]));
    let plain = Target::good();
    let mut rows = Vec::new();
    for number in 0..80_usize {
        let target = if number % 2 == 0 { &secure } else { &plain.url };
        rows.push((
            format!("{}", number % 8),
            target.as_str(),
            number.to_string(),
        ));
    }
    let rows: Vec<_> = rows
        .iter()
        .map(|(session, target, body)| (session.as_str(), *target, body.clone()))
        .collect();
    fill(&place, &rows);
    let more = format!("{OPEN}trust = [{trust:?}]\n");
    let product = start(&folder, &place, &more);
    wait_for(&product, "enabler_notifications_delivered_total", 80);
    // Four sessions for each target: they may begin at the same time, and go on where they began.
    let connections = heard.lock().expect("no panic").clone();
    assert_eq!(connections.len(), 40);
    let last = connections.iter().max().expect("some");
    assert!(*last < 4, "{connections:?}");
    assert_eq!(plain.told().len(), 40);
    assert!(plain.connections() < 20, "{}", plain.connections());
}
