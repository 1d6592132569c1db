//! The APIs over HTTP.
//!
//! ```text
//!  path, method ─▶ 404, 405      the table of operations
//!  redirection  ─▶ 307, 308      by configuration: another node serves
//!  token        ─▶ 401, 403      who asks
//!  rate         ─▶ 429
//!  body         ─▶ 415, 411, 413
//!  behaviour    ─▶ 400, 403, 503, or what it answers
//! ```

mod app_call;
mod app_management;
mod behaviour;
mod body;
mod bootstrap;
mod call_control;
mod door;
mod openapi;
mod rate;
mod redirect;
mod reply;
mod root;
mod route;
mod ways;

use std::net::IpAddr;
use std::time::Instant;

use api_mmtel_es::{Api, Attribute, ProblemDetails, read};
use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::request::Parts;
use axum::http::{Request, Response};
use axum::response::Redirect as Redirection;
use axum::routing::{any, get, post};
use bytes::Bytes;
use nf_mmtel_es::Consumer;

pub(super) use door::Door;
pub(super) use rate::Rates;
pub(super) use redirect::Redirect;
pub(crate) use reply::{Refusal, Reply};

use super::Enabler;
use super::enabler::LARGE;
use crate::repository::{ASK, MAX_QUESTION};
use crate::web::Peer;

/// Where pages ask whether applications begin with a call.
const WAYS: &str = "/ways/applications";

/// The routes of all APIs that have a behaviour, of their documents, and for edges elsewhere.
pub fn router(enabler: Enabler) -> Router {
    let mut router = Router::new()
        .route("/openapi", get(openapi::index).fallback(openapi::only_read))
        .route(
            "/openapi/{api}",
            get(openapi::document).fallback(openapi::only_read),
        )
        .route(WAYS, get(ways::applications).fallback(openapi::only_read));
    for api in Api::ALL {
        router = router.route(&format!("/{}/{{*rest}}", api.name()), any(serve));
    }
    if enabler.repository_secret().is_some() {
        let ask = post(bootstrap::ask).layer(DefaultBodyLimit::max(MAX_QUESTION));
        router = router.route(ASK, ask);
    }
    router.with_state(enabler)
}

/// The same where nothing else is served: what is not there is said as the APIs say it, and who asks for nothing is
/// shown which APIs there are.
pub fn router_alone(enabler: Enabler) -> Router {
    router(enabler)
        .route("/", get(async || Redirection::to("/openapi")))
        .fallback(async || route::unknown().into_response())
}

/// A request that the rules let through.
pub(crate) struct Call {
    /// Who asks.
    pub(crate) consumer: Consumer,
    /// The variable of the path, `{sessionId}`, when it has one.
    pub(crate) variable: Option<String>,
    /// How it was asked.
    head: Parts,
    /// The body; empty when the operation takes none.
    pub(crate) body: Bytes,
}

impl Call {
    /// Reads the body, on a thread that has the time when it is large.
    pub(crate) async fn read<T: Attribute + Send + 'static>(&self) -> Result<T, Refusal> {
        let body = self.body.clone();
        let read =
            move || read::<T>(&body).map_err(|faults| Box::new(ProblemDetails::from(&faults)));
        let read = if self.body.len() > LARGE {
            let read = tokio::task::spawn_blocking(read).await;
            read.map_err(|_| Refusal::new(500))?
        } else {
            read()
        };
        Ok(read?)
    }
}

async fn serve(State(enabler): State<Enabler>, request: Request<Body>) -> Response<Body> {
    match answer(&enabler, request).await {
        Ok(reply) => reply.into_response(),
        Err(refusal) => refusal.into_response(),
    }
}

async fn answer(enabler: &Enabler, request: Request<Body>) -> Result<Reply, Refusal> {
    let (head, body) = request.into_parts();
    let route = route::find(&head.method, head.uri.path())?;
    if let Some(redirect) = enabler.redirect() {
        return Ok(redirect.reply(&head.uri));
    }
    let consumer = match enabler.door() {
        Some(door) => door.consumer(route.api, &head.headers, enabler.now())?,
        None => Consumer::Anybody,
    };
    if let Some(rates) = enabler.rates() {
        rates.take(Instant::now(), who(&consumer, &head))?;
    }
    let body = match &route.operation.body {
        Some(wanted) => body::take(enabler, &head, wanted.media_type, body).await?,
        None => body::Taken::default(),
    };
    let call = Call {
        consumer,
        head,
        variable: route.variable,
        body: body.bytes,
    };
    (route.behaviour)(enabler, call).await
}

/// Whom to count: the client of the token, else the address.
fn who(consumer: &Consumer, head: &Parts) -> rate::Who {
    match consumer {
        Consumer::Client(client) => rate::Who::Client(client.clone()),
        Consumer::Anybody => from(head.extensions.get()),
    }
}

fn from(peer: Option<&Peer>) -> rate::Who {
    let address = peer.map_or(IpAddr::from([0; 16]), |peer| peer.remote.ip());
    rate::Who::Address(address)
}
