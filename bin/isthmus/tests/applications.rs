//! Data channel applications in a call: uploaded to the enabler over HTTP, listed and fetched over bootstrap channels by two
//! phones (TS 26.114 §6.2.10).

mod process;

use std::fmt::Write as _;
use std::path::Path;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use process::phone::Phone;
use process::{Folder, Process, run};
use serde_json::Value;

/// An application with so many octets that no archive makes fewer; its identifier, and the SHA-256 of its package.
fn uploaded(
    folder: &Path,
    server: &str,
    name: &str,
    more: &str,
    octets: usize,
) -> (String, String) {
    let app = folder.join(name);
    let words = |path: &Path| path.to_str().expect("a plain name").to_owned();
    let made = run(&["app", "new", &words(&app)]);
    assert!(made.status.success(), "{made:?}");
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    })
    .take(octets)
    .collect();
    std::fs::write(app.join("noise.bin"), noise).expect("the folder is ours");
    let profile = format!("name = \"{name}\"\nversion = \"2.1\"\n{more}");
    std::fs::write(app.join("application.toml"), profile).expect("the folder is ours");
    let package = folder.join(format!("{name}.zip"));
    let packed = run(&["app", "pack", &words(&app), "--output", &words(&package)]);
    assert!(packed.status.success(), "{packed:?}");
    let sent = run(&["app", "upload", &words(&app), "--server", server]);
    assert!(sent.status.success(), "{sent:?}");
    let profile = std::fs::read_to_string(app.join("application.toml")).expect("it is there");
    let id = profile
        .lines()
        .find_map(|line| line.strip_prefix("id = \""));
    let id = id.expect("an identifier").trim_end_matches('"').to_owned();
    (id, sha256(&package))
}

fn sha256(file: &Path) -> String {
    let mut hex = String::new();
    for byte in digest(&SHA256, &std::fs::read(file).expect("it is there")).as_ref() {
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}

/// A configuration with a key of the operator's, and its public half.
fn signing(folder: &Folder) -> (String, UnparsedPublicKey<Vec<u8>>) {
    let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).expect("a key");
    let pair = Ed25519KeyPair::from_pkcs8(document.as_ref()).expect("a key");
    let body = STANDARD.encode(document.as_ref());
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n");
    let key = folder.write("operator.pem", &pem);
    let lines = format!("[mmtel_es]\nsigning_key = \"{}\"\n", key.display());
    let file = folder.write("isthmus.toml", &lines);
    let public = pair.public_key().as_ref().to_vec();
    let file = file.to_str().expect("a plain name").to_owned();
    (file, UnparsedPublicKey::new(&ED25519, public))
}

/// The names on a list.
#[track_caller]
fn listed(phone: &mut Phone, stream: u16) -> Vec<Value> {
    phone.told(&format!("applications {stream}"));
    let heard = phone.hears("applications");
    heard["applications"].as_array().expect("a list").clone()
}

fn names(list: &[Value]) -> Vec<&str> {
    list.iter()
        .filter_map(|one| one["appName"].as_str())
        .collect()
}

#[track_caller]
fn fetched(phone: &mut Phone, id: &str, file: &Path, stream: u16) -> Value {
    phone.told(&format!("fetch {id} {} {stream}", file.display()));
    phone.hears("application")
}

