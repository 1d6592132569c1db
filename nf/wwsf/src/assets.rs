//! The files of the client, served as they were written.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG};

use crate::{Reply, headers};

/// A file, given in by the shell.
#[derive(Debug, Clone)]
pub struct Asset {
    /// Its content.
    pub data: Vec<u8>,
    /// Its tag, as [`etag`] makes it.
    pub etag: String,
}

/// RFC 9110 §8.8.3: a strong tag that follows from the content.
pub fn etag(data: &[u8]) -> String {
    format!(
        "\"{}\"",
        URL_SAFE_NO_PAD.encode(&digest(&SHA256, data).as_ref()[..16])
    )
}

/// The file that a path means, or nothing for a path that leaves the folder or hides something.
pub(crate) fn file_of(path: &str) -> Option<&str> {
    let file = match path {
        "/" => "index.html",
        path => path.strip_prefix("/wic/")?,
    };
    let good = |part: &str| {
        !part.is_empty()
            && !part.starts_with('.')
            && part
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
    };
    file.split('/').all(good).then_some(file)
}

/// Browsers ask each time whether a file has changed, and it is sent only if it has.
pub(crate) fn serve(file: &str, asset: Asset, if_none_match: Option<&str>) -> Reply {
    let fresh = if_none_match.is_some_and(|tags| {
        tags.trim() == "*"
            || tags
                .split(',')
                .any(|tag| tag.trim().trim_start_matches("W/") == asset.etag)
    });
    let mut reply = headers::plain(if fresh {
        StatusCode::NOT_MODIFIED
    } else {
        StatusCode::OK
    });
    headers::set(&mut reply, CACHE_CONTROL, "no-cache");
    headers::set(&mut reply, ETAG, &asset.etag);
    headers::set(&mut reply, CONTENT_TYPE, content_type(file));
    if !fresh {
        *reply.body_mut() = asset.data;
    }
    reply
}

fn content_type(file: &str) -> &'static str {
    match file.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "html" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "webp" => "image/webp",
        "woff2" => "font/woff2",
        "wav" => "audio/wav",
        "mp3" => "audio/mpeg",
        "ogg" => "audio/ogg",
        "txt" | "md" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_stays_in_the_folder() {
        assert_eq!(file_of("/"), Some("index.html"));
        assert_eq!(file_of("/wic/sip/message.js"), Some("sip/message.js"));
        for path in [
            "",
            "/wic/",
            "/wic",
            "/wic/../x",
            "/wic/a/../b",
            "/wic/.git",
            "/wic//a",
            "/wic/a\\b",
            "/wic/%2e%2e/x",
            "/index.html",
            "/wic/a\0",
        ] {
            assert_eq!(file_of(path), None, "{path}");
        }
    }

    #[test]
    fn what_has_not_changed_is_not_sent_again() {
        let asset = || Asset {
            data: b"export {};".to_vec(),
            etag: etag(b"export {};"),
        };
        let first = serve("a.js", asset(), None);
        assert_eq!(
            first.headers()[CONTENT_TYPE],
            "text/javascript; charset=utf-8"
        );
        assert_eq!(first.body(), b"export {};");
        let tag = first.headers()[ETAG].to_str().unwrap();
        for tags in [tag.to_owned(), format!("\"x\", W/{tag}"), "*".into()] {
            let again = serve("a.js", asset(), Some(&tags));
            assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
            assert!(again.body().is_empty());
        }
        assert_eq!(
            serve("a.js", asset(), Some("\"x\"")).status(),
            StatusCode::OK
        );
        assert_ne!(etag(b"a"), etag(b"b"));
    }
}
