//! What is said when something is refused: ProblemDetails (RFC 9457, TS 29.122 §5.2.6).

use std::fmt::Write as _;

use crate::attribute::Extensions;
use crate::common::{SupportedFeatures, Uri};
use crate::describe::object;
use crate::fault::{Fault, Faults, Kind};

/// The media type of [`ProblemDetails`].
pub const PROBLEM_JSON: &str = "application/problem+json";

object! {
    /// Why a request was refused (TS 29.122 §5.2.1).
    #[derive(Default)]
    pub struct ProblemDetails {
        /// A URI for this type of problem.
        kind: Option<Uri> = "type",
        /// A summary for people, the same for every problem of the type.
        title: Option<String> = "title",
        /// The HTTP status code.
        status: Option<i64> = "status",
        /// What happened this time, for people.
        detail: Option<String> = "detail",
        /// A URI for this occurrence.
        instance: Option<Uri> = "instance",
        /// What happened, for programs.
        cause: Option<String> = "cause",
        /// Which parameters were wrong.
        invalid_params: Option<Vec<InvalidParam>> = "invalidParams",
        /// Which features the server has.
        supported_features: Option<SupportedFeatures> = "supportedFeatures",
    }
}

object! {
    /// One wrong parameter (TS 29.122 §5.2.1).
    pub struct InvalidParam {
        /// JSON Pointer of an attribute; `header NAME`, `query NAME` or `{variable}` for the others.
        param: String = "param",
        /// What is wrong with it.
        reason: Option<String> = "reason",
    }
}

/// Why something was refused, as programs tell each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The application server may not do this (TS 29.392 §6.4.7.3).
    AfNotAuthorized,
    /// The consumer of a notification does not serve this user (TS 29.392 §6.3.7.3).
    UserNotFound,
    /// The consumer of a notification does not know the URI (TS 29.392 §6.3.7.3).
    NotificationUriNotFound,
    /// The body is not what the media type says (TS 29.500 §5.2.7.2, as are those below).
    InvalidMsgFormat,
    /// A mandatory attribute is missing.
    MandatoryIeMissing,
    /// A mandatory attribute is wrong.
    MandatoryIeIncorrect,
    /// An optional attribute is wrong.
    OptionalIeIncorrect,
    /// There is no such path.
    ResourceUriStructureNotFound,
    /// The request goes against the state that the resource is in.
    ModificationNotAllowed,
    /// The server has too little of something just now.
    InsufficientResources,
    /// Too much is going on.
    NfCongestion,
    /// The server failed.
    SystemFailure,
    /// Another one.
    Other(String),
}

impl Cause {
    const KNOWN: [(Self, &str); 12] = [
        (Self::AfNotAuthorized, "AF_NOT_AUTHORIZED"),
        (Self::UserNotFound, "USER_NOT_FOUND"),
        (Self::NotificationUriNotFound, "NOTIFICATION_URI_NOT_FOUND"),
        (Self::InvalidMsgFormat, "INVALID_MSG_FORMAT"),
        (Self::MandatoryIeMissing, "MANDATORY_IE_MISSING"),
        (Self::MandatoryIeIncorrect, "MANDATORY_IE_INCORRECT"),
        (Self::OptionalIeIncorrect, "OPTIONAL_IE_INCORRECT"),
        (
            Self::ResourceUriStructureNotFound,
            "RESOURCE_URI_STRUCTURE_NOT_FOUND",
        ),
        (Self::ModificationNotAllowed, "MODIFICATION_NOT_ALLOWED"),
        (Self::InsufficientResources, "INSUFFICIENT_RESOURCES"),
        (Self::NfCongestion, "NF_CONGESTION"),
        (Self::SystemFailure, "SYSTEM_FAILURE"),
    ];

    /// The cause as it is written.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Other(cause) => cause,
            known => Self::KNOWN
                .iter()
                .find(|(cause, _)| cause == known)
                .map_or("", |(_, text)| text),
        }
    }
}

impl From<&str> for Cause {
    fn from(text: &str) -> Self {
        let known = Self::KNOWN.into_iter().find(|(_, known)| *known == text);
        known.map_or_else(|| Self::Other(text.to_owned()), |(cause, _)| cause)
    }
}

impl ProblemDetails {
    /// A problem of that status, with the title that goes with it.
    pub fn new(status: u16) -> Self {
        Self {
            title: Some(title(status).to_owned()),
            status: Some(status.into()),
            ..Self::default()
        }
    }

