//! MMTel_DCAppCall (TS 29.392 §5.3.2, §6.2.4).

use api_mmtel_es::dc_app_call::{DcCallReq, DcMediaUpdateReq};
use nf_mmtel_es::calls::{Ask, Told};

use super::{Call, Refusal, Reply};
use crate::mes::Enabler;

/// TS 29.392 §5.3.2.2
pub(super) async fn call(enabler: &Enabler, call: Call) -> Result<Reply, Refusal> {
    let request: DcCallReq = call.read().await?;
    ask(enabler, call, Ask::Call(request)).await
}

/// TS 29.392 §5.3.2.3
pub(super) async fn update_media(enabler: &Enabler, call: Call) -> Result<Reply, Refusal> {
    let request: DcMediaUpdateReq = call.read().await?;
    ask(enabler, call, Ask::UpdateMedia(request)).await
}

async fn ask(enabler: &Enabler, call: Call, ask: Ask) -> Result<Reply, Refusal> {
    Ok(match enabler.ask_calls(call.consumer, ask).await? {
        Told::Call(response) => Reply::ok(&response),
        Told::MediaUpdated(response) => Reply::ok(&response),
        // Each question has its answer.
        Told::Created(_) | Told::Changed(_) | Told::Deleted => return Err(Refusal::new(500)),
    })
}
