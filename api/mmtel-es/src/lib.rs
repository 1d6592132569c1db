//! The four APIs of the MMTel Enabler Server (TS 29.392), as types and nothing else.
//!
//! - [`dc_app_management`] and its like: the data types, a module an API; [`common`] has what they share.
//! - [`read`] takes a body apart and tells all that is wrong with it, [`write()`] puts one together.
//! - [`ProblemDetails`] is what is said when something is refused.
//! - [`Api::operations`] is the table of operations, [`document`] the OpenAPI document of an API.
//!
//! What we read how, where the texts disagree, is in `docs/mmtel-enabler.md`.
#![forbid(unsafe_code)]

mod attribute;
pub mod call_control;
pub mod common;
pub mod dc_app_call;
pub mod dc_app_management;
mod describe;
mod fault;
pub mod ims_session;
mod json;
mod openapi;
mod operation;
mod operations;
pub mod patch;
mod problem;

pub use attribute::{
    Any, Attribute, Components, Deprecated, Extensions, Object, Reader, read, read_value, write,
};
pub use fault::{Fault, Faults, Kind, MAX_FAULTS};
pub use json::{MAX_DEPTH, MAX_VALUES};
pub use openapi::document;
pub use operation::{Answer, Api, Body, Callback, Operation, Schema};
pub use problem::{Cause, InvalidParam, PROBLEM_JSON, ProblemDetails, title};
