//! SIP over TLS between the eP-CSCF and the core (RFC 3261 §26.3, RFC 5922, TS 33.310): who knows the
//! other gets through, and nobody else does.

mod process;

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use process::authority::{Authority, Issued};
use process::sip::{Stream, options};
use process::{Folder, HOME, Process, figure, get, run};
use rustls_pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

const ADDRESS: &str = "127.0.0.1";

/// Puts an element's files into the folder, and says the section that names them.
fn section(folder: &Folder, name: &str, own: &Issued, trust: &Authority, more: &str) -> String {
    folder.write(&format!("{name}.pem"), &own.certificate);
    folder.write(&format!("{name}.key"), &own.key);
    folder.write(&format!("{name}-ca.pem"), &trust.pem);
    format!(
        "[{name}]\nlisten = \"127.0.0.1:0\"\ncertificate = \"{name}.pem\"\nkey = \"{name}.key\"\n\
         trust = [\"{name}-ca.pem\"]\n{more}\n"
    )
}

fn lab_core(folder: &Folder, authority: &Authority, more: &str) -> Process {
    let own = authority.issue(&[ADDRESS]);
    let tls = section(folder, "lab_core.tls", &own, authority, more);
    let core = format!("[lab_core]\nlisten = \"127.0.0.1:0\"\n{tls}");
    Process::alone(folder, "lab-core", &core)
}

/// Connects with TLS, or says why not. With TLS 1.3 a client hears only later that it was refused.
async fn connect(
    address: &str,
    authority: &Authority,
    own: Option<&Issued>,
) -> std::io::Result<Stream<TlsStream<TcpStream>>> {
    let stream = TcpStream::connect(address).await?;
    let name = ServerName::try_from(ADDRESS).expect("an address");
    let connector = TlsConnector::from(authority.client(own));
    Ok(Stream::over(connector.connect(name, stream).await?))
}

fn good(words: &[&str]) -> String {
    let output = run(words);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{complaint}");
    said
}

#[test]
fn a_call_goes_through_when_the_edge_and_the_core_know_each_other() {
    let folder = Folder::new();
    let authority = Authority::new();
    let mut file = String::new();
    for name in ["epcscf.mw_tls", "lab_core.tls"] {
        let own = authority.issue(&[ADDRESS]);
        file.push_str(&section(&folder, name, &own, &authority, ""));
    }
    let file = folder.write("tls.toml", &file);
    let file = file.to_str().expect("a plain name");
    let product = Process::all_in_one(&folder, &["--config", file, "--shards", "2"]);
    product.wait_for("SIP over TLS is at ");
    let [_, ws] = product.w2();
    let (alice, bob) = (product.password("alice"), product.password("bob"));
    let w2 = ws.clone();
    let callee = thread::spawn(move || {
        good(&[
            "wic",
            "--w2",
            &w2,
            "--user",
            "bob",
            "--password",
            &bob,
            "--answer",
            "--timeout",
            "50",
        ])
    });
    product.wait_for_figure("isthmus_epcscf_bindings", 1);
    // Path and Route name the ports of TLS and no others: it is that, or nothing.
    let caller = good(&[
        "wic",
        "--w2",
        &ws,
        "--user",
        "alice",
        "--password",
        &alice,
        "--call",
        &format!("sip:bob@{HOME}"),
        "--duration",
        "1",
        "--timeout",
        "40",
    ]);
    assert!(caller.contains("\"answered\""), "{caller}");
    assert!(callee.join().expect("no panic").contains("\"answered\""));
    assert_eq!(product.figure("isthmus_mw_tls_failed_total"), 0);
    assert_eq!(product.figure("isthmus_lab_core_tls_failed_total"), 0);
}

#[test]
fn an_edge_speaks_to_no_core_whose_certificate_is_not_what_it_should_be() {
    let folder = Folder::new();
    let (ours, theirs) = (Authority::new(), Authority::new());
    let core = lab_core(&folder, &theirs, "");
    let address = core.logged("sip_tls");
    let wrong_name = "peer_names = [\"icscf.example.net\"]";
    // Another authority; and the right one, for somebody else.
    for (trusted, issued, more) in [(&ours, &ours, ""), (&theirs, &theirs, wrong_name)] {
        let folder = Folder::new();
        let own = issued.issue(&[ADDRESS]);
        let tls = section(&folder, "epcscf.mw_tls", &own, trusted, more);
        let hop = format!("sip:{address};transport=tls");
        let edge = Process::alone(
            &folder,
            "epcscf",
            &format!(
                "[http]\nlisten = \"127.0.0.1:0\"\n[epcscf]\nmw_listen = \"127.0.0.1:0\"\n\
                 next_hop = \"{hop}\"\nallow_no_origin = true\nshards = 1\n{tls}"
            ),
        );
        let w2 = edge.logged("w2");
        let said = run(&[
            "wic",
            "--w2",
            &w2,
            "--insecure",
            "--user",
            "alice",
            "--password",
            "any",
            "--timeout",
            "20",
        ]);
        let said = String::from_utf8_lossy(&said.stdout).into_owned();
        assert!(said.contains("\"registration_failed\""), "{said}");
        let metrics = get(&edge.logged("admin"), "/metrics").1;
        assert!(
            figure(&metrics, "isthmus_mw_tls_failed_total") >= 1,
            "{metrics}"
        );
    }
}

