//! A question, as it travels.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use core_bootstrap::stream::Source;
use core_bootstrap::{Method, Request};
use nf_epcscf::ApplicationsQuery;
use serde::{Deserialize, Serialize};

/// Where questions go.
pub(crate) const ASK: &str = "/bootstrap/v1/ask";
/// The header field with the status of an answer.
pub(crate) const STATUS: &str = "isthmus-status";
/// A request of a channel with its body is well below this.
pub(crate) const MAX_QUESTION: usize = 256 * 1024;

/// More identities nobody has.
const MAX_IDENTITIES: usize = 64;

/// What a WIC asks, for whom and in what call.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Question {
    stream: u16,
    user: Vec<String>,
    established: bool,
    video: bool,
    peer_has_data_channels: Option<bool>,
    method: String,
    target: String,
    if_none_match: Option<String>,
    content_type: Option<String>,
    /// In base64.
    body: String,
}

impl From<ApplicationsQuery> for Question {
    fn from(query: ApplicationsQuery) -> Self {
        let request = query.request;
        Self {
            stream: query.source.id(),
            user: query.user,
            established: query.established,
            video: query.video,
            peer_has_data_channels: query.peer_has_data_channels,
            method: request.method.as_str().to_owned(),
            target: request.target,
            if_none_match: request.if_none_match,
            content_type: request.content_type,
            body: STANDARD.encode(&request.body),
        }
    }
}

impl Question {
    /// As the repository has it; nothing, where there is no such channel.
    pub(crate) fn into_query(self) -> Option<ApplicationsQuery> {
        if self.user.len() > MAX_IDENTITIES {
            return None;
        }
        Some(ApplicationsQuery {
            source: Source::of(self.stream)?,
            user: self.user,
            established: self.established,
            video: self.video,
            peer_has_data_channels: self.peer_has_data_channels,
            request: Request {
                method: match self.method.as_str() {
                    "GET" => Method::Get,
                    "HEAD" => Method::Head,
                    "POST" => Method::Post,
                    _ => Method::Other(self.method),
                },
                target: self.target,
                if_none_match: self.if_none_match,
                content_type: self.content_type,
                body: STANDARD.decode(self.body).ok()?.into(),
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_arrives() {
        for (method, body) in [
            (Method::Get, &b""[..]),
            (Method::Head, b""),
            (Method::Post, b"begin-index=1\xff"),
            (Method::Other("BREW".into()), b""),
        ] {
            let query = ApplicationsQuery {
                source: Source::RemoteUser,
                user: vec!["sip:bob@ims.example.com".into(), "tel:+15550101".into()],
                established: true,
                video: false,
                peer_has_data_channels: Some(true),
                request: Request {
                    method,
                    target: "/applications?appid=a%20b".into(),
                    if_none_match: Some("\"v1\", W/\"v2\"".into()),
                    content_type: Some("application/x-www-form-urlencoded".into()),
                    body: body.to_vec().into(),
                },
            };
            let words = serde_json::to_vec(&Question::from(query.clone())).expect("JSON");
            let read: Question = serde_json::from_slice(&words).expect("a question");
            assert_eq!(read.into_query(), Some(query));
        }
    }

    #[test]
    fn what_is_no_question_is_none() {
        let words = |stream: u16, body: &str, users: usize| {
            let user = vec!["sip:a@b"; users];
            serde_json::json!({
                "stream": stream, "user": user, "established": true, "video": true,
                "peer_has_data_channels": null, "method": "GET", "target": "/",
                "if_none_match": null, "content_type": null, "body": body,
            })
        };
        let read = |value| {
            let question: Question = serde_json::from_value(value).expect("well formed");
            question.into_query()
        };
        assert!(read(words(100, "", 1)).is_some());
        for wrong in [words(7, "", 1), words(0, "%", 1), words(0, "", 65)] {
            assert_eq!(read(wrong), None);
        }
    }
}
