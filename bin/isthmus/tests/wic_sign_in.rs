//! `isthmus wic --sign-in` goes the way of a person: the WWSF, the WAF's page, and back with a token.

mod support;

use std::process::ExitCode;

use clap::Parser as _;
use core_sip::reply;
use futures_util::{SinkExt as _, StreamExt as _};
use isthmus::wic;
use support::Lab;
use support::tls::{TlsListener, certificate};
use tokio::net::TcpListener;
use tokio_tungstenite::tungstenite::Message as Frame;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::http::HeaderValue;
use wire_sip::{HeaderName, Message, StatusCode};

#[derive(clap::Parser)]
struct Cli {
    #[command(flatten)]
    args: wic::Args,
}

#[allow(clippy::result_large_err, clippy::unnecessary_wraps)] // as the callback wants it
fn subprotocol(_: &Request, mut response: Response) -> Result<Response, ErrorResponse> {
    let headers = response.headers_mut();
    headers.insert("Sec-WebSocket-Protocol", HeaderValue::from_static("sip"));
    Ok(response)
}

/// An edge that says yes to each REGISTER; gives the token of the first.
async fn edge(listener: TcpListener) -> String {
    let (stream, _) = listener.accept().await.expect("a phone");
    let accepted = tokio_tungstenite::accept_hdr_async(stream, subprotocol).await;
    let mut socket = accepted.expect("a WebSocket");
    let mut token = None;
    while let Some(Ok(Frame::Text(text))) = socket.next().await {
        let message = Message::parse(text.into()).expect("SIP");
        let value = message.header(HeaderName::Authorization).expect("a token");
        let bearer = value.strip_prefix("Bearer ").expect("Bearer");
        token.get_or_insert(bearer.to_owned());
        let yes = reply(&message, StatusCode::OK, "edge").to_bytes();
        let yes = String::from_utf8(yes.into()).expect("text");
        socket.send(Frame::text(yes)).await.expect("it is there");
    }
    token.expect("a REGISTER came")
}

#[tokio::test]
async fn signs_in_and_registers_with_the_token() {
    let (certificate, acceptor) = certificate();
    let lab = Lab::start_over_tls(&certificate);
    let listener = TcpListener::bind(lab.address()).await.expect("free");
    let service = lab.router();
    let server = tokio::spawn(async move {
        let door = TlsListener { listener, acceptor };
        axum::serve(door, service).await.expect("it serves");
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("free");
    let w2 = format!("ws://{}/w2", listener.local_addr().expect("bound"));
    let edge = tokio::spawn(edge(listener));

    let phone = |password: &str| {
        let words = format!(
            "wic --insecure --sign-in https://127.0.0.1:{} --w2 {w2} --user alice --password {password}",
            lab.address().port()
        );
        let cli = Cli::try_parse_from(words.split(' ')).expect("good arguments");
        tokio::task::spawn_blocking(move || wic::run(cli.args))
    };
    assert_eq!(phone("wrong").await.expect("no panic"), ExitCode::FAILURE);
    assert_eq!(
        phone("alice-password").await.expect("no panic"),
        ExitCode::SUCCESS
    );

    let claims = lab.verify(&edge.await.expect("no panic"));
    assert_eq!(claims.sub, "alice");
    server.abort();
}
