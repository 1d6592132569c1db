//! TS 29.392 §6.4.3: IMS sessions as resources, and §6.4.5: what becomes of them.

use http::Method;

use super::WITH_BODY;
use crate::attribute::Attribute as _;
use crate::call_control::ImsSession;
use crate::ims_session::ImsSessionEventNotification;
use crate::operation::{Answer, Body, Callback, Operation};
use crate::patch::{JSON_PATCH, Patch};
use crate::problem::Cause;

/// TS 29.392 §6.4.7.3. A deletion is not among those that the table names; it is refused the same way.
const NOT_AUTHORIZED: &[(u16, Cause)] = &[(403, Cause::AfNotAuthorized)];

pub(crate) const OPERATIONS: &[Operation] = &[
    // TS 29.392 §6.4.3.2.3.1
    Operation {
        id: "ImsSessionCreate",
        summary: "Connect two subscribers.",
        tag: "IMS Sessions (Collection)",
        method: Method::POST,
        path: "/ims-sessions",
        body: Some(Body::json(ImsSession::schema)),
        answers: &[Answer {
            status: 201,
            location: true,
            ..Answer::ok("The session was created.", ImsSession::schema)
        }],
        others: &[400, 401, 403, 404, 406, 411, 413, 415, 429, 500, 501, 503],
        causes: NOT_AUTHORIZED,
        callback: Some(&NOTIFICATION),
    },
    // TS 29.392 §6.4.3.3.3.1
    Operation {
        id: "ImsSessionUpdate",
        summary: "Put another session in the place of this one.",
        tag: "Individual IMS Session (Document)",
        method: Method::PUT,
        path: "/ims-sessions/{sessionId}",
        body: Some(Body::json(ImsSession::schema)),
        answers: CHANGED,
        others: &[
            307, 308, 400, 401, 403, 404, 409, 411, 413, 415, 429, 500, 503,
        ],
        causes: NOT_AUTHORIZED,
        callback: None,
    },
    // TS 29.392 §6.4.3.3.3.2
    Operation {
        id: "ImsSessionPatch",
        summary: "Change parts of a session.",
        tag: "Individual IMS Session (Document)",
        method: Method::PATCH,
        path: "/ims-sessions/{sessionId}",
        body: Some(Body {
            media_type: JSON_PATCH,
            schema: Patch::schema,
        }),
        answers: CHANGED,
        others: WITH_BODY,
        causes: NOT_AUTHORIZED,
        callback: None,
    },
    // TS 29.392 §6.4.3.3.3.3
    Operation {
        id: "ImsSessionDelete",
        summary: "End a session.",
        tag: "Individual IMS Session (Document)",
        method: Method::DELETE,
        path: "/ims-sessions/{sessionId}",
        body: None,
        answers: &[Answer::no_content("The session was ended.")],
        others: &[307, 308, 400, 401, 403, 404, 429, 500, 502, 503],
        causes: NOT_AUTHORIZED,
        callback: None,
    },
];

const CHANGED: &[Answer] = &[
    Answer::ok("The session as it is now.", ImsSession::schema),
    Answer::no_content("The session was changed as it was asked."),
];

/// TS 29.392 §6.4.5.2. The annex takes the URI from the top of the body, where no table has it.
pub(crate) const NOTIFICATION: Callback = Callback {
    name: "ImsSessionEventNotification",
    expression: "{$request.body#/imsSessionInfo/notifUri}",
    schema: ImsSessionEventNotification::schema,
    answers: &[Answer::no_content("The notification was received.")],
    others: WITH_BODY,
    causes: &[],
};
