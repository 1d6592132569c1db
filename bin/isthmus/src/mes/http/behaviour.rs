//! Which operations are served, and by what.

use std::pin::Pin;

use api_mmtel_es::Operation;

use super::app_call;
use super::app_management as management;
use super::call_control;
use super::{Call, Refusal, Reply};
use crate::mes::Enabler;

/// What an operation does, when the rules let a request through.
pub(super) type Behaviour = for<'a> fn(&'a Enabler, Call) -> Answering<'a>;

/// Its answer, on its way.
pub(super) type Answering<'a> = Pin<Box<dyn Future<Output = Result<Reply, Refusal>> + Send + 'a>>;

/// By the name of the operation; what is not named here has no route.
pub(super) fn of(operation: &Operation) -> Option<Behaviour> {
    Some(match operation.id {
        "CreatedCAppMgmt" => |enabler, call| Box::pin(management::configure(enabler, call)),
        "UpdateDCAppMgmt" => |enabler, call| Box::pin(management::update(enabler, call)),
        "DeleteDCAppMgmt" => |enabler, call| Box::pin(management::delete(enabler, call)),
        "RetrievalDCAppMgmt" => |enabler, call| Box::pin(management::retrieve(enabler, call)),
        "DcCallRequest" => |enabler, call| Box::pin(app_call::call(enabler, call)),
        "DcMediaUpdateRequest" => |enabler, call| Box::pin(app_call::update_media(enabler, call)),
        "ImsSessionCreate" => |enabler, call| Box::pin(call_control::create(enabler, call)),
        "ImsSessionUpdate" => |enabler, call| Box::pin(call_control::replace(enabler, call)),
        "ImsSessionPatch" => |enabler, call| Box::pin(call_control::patch(enabler, call)),
        "ImsSessionDelete" => |enabler, call| Box::pin(call_control::delete(enabler, call)),
        _ => return None,
    })
}
