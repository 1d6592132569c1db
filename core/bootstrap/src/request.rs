//! Requests (RFC 9112 §3), as UEs write them on a bootstrap channel.

use bytes::Bytes;

use crate::error::{Malformed, Refused};
use crate::etag::EntityTag;
use crate::head::{Head, check_version, is_field_value, is_token};
use crate::limits::Limits;
use crate::target::{Target, encoded, parameter};

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    /// Give it.
    Get,
    /// Give what precedes it.
    Head,
    /// Take this, and answer.
    Post,
    /// Something that nobody here answers.
    Other(String),
}

impl Method {
    /// Its name.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Other(name) => name,
        }
    }
}

/// One request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// What is asked.
    pub method: Method,
    /// For what, as it was written.
    pub target: String,
    /// `If-None-Match`, its lines joined.
    pub if_none_match: Option<String>,
    /// `Content-Type`.
    pub content_type: Option<String>,
    /// What comes with it.
    pub body: Bytes,
}

impl Request {
    /// Asks for that target.
    pub fn get(target: impl Into<String>) -> Self {
        Self {
            method: Method::Get,
            target: target.into(),
            if_none_match: None,
            content_type: None,
            body: Bytes::new(),
        }
    }

    /// Asks for a page of the list of applications.
    pub fn list(begin: usize, count: usize) -> Self {
        Self::get(format!(
            "/applicationlist?begin-index={begin}&app-num={count}"
        ))
    }

    /// Asks for the package of an application; `have` is the version that need not come again.
    pub fn package(app_id: &str, have: Option<&EntityTag>) -> Self {
        let mut request = Self::get(format!("/applications?appid={}", encoded(app_id)));
        request.if_none_match = have.map(EntityTag::to_string);
        request
    }

    /// A parameter, decoded: of the target, or of the form that a POST brings.
    pub fn parameter(&self, name: &str) -> Option<String> {
        let of_target = Target::parse(&self.target).and_then(|target| target.parameter(name));
        if let Some(value) = of_target {
            return Some(value.into_owned());
        }
        let is_form = |content_type: &String| {
            let media_type = content_type.split(';').next().unwrap_or_default();
            media_type.trim() == "application/x-www-form-urlencoded"
        };
        if self.method != Method::Post || !self.content_type.as_ref().is_some_and(is_form) {
            return None;
        }
        // A form has a plus sign where a URI has %20.
        let form = std::str::from_utf8(&self.body).ok()?.replace('+', "%20");
        Some(parameter(&form, name)?.into_owned())
    }

    /// Reads one that is whole. What it holds, and how many bytes it has.
    pub(crate) fn read(
        bytes: &[u8],
        searched: &mut usize,
        limits: &Limits,
    ) -> Result<Option<(Self, usize)>, Malformed> {
        let Some(head) = Head::read(bytes, searched, limits)? else {
            return Ok(None);
        };
        let mut words = head.start_line.split(' ');
        let (Some(method), Some(target), Some(version), None) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            return Err(Malformed::StartLine);
        };
        if !is_token(method) || target.is_empty() {
            return Err(Malformed::StartLine);
        }
        check_version(version, Malformed::StartLine)?;
        // RFC 9112 §6.3: a request that says nothing has no body.
        let length = head.headers.content_length()?.unwrap_or(0);
        let length = usize::try_from(length).map_err(|_| Malformed::BodyTooLarge)?;
        if length > limits.request_body {
            return Err(Malformed::BodyTooLarge);
        }
        let Some(body) = bytes.get(head.length..head.length + length) else {
            return Ok(None);
        };
        let tags: Vec<&str> = head.headers.all("If-None-Match").collect();
        let request = Self {
            method: match method {
                "GET" => Method::Get,
                "HEAD" => Method::Head,
                "POST" => Method::Post,
                other => Method::Other(other.to_owned()),
            },
            target: target.to_owned(),
            if_none_match: (!tags.is_empty()).then(|| tags.join(", ")),
            content_type: head.headers.first("Content-Type"),
            body: Bytes::copy_from_slice(body),
        };
        Ok(Some((request, head.length + length)))
    }

    /// TS 26.114 §6.2.10 — as it goes over the channel: without `Host`, for no name leads to a channel.
    // Deviates: RFC 9112 §3.2 wants Host in every request. The clients that are in the field write none.
    pub(crate) fn write(&self, limits: &Limits) -> Result<Bytes, Refused> {
        let fits = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic());
        let values = [&self.if_none_match, &self.content_type];
        if !is_token(self.method.as_str())
            || self.target.is_empty()
            || !fits(&self.target)
            || !values
                .into_iter()
                .flatten()
                .all(|value| is_field_value(value))
        {
            return Err(Refused::Unwritable);
        }
        let mut head = format!("{} {} HTTP/1.1\r\n", self.method.as_str(), self.target);
        let mut line = |name: &str, value: &str| {
            head.push_str(name);
            head.push_str(": ");
            head.push_str(value);
            head.push_str("\r\n");
        };
        if let Some(tags) = &self.if_none_match {
            line("If-None-Match", tags);
        }
        if let Some(content_type) = &self.content_type {
            line("Content-Type", content_type);
        }
        // RFC 9110 §8.6: a method that anticipates no body has no length either when there is none.
        if !self.body.is_empty() || self.method == Method::Post {
            line("Content-Length", &self.body.len().to_string());
        }
        head.push_str("\r\n");
        if head.len() > limits.head || self.body.len() > limits.request_body {
            return Err(Refused::TooLarge);
        }
        let mut bytes = head.into_bytes();
        bytes.extend_from_slice(&self.body);
        Ok(bytes.into())
    }
}
