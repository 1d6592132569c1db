use api_mmtel_es::ProblemDetails;
use api_mmtel_es::call_control::ImsSession;
use api_mmtel_es::dc_app_call::{DcCallReq, DcCallResp, DcMediaUpdateReq, DcMediaUpdateResp};
use api_mmtel_es::patch::Patch;
use bytes::Bytes;
use core_sip::Target;

use crate::Change;

/// Names a request of a consumer, so that its reply finds the way back. Chosen by the shell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AskId(pub u64);

/// Names a transaction of the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CommitId(pub u64);

/// What a consumer asks.
#[derive(Clone, Debug, PartialEq)]
pub enum Ask {
    /// TS 29.392 §5.3.2.2: call a UE, or connect two.
    Call(DcCallReq),
    /// TS 29.392 §5.3.2.3: use a data channel in a call that is there.
    UpdateMedia(DcMediaUpdateReq),
    /// TS 29.392 §5.5.2.2: create an IMS session.
    Create(ImsSession),
    /// TS 29.392 §5.5.2.3: put another one in the place of the session of that name.
    Replace(String, ImsSession),
    /// TS 29.392 §5.5.2.3: change parts of the session of that name.
    Patch(String, Patch),
    /// TS 29.392 §5.5.2.4: end the session of that name.
    Delete(String),
}

/// What a consumer is told when it went well.
#[derive(Clone, Debug, PartialEq)]
#[allow(clippy::large_enum_variant)] // there is one a request
pub enum Told {
    /// To [`Ask::Call`], with a 200: the call was answered, or not.
    Call(DcCallResp),
    /// To [`Ask::UpdateMedia`], with a 200.
    MediaUpdated(DcMediaUpdateResp),
    /// To [`Ask::Create`], with a 201: the session is there, and its users are being called.
    Created(ImsSession),
    /// To [`Ask::Replace`] and [`Ask::Patch`], with a 200: the session as it is now.
    Changed(ImsSession),
    /// To [`Ask::Delete`], with a 204.
    Deleted,
}

/// What comes out of [`Calls`](super::Calls).
#[derive(Debug)]
#[allow(clippy::large_enum_variant)] // each is taken at once
pub enum Output {
    /// Send these bytes, one SIP message.
    Send {
        /// Where to.
        target: Target,
        /// The message.
        message: Bytes,
    },
    /// Look up the A and AAAA records of this name, and call
    /// [`Calls::handle_resolved`](super::Calls::handle_resolved).
    Resolve {
        /// The name.
        host: String,
    },
    /// Ask the gateway.
    Iq {
        /// Which request it is.
        id: core_iq::RequestId,
        /// What is asked.
        command: core_iq::Command,
    },
    /// Write all of this down in one transaction, and call
    /// [`Calls::handle_committed`](super::Calls::handle_committed).
    Commit {
        /// Which transaction.
        id: CommitId,
        /// What there is to remember of calls, and to tell.
        changes: Vec<Change>,
    },
    /// Answer a consumer.
    Reply {
        /// Whom.
        ask: AskId,
        /// With what.
        result: Result<Told, Box<ProblemDetails>>,
    },
}
