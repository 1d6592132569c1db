//! What leaves: a success, or a refusal with ProblemDetails (TS 29.122 §5.2.6).

use api_mmtel_es::{Attribute, Cause, PROBLEM_JSON, ProblemDetails, write};
use axum::body::Body;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_TYPE, LOCATION, RETRY_AFTER, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderName, HeaderValue, Response, StatusCode};

/// How soon who was refused for want of something may come again, in seconds.
const AGAIN: HeaderValue = HeaderValue::from_static("1");

/// A success.
#[derive(Debug)]
pub(crate) struct Reply {
    status: StatusCode,
    location: Option<HeaderValue>,
    body: Option<Vec<u8>>,
}

impl Reply {
    /// 200 with a body.
    pub(crate) fn ok<T: Attribute>(body: &T) -> Self {
        Self {
            status: StatusCode::OK,
            location: None,
            body: Some(write(body)),
        }
    }

    /// 201 with a body, and where the resource is.
    pub(crate) fn created<T: Attribute>(body: &T, location: &str) -> Self {
        Self {
            status: StatusCode::CREATED,
            location: HeaderValue::from_str(location).ok(),
            body: Some(write(body)),
        }
    }

    /// 204.
    pub(crate) fn no_content() -> Self {
        Self {
            status: StatusCode::NO_CONTENT,
            location: None,
            body: None,
        }
    }

    /// A redirection.
    pub(super) fn elsewhere(status: StatusCode, location: HeaderValue) -> Self {
        Self {
            status,
            location: Some(location),
            body: None,
        }
    }

    pub(super) fn into_response(self) -> Response<Body> {
        let body = self.body.map(Body::from);
        let mut response = response(
            self.status,
            body.is_some().then_some("application/json"),
            body,
        );
        if let Some(location) = self.location {
            response.headers_mut().insert(LOCATION, location);
        }
        response
    }
}

/// An error, and the header fields that go with it.
#[derive(Debug)]
pub(crate) struct Refusal {
    problem: Box<ProblemDetails>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Refusal {
    /// Of that status.
    pub(crate) fn new(status: u16) -> Self {
        Box::new(ProblemDetails::new(status)).into()
    }

    /// With what happened, for people.
    pub(crate) fn detail(mut self, detail: &str) -> Self {
        self.problem.detail = Some(detail.to_owned());
        self
    }

    /// With what happened, for programs.
    pub(crate) fn cause(mut self, cause: &Cause) -> Self {
        self.problem.cause = Some(cause.as_str().to_owned());
        self
    }

    /// With a wrong parameter.
    pub(crate) fn param(mut self, param: &str, reason: &str) -> Self {
        *self.problem = self.problem.param(param, reason);
        self
    }

    /// With a header field.
    pub(crate) fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// The status.
    pub(crate) fn status(&self) -> u16 {
        self.problem.status()
    }

    pub(super) fn into_response(self) -> Response<Body> {
        let status = StatusCode::from_u16(self.status());
        let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = Body::from(write(&*self.problem));
        let mut response = response(status, Some(PROBLEM_JSON), Some(body));
        if matches!(status.as_u16(), 429 | 503) {
            response.headers_mut().insert(RETRY_AFTER, AGAIN);
        }
        for (name, value) in self.headers {
            response.headers_mut().insert(name, value);
        }
        response
    }
}

impl From<Box<ProblemDetails>> for Refusal {
    fn from(problem: Box<ProblemDetails>) -> Self {
        Self {
            problem,
            headers: Vec::new(),
        }
    }
}

fn response(
    status: StatusCode,
    media_type: Option<&'static str>,
    body: Option<Body>,
) -> Response<Body> {
    let mut response = Response::new(body.unwrap_or_else(Body::empty));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    if let Some(media_type) = media_type {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    }
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
