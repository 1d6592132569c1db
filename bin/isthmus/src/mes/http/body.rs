//! Taking a body: its type, its length, and no more of it than one may have.

use std::time::Duration;

use api_mmtel_es::Cause;
use axum::body::Body;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Version};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use tokio::sync::OwnedSemaphorePermit;

use super::Refusal;
use crate::mes::Enabler;
use crate::mes::enabler::LARGE;

/// The next part of a body must be there by then.
const PATIENCE: Duration = Duration::from_secs(15);
/// So much of a body that is refused is read and thrown away, so that its sender gets to read why.
const THROWN_AWAY: usize = 128 * 1024 * 1024;

/// A body, and the right to have a large one in memory.
#[derive(Default)]
pub(super) struct Taken {
    pub(super) bytes: Bytes,
    #[expect(dead_code, reason = "it is given back when the request is over")]
    permit: Option<OwnedSemaphorePermit>,
}

/// TS 29.122 §5.2.3, §5.2.6: 415, 411, 413.
pub(super) async fn take(
    enabler: &Enabler,
    head: &Parts,
    media_type: &str,
    body: Body,
) -> Result<Taken, Refusal> {
    if !is_of(&head.headers, media_type) {
        let refusal = Refusal::new(415).detail(&format!("The body must be of type {media_type}."));
        return Err(refusal.param("header Content-Type", "must name the type of the body"));
    }
    // An HTTP/2 stream ends, and tells its length by that.
    let old = head.version < Version::HTTP_2;
    let length = head.headers.get(CONTENT_LENGTH);
    if old && length.is_none() && !head.headers.contains_key(TRANSFER_ENCODING) {
        let refusal = Refusal::new(411).detail("The body must say how long it is.");
        return Err(refusal.param("header Content-Length", "is missing"));
    }
    let length = length.and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    let most = enabler.max_body();
    if length.is_some_and(|length| length > most) {
        return Err(too_large(body, most));
    }
    read(enabler, body, most).await
}

async fn read(enabler: &Enabler, mut body: Body, most: usize) -> Result<Taken, Refusal> {
    let mut permit = None;
    let mut all = BytesMut::new();
    loop {
        let frame = match tokio::time::timeout(PATIENCE, body.frame()).await {
            Ok(None) => break,
            Ok(Some(Ok(frame))) => frame,
            Ok(Some(Err(_))) => {
                let refusal = Refusal::new(400).detail("The body ended before its end.");
                return Err(refusal.cause(&Cause::InvalidMsgFormat));
            }
            Err(_) => return Err(Refusal::new(408).detail("The body did not come in time.")),
        };
        let Ok(data) = frame.into_data() else {
            continue;
        };
        if all.len() + data.len() > most {
            return Err(too_large(body, most));
        }
        if all.len() + data.len() > LARGE && permit.is_none() {
            permit = enabler.large().clone().acquire_owned().await.ok();
        }
        all.extend_from_slice(&data);
    }
    Ok(Taken {
        bytes: all.freeze(),
        permit,
    })
}

/// Whether the Content-Type is that one; a charset must be UTF-8 (RFC 8259 §8.1).
fn is_of(headers: &HeaderMap, media_type: &str) -> bool {
    let value = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let mut parts = value.unwrap_or_default().split(';');
    let named = parts.next().unwrap_or_default().trim();
    named.eq_ignore_ascii_case(media_type)
        && parts.all(|parameter| {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            !name.trim().eq_ignore_ascii_case("charset")
                || value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8")
        })
}

fn too_large(mut body: Body, most: usize) -> Refusal {
    tokio::spawn(tokio::time::timeout(PATIENCE, async move {
        let mut read = 0;
        while let Some(Ok(frame)) = body.frame().await {
            read += frame.data_ref().map_or(0, Bytes::len);
            if read > THROWN_AWAY {
                return;
            }
        }
    }));
    Refusal::new(413).detail(&format!("The body must have {most} bytes at most."))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn json_is_known_by_its_type() {
        let is = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(value));
            is_of(&headers, "application/json")
        };
        for json in [
            "application/json",
            "Application/JSON; charset=UTF-8",
            "application/json;charset=\"utf-8\";x=y",
        ] {
            assert!(is(json), "{json}");
        }
        for other in [
            "",
            "text/plain",
            "application/json-patch+json",
            "application/json; charset=latin1",
            "application/x-www-form-urlencoded",
        ] {
            assert!(!is(other), "{other}");
        }
        assert!(!is_of(&HeaderMap::new(), "application/json"));
    }
}
