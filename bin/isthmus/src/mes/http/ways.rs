//! What a page asks before there is a call: whether one begins with applications. No identity is needed for that, and none told.

use std::time::Instant;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderValue, Response};
use serde_json::json;

use super::from;
use crate::mes::Enabler;
use crate::web::Peer;

/// `{"before": …, "within": …}`: some are there before a call is answered, some are fetched or opened with it.
pub(super) async fn applications(
    State(enabler): State<Enabler>,
    peer: Option<Extension<Peer>>,
) -> Response<Body> {
    if let Some(rates) = enabler.page_rates()
        && let Err(refusal) = rates.take(Instant::now(), from(peer.as_deref()))
    {
        return refusal.into_response();
    }
    let found = enabler.beginnings();
    let body = json!({ "before": found.before, "within": found.within });
    let mut response = Response::new(Body::from(body.to_string()));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
