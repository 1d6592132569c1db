//! The rows of the table, a file an API.

pub(crate) mod call_control;
pub(crate) mod call_event;
pub(crate) mod dc_app_call;
pub(crate) mod dc_app_management;

/// The errors that TS 29.122 §5.2.6 asks of POST, PUT and PATCH, with its redirections.
const WITH_BODY: &[u16] = &[307, 308, 400, 401, 403, 404, 411, 413, 415, 429, 500, 503];
