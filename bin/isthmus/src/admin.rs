//! The operators' port: figures in Prometheus' text form, liveness and readiness.

use std::fmt::Write as _;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn};
use axum::response::IntoResponse as _;
use axum::routing::get;

use crate::config::AdminConfig;
use crate::fault::{Fault, Port};
use crate::host;

/// Gives every figure of the process: a name, and its value now.
pub(crate) type FiguresFn = Arc<dyn Fn() -> Vec<(String, u64)> + Send + Sync>;

/// A running admin port.
pub(crate) struct Admin {
    /// Where it is.
    pub(crate) address: SocketAddr,
    hosts: Arc<[String]>,
    ready: Arc<AtomicBool>,
}

impl Admin {
    /// Binds the port, so that a taken one is found before anything else runs.
    pub(crate) fn bind(config: &AdminConfig) -> Result<(Self, TcpListener), Fault> {
        let address = config.listen;
        let fail = |error| Fault::bind(&Port::ADMIN, address, &error);
        let listener = TcpListener::bind(address).map_err(fail)?;
        listener.set_nonblocking(true).map_err(fail)?;
        let address = listener.local_addr().map_err(fail)?;
        Ok((
            Self {
                address,
                hosts: config.hosts.as_slice().into(),
                ready: Arc::default(),
            },
            listener,
        ))
    }

    /// Serves until the process ends.
    pub(crate) fn serve(&self, listener: TcpListener, figures: FiguresFn) -> Result<(), Fault> {
        self.serve_with(listener, figures, || true, Router::new())
    }

    /// The same; it is ready only while `healthy` says so too.
    pub(crate) fn serve_while(
        &self,
        listener: TcpListener,
        figures: FiguresFn,
        healthy: impl Fn() -> bool + Clone + Send + Sync + 'static,
    ) -> Result<(), Fault> {
        self.serve_with(listener, figures, healthy, Router::new())
    }

    /// The same, with more routes; these show who calls whom, or do something, so that no page of somebody else's in
    /// the operator's browser may come to them by a name of its own.
    pub(crate) fn serve_with(
        &self,
        listener: TcpListener,
        figures: FiguresFn,
        healthy: impl Fn() -> bool + Clone + Send + Sync + 'static,
        more: Router,
    ) -> Result<(), Fault> {
        let ready = Arc::clone(&self.ready);
        let hosts = Arc::clone(&self.hosts);
        let router = Router::new()
            .route("/live", get(|| async { "alive\n" }))
            .route(
                "/ready",
                get(move || async move {
                    if ready.load(Ordering::Relaxed) && healthy() {
                        (StatusCode::OK, "ready\n")
                    } else {
                        (StatusCode::SERVICE_UNAVAILABLE, "not ready\n")
                    }
                }),
            )
            .route("/metrics", get(move || async move { text(&figures()) }))
            .merge(more.layer(from_fn(move |request: Request, next: Next| {
                let ours = host::is_ours(request.headers(), &hosts);
                async move {
                    if ours {
                        return next.run(request).await;
                    }
                    let words =
                        "This is asked under an address, localhost or a name of admin.hosts.\n";
                    (StatusCode::FORBIDDEN, words).into_response()
                }
            })));
        let fail = |error: std::io::Error| Fault::new(format!("the admin port: {error}"));
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let runtime = runtime.map_err(fail)?;
        std::thread::Builder::new()
            .name("admin".into())
            .spawn(move || {
                runtime.block_on(async move {
                    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else {
                        return;
                    };
                    if let Err(error) = axum::serve(listener, router).await {
                        tracing::error!(%error, "the admin port ended");
                    }
                });
            })
            .map_err(fail)?;
        Ok(())
    }

    /// Whether new work is taken.
    pub(crate) fn set_ready(&self, ready: bool) {
        self.ready.store(ready, Ordering::Relaxed);
    }
}

/// Prometheus' text exposition format, version 0.0.4.
fn text(figures: &[(String, u64)]) -> String {
    let mut text = String::new();
    for (name, value) in figures {
        let kind = if name.ends_with("_total") {
            "counter"
        } else {
            "gauge"
        };
        // Writing into a string does not fail.
        let _ = writeln!(text, "# TYPE isthmus_{name} {kind}\nisthmus_{name} {value}");
    }
    text
}

#[cfg(test)]
mod tests {
    #[test]
    fn figures_are_lines() {
        let figures = [("calls_total".to_owned(), 3), ("flows".to_owned(), 0)];
        let expected = "# TYPE isthmus_calls_total counter\nisthmus_calls_total 3\n\
                        # TYPE isthmus_flows gauge\nisthmus_flows 0\n";
        assert_eq!(super::text(&figures), expected);
    }
}
