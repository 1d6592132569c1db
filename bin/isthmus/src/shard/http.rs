//! HTTP on a connection: pages and APIs by the router; over HTTP/1.1 `/w2` by ourselves.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, Response, StatusCode, header};
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use nf_epcscf::W2Peer;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tower::ServiceExt as _;
use tracing::debug;

use super::drive::Shard;
use super::web_socket;
use crate::web::Peer;

/// A request's head must be there by then.
const HEAD: Duration = Duration::from_secs(15);
/// How long an HTTP/2 connection is silent before the other end is asked whether it is there.
const KEEP_ALIVE: Duration = Duration::from_mins(1);

/// Serves one connection until it ends or becomes a WebSocket. `guard` lives as long as it does.
pub(super) async fn serve(
    shard: &Rc<Shard>,
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    remote: SocketAddr,
    local: SocketAddr,
    secure: bool,
    guard: Box<dyn std::any::Any>,
) {
    let guard = Rc::new(guard);
    let peer = W2Peer {
        remote,
        local,
        secure,
    };
    let service = service_fn(|request: Request<Incoming>| {
        let shard = Rc::clone(shard);
        let guard = Rc::clone(&guard);
        async move { Ok::<_, Infallible>(answer(shard, request, peer, guard).await) }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_buf_size(32 * 1024)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    if let Err(error) = connection.await {
        debug!(%error, "HTTP");
    }
}

/// Serves one connection of HTTP/2 until it ends; there is no WebSocket on it.
pub(super) async fn serve_h2(
    shard: &Rc<Shard>,
    stream: impl AsyncRead + AsyncWrite + Unpin + 'static,
    remote: SocketAddr,
    local: SocketAddr,
    guard: Box<dyn std::any::Any>,
) {
    let guard = Rc::new(guard);
    let peer = W2Peer {
        remote,
        local,
        secure: true,
    };
    let service = service_fn(|mut request: Request<Incoming>| {
        let shard = Rc::clone(shard);
        let guard = Rc::clone(&guard);
        with_host(&mut request);
        async move { Ok::<_, Infallible>(answer(shard, request, peer, guard).await) }
    });
    let connection = h2_builder(Local).serve_connection(TokioIo::new(stream), service);
    if let Err(error) = connection.await {
        debug!(%error, "HTTP/2");
    }
}

/// What is the same for all connections of HTTP/2.
pub(super) fn h2_builder<E: Clone>(executor: E) -> http2::Builder<E> {
    let mut builder = http2::Builder::new(executor);
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(64)
        .max_header_list_size(32 * 1024)
        .keep_alive_interval(Some(KEEP_ALIVE))
        .keep_alive_timeout(HEAD);
    builder
}

/// RFC 9113 §8.3.1: `:authority` is what `Host` is in HTTP/1.1, and is read there.
pub(super) fn with_host<B>(request: &mut Request<B>) {
    let authority = request.uri().authority();
    let host = authority.and_then(|it| header::HeaderValue::from_str(it.as_str()).ok());
    if let Some(host) = host {
        request.headers_mut().insert(header::HOST, host);
    }
}

/// Streams are served on the thread of their shard.
#[derive(Clone)]
struct Local;

impl<F: Future + 'static> hyper::rt::Executor<F> for Local {
    fn execute(&self, stream: F) {
        tokio::task::spawn_local(async move { drop(stream.await) });
    }
}

async fn answer(
    shard: Rc<Shard>,
    mut request: Request<Incoming>,
    peer: W2Peer,
    guard: Rc<Box<dyn std::any::Any>>,
) -> Response<Body> {
    if request.uri().path() == "/w2" {
        return upgrade(shard, request, peer, guard);
    }
    let Some(router) = shard.router.clone() else {
        return text(StatusCode::NOT_FOUND, "There is nothing here.");
    };
    request.extensions_mut().insert(Peer {
        remote: peer.remote,
        secure: peer.secure,
    });
    router
        .oneshot(request.map(Body::new))
        .await
        .unwrap_or_else(|never| match never {})
}

/// RFC 6455 §4.2.2 and RFC 7118 §5.1; TS 23.228 §U.2.1.2, step 2: whose page may open it.
fn upgrade(
    shard: Rc<Shard>,
    mut request: Request<Incoming>,
    peer: W2Peer,
    guard: Rc<Box<dyn std::any::Any>>,
) -> Response<Body> {
    let head = |name| {
        request
            .headers()
            .get(name)
            .and_then(|value: &header::HeaderValue| value.to_str().ok())
    };
    let lists = |value: Option<&str>, wanted: &str| {
        value.is_some_and(|value| {
            value
                .split(',')
                .any(|one| one.trim().eq_ignore_ascii_case(wanted))
        })
    };
    let is_upgrade =
        lists(head(header::UPGRADE), "websocket") && lists(head(header::CONNECTION), "upgrade");
    let key = head(header::SEC_WEBSOCKET_KEY).map(|key| derive_accept_key(key.as_bytes()));
    let (true, Some(accept)) = (is_upgrade, key) else {
        return text(
            StatusCode::UPGRADE_REQUIRED,
            "This is the WebSocket of the eP-CSCF (RFC 7118).",
        );
    };
    if head(header::SEC_WEBSOCKET_VERSION) != Some("13") {
        return text(
            StatusCode::UPGRADE_REQUIRED,
            "WebSocket version 13 is spoken here.",
        );
    }
    if !lists(head(header::SEC_WEBSOCKET_PROTOCOL), "sip") {
        return text(
            StatusCode::BAD_REQUEST,
            "Ask for the subprotocol «sip»: Sec-WebSocket-Protocol: sip (RFC 7118 section 5.1).",
        );
    }
    if !shard.allows_origin(head(header::ORIGIN), head(header::HOST), peer.secure) {
        return text(
            StatusCode::FORBIDDEN,
            "Pages of this origin may not open this WebSocket.",
        );
    }
    let upgraded = hyper::upgrade::on(&mut request);
    tokio::task::spawn_local(async move {
        // The request and its buffers are gone when the connection runs.
        drop(request);
        match upgraded.await {
            Ok(stream) => web_socket::serve(shard, TokioIo::new(stream), peer, guard).await,
            Err(error) => debug!(%error, "no WebSocket"),
        }
    });
    let response = Response::builder()
        .status(StatusCode::SWITCHING_PROTOCOLS)
        .header(header::UPGRADE, "websocket")
        .header(header::CONNECTION, "Upgrade")
        .header(header::SEC_WEBSOCKET_ACCEPT, accept)
        .header(header::SEC_WEBSOCKET_PROTOCOL, "sip");
    response.body(Body::empty()).unwrap_or_else(|_| {
        text(
            StatusCode::INTERNAL_SERVER_ERROR,
            "No answer could be made.",
        )
    })
}

fn text(status: StatusCode, words: &'static str) -> Response<Body> {
    let mut response = Response::new(Body::from(words));
    *response.status_mut() = status;
    let plain = header::HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, plain);
    let nosniff = header::HeaderValue::from_static("nosniff");
    response
        .headers_mut()
        .insert(header::X_CONTENT_TYPE_OPTIONS, nosniff);
    response
}
