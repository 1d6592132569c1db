//! The repository for edges in other processes: `crate::repository` has the words.

use axum::body::Body;
use axum::extract::State;
use axum::http::header::{ALLOW, AUTHORIZATION, CONTENT_TYPE, ETAG};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use bytes::Bytes;
use core_credentials::Secret;

use super::Refusal;
use crate::mes::Enabler;
use crate::repository::{Question, STATUS};

/// TS 26.114 §6.2.10 — an edge asks what a WIC asked it.
pub(super) async fn ask(
    State(enabler): State<Enabler>,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let shown = headers
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    let shown = shown.and_then(|value| value.strip_prefix("Bearer "));
    let known = shown.map(Secret::new).as_ref() == enabler.repository_secret();
    if shown.is_none() || !known {
        return Refusal::new(401)
            .detail("That is not the secret of an edge.")
            .into_response();
    }
    let question = serde_json::from_slice::<Question>(&body).ok();
    let Some(query) = question.and_then(Question::into_query) else {
        return Refusal::new(400)
            .detail("That is no question of an edge.")
            .into_response();
    };
    let answer = enabler.give(query).await;
    let mut response = Response::new(Body::from(answer.body));
    let fields = [
        (CONTENT_TYPE, answer.content_type),
        (ETAG, answer.etag.map(|tag| tag.to_string())),
        (ALLOW, answer.allow),
    ];
    for (name, value) in fields {
        let value = value.and_then(|value| HeaderValue::from_str(&value).ok());
        if let Some(value) = value {
            response.headers_mut().insert(name, value);
        }
    }
    let status = HeaderValue::from(answer.status.0);
    response
        .headers_mut()
        .insert(HeaderName::from_static(STATUS), status);
    *response.status_mut() = StatusCode::OK;
    response
}
