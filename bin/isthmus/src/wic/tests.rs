//! Two phones over real sockets, and an edge that is as small as can be.

use std::time::Duration;

use clap::Parser as _;
use core_sip::reply;
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::Message as Frame;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::http::HeaderValue;
use wire_sip::{HeaderName, Message, Method, StatusCode};

use super::{Args, run_all};

#[derive(clap::Parser)]
struct Cli {
    #[command(flatten)]
    args: Args,
}

pub(super) fn args(words: &str) -> Args {
    let words = ["wic"].into_iter().chain(words.split_whitespace());
    Cli::try_parse_from(words).expect("good arguments").args
}

/// Takes two WebSockets, says yes to each REGISTER, and passes the rest across.
async fn edge(listener: TcpListener) {
    let (to_first, from_second) = mpsc::unbounded_channel();
    let (to_second, from_first) = mpsc::unbounded_channel();
    let mut served = tokio::task::JoinSet::new();
    for (across, mine) in [(to_second, from_second), (to_first, from_first)] {
        let (stream, _) = listener.accept().await.expect("a phone");
        served.spawn(serve(stream, across, mine));
    }
    while served.join_next().await.is_some() {}
    std::future::pending::<()>().await;
}

#[allow(clippy::result_large_err, clippy::unnecessary_wraps)] // as the callback wants it
fn subprotocol(request: &Request, mut response: Response) -> Result<Response, ErrorResponse> {
    let asked = request.headers().get("Sec-WebSocket-Protocol");
    assert_eq!(asked, Some(&HeaderValue::from_static("sip")));
    let headers = response.headers_mut();
    headers.insert("Sec-WebSocket-Protocol", HeaderValue::from_static("sip"));
    Ok(response)
}

async fn serve(
    stream: tokio::net::TcpStream,
    across: mpsc::UnboundedSender<String>,
    mut mine: mpsc::UnboundedReceiver<String>,
) {
    let accepted = tokio_tungstenite::accept_hdr_async(stream, subprotocol).await;
    let mut socket = accepted.expect("a WebSocket");
    loop {
        tokio::select! {
            text = mine.recv() => {
                let Some(text) = text else { return };
                if socket.send(Frame::text(text)).await.is_err() {
                    return;
                }
            }
            frame = socket.next() => {
                let Some(Ok(Frame::Text(text))) = frame else { return };
                let mut message = Message::parse(text.into()).expect("SIP");
                if message.method() == Method::Register {
                    let mut yes = reply(&message, StatusCode::OK, "edge");
                    let contact = message.header(HeaderName::Contact).expect("a Contact");
                    yes.push_back(HeaderName::Contact, contact);
                    let yes = String::from_utf8(yes.to_bytes().into()).expect("text");
                    let _ = socket.send(Frame::text(yes)).await;
                    continue;
                }
                if message.is_request() {
                    let via = message.header(HeaderName::Via).expect("a Via");
                    let branch = via.split("branch=").nth(1).expect("a branch").to_owned();
                    let via = format!("SIP/2.0/WS edge.invalid;branch=z9hG4bKe{branch}");
                    message.push_front(HeaderName::Via, via);
                } else {
                    message.remove_first_value(HeaderName::Via);
                }
                let text = String::from_utf8(message.to_bytes().into()).expect("text");
                let _ = across.send(text);
            }
        }
    }
}

async fn both(port: u16, caller: &str, callee: &str) -> (bool, bool) {
    let common = format!("--w2 ws://127.0.0.1:{port}/w2 --password x");
    let callee = run_all(
        args(&format!("{common} --user bob --answer {callee}")),
        None,
    );
    let callee = tokio::spawn(callee);
    tokio::time::sleep(Duration::from_millis(300)).await;
    let caller = run_all(args(&format!("{common} --call bob {caller}")), None).await;
    let callee = callee.await.expect("no panic");
    (caller.expect("runs"), callee.expect("runs"))
}

