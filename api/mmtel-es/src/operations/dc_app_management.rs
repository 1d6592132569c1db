//! TS 29.392 §6.1.3.2.4: the custom operations on the resource "DC APP".

use http::Method;

use super::WITH_BODY;
use crate::attribute::Attribute as _;
use crate::dc_app_management::{
    DcAppConfigReq, DcAppConfigResp, DcAppIdReq, DcAppIdResp, DcAppStatResp, DcAppUpdateReq,
};
use crate::operation::{Answer, Body, Operation};

pub(crate) const OPERATIONS: &[Operation] = &[
    // TS 29.392 §6.1.3.2.4.2
    Operation {
        id: "CreatedCAppMgmt",
        summary: "Configure applications and their profiles.",
        tag: "DC Application Management Configurations",
        method: Method::POST,
        path: "/dcapps/configure",
        body: Some(Body::json(DcAppConfigReq::schema)),
        answers: &[Answer::ok(
            "What became of each application.",
            DcAppConfigResp::schema,
        )],
        others: WITH_BODY,
        causes: &[],
        callback: None,
    },
    // TS 29.392 §6.1.3.2.4.3
    Operation {
        id: "UpdateDCAppMgmt",
        summary: "Update applications and their profiles.",
        tag: "DC Application Management Configurations Update",
        method: Method::POST,
        path: "/dcapps/update",
        body: Some(Body::json(DcAppUpdateReq::schema)),
        answers: &[Answer::ok(
            "What became of each application.",
            DcAppStatResp::schema,
        )],
        others: WITH_BODY,
        causes: &[],
        callback: None,
    },
    // TS 29.392 §6.1.3.2.4.4; the annex and the table answer with DcAppIdResp, the procedure of
    // TS 29.392 §5.2.2.4.2 with DcAppStatResp: the annex wins.
    Operation {
        id: "DeleteDCAppMgmt",
        summary: "Delete applications and their profiles.",
        tag: "DC Application Management Configurations Delete",
        method: Method::POST,
        path: "/dcapps/delete",
        body: Some(Body::json(DcAppIdReq::schema)),
        answers: &[Answer::ok(
            "Whether all of them were deleted.",
            DcAppIdResp::schema,
        )],
        others: WITH_BODY,
        causes: &[],
        callback: None,
    },
    // TS 29.392 §6.1.3.2.4.5
    Operation {
        id: "RetrievalDCAppMgmt",
        summary: "Retrieve the profiles of applications.",
        tag: "DC Application Management Configurations Retrieval",
        method: Method::POST,
        path: "/dcapps/retrieval",
        body: Some(Body::json(DcAppIdReq::schema)),
        answers: &[Answer::ok("The profiles.", DcAppIdResp::schema)],
        others: WITH_BODY,
        causes: &[],
        callback: None,
    },
];
