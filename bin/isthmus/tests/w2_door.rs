//! Who may open W2, and what a WebSocket gets that does not behave (RFC 6455, RFC 7118).

mod process;

use process::w2::open;
use process::{Folder, HOME, Process};
use tokio_tungstenite::tungstenite::Message;

/// An eP-CSCF alone; nobody is behind its Mw.
fn edge(folder: &Folder, more: &str) -> (Process, String) {
    let configuration = format!(
        "[http]\nlisten = \"127.0.0.1:0\"\nplain_listen = \"127.0.0.1:0\"\n\
         [epcscf]\nmw_listen = \"127.0.0.1:0\"\nshards = 2\n{more}\n"
    );
    let process = Process::alone(folder, "epcscf", &configuration);
    let url = process.logged("w2_plain");
    let address = url
        .trim_start_matches("ws://")
        .trim_end_matches("/w2")
        .to_owned();
    (process, address)
}

fn options(address: &str) -> Message {
    Message::text(format!(
        "OPTIONS sip:{HOME} SIP/2.0\r\n\
         Via: SIP/2.0/WS {address};branch=z9hG4bKoptions;rport\r\n\
         Max-Forwards: 70\r\nFrom: <sip:alice@{HOME}>;tag=1\r\nTo: <sip:alice@{HOME}>\r\n\
         Call-ID: options\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
    ))
}

#[tokio::test]
async fn only_pages_of_this_server_open_it_unless_others_are_named() {
    let folder = Folder::new();
    let (_edge, address) = edge(&folder, "");
    let own = format!("http://{address}");
    assert!(open(&address, Some("sip"), Some(&own)).await.is_ok());
    let stranger = Some("https://evil.example");
    assert_eq!(open(&address, Some("sip"), stranger).await.err(), Some(403));
    let other_scheme = format!("https://{address}");
    assert_eq!(
        open(&address, Some("sip"), Some(&other_scheme)).await.err(),
        Some(403)
    );
    assert_eq!(open(&address, Some("sip"), None).await.err(), Some(403));

    let folder = Folder::new();
    let (_edge, address) = edge(&folder, "origins = [\"https://phone.example\"]");
    assert!(
        open(&address, Some("sip"), Some("https://phone.example"))
            .await
            .is_ok()
    );
    let own = format!("http://{address}");
    assert_eq!(
        open(&address, Some("sip"), Some(&own)).await.err(),
        Some(403)
    );
}

#[tokio::test]
async fn rfc_7118_section_4_without_the_subprotocol_it_is_not_opened() {
    let folder = Folder::new();
    let (_edge, address) = edge(&folder, "allow_no_origin = true");
    assert_eq!(open(&address, None, None).await.err(), Some(400));
    assert_eq!(open(&address, Some("chat"), None).await.err(), Some(400));
    assert!(open(&address, Some("chat, sip"), None).await.is_ok());
    let (status, words) = process::get(&address, "/w2");
    assert_eq!(status, 426);
    assert!(words.contains("WebSocket"), "{words}");
}

#[tokio::test]
async fn who_does_not_behave_is_closed_and_disturbs_nobody() {
    let folder = Folder::new();
    let (edge, address) = edge(&folder, "allow_no_origin = true");
    let mut calm = open(&address, Some("sip"), None).await.expect("it opens");

    let mut long = open(&address, Some("sip"), None).await.expect("it opens");
    long.send(Message::binary(vec![b'x'; 64 * 1024 + 1])).await;
    assert_eq!(long.close_code().await, Some(1009));

    let mut garbage = open(&address, Some("sip"), None).await.expect("it opens");
    garbage.send_garbage().await;
    assert_eq!(garbage.close_code().await, Some(1007));

    calm.send(options(&address)).await;
    let answer = calm.text().await;
    assert!(
        answer.starts_with("SIP/2.0 403 "),
        "nobody has registered here: {answer}"
    );

    let admin = edge.logged("admin");
    let metrics = || process::get(&admin, "/metrics").1;
    let wait = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while process::figure(&metrics(), "isthmus_epcscf_malformed_total") == 0 {
        assert!(std::time::Instant::now() < wait, "{}", metrics());
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}
