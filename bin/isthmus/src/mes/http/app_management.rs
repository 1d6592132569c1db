//! MMTel_DCAppManagement (TS 29.392 §5.2.2, §6.1.3.2.4).

use api_mmtel_es::Attribute;
use api_mmtel_es::dc_app_management::{DcAppConfigReq, DcAppIdReq, DcAppUpdateReq};
use nf_mmtel_es::{Applications, Checked, Outcome};

use super::{Call, Refusal, Reply};
use crate::mes::Enabler;

/// TS 29.392 §5.2.2.2
pub(super) async fn configure(enabler: &Enabler, call: Call) -> Result<Reply, Refusal> {
    let request: DcAppConfigReq = call.read().await?;
    let (req_id, sec_cred) = (&request.req_id, request.sec_cred.as_ref());
    let consumer = &call.consumer;
    enabler
        .applications()?
        .get()
        .authorize(consumer, req_id, sec_cred)?;
    let limits = enabler.settings().package;
    let packages = request.list.iter().any(|one| one.app_pkg.is_some());
    let checked =
        off_the_thread(packages, move || Checked::configuration(request, &limits)).await?;
    let now = enabler.now();
    change(enabler, |all| all.configure(consumer, checked, now)).await
}

/// TS 29.392 §5.2.2.3
pub(super) async fn update(enabler: &Enabler, call: Call) -> Result<Reply, Refusal> {
    let request: DcAppUpdateReq = call.read().await?;
    let (req_id, sec_cred) = (&request.req_id, request.sec_cred.as_ref());
    let consumer = &call.consumer;
    enabler
        .applications()?
        .get()
        .authorize(consumer, req_id, sec_cred)?;
    let limits = enabler.settings().package;
    let packages = request.list.iter().any(|one| one.app_pkg.is_some());
    let checked = off_the_thread(packages, move || Checked::update(request, &limits)).await?;
    let now = enabler.now();
    change(enabler, |all| all.update(consumer, checked, now)).await
}

/// TS 29.392 §5.2.2.4
pub(super) async fn delete(enabler: &Enabler, call: Call) -> Result<Reply, Refusal> {
    let request: DcAppIdReq = call.read().await?;
    change(enabler, |all| all.delete(&call.consumer, request)).await
}

/// TS 29.392 §5.2.2.5
pub(super) async fn retrieve(enabler: &Enabler, call: Call) -> Result<Reply, Refusal> {
    let request: DcAppIdReq = call.read().await?;
    let reply = enabler
        .applications()?
        .get()
        .retrieve(&call.consumer, &request)?;
    Ok(Reply::ok(&reply))
}

/// Changes the applications, and answers when that is written.
async fn change<T: Attribute>(
    enabler: &Enabler,
    make: impl FnOnce(&mut Applications) -> Outcome<T>,
) -> Result<Reply, Refusal> {
    let (commit, reply) = {
        let mut applications = enabler.applications()?;
        let Outcome { changes, reply } = make(applications.get());
        (enabler.commit(changes), reply)
    };
    enabler.written(commit).await?;
    Ok(Reply::ok(&reply?))
}

/// Packages take long to look into: on a thread that has the time.
async fn off_the_thread<T: Send + 'static>(
    long: bool,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Refusal> {
    if !long {
        return Ok(work());
    }
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|_| Refusal::new(500))
}
