//! Gives an application to an enabler (TS 29.392 §5.2.2.2, §5.2.2.3).

use std::fmt::Write as _;
use std::time::Duration;

use anyhow::{Context as _, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::args::Upload;
use super::folder::PROFILE;
use super::profile::{self, Profile};
use crate::credentials::{first_line, no_answer, trusting};

/// An answer takes this long at most.
const PATIENCE: Duration = Duration::from_mins(1);

/// Sends it; what became of it.
pub(super) fn run(upload: &Upload, package: &[u8]) -> anyhow::Result<String> {
    let profile = Profile::read(&upload.folder)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(send(upload, &profile, package))
}

async fn send(upload: &Upload, profile: &Profile, package: &[u8]) -> anyhow::Result<String> {
    let provider = upload.provider.as_ref().or(profile.provider.as_ref());
    let provider = provider.context("whose is it? Say `provider` in the profile, or --provider")?;
    let known = profile.id.as_ref().filter(|_| !upload.new);
    let mut entry = profile.attributes();
    entry.insert("appPkg".into(), STANDARD.encode(package).into());
    let (operation, list) = if let Some(id) = known {
        entry.insert("appId".into(), id.as_str().into());
        ("update", "dcAppUpdateParamList")
    } else {
        entry.insert("appIndex".into(), "1".into());
        ("configure", "dcAppConfigParamList")
    };
    let mut body = json!({ "reqId": provider, "dcAppNum": 1, list: [entry] });
    if let Some(file) = &upload.credential_file {
        body["secCred"] = first_line(file)?.into();
    }
    let server = upload.server.trim_end_matches('/');
    let url = format!("{server}/mmtel-dcappmgmt/v1/dcapps/{operation}");
    let mut request = client(upload)?.post(&url).json(&body);
    if let Some(file) = &upload.token_file {
        request = request.bearer_auth(first_line(file)?);
    }
    let reply = request
        .send()
        .await
        .map_err(|error| no_answer(error, &format!("{server} cannot be asked")))?;
    let status = reply.status();
    let answer: Value = reply
        .json()
        .await
        .with_context(|| format!("the enabler answers {status}, and not in JSON"))?;
    let result = &answer[match operation {
        "update" => "dcAppStatRespList",
        _ => "dcAppConfigRespList",
    }][0];
    if status != 200 || result["status"] != "SUCCESS" {
        let cause = result["failureCause"]
            .as_str()
            .or(answer["detail"].as_str());
        let cause = cause
            .or(answer["title"].as_str())
            .unwrap_or("it does not say why");
        // A list may be answered with 200, and this application of it refused.
        let code = if status.is_success() {
            String::new()
        } else {
            format!(" ({status})")
        };
        // What it was configured as elsewhere, or before.
        let unknown = status.is_success() || status == reqwest::StatusCode::NOT_FOUND;
        let hint = match known.filter(|_| unknown) {
            Some(id) => format!(
                "\n  the profile has the id {id}: `--new` configures it as another application"
            ),
            None => String::new(),
        };
        bail!(
            "the enabler did not take it{code}: {cause}{}{hint}",
            faults(&answer)
        );
    }
    if let Some(id) = known {
        return Ok(format!("updated: {id}"));
    }
    let id = result["appId"]
        .as_str()
        .context("the enabler gave it no identifier")?;
    profile::keep_id(&upload.folder, id)?;
    let profile = upload.folder.join(PROFILE);
    Ok(format!(
        "kept: its identifier, in {}, so that the next upload updates it\nconfigured: {id}",
        profile.display()
    ))
}

/// The attributes that were wrong (TS 29.122 §5.2.1.2.12).
fn faults(answer: &Value) -> String {
    let faults = answer["invalidParams"].as_array().into_iter().flatten();
    let mut told = String::new();
    for fault in faults {
        let text = |name: &str| fault[name].as_str().unwrap_or_default();
        // Writing into a String cannot fail.
        let _ = write!(told, "\n  {} {}", text("param"), text("reason"));
    }
    told
}

fn client(upload: &Upload) -> anyhow::Result<reqwest::Client> {
    let builder = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .timeout(PATIENCE)
        .user_agent(concat!("isthmus/", env!("CARGO_PKG_VERSION")));
    let (ca, certificate) = (upload.ca.as_deref(), upload.certificate.as_deref());
    Ok(trusting(builder, upload.insecure, ca, certificate)?.build()?)
}