    /// With what happened this time. It is read by the other side: no identities, no secrets.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// With the cause.
    #[must_use]
    pub fn cause(mut self, cause: &Cause) -> Self {
        self.cause = Some(cause.as_str().to_owned());
        self
    }

    /// With one more wrong parameter.
    #[must_use]
    pub fn param(mut self, param: impl Into<String>, reason: impl Into<String>) -> Self {
        let param = InvalidParam {
            param: param.into(),
            reason: Some(reason.into()),
            extensions: Extensions::new(),
        };
        self.invalid_params.get_or_insert_default().push(param);
        self
    }

    /// The status, when it is one of an error.
    pub fn status(&self) -> u16 {
        let status = self.status.and_then(|status| u16::try_from(status).ok());
        status.filter(|s| (400..600).contains(s)).unwrap_or(500)
    }
}

/// What a status is called (RFC 9110 §15, RFC 6585 §4).
pub fn title(status: u16) -> &'static str {
    let status = http::StatusCode::from_u16(status).ok();
    let reason = status.and_then(|status| status.canonical_reason());
    reason.unwrap_or("Generic Error")
}

/// A body with faults is a Bad Request that names all of them.
impl From<&Faults> for ProblemDetails {
    fn from(faults: &Faults) -> Self {
        let mut detail = faults.to_string();
        if faults.more() > 0 {
            let _ = write!(detail, ", of which {} are not named", faults.more()); // a string takes all
        }
        let mut problem = Self::new(400);
        for Fault {
            pointer, reason, ..
        } in faults.iter()
        {
            if pointer.is_empty() {
                let _ = write!(detail, "; it {reason}");
            } else {
                problem = problem.param(pointer, reason);
            }
        }
        let kind = faults.iter().next().map(|fault| fault.kind);
        problem.detail(detail).cause(match kind {
            Some(Kind::Missing) => &Cause::MandatoryIeMissing,
            Some(Kind::Mandatory) => &Cause::MandatoryIeIncorrect,
            Some(Kind::Optional) => &Cause::OptionalIeIncorrect,
            Some(Kind::Format) | None => &Cause::InvalidMsgFormat,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::attribute::{Attribute, read};
    use crate::dc_app_management::DcAppIdReq;

    fn problem(body: &str) -> ProblemDetails {
        let faults = read::<DcAppIdReq>(body.as_bytes()).unwrap_err();
        ProblemDetails::from(&faults)
    }

    #[test]
    fn a_wrong_body_is_told_with_pointers() {
        let problem = problem(r#"{"reqId":"p","dcAppNum":1.5,"appIdList":["a",2],"reqId":"q"}"#);
        assert_eq!(
            problem.write(),
            Some(json!({
                "title": "Bad Request",
                "status": 400,
                "detail": "3 faults in the body",
                "cause": "INVALID_MSG_FORMAT",
                "invalidParams": [
                    { "param": "/reqId", "reason": "is there twice" },
                    { "param": "/dcAppNum", "reason": "must be an integer of at most 64 bits" },
                    { "param": "/appIdList/1", "reason": "must be a string" },
                ],
            }))
        );
    }

    #[test]
    fn what_is_wrong_with_all_of_it_stands_in_the_detail() {
        let problem = problem("[");
        assert_eq!(problem.invalid_params, None);
        assert_eq!(
            problem.detail.as_deref(),
            Some("one fault in the body; it is no JSON text (line 1, column 1)")
        );
    }

    #[test]
    fn faults_beyond_the_bound_are_counted() {
        let list = vec!["1"; 100].join(",");
        let problem = problem(&format!(
            r#"{{"reqId":"p","dcAppNum":1,"appIdList":[{list}]}}"#
        ));
        assert_eq!(problem.invalid_params.map(|params| params.len()), Some(64));
        let detail = "100 faults in the body, of which 36 are not named";
        assert_eq!(problem.detail.as_deref(), Some(detail));
    }

    #[test]
    fn causes_are_read_as_they_are_written() {
        for (cause, text) in Cause::KNOWN {
            assert_eq!((Cause::from(text), cause.as_str()), (cause.clone(), text));
        }
        assert_eq!(Cause::from("X"), Cause::Other("X".into()));
    }

    #[test]
    fn a_foreign_problem_is_read() {
        let body = br#"{"status":404,"cause":"USER_NOT_FOUND","nrfId":"x"}"#;
        let problem: ProblemDetails = read(body).unwrap();
        assert_eq!(problem.status(), 404);
        assert_eq!(
            problem.cause.as_deref().map(Cause::from),
            Some(Cause::UserNotFound)
        );
        assert_eq!(ProblemDetails::default().status(), 500);
    }
}
