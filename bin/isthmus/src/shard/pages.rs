//! Pages without an eP-CSCF: the WWSF or the WAF alone.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt as _;
use tracing::debug;

use super::http::{h2_builder, with_host};
use super::{Listeners, Setup};
use crate::certificate::H2;
use crate::fault::Fault;
use crate::web::Peer;

/// TLS must stand by then, and a request's head be there.
const PATIENCE: Duration = Duration::from_secs(15);

/// Serves them on a thread of its own until the process ends.
pub(crate) fn serve_pages(
    tls: Arc<rustls::ServerConfig>,
    listeners: &Listeners,
    router: Router,
) -> Result<(), Fault> {
    let fail = |error: std::io::Error| Fault::new(format!("pages cannot be served: {error}"));
    let sockets = listeners
        .take()
        .ok_or_else(|| Fault::new("pages have no socket"))?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.map_err(fail)?;
    std::thread::Builder::new()
        .name("pages".into())
        .spawn(move || {
            runtime.block_on(async move {
                let (https, http) = sockets;
                if let Some(http) = http {
                    tokio::spawn(accept(http, None, router.clone()));
                }
                accept(https, Some(TlsAcceptor::from(tls)), router).await;
            });
        })
        .map_err(fail)?;
    Ok(())
}

async fn accept(listener: std::net::TcpListener, tls: Option<TlsAcceptor>, router: Router) {
    let Ok(listener) = TcpListener::from_std(listener) else {
        return;
    };
    loop {
        let Ok((stream, remote)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let (tls, router) = (tls.clone(), router.clone());
        let peer = Peer {
            remote,
            secure: tls.is_some(),
        };
        tokio::spawn(async move {
            match tls {
                None => serve(stream, router, peer, false).await,
                Some(tls) => {
                    let stands = tokio::time::timeout(PATIENCE, tls.accept(stream)).await;
                    if let Ok(Ok(stream)) = stands {
                        let h2 = stream.get_ref().1.alpn_protocol() == Some(H2);
                        serve(stream, router, peer, h2).await;
                    } else {
                        debug!("no TLS");
                    }
                }
            }
        });
    }
}

async fn serve(
    stream: impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
    router: Router,
    peer: Peer,
    h2: bool,
) {
    let service = service_fn(move |mut request: Request<Incoming>| {
        with_host(&mut request);
        request.extensions_mut().insert(peer);
        let router = router.clone();
        async move {
            Ok::<_, Infallible>(
                router
                    .oneshot(request.map(Body::new))
                    .await
                    .unwrap_or_else(|never| match never {}),
            )
        }
    });
    if h2 {
        let builder = h2_builder(TokioExecutor::new());
        if let Err(error) = builder
            .serve_connection(TokioIo::new(stream), service)
            .await
        {
            debug!(%error, "HTTP/2");
        }
        return;
    }
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE)
        .max_buf_size(32 * 1024)
        .serve_connection(TokioIo::new(stream), service);
    if let Err(error) = connection.await {
        debug!(%error, "HTTP");
    }
}

/// The pages and APIs of the functions that live here.
pub(super) fn router(setup: &Setup) -> Option<Router> {
    let web = setup.web.clone().map(crate::web::router);
    // All in one, the laboratory's page is there, too.
    let enabler = setup
        .enabler
        .clone()
        .map(|enabler| crate::mes::router(enabler.clone()).merge(crate::mes::view::page(enabler)));
    match (web, enabler) {
        (Some(web), Some(enabler)) => Some(web.merge(enabler)),
        (web, enabler) => web.or(enabler),
    }
}
