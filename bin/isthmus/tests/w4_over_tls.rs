//! W4 and the keys come over TLS, from the certificate that was named and from no other.

mod support;

use isthmus::web::KeyFetcher;
use support::tls::{TlsListener, certificate};
use support::{Browser, Lab};
use tokio::net::TcpListener;

#[tokio::test]
async fn the_named_certificate_is_trusted_and_no_other() {
    let (other, _) = certificate();
    let (certificate, acceptor) = certificate();
    let lab = Lab::start_over_tls(&certificate);
    let listener = TcpListener::bind(lab.address())
        .await
        .expect("the port is free");
    let service = lab.router();
    let server = tokio::spawn(async move {
        axum::serve(TlsListener { listener, acceptor }, service)
            .await
            .expect("it serves");
    });

    let mut browser = Browser::new(&lab);
    let alice = browser.sign_in("alice").await;
    assert_eq!(browser.token(&alice).await["impi"], "alice@home1.net");

    let keys = KeyFetcher::new(lab.issuer(), &[certificate]).expect("a client");
    let keys = keys.fetch().await.expect("keys");
    assert_eq!(Some(keys), lab.key_set());
    let stranger = KeyFetcher::new(lab.issuer(), &[other]).expect("a client");
    assert!(stranger.fetch().await.is_err());
    server.abort();
}
