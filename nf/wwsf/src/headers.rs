//! What every reply says to browsers, beside its content.

use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, REFERRER_POLICY, SET_COOKIE,
    STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use serde_json::{Value, json};

use crate::{Origin, Reply};

/// JSON that nobody may keep.
pub(crate) fn json_reply(status: StatusCode, body: &Value) -> Reply {
    let mut reply = plain(status);
    *reply.body_mut() = body.to_string().into_bytes();
    set(&mut reply, CONTENT_TYPE, "application/json");
    reply
}

/// JSON that says what is wrong in one word.
pub(crate) fn error(status: StatusCode, word: &str) -> Reply {
    json_reply(status, &json!({ "error": word }))
}

/// 303 to another address.
pub(crate) fn see_other(location: &str) -> Reply {
    let mut reply = plain(StatusCode::SEE_OTHER);
    set(&mut reply, LOCATION, location);
    reply
}

/// A reply without content that nobody may keep.
pub(crate) fn plain(status: StatusCode) -> Reply {
    let mut reply = Response::new(Vec::new());
    *reply.status_mut() = status;
    set(&mut reply, CACHE_CONTROL, "no-store");
    reply
}

/// One more cookie.
pub(crate) fn set_cookie(reply: &mut Reply, cookie: &str) {
    if let Ok(value) = HeaderValue::from_str(cookie) {
        reply.headers_mut().append(SET_COOKIE, value);
    }
}

pub(crate) fn set(reply: &mut Reply, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        reply.headers_mut().insert(name, value);
    }
}

/// Puts the rules for browsers on a reply, whatever it is.
///
/// Scripts, styles and images come from here; connections go here and to W2; camera and microphone are
/// for this page only; it frames data channel applications, and nobody frames it.
pub(crate) fn protect(mut reply: Reply, origin: &Origin, w2: &str, frames: &str) -> Reply {
    // `'self'` covers the WebSocket of the same origin in some browsers only, so W2 is named.
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; \
         font-src 'self'; media-src 'self' blob:; worker-src 'self'; manifest-src 'self'; \
         connect-src 'self' {w2}; frame-src {frames}; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    );
    for (name, value) in [
        (CONTENT_SECURITY_POLICY, policy.as_str()),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        (REFERRER_POLICY, "same-origin"),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
        (
            HeaderName::from_static("permissions-policy"),
            "camera=(self), microphone=(self), speaker-selection=(self), display-capture=(self), \
             geolocation=(), payment=(), usb=()",
        ),
    ] {
        set(&mut reply, name, value);
    }
    // Not for the lab: it would take http://localhost away from everything else on the machine.
    if origin.is_secure() && !origin.is_loopback() {
        set(&mut reply, STRICT_TRANSPORT_SECURITY, "max-age=31536000");
    }
    reply
}
