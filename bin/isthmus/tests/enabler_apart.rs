//! The MMTel Enabler Server as a process of its own, before a core apart: it calls, and it is killed.

mod process;

use std::net::TcpListener;

use process::consumer::{Consumer, call_of};
use process::ear::Ear;
use process::people::people;
use process::phone::Phone;
use process::ports::free_port;
use process::{Folder, HOME, Process, figure, get, run};
use reqwest::StatusCode;
use serde_json::json;

const PEOPLE: [(&str, &str); 2] = [("alice", "+15550100"), ("bob", "+15550101")];

struct Apart {
    _core: Process,
    edge: Process,
    enabler: Process,
    enabler_text: String,
    /// The port of its APIs.
    apis: u16,
    folder: Folder,
    ear: Ear,
}

impl Apart {
    fn start() -> Self {
        let folder = Folder::new();
        people(&folder, &PEOPLE);
        let (mw, enabler_sip) = (free_port(), free_port());
        let apis = free_port();
        folder.write("edge.secret", "what-the-edge-shows-it\n");
        folder.write("edges.secret", "what-the-edge-shows-it\nand a remark\n");
        let core = Process::alone(
            &folder,
            "lab-core",
            &format!(
                "[lab_core]\nlisten = \"127.0.0.1:0\"\ntrusted = [\"127.0.0.1:{mw}\"]\n\
                 subscribers = \"people.toml\"\n\
                 application_servers = [\"127.0.0.1:{enabler_sip}\"]\n\
                 [[lab_core.filter_criteria]]\nsubscribers = [\"bob@{HOME}\"]\n\
                 server = \"sip:observer@127.0.0.1:{enabler_sip};lr\"\nterminating = true\n"
            ),
        );
        let sip = core.logged("sip");
        let media = "[gateway]\nworkers = 1\naddresses = [\"127.0.0.1\"]";
        let edge = Process::alone(
            &folder,
            "epcscf",
            &format!(
                "{media}\n[http]\nlisten = \"127.0.0.1:0\"\n\
                 [epcscf]\nmw_listen = \"127.0.0.1:{mw}\"\nnext_hop = \"sip:{sip}\"\n\
                 allow_no_origin = true\nshards = 2\n\
                 [epcscf.repository]\nurl = \"http://127.0.0.1:{apis}\"\n\
                 secret = \"edge.secret\"\ntimeout_seconds = 10"
            ),
        );
        edge.logged("w2");
        let mut ear = Ear::open();
        ear.once_each();
        let enabler_text = format!(
            "{media}\n[http]\nlisten = \"127.0.0.1:0\"\nplain_listen = \"127.0.0.1:{apis}\"\n\
             [mmtel_es]\nrepository_secret = \"edges.secret\"\n\
             [mmtel_es.notifications]\nprivate = true\nplain = true\n\
             [mmtel_es.calls]\nlisten = \"127.0.0.1:{enabler_sip}\"\ncore = \"sip:{sip}\"\n\
             [[mmtel_es.calls.events]]\nsubscribers = [\"sip:bob@{HOME}\"]\n\
             notify = \"{}\"\napplications = [\"games\"]\n",
            ear.events()
        );
        let enabler = Process::alone(&folder, "mmtel-es", &enabler_text);
        Self {
            _core: core,
            edge,
            enabler,
            enabler_text,
            apis,
            folder,
            ear,
        }
    }

    fn consumer(&self) -> Consumer {
        Consumer::at(&format!("http://{}", self.enabler.logged("http")))
    }

    fn phone(&self, name: &'static str) -> Phone {
        let password = format!("of {name}");
        let takes = ["--answer", "--accept-channel", "any"];
        Phone::start(&self.edge.logged("w2"), name, &password, &takes)
    }
}

