//! The WAF's routes (RFC 6749 §3, RFC 7009, RFC 7662, RFC 8414).

use axum::Router;
use axum::body::Body;
use axum::extract::{Extension, RawQuery, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, HOST, ORIGIN};
use axum::http::{HeaderMap, Response, StatusCode};
use axum::response::IntoResponse as _;
use axum::routing::{get, post};
use nf_waf::{Caller, Outcome, SignIn, Waf};
use nf_wwsf::Origin;

use super::peer::Peer;
use super::state::{Web, random};
use crate::store::Change;

type Reply = Response<Body>;

pub(super) fn routes(path: &str, metadata: &str) -> Router<Web> {
    let at = |endpoint: &str| format!("{path}/{endpoint}");
    Router::new()
        .route(&at("authorize"), get(authorize).post(sign_in))
        .route(&at("token"), post(token))
        .route(&at("revoke"), post(revoke))
        .route(&at("introspect"), post(introspect))
        .route(&at("release"), post(release))
        .route(
            &at("jwks"),
            get(async |State(web): State<Web>| read(&web, Waf::jwks)),
        )
        .route(
            &at("sign-in.css"),
            get(async |State(web): State<Web>| read(&web, Waf::style_sheet)),
        )
        .route(
            &at("icon.svg"),
            get(async |State(web): State<Web>| read(&web, Waf::icon)),
        )
        .route(
            metadata,
            get(async |State(web): State<Web>| read(&web, Waf::metadata)),
        )
}

async fn authorize(State(web): State<Web>, RawQuery(query): RawQuery) -> Reply {
    read(&web, |waf| {
        waf.authorize(query.as_deref().unwrap_or_default())
    })
}

async fn sign_in(
    State(web): State<Web>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    body: String,
) -> Reply {
    let Some(state) = &web.0.waf else {
        return StatusCode::NOT_FOUND.into_response();
    };
    if !is_form(&headers) {
        return StatusCode::UNSUPPORTED_MEDIA_TYPE.into_response();
    }
    // Who finds no place to wait is turned away before anything is done for them.
    let Ok(_waiting) = state.waiting.try_acquire() else {
        return Waf::too_busy().map(Body::from);
    };
    let caller = Caller {
        address: peer.remote.ip(),
        cross_site: is_cross_site(&headers, peer),
    };
    let begun = state.lock().begin_sign_in(web.now(), &caller, &body);
    let pending = match begun {
        SignIn::Reply(reply) => return reply.map(Body::from),
        SignIn::Verify(pending) => pending,
    };
    let Ok(checking) = state.checking.acquire().await else {
        return Waf::too_busy().map(Body::from);
    };
    let checked = tokio::task::spawn_blocking(move || (pending.verify(), pending)).await;
    drop(checking);
    let Ok((verified, pending)) = checked else {
        return Waf::not_written().map(Body::from);
    };
    change(&web, |waf, now| {
        let mut random = random().ok()?;
        Some(waf.finish_sign_in(now, &mut random, &pending, verified))
    })
    .await
}

async fn token(State(web): State<Web>, headers: HeaderMap, body: String) -> Reply {
    if !is_form(&headers) {
        return StatusCode::UNSUPPORTED_MEDIA_TYPE.into_response();
    }
    change(&web, |waf, now| {
        let mut random = random().ok()?;
        Some(waf.token(now, &mut random, authorization(&headers), &body))
    })
    .await
}

async fn revoke(State(web): State<Web>, headers: HeaderMap, body: String) -> Reply {
    if !is_form(&headers) {
        return StatusCode::UNSUPPORTED_MEDIA_TYPE.into_response();
    }
    change(&web, |waf, now| {
        Some(waf.revoke(now, authorization(&headers), &body))
    })
    .await
}

async fn release(State(web): State<Web>, headers: HeaderMap, body: String) -> Reply {
    if !is_form(&headers) {
        return StatusCode::UNSUPPORTED_MEDIA_TYPE.into_response();
    }
    change(&web, |waf, now| {
        Some(waf.release(now, authorization(&headers), &body))
    })
    .await
}

async fn introspect(State(web): State<Web>, headers: HeaderMap, body: String) -> Reply {
    if !is_form(&headers) {
        return StatusCode::UNSUPPORTED_MEDIA_TYPE.into_response();
    }
    let Some(state) = &web.0.waf else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let now = web.now();
    let reply = state.lock().introspect(now, authorization(&headers), &body);
    reply.map(Body::from)
}

fn read(web: &Web, ask: impl FnOnce(&Waf) -> nf_waf::Reply) -> Reply {
    match &web.0.waf {
        Some(state) => ask(&state.lock()).map(Body::from),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// Asks, writes down what changed, and only then answers.
async fn change(web: &Web, ask: impl FnOnce(&mut Waf, u64) -> Option<Outcome>) -> Reply {
    let Some(state) = &web.0.waf else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let (commit, reply) = {
        let mut waf = state.lock();
        let Some(Outcome { changes, reply }) = ask(&mut waf, web.now()) else {
            return Waf::not_written().map(Body::from);
        };
        (
            web.0
                .store
                .commit(changes.into_iter().map(Change::Waf).collect()),
            reply,
        )
    };
    match commit.written().await {
        Ok(()) => reply.map(Body::from),
        Err(_) => Waf::not_written().map(Body::from),
    }
}

fn authorization(headers: &HeaderMap) -> Option<&str> {
    // A value that is no text is none of ours: it fails as one.
    headers
        .get(AUTHORIZATION)
        .map(|value| value.to_str().unwrap_or_default())
}

fn is_form(headers: &HeaderMap) -> bool {
    let value = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let media_type = value.split(';').next().unwrap_or_default().trim();
    media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

/// Whether the browser says that the form was on another site's page.
fn is_cross_site(headers: &HeaderMap, peer: Peer) -> bool {
    let text = |name: &str| {
        headers
            .get(name)
            .map(|value| value.to_str().unwrap_or_default())
    };
    let own = text(HOST.as_str()).and_then(|host| Origin::new(peer.secure, host));
    let other_origin =
        text(ORIGIN.as_str()).is_some_and(|origin| own.is_none_or(|own| own.to_string() != origin));
    other_origin || text("sec-fetch-site").is_some_and(|site| site != "same-origin")
}