#[tokio::test]
async fn who_shows_no_certificate_or_a_strangers_is_refused_where_it_is_mutual() {
    let folder = Folder::new();
    let (ours, theirs) = (Authority::new(), Authority::new());
    let core = lab_core(&folder, &ours, "");
    let address = core.logged("sip_tls");
    let own = ours.issue(&["epcscf.example.net"]);
    let mut known = connect(&address, &ours, Some(&own)).await.expect("TLS");
    assert_eq!(known.ask(&options("TLS", "k1", "")).await, Some(200));

    let stranger = theirs.issue(&["epcscf.example.net"]);
    for shown in [None, Some(&stranger)] {
        let answer = match connect(&address, &ours, shown).await {
            Ok(mut stream) => stream.ask(&options("TLS", "x", "")).await,
            Err(_) => None,
        };
        assert_eq!(answer, None, "it must not be heard");
    }
    // And no TLS at all.
    let mut plain = Stream::open(&address).await;
    assert_ne!(plain.ask(&options("TCP", "p", "")).await, Some(200));
    assert_eq!(known.ask(&options("TLS", "k2", "")).await, Some(200));
    let metrics = get(&core.logged("admin"), "/metrics").1;
    assert_eq!(figure(&metrics, "isthmus_lab_core_tls_failed_total"), 3);
}

#[tokio::test]
async fn where_it_is_not_mutual_phones_need_no_certificate() {
    let folder = Folder::new();
    let authority = Authority::new();
    let core = lab_core(&folder, &authority, "mutual = false");
    let address = core.logged("sip_tls");
    let mut phone = connect(&address, &authority, None).await.expect("TLS");
    assert_eq!(phone.ask(&options("TLS", "a", "")).await, Some(200));
    // What is wrong is answered here as it is everywhere.
    let broken = options("TLS", "b", "").replace("Max-Forwards: 70", "Max-Forwards: x");
    assert_eq!(phone.ask(&broken).await, Some(400));
    assert_eq!(phone.ask(&options("TLS", "c", "")).await, Some(200));
}

#[tokio::test]
async fn those_who_connect_and_say_nothing_are_few() {
    let folder = Folder::new();
    let authority = Authority::new();
    let core = lab_core(&folder, &authority, "mutual = false");
    let address = core.logged("sip_tls");
    let mut known = connect(&address, &authority, None).await.expect("TLS");
    assert_eq!(known.ask(&options("TLS", "a", "")).await, Some(200));
    let mut silent = Vec::new();
    for _ in 0..64 {
        silent.push(TcpStream::connect(&address).await.expect("a connection"));
    }
    let refused = || {
        let metrics = get(&core.logged("admin"), "/metrics").1;
        figure(&metrics, "isthmus_lab_core_connections_refused_total")
    };
    assert_eq!(refused(), 0);
    assert!(connect(&address, &authority, None).await.is_err());
    assert_eq!(refused(), 1);
    assert_eq!(known.ask(&options("TLS", "b", "")).await, Some(200));
    // There is room again as soon as they go.
    drop(silent);
    let begun = Instant::now();
    let mut again = loop {
        if let Ok(stream) = connect(&address, &authority, None).await {
            break stream;
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "no room");
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert_eq!(again.ask(&options("TLS", "c", "")).await, Some(200));
}

#[test]
fn mistakes_are_named_with_file_and_line() {
    let folder = Folder::new();
    let authority = Authority::new();
    let own = authority.issue(&[ADDRESS]);
    let other = authority.issue(&[ADDRESS]);
    let good = section(&folder, "epcscf.mw_tls", &own, &authority, "");
    folder.write("other.key", &other.key);
    folder.write("empty.pem", "");
    let trust = "trust = [\"epcscf.mw_tls-ca.pem\"]";
    let cases = [
        (
            "[epcscf]\nnext_hop = \"sip:192.0.2.1;transport=tls\"\n".to_owned(),
            2,
            "next_hop",
        ),
        (
            "[epcscf]\nnext_hop = \"sip:192.0.2.1;transport=ws\"\n".to_owned(),
            2,
            "next_hop",
        ),
        (
            "[epcscf]\nnext_hop = \"sip:192.0.2.1;transport=sctp\"\n".to_owned(),
            2,
            "next_hop",
        ),
        (
            good.replace(trust, "trust = []\nmutual = true"),
            6,
            "mutual",
        ),
        (
            good.replace(trust, "trust = []\nmutual = false"),
            5,
            "trust",
        ),
        (
            good.replace(trust, "trust = [\"empty.pem\"]"),
            5,
            "empty.pem",
        ),
        (
            good.replace("epcscf.mw_tls.key", "other.key"),
            4,
            "other.key",
        ),
        (
            good.replace("\"epcscf.mw_tls.pem", "\"nowhere.pem"),
            3,
            "nowhere.pem",
        ),
        (good.replace("listen", "lissen"), 2, "lissen"),
        (
            format!("{good}peer_names = [\"not a name\"]\n"),
            7,
            "peer_names",
        ),
    ];
    let admin = "\n[admin]\nlisten = \"127.0.0.1:0\"\n[http]\nlisten = \"127.0.0.1:0\"\n";
    for (text, line, words) in cases {
        let file = folder.write("it.toml", &(text + admin));
        for function in ["check", "epcscf"] {
            let output = run(&[function, "--config", path(&file)]);
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(output.status.code(), Some(2), "{said}");
            assert!(
                said.contains(&format!("it.toml:{line}: ")),
                "{line}: {said}"
            );
            assert!(said.contains(words) && said.lines().count() == 1, "{said}");
        }
    }
    let file = folder.write("it.toml", &format!("{good}{admin}"));
    assert!(run(&["check", "--config", path(&file)]).status.success());
}

fn path(file: &Path) -> &str {
    file.to_str().expect("a plain name")
}
