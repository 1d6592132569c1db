//! The documents of the APIs, of the one too that only tells (TS 29.392 §6.3).

use api_mmtel_es::Api;
use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header::{ALLOW, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, Response};
use serde_json::{Value, json};

use super::{Refusal, root};
use crate::mes::Enabler;
use crate::web::Peer;

/// Which documents there are.
pub(super) async fn index(
    State(enabler): State<Enabler>,
    peer: Option<Extension<Peer>>,
    headers: HeaderMap,
) -> Response<Body> {
    let root = root::of(&enabler, peer.as_deref(), &headers);
    let apis = Api::ALL.into_iter().map(|api| {
        json!({
            "name": api.name(),
            "service": api.service(),
            "document": format!("{root}/openapi/{}", api.name()),
        })
    });
    document_of(&json!({ "apis": apis.collect::<Vec<_>>() }))
}

/// One of them, by the name that the API has in URIs.
pub(super) async fn document(
    State(enabler): State<Enabler>,
    Path(name): Path<String>,
    peer: Option<Extension<Peer>>,
    headers: HeaderMap,
) -> Response<Body> {
    let root = root::of(&enabler, peer.as_deref(), &headers);
    match Api::ALL.into_iter().find(|api| api.name() == name) {
        Some(api) => document_of(&api_mmtel_es::document(api, &root, enabler.token_url())),
        None => Refusal::new(404)
            .detail("There is no such document.")
            .into_response(),
    }
}

/// A document is read, and nothing else.
pub(super) async fn only_read() -> Response<Body> {
    Refusal::new(405)
        .detail("That is not done with this resource.")
        .header(ALLOW, HeaderValue::from_static("GET, HEAD"))
        .into_response()
}

fn document_of(value: &Value) -> Response<Body> {
    let mut response = Response::new(Body::from(value.to_string()));
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    response
}
