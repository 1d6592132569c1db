//! Replies, as RFC 6749 wants them.

use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, PRAGMA, REFERRER_POLICY,
    RETRY_AFTER, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use serde_json::{Value, json};
use url::Url;

use crate::Reply;

/// RFC 6749 §4.1.2.1 and §5.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OAuthError {
    InvalidRequest,
    InvalidClient,
    InvalidGrant,
    UnauthorizedClient,
    UnsupportedGrantType,
    UnsupportedResponseType,
    InvalidScope,
    ServerError,
}

impl OAuthError {
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::InvalidGrant => "invalid_grant",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::UnsupportedResponseType => "unsupported_response_type",
            Self::InvalidScope => "invalid_scope",
            Self::ServerError => "server_error",
        }
    }

    fn status(self) -> StatusCode {
        match self {
            Self::InvalidClient => StatusCode::UNAUTHORIZED,
            Self::ServerError => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::BAD_REQUEST,
        }
    }

    /// RFC 6749 §5.2: the error as JSON.
    pub(crate) fn reply(self, description: &str) -> Reply {
        let body = json!({ "error": self.code(), "error_description": description });
        let mut reply = secret_json(self.status(), &body);
        if self == Self::InvalidClient {
            reply.headers_mut().insert(
                WWW_AUTHENTICATE,
                HeaderValue::from_static("Basic realm=\"WAF\""),
            );
        }
        reply
    }
}

/// RFC 6749 §5.1: JSON that nobody may keep.
pub(crate) fn secret_json(status: StatusCode, body: &Value) -> Reply {
    let mut reply = json_reply(status, body, "no-store");
    reply
        .headers_mut()
        .insert(PRAGMA, HeaderValue::from_static("no-cache"));
    reply
}

/// The same, with when to ask again.
pub(crate) fn secret_json_with_wait(status: StatusCode, body: &Value, seconds: u64) -> Reply {
    let mut reply = secret_json(status, body);
    reply
        .headers_mut()
        .insert(RETRY_AFTER, HeaderValue::from(seconds));
    reply
}

/// JSON that anybody may keep for a while.
pub(crate) fn public_json(body: &Value) -> Reply {
    json_reply(StatusCode::OK, body, "public, max-age=300")
}

fn json_reply(status: StatusCode, body: &Value, cache: &'static str) -> Reply {
    let headers = [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, cache)];
    build(status, &headers, body.to_string())
}

/// RFC 6749 §3.1.2: sends the browser to the client with these parameters added.
/// RFC 9700 §4.12: by 303, so that the password of a POST does not go along.
pub(crate) fn redirect(to: &str, parameters: &[(&str, &str)]) -> Reply {
    let location = Url::parse(to).map(|mut url| {
        url.query_pairs_mut().extend_pairs(parameters);
        url.to_string()
    });
    match location
        .ok()
        .and_then(|location| HeaderValue::from_str(&location).ok())
    {
        Some(location) => {
            let mut reply = build(
                StatusCode::SEE_OTHER,
                &[
                    (CACHE_CONTROL, "no-store"),
                    (REFERRER_POLICY, "no-referrer"),
                ],
                String::new(),
            );
            reply.headers_mut().insert(LOCATION, location);
            reply
        }
        // The address was registered and compared: it is one. This is for the compiler.
        None => build(StatusCode::BAD_REQUEST, &[], String::new()),
    }
}

/// A page. `form_target` is where its form may lead in the end: browsers look at the redirect too.
pub(crate) fn page(status: StatusCode, form_target: Option<&str>, html: String) -> Reply {
    let mut reply = build(
        status,
        &[
            (CONTENT_TYPE, "text/html; charset=utf-8"),
            (CACHE_CONTROL, "no-store"),
            // `no-referrer` would make browsers send `Origin: null` with the form.
            (REFERRER_POLICY, "same-origin"),
            (X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (X_FRAME_OPTIONS, "DENY"),
            (
                HeaderName::from_static("cross-origin-opener-policy"),
                "same-origin",
            ),
            (
                HeaderName::from_static("permissions-policy"),
                "camera=(), microphone=()",
            ),
        ],
        html,
    );
    let target = form_target
        .and_then(|target| Url::parse(target).ok())
        .map(|url| format!(" {}", url.origin().ascii_serialization()))
        .unwrap_or_default();
    let policy = format!(
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'{target}; \
         base-uri 'none'; frame-ancestors 'none'"
    );
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        reply.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
    }
    reply
}

/// A page that says how long to wait.
pub(crate) fn page_with_wait(seconds: u64, form_target: Option<&str>, html: String) -> Reply {
    let mut reply = page(StatusCode::TOO_MANY_REQUESTS, form_target, html);
    reply
        .headers_mut()
        .insert(RETRY_AFTER, HeaderValue::from(seconds));
    reply
}

/// A file that goes with a page.
pub(crate) fn file(content_type: &'static str, content: &'static str) -> Reply {
    build(
        StatusCode::OK,
        &[
            (CONTENT_TYPE, content_type),
            (CACHE_CONTROL, "public, max-age=300"),
            (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        ],
        content.to_owned(),
    )
}

/// An answer that has nothing to say (RFC 7009 §2.2).
pub(crate) fn empty(status: StatusCode) -> Reply {
    build(status, &[(CACHE_CONTROL, "no-store")], String::new())
}

fn build(status: StatusCode, headers: &[(HeaderName, &'static str)], body: String) -> Reply {
    let mut reply = Response::new(body);
    *reply.status_mut() = status;
    for (name, value) in headers {
        reply
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    reply
}
