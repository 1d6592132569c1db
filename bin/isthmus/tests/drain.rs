//! Told to end: what is there goes on for a while, and nothing new begins.

mod process;

use std::time::{Duration, Instant};

use process::phone::Phone;
use process::w2::{W2, open};
use process::{Folder, HOME, Process, get};
use tokio_tungstenite::tungstenite::Message;

/// Everything in one process, which waits so long for its calls.
fn product(folder: &Folder, seconds: u32) -> Process {
    let file = folder.write("drain.toml", &format!("drain_seconds = {seconds}\n"));
    let file = file.to_str().expect("a plain name");
    Process::all_in_one(folder, &["--config", file, "--shards", "2"])
}

/// Tells it to end, and waits until it takes no more.
fn drain(product: &Process) {
    let url = product.wait_for("Metrics and health: http://");
    let admin = url.split('/').next().expect("an address");
    product.terminate();
    let begun = Instant::now();
    while get(admin, "/ready").0 != 503 {
        assert!(begun.elapsed().as_secs() < 5, "it still takes work");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Alice talks to bob.
fn talk(product: &Process) -> (Phone, Phone) {
    let [_, ws] = product.w2();
    let mut alice = Phone::start(&ws, "alice", &product.password("alice"), &[]);
    let mut bob = Phone::start(&ws, "bob", &product.password("bob"), &["--answer"]);
    alice.told("call bob");
    alice.hears("media_connected");
    bob.hears("media_connected");
    (alice, bob)
}

/// A WebSocket by hand.
async fn by_hand(product: &Process) -> W2 {
    let [_, ws] = product.w2();
    let address = ws.trim_start_matches("ws://").trim_end_matches("/w2");
    let own = format!("http://{address}");
    open(address, Some("sip"), Some(&own))
        .await
        .expect("opened")
}

fn register(user: &str) -> Message {
    let contact = "<sip:dave@dave.invalid;transport=ws>;reg-id=1";
    Message::text(format!(
        "REGISTER sip:{HOME} SIP/2.0\r\nVia: SIP/2.0/WS dave.invalid;branch=z9hG4bKdrain;rport\r\n\
         Max-Forwards: 70\r\nFrom: <sip:{user}@{HOME}>;tag=1\r\nTo: <sip:{user}@{HOME}>\r\n\
         Call-ID: drain\r\nCSeq: 1 REGISTER\r\n\
         Contact: {contact};+sip.instance=\"<urn:uuid:00000000-0000-4000-8000-000000000001>\"\r\n\
         Supported: path, outbound\r\n\
         Authorization: Digest username=\"{user}@{HOME}\", realm=\"{HOME}\", nonce=\"\", \
         uri=\"sip:{HOME}\", response=\"\"\r\nContent-Length: 0\r\n\r\n"
    ))
}

#[tokio::test]
async fn who_comes_anew_is_told_when_to_come_again_and_calls_go_on() {
    let folder = Folder::new();
    let mut product = product(&folder, 60);
    let [_, ws] = product.w2();
    let (mut alice, mut bob) = talk(&product);
    let mut carol = Phone::start(&ws, "carol", &product.password("carol"), &[]);
    let mut dave = by_hand(&product).await;
    drain(&product);

    dave.send(register("dave")).await;
    let refused = dave.text().await;
    assert!(refused.starts_with("SIP/2.0 503 "), "{refused}");
    let after = refused
        .lines()
        .find_map(|line| line.strip_prefix("Retry-After: "));
    let after: Option<u32> = after.and_then(|after| after.trim().parse().ok());
    assert!(after.is_some_and(|after| after > 0), "{refused}");

    carol.told("call dave");
    assert_eq!(carol.hears("ended")["status"], 503);

    // The call that was there is changed, and ends when its people want it to.
    alice.told("hold");
    assert_eq!(bob.hears("remote_hold")["held"], true);
    alice.told("resume");
    assert_eq!(bob.hears("remote_hold")["held"], false);
    let before = bob.figures();
    std::thread::sleep(Duration::from_secs(1));
    assert!(bob.figures().packets > before.packets + 30);
    alice.told("hangup");
    assert_eq!(bob.hears("ended")["status"], 200);
    let begun = Instant::now();
    assert!(product.wait().success());
    assert!(
        begun.elapsed().as_secs() < 10,
        "there is nothing to wait for"
    );
}

#[test]
fn told_twice_it_ends_at_once() {
    let folder = Folder::new();
    let mut product = product(&folder, 60);
    let (mut alice, _bob) = talk(&product);
    drain(&product);
    std::thread::sleep(Duration::from_millis(500));
    let figures = alice.figures();
    assert!(figures.packets > 0, "the call goes on");
    product.terminate();
    let begun = Instant::now();
    assert!(product.wait().success());
    assert!(begun.elapsed().as_secs() < 8, "{:?}", begun.elapsed());
    alice.hears("ended");
}
