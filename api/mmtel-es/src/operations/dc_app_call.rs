//! TS 29.392 §6.2.4: custom operations without a resource.

use http::Method;

use super::WITH_BODY;
use crate::attribute::Attribute as _;
use crate::dc_app_call::{
    DcCallReq, DcCallResp, DcMediaNotifyReq, DcMediaNotifyResp, DcMediaUpdateReq, DcMediaUpdateResp,
};
use crate::operation::{Answer, Body, Callback, Operation};

/// Those of [`WITH_BODY`] and 409, which the annex lists and the tables do not.
const WITH_CONFLICT: &[u16] = &[
    307, 308, 400, 401, 403, 404, 409, 411, 413, 415, 429, 500, 503,
];

pub(crate) const OPERATIONS: &[Operation] = &[
    // TS 29.392 §6.2.4.3
    Operation {
        id: "DcCallRequest",
        summary: "Call a subscriber, or connect two.",
        tag: "DC Call Establishment Request",
        method: Method::POST,
        path: "/dccall",
        body: Some(Body::json(DcCallReq::schema)),
        answers: &[Answer::ok("What became of the call.", DcCallResp::schema)],
        others: WITH_CONFLICT,
        causes: &[],
        callback: Some(&NOTIFICATION),
    },
    // TS 29.392 §6.2.4.2
    Operation {
        id: "DcMediaUpdateRequest",
        summary: "Use a data channel in a call that is there.",
        tag: "DC Media Update Request",
        method: Method::POST,
        path: "/update-dc-media",
        body: Some(Body::json(DcMediaUpdateReq::schema)),
        answers: &[Answer::ok("What became of it.", DcMediaUpdateResp::schema)],
        others: WITH_CONFLICT,
        causes: &[],
        callback: Some(&NOTIFICATION),
    },
];

/// TS 29.392 §6.2.5.1. Both operations lead to it (TS 29.392 §5.3.2.4.2), though the annex has it
/// under one of them.
pub(crate) const NOTIFICATION: Callback = Callback {
    name: "DcMediaNotification",
    expression: "{$request.body#/notificationInfo}",
    schema: DcMediaNotifyReq::schema,
    answers: &[Answer::ok(
        "Whether the consumer could use it.",
        DcMediaNotifyResp::schema,
    )],
    others: WITH_BODY,
    causes: &[],
};
