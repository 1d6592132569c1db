//! W4 and the keys come over TLS, from the certificate that was named and from no other.

mod support;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::serve::Listener;
use isthmus::web::KeyFetcher;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use support::{Browser, Lab};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// As the laboratory makes it: names of this machine, signed by itself.
fn certificate() -> (CertificateDer<'static>, TlsAcceptor) {
    let names = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(names).expect("a certificate");
    let der = cert.der().clone();
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).expect("a key");
    let config = rustls::ServerConfig::builder_with_provider(Arc::new(
        rustls::crypto::aws_lc_rs::default_provider(),
    ))
    .with_safe_default_protocol_versions()
    .expect("protocol versions")
    .with_no_client_auth()
    .with_single_cert(vec![der.clone()], key)
    .expect("they fit");
    (der, TlsAcceptor::from(Arc::new(config)))
}

struct TlsListener {
    listener: TcpListener,
    acceptor: TlsAcceptor,
}

impl Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let (stream, address) = self.listener.accept().await.expect("a connection");
            if let Ok(stream) = self.acceptor.accept(stream).await {
                return (stream, address);
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        self.listener.local_addr()
    }
}

#[tokio::test]
async fn the_named_certificate_is_trusted_and_no_other() {
    let (certificate, acceptor) = certificate();
    let (other, _) = self::certificate();
    let lab = Lab::start_over_tls(&certificate).await;
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
