//! Another node serves (TS 29.122 §5.2.10).

use axum::http::{HeaderValue, StatusCode, Uri};

use super::Reply;

/// Where all requests are sent, by configuration.
#[derive(Debug, Clone)]
pub(in crate::mes) struct Redirect {
    /// The apiRoot there.
    pub(in crate::mes) to: String,
    /// Whether consumers are to remember it.
    pub(in crate::mes) permanent: bool,
}

impl Redirect {
    /// 307 or 308, to the same path there.
    pub(super) fn reply(&self, uri: &Uri) -> Reply {
        let status = if self.permanent {
            StatusCode::PERMANENT_REDIRECT
        } else {
            StatusCode::TEMPORARY_REDIRECT
        };
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        let location = format!("{}{path}", self.to);
        match HeaderValue::from_str(&location) {
            Ok(location) => Reply::elsewhere(status, location),
            Err(_) => Reply::elsewhere(status, HeaderValue::from_static("/")),
        }
    }
}
