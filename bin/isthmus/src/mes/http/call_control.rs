//! MMTel_CallControl (TS 29.392 §5.5.2, §6.4.3).

use api_mmtel_es::Api;
use api_mmtel_es::call_control::ImsSession;
use api_mmtel_es::patch::Patch;
use nf_mmtel_es::calls::{Ask, Told};

use super::{Call, Refusal, Reply, root};
use crate::mes::Enabler;

/// TS 29.392 §5.5.2.2
pub(super) async fn create(enabler: &Enabler, call: Call) -> Result<Reply, Refusal> {
    let resource: ImsSession = call.read().await?;
    ask(enabler, call, Ask::Create(resource)).await
}

/// TS 29.392 §5.5.2.3, the whole of it
pub(super) async fn replace(enabler: &Enabler, call: Call) -> Result<Reply, Refusal> {
    let resource: ImsSession = call.read().await?;
    let session = call.variable.clone().unwrap_or_default();
    ask(enabler, call, Ask::Replace(session, resource)).await
}

/// TS 29.392 §5.5.2.3, parts of it
pub(super) async fn patch(enabler: &Enabler, call: Call) -> Result<Reply, Refusal> {
    let patch: Patch = call.read().await?;
    let session = call.variable.clone().unwrap_or_default();
    ask(enabler, call, Ask::Patch(session, patch)).await
}

/// TS 29.392 §5.5.2.4
pub(super) async fn delete(enabler: &Enabler, call: Call) -> Result<Reply, Refusal> {
    let session = call.variable.clone().unwrap_or_default();
    ask(enabler, call, Ask::Delete(session)).await
}

async fn ask(enabler: &Enabler, call: Call, ask: Ask) -> Result<Reply, Refusal> {
    let Call { consumer, head, .. } = call;
    Ok(match enabler.ask_calls(consumer, ask).await? {
        Told::Created(resource) => {
            let root = root::of(enabler, head.extensions.get(), &head.headers);
            let session = resource.ims_session_info.session_id.as_ref();
            let session = session.map_or("", |session| session.as_str());
            let base = Api::CallControl.base();
            let location = format!("{root}{base}/ims-sessions/{session}");
            Reply::created(&resource, &location)
        }
        Told::Changed(resource) => Reply::ok(&resource),
        Told::Deleted => Reply::no_content(),
        // Each question has its answer.
        Told::Call(_) | Told::MediaUpdated(_) => return Err(Refusal::new(500)),
    })
}
