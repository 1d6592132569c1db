//! The page of a laboratory, for who sits at the machine.

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Request};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, Response, StatusCode};
use axum::middleware::{Next, from_fn};
use axum::response::IntoResponse as _;
use axum::routing::get;
use rust_embed::RustEmbed;

use crate::host;
use crate::mes::Enabler;
use crate::web::Peer;

/// Its files, and the look of the client's page.
#[derive(RustEmbed)]
#[folder = "../../web/wic"]
#[include = "enabler/*"]
#[include = "style.css"]
#[include = "icons/isthmus.svg"]
struct Files;

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
                      connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The page and what it asks for. Only this machine may, under its own names: what is shown is whom
/// people call.
pub(crate) fn router(enabler: Enabler) -> Router {
    Router::new()
        .route("/enabler", get(|| async { file("enabler/index.html") }))
        .route(
            "/enabler/files/{*name}",
            get(|Path(name): Path<String>| async move { file(&name) }),
        )
        .merge(super::routes(enabler))
        .route_layer(from_fn(at_this_machine))
}

fn file(name: &str) -> Response<Body> {
    let Some(found) = Files::get(name) else {
        return (StatusCode::NOT_FOUND, "There is nothing here.").into_response();
    };
    let kind = match name.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    };
    let head = [
        (CONTENT_TYPE, kind),
        (CACHE_CONTROL, "no-cache"),
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "same-origin"),
    ];
    (head, found.data.into_owned()).into_response()
}

async fn at_this_machine(request: Request, next: Next) -> Response<Body> {
    let peer = request.extensions().get::<Peer>();
    let near = peer.is_some_and(|peer| peer.remote.ip().to_canonical().is_loopback());
    if near && is_own_name(request.headers()) {
        return next.run(request).await;
    }
    let words = "This page is for who sits at the machine: http://localhost and the port.";
    (StatusCode::FORBIDDEN, words).into_response()
}

/// A name that leads here by the name service of another is not ours (DNS rebinding); nor is a site that
/// applications run on.
fn is_own_name(headers: &HeaderMap) -> bool {
    host::of(headers).is_some_and(|host| {
        let address = host::address(&host);
        host::is_localhost(&host) || address.is_some_and(|address| address.is_loopback())
    })
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use axum::http::header::HOST;

    use super::*;

    #[test]
    fn the_page_is_reached_by_names_of_this_machine_alone() {
        let is_own = |host: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(HOST, HeaderValue::from_str(host).unwrap());
            is_own_name(&headers)
        };
        for good in ["localhost:8080", "LOCALHOST", "127.0.0.1:1", "[::1]:8443"] {
            assert!(is_own(good), "{good}");
        }
        for bad in [
            "app-x.localhost:8080",
            "evil.example",
            "192.0.2.1:80",
            "",
            "localhost.evil.example",
        ] {
            assert!(!is_own(bad), "{bad}");
        }
        assert!(!is_own_name(&HeaderMap::new()));
    }

    #[test]
    fn its_files_are_in_the_binary_and_no_others() {
        for name in [
            "enabler/index.html",
            "enabler/main.js",
            "enabler/style.css",
            "style.css",
        ] {
            assert!(Files::get(name).is_some(), "{name}");
        }
        assert!(Files::get("index.html").is_none());
        assert_eq!(file("../Cargo.toml").status(), StatusCode::NOT_FOUND);
    }
}
