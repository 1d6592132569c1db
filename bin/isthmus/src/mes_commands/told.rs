//! Where the enabler tells us what happens.

use std::net::SocketAddr;

use anyhow::Context as _;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use super::args::Listen;

/// What we are told, in its order.
pub(super) struct Told {
    /// Where the enabler is to tell it.
    pub(super) url: String,
    notifications: mpsc::Receiver<Value>,
}

impl Told {
    /// Begins to listen.
    pub(super) async fn listen(listen: &Listen) -> anyhow::Result<Self> {
        let (address, notifications) = serve(listen.listen).await?;
        let url = listen.notify.clone();
        Ok(Self {
            url: url.unwrap_or_else(|| format!("http://{address}/")),
            notifications,
        })
    }

    /// The next one.
    pub(super) async fn next(&mut self) -> Value {
        match self.notifications.recv().await {
            Some(told) => told,
            // The server runs as long as this does.
            None => std::future::pending().await,
        }
    }
}

/// Takes notifications at an address.
pub(super) async fn serve(at: SocketAddr) -> anyhow::Result<(SocketAddr, mpsc::Receiver<Value>)> {
    let listener = TcpListener::bind(at).await;
    let listener = listener.with_context(|| format!("{at} cannot be listened on"))?;
    let address = listener.local_addr()?;
    let (tell, told) = mpsc::channel(64);
    let router = Router::new().fallback(take).with_state(tell);
    tokio::spawn(async move {
        let _ = axum::serve(listener, router).await;
    });
    Ok((address, told))
}

async fn take(State(tell): State<mpsc::Sender<Value>>, body: Bytes) -> Response {
    let Ok(notification) = serde_json::from_slice::<Value>(&body) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    // TS 29.392 §5.3.2.4 has an answer, §5.4 and §5.5.2.6 have none.
    let reply = notification
        .get("mediaResourceInfo")
        .map(|_| Json(json!({ "sessionId": notification["sessionId"], "result": "SUCCESS" })));
    if tell.send(notification).await.is_err() {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    match reply {
        Some(reply) => reply.into_response(),
        None => StatusCode::NO_CONTENT.into_response(),
    }
}