#[test]
fn applications_are_listed_and_fetched_in_a_call() {
    let folder = Folder::new();
    let (configuration, operator) = signing(&folder);
    let product = Process::all_in_one(&folder, &["--config", &configuration]);
    let [wss, ws] = product.w2();
    let server = product.wait_for("\n  http://");
    let server = format!("http://{}", server.trim_end_matches('/'));
    let home = "ims.mnc001.mcc001.3gppnetwork.org";
    let of_all = "provider = \"games\"\nphase = \"always\"\nautoload = true\nworks_without_peer = true\n\
        qos = \"loss=0.01;latency=100\"\npersonal_data = true\npersonal_data_url = \"https://games.example/data\"\n";
    let (board, board_sha256) = uploaded(folder.path(), &server, "board", of_all, 200_000);
    let (large, large_sha256) = uploaded(
        folder.path(),
        &server,
        "large",
        "provider = \"games\"\nworks_without_peer = true\n",
        16_000_000,
    );
    let bobs = format!("provider = \"sip:bob@{home}\"\nworks_without_peer = true\n");
    let (own, own_sha256) = uploaded(folder.path(), &server, "bobs", &bobs, 1000);
    let film = "provider = \"games\"\nscenes = \"video\"\nworks_without_peer = true\n";
    uploaded(folder.path(), &server, "film", film, 10);
    // Only for two who have data channels.
    uploaded(folder.path(), &server, "pair", "provider = \"games\"\n", 10);

    let mut alice = Phone::start(
        &wss,
        "alice",
        &product.password("alice"),
        &["--channel", ",protocol=http,stream=0"],
    );
    let mut bob = Phone::start(
        &ws,
        "bob",
        &product.password("bob"),
        &["--answer", "--echo-video"],
    );
    alice.told("call bob");
    for phone in [&mut alice, &mut bob] {
        phone.hears("answered");
    }
    assert_eq!(alice.hears("channel_open")["stream"], 0);
    // Bob has taken the call without data channels: what needs his is listed as such.
    let list = listed(&mut alice, 0);
    assert_eq!(names(&list), ["board", "large", "pair"]);
    assert_eq!(list[2]["ifWorkWithoutPeerDC"], false);
    let first = &list[0];
    for (member, value) in [
        ("appid", Value::from(board.as_str())),
        ("sha256", board_sha256.as_str().into()),
        ("version", "2.1".into()),
        ("autoload", true.into()),
        ("autolaunch", false.into()),
        ("phase", "INCALL".into()),
        ("ifWorkWithoutPeerDC", true.into()),
        ("qos-hint", "loss=0.01;latency=100".into()),
        ("supportScene", 3.into()),
        ("personalData", true.into()),
        ("personalDataUrl", "https://games.example/data".into()),
        ("provider", "games".into()),
    ] {
        assert_eq!(first[member], value, "{member}");
    }
    let signature = first["signature"].as_str().expect("a signature");
    let signature = URL_SAFE_NO_PAD.decode(signature).expect("base64url");
    let statement = format!("{board}\n{board_sha256}\n");
    let verified = operator.verify(statement.as_bytes(), &signature);
    assert!(verified.is_ok(), "the operator has signed it");
    let file = folder.path().join("fetched.zip");
    let heard = fetched(&mut alice, &board, &file, 0);
    assert_eq!(heard["sha256"], board_sha256.as_str());
    assert_eq!(sha256(&file), board_sha256);

    // Whoever was called asks for a channel of its own when it wants one; 16 MB go through in pieces. Both have
    // data channels from then on.
    let list = listed(&mut bob, 0);
    assert_eq!(names(&list), ["board", "large", "pair"]);
    let heard = fetched(&mut bob, &large, &file, 0);
    assert_eq!(heard["sha256"], large_sha256.as_str());
    assert_eq!(names(&listed(&mut bob, 10)), ["bobs"]);

    // The far end's network is ours: its lists are there too, each on its own channel.
    assert_eq!(names(&listed(&mut alice, 100)), ["board", "large", "pair"]);
    assert_eq!(names(&listed(&mut alice, 110)), ["bobs"]);
    assert_eq!(names(&listed(&mut alice, 10)), Vec::<&str>::new());
    let heard = fetched(&mut alice, &own, &file, 110);
    assert_eq!(heard["sha256"], own_sha256.as_str());
    alice.told(&format!("fetch {own} {}", file.display()));
    let reason = alice.hears("no_applications")["reason"].to_string();
    assert!(reason.contains("404"), "{reason}");

    // The call has video now, and another list.
    alice.told("video on echo");
    alice.hears("video");
    assert_eq!(
        names(&listed(&mut alice, 0)),
        ["board", "film", "large", "pair"]
    );
    alice.told("hangup");
    for phone in [&mut alice, &mut bob] {
        phone.hears("ended");
    }
}
