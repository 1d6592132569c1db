//! TS 29.392 §6.3: nothing to ask for, one thing that is told.

use crate::attribute::{Any, Attribute as _};
use crate::ims_session::ImsSessionEventNotification;
use crate::operation::{Answer, Body, Callback, Operation};
use crate::problem::Cause;

/// The resource is a dummy: the annex has it because OpenAPI hangs a callback on an operation, and
/// says that consumers shall not use it. It is not served.
pub(crate) const OPERATIONS: &[Operation] = &[Operation {
    id: "DummySubscribe",
    summary: "Not an operation: it is here for its callback, is not served, and answers 404.",
    tag: "Session Event Subscriptions (Collection)",
    method: http::Method::POST,
    path: "/session-event-subscriptions",
    body: Some(Body::json(Any::schema)),
    answers: &[],
    others: &[],
    causes: &[],
    callback: Some(&NOTIFICATION),
}];

/// TS 29.392 §6.3.5.2. The URI is configured, or found by other means: the expression is no runtime
/// expression.
pub(crate) const NOTIFICATION: Callback = Callback {
    name: "ImsSessionEventNotification",
    expression: "{sessionEventNotificationUri}",
    schema: ImsSessionEventNotification::schema,
    answers: &[Answer::no_content("The notification was received.")],
    others: &[
        307, 308, 400, 401, 403, 404, 411, 413, 415, 429, 500, 502, 503,
    ],
    // TS 29.392 §6.3.7.3
    causes: &[
        (404, Cause::UserNotFound),
        (404, Cause::NotificationUriNotFound),
    ],
};
