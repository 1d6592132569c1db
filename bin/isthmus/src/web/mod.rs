//! W1 and W4 over HTTP: the routes of WWSF and WAF.
//!
//! | path | function | what |
//! | --- | --- | --- |
//! | `/oauth2/*`, `/.well-known/oauth-authorization-server/oauth2` | WAF | sign-in page, token, revocation, introspection, keys, metadata |
//! | `/`, `/wic/*` | WWSF | the client |
//! | `/signin`, `/signed-in`, `/session/*` | WWSF | signing in and out, tokens |
//! | `/ways`, `/guest` | WWSF | visitors with an identity of the pool |
//!
//! [`Web::open`] makes the state once, [`router`] makes as many routers as there are shards. Whoever
//! accepts connections puts a [`Peer`] into the extensions of each request.

mod assets;
mod config;
mod error;
mod fetch;
mod give_back;
mod introspection;
mod keys;
mod lab;
mod open;
mod peer;
mod pem;
mod state;
mod w4;
mod waf;
mod wwsf;

pub use config::{
    AccountConfig, ClientConfig, PoolConfig, PoolIdentityConfig, WafConfig, WwsfConfig,
};
pub use error::WebError;
pub use give_back::GiveBack;
pub use introspection::{Endpoint, Introspector};
pub use keys::KeyFetcher;
pub use lab::{Door, behind_one_door};
pub(crate) use open::check;
pub use peer::Peer;
pub(crate) use state::system_clock;
pub use state::{Clock, Web};

use axum::Router;
use axum::body::Body;
use axum::extract::DefaultBodyLimit;
use axum::http::header::{
    CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderValue, Response};
use axum::middleware::map_response;

/// Largest request body: all of ours are small forms.
const MAX_BODY: usize = 16 * 1024;

/// The routes of the functions that `web` has: WAF, WWSF, or both behind one door.
pub fn router(web: Web) -> Router {
    let mut router = Router::new();
    if let Some((path, metadata)) = web.waf_paths() {
        router = router.merge(waf::routes(path, metadata));
    }
    if web.0.wwsf.is_some() {
        router = router.merge(wwsf::routes());
    }
    router
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(map_response(protect))
        .with_state(web)
}

/// Replies that no function made (405, 413) have the rules for browsers too; others keep their own.
async fn protect(mut reply: Response<Body>) -> Response<Body> {
    for (name, value) in [
        (
            CONTENT_SECURITY_POLICY,
            "default-src 'none'; frame-ancestors 'none'",
        ),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        (REFERRER_POLICY, "same-origin"),
    ] {
        reply
            .headers_mut()
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    }
    reply
}