#[tokio::test]
async fn a_call_with_media_digits_and_a_recording_is_a_success() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let edge = tokio::spawn(edge(listener));
    let folder = std::env::temp_dir().join(format!("isthmus-wic-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let heard = folder.join("heard.wav");
    let caller = format!("--duration 1.5 --dtmf 5 --record {}", heard.display());
    assert_eq!(both(port, &caller, "--duration 0").await, (true, true));
    let mut reader = hound::WavReader::open(&heard).unwrap();
    let samples: Vec<i16> = reader.samples().map(Result::unwrap).collect();
    assert!(samples.len() > 4000, "{}", samples.len());
    assert!(samples.iter().any(|sample| *sample > 10_000), "a tone");
    std::fs::remove_dir_all(&folder).unwrap();
    edge.abort();
}

#[tokio::test]
async fn a_line_and_a_file_cross_over_and_the_call_ends_by_itself() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let edge = tokio::spawn(edge(listener));
    let folder = std::env::temp_dir().join(format!("isthmus-wic-files-{}", std::process::id()));
    std::fs::create_dir_all(folder.join("into")).unwrap();
    let file = folder.join("sent.bin");
    let data: Vec<u8> = (0..3_000_000u32).map(|at| (at / 7) as u8).collect();
    std::fs::write(&file, &data).unwrap();
    let shown = |path: &std::path::Path| path.to_str().unwrap().to_owned();
    let caller = format!("--say hello --send-file {}", shown(&file));
    let into = folder.join("into");
    let callee = format!("--duration 0 --echo-channels --save-files {}", shown(&into));
    assert_eq!(both(port, &caller, &callee).await, (true, true));
    assert!(std::fs::read(into.join("sent.bin")).unwrap() == data);
    // Where nobody takes it, the run has failed, and says so soon.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let second = tokio::spawn(self::edge(listener));
    let (caller, _) = both(port, &caller, "--duration 0").await;
    assert!(!caller);
    std::fs::remove_dir_all(&folder).unwrap();
    edge.abort();
    second.abort();
}

/// A call under way, and the tasks of both phones.
async fn talking(words: &str) -> (tokio::task::JoinHandle<()>, [Phone; 2]) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let edge = tokio::spawn(edge(listener));
    let common = format!("--w2 ws://127.0.0.1:{port}/w2 --password x --duration 0 {words}");
    let mut phones = Vec::new();
    for who in ["--user bob --answer", "--user alice --call bob"] {
        let (lines, typed) = mpsc::channel(8);
        let args = args(&format!("{common} {who}"));
        let typed = args.commands.then_some(typed);
        phones.push(Phone {
            lines,
            done: tokio::spawn(run_all(args, typed)),
        });
        tokio::time::sleep(Duration::from_millis(600)).await;
    }
    (edge, phones.try_into().ok().expect("two"))
}

struct Phone {
    lines: mpsc::Sender<String>,
    done: tokio::task::JoinHandle<anyhow::Result<bool>>,
}

#[tokio::test]
async fn a_call_whose_edge_is_gone_is_given_up_in_time() {
    let (edge, phones) = talking("--timeout 1").await;
    assert!(phones.iter().all(|phone| !phone.done.is_finished()));
    // Its connections break with it, and nobody listens any more.
    edge.abort();
    for phone in phones {
        let done = tokio::time::timeout(Duration::from_secs(8), phone.done).await;
        assert!(!done.expect("not for ever").unwrap().unwrap());
    }
}

#[tokio::test]
async fn commands_are_done_and_what_is_none_ends_nothing() {
    let (edge, [bob, alice]) = talking("--commands").await;
    for line in [
        "dance", "hold", "resume", "reinvite", "update", "restart", "report",
    ] {
        alice.lines.send(line.into()).await.unwrap();
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert!(!alice.done.is_finished() && !bob.done.is_finished());
    alice.lines.send("hangup".into()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    // The one is told to go, and the other has nobody to tell it anything any more.
    alice.lines.send("quit".into()).await.unwrap();
    drop(bob.lines);
    for done in [alice.done, bob.done] {
        let done = tokio::time::timeout(Duration::from_secs(5), done).await;
        assert!(done.expect("at once").unwrap().unwrap());
    }
    edge.abort();
}

#[tokio::test]
async fn where_nobody_listens_it_gives_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let words = format!("--w2 ws://127.0.0.1:{port}/w2 --password x --timeout 0.4");
    let done = run_all(args(&words), None).await.unwrap();
    assert!(!done);
}

#[tokio::test]
async fn what_cannot_be_asked_for_is_an_error() {
    for words in ["--w2 http://a/ --password x", "--w2 ws://127.0.0.1:1/"] {
        assert!(run_all(args(words), None).await.is_err(), "{words}");
    }
}