#[test]
fn an_enabler_that_is_killed_leaves_no_call_behind() {
    let mut apart = Apart::start();
    let consumer = apart.consumer();
    let (mut alice, mut bob) = (apart.phone("alice"), apart.phone("bob"));
    let app = consumer.application("games");

    // A call of an application, with its channel.
    let mut call = call_of("alice", &apart.ear.url());
    call["dcMediaInfo"] = true.into();
    call["appProfileRequested"] = json!({ "appId": app });
    let first = consumer.answered(&call);
    alice.hears("channel_open");
    apart.ear.learns(&first, &app, "OPENED");
    apart.enabler.kill();
    apart.enabler = Process::alone(&apart.folder, "mmtel-es", &apart.enabler_text);
    alice.hears("ended");
    apart.ear.learns_the_end(&first);

    // A session of two, and its application server retries: it is another one now.
    let consumer = apart.consumer();
    let session = json!({
        "afId": "as", "imsSessionInfo": {
            "sessionInfo": {
                "callingId": format!("sip:alice@{HOME}"), "calledId": format!("sip:bob@{HOME}"),
            },
            "mediaInfoSet": [{ "mediaType": "AUDIO", "mediaCorrectionId": "1" }],
            "notifUri": apart.ear.events(),
        },
    });
    let sessions = "/mmtel-callcontrol/v1/ims-sessions";
    let (status, created) = consumer.post(sessions, &session);
    assert_eq!(status, StatusCode::CREATED, "{created}");
    for phone in [&mut alice, &mut bob] {
        phone.hears("media_connected");
    }
    // Bob's calls are watched, too: two sessions are told of.
    for _ in 0..2 {
        apart.ear.event("SESSION_ESTABLISHMENT_SUCCESS");
    }
    apart.enabler.kill();
    apart.enabler = Process::alone(&apart.folder, "mmtel-es", &apart.enabler_text);
    for phone in [&mut alice, &mut bob] {
        phone.hears("ended");
    }
    for _ in 0..2 {
        apart.ear.event("SESSION_TERMINATION");
    }
    let id = created["imsSessionInfo"]["sessionId"].as_str();
    let path = format!("{sessions}/{}", id.expect("its identifier"));
    assert_eq!(apart.consumer().delete(&path), StatusCode::NOT_FOUND);

    // Bob's own call, in whose middle it is.
    alice.told(&format!("call sip:bob@{HOME}"));
    for phone in [&mut alice, &mut bob] {
        phone.hears("media_connected");
    }
    apart.ear.event("SESSION_ESTABLISHMENT_SUCCESS");
    apart.enabler.kill();
    apart.enabler = Process::alone(&apart.folder, "mmtel-es", &apart.enabler_text);
    for phone in [&mut alice, &mut bob] {
        phone.hears("ended");
    }
    apart.ear.event("SESSION_TERMINATION");
    let admin = apart.edge.logged("admin");
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while figure(&get(&admin, "/metrics").1, "isthmus_agw_contexts") > 0 {
        assert!(std::time::Instant::now() < deadline, "Contexts are left");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
}

/// TS 26.114 §6.2.10: the edge's bootstrap channels are answered from the enabler of another process, and what becomes of the
/// way between them is said on the channel.
#[test]
fn applications_are_listed_and_fetched_from_an_enabler_apart() {
    let mut apart = Apart::start();
    let consumer = apart.consumer();
    let server = format!("http://{}", apart.enabler.logged("http"));
    let board = apart.folder.path().join("board");
    let words = |path: &std::path::Path| path.to_str().expect("a plain name").to_owned();
    for command in [
        &["app", "new", &words(&board)][..],
        &["app", "upload", &words(&board), "--server", &server],
    ] {
        let done = run(command);
        assert!(done.status.success(), "{done:?}");
    }
    let (mut alice, mut bob) = (apart.phone("alice"), apart.phone("bob"));
    alice.told(&format!("call sip:bob@{HOME}"));
    for phone in [&mut alice, &mut bob] {
        phone.hears("media_connected");
    }
    for stream in [0, 100] {
        alice.told(&format!("applications {stream}"));
        let list = alice.hears("applications");
        let one = &list["applications"][0];
        assert_eq!(
            (&list["total"], &one["appName"]),
            (&json!(1), &json!("board")),
            "{list}"
        );
        let file = apart.folder.path().join("fetched.zip");
        let id = one["appid"].as_str().expect("an identifier");
        alice.told(&format!("fetch {id} {} {stream}", file.display()));
        let fetched = alice.hears("application");
        assert_eq!(fetched["sha256"], one["sha256"], "{fetched}");
        assert!(file.exists());
    }
    alice.told("fetch nothing nowhere.zip");
    let none = alice.hears("no_applications");
    assert!(
        none["reason"]
            .as_str()
            .is_some_and(|why| why.starts_with("404 ")),
        "{none}"
    );

    // Nobody asks without the secret.
    let question = json!({
        "stream": 0, "user": [], "established": true, "video": false, "peer_has_data_channels": null,
        "method": "GET", "target": "/", "if_none_match": null, "content_type": null, "body": "",
    });
    assert_eq!(
        consumer.post("/bootstrap/v1/ask", &question).0,
        StatusCode::UNAUTHORIZED
    );

    // It is killed, hangs, and is there again.
    apart.enabler.kill();
    alice.told("applications");
    let none = alice.hears("no_applications");
    assert!(
        none["reason"]
            .as_str()
            .is_some_and(|why| why.starts_with("503 ")),
        "{none}"
    );
    let hangs = TcpListener::bind(("127.0.0.1", apart.apis)).expect("the port is free again");
    alice.told("applications");
    let none = alice.hears("no_applications");
    assert!(
        none["reason"]
            .as_str()
            .is_some_and(|why| why.starts_with("504 ")),
        "{none}"
    );
    drop(hangs);
    apart.enabler = Process::alone(&apart.folder, "mmtel-es", &apart.enabler_text);
    apart.enabler.logged("http");
    for phone in [&mut alice, &mut bob] {
        phone.hears("ended");
    }
    alice.told(&format!("call sip:bob@{HOME}"));
    alice.hears("media_connected");
    alice.told("applications");
    assert_eq!(alice.hears("applications")["total"], 1);
}
