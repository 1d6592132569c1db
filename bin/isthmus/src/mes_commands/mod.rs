//! `isthmus mes`: what application providers and operators ask of an enabler, on its own APIs (TS 29.392) and
//! at its admin port.

mod args;
mod calls;
mod client;
mod tables;
mod told;

use std::process::ExitCode;

use anyhow::bail;
pub(crate) use args::MesCommand;
use args::{Admin, Asking, Delete, Events, List, Release, Upload};
use client::Client;
use serde_json::{Value, json};

const DCAPPS: &str = "/mmtel-dcappmgmt/v1/dcapps";

/// Runs it. Exit code 0: it is done; 1: an application would not work; 2: it could not be done.
#[expect(clippy::print_stderr, reason = "people read it")]
pub(crate) fn run(command: MesCommand) -> ExitCode {
    let asking = match command {
        MesCommand::Upload(upload) => return crate::app::run(upload.into()),
        MesCommand::Asking(asking) => asking,
    };
    match asked(asking) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("isthmus mes: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn asked(asking: Asking) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        match asking {
            Asking::List(list) => self::list(&list).await,
            Asking::Delete(delete) => self::delete(&delete).await,
            Asking::Call(call) => calls::call(&call).await,
            Asking::Connect(connect) => calls::connect(&connect).await,
            Asking::End(end) => calls::end(&end).await,
            Asking::Events(events) => self::events(&events).await,
            Asking::Sessions(admin) => sessions(&admin).await,
            Asking::Sent(admin) => show(&admin, "sent", tables::SENT).await,
            Asking::Targets(admin) => show(&admin, "targets", tables::TARGETS).await,
            Asking::Release(release) => self::release(&release).await,
        }
    })
}

impl From<Upload> for crate::app::AppCommand {
    fn from(upload: Upload) -> Self {
        let server = upload.server;
        Self::Upload(crate::app::Upload {
            folder: upload.folder,
            server: server.url,
            provider: upload.provider,
            token_file: server.token_file,
            credential_file: upload.credential_file,
            new: upload.new,
            insecure: server.insecure,
            ca: server.ca,
            certificate: server.certificate,
        })
    }
}

/// TS 29.392 §5.2.2.5, or what the operator sees.
async fn list(list: &List) -> anyhow::Result<()> {
    let Some(provider) = list.provider.as_ref().filter(|_| !list.ids.is_empty()) else {
        let all = client::all(&list.admin, "applications").await?;
        let of = |one: &Value| {
            list.provider
                .as_deref()
                .is_none_or(|name| one["provider"] == name)
        };
        let mut rows: Vec<Value> = all.into_iter().filter(of).collect();
        // What changed last comes first.
        rows.sort_by_key(|one| std::cmp::Reverse(one["changed"].as_u64()));
        print_rows(&list.admin, &rows, tables::APPLICATIONS);
        return Ok(());
    };
    let body = ids(provider, &list.ids);
    let client = Client::new(&list.server)?;
    let answer = client.post(&format!("{DCAPPS}/retrieval"), &body).await?;
    if answer["status"] != "SUCCESS" {
        bail!("{}", cause(&answer));
    }
    let rows = answer["dcAppInfoList"].as_array();
    print_rows(
        &list.admin,
        rows.map_or(&[][..], Vec::as_slice),
        tables::PROFILES,
    );
    Ok(())
}

/// TS 29.392 §5.2.2.4
async fn delete(delete: &Delete) -> anyhow::Result<()> {
    let body = ids(&delete.provider, &delete.ids);
    let client = Client::new(&delete.server)?;
    let answer = client.post(&format!("{DCAPPS}/delete"), &body).await?;
    if answer["status"] != "SUCCESS" {
        bail!("not all of them are gone: {}", cause(&answer));
    }
    print(&json!({ "event": "deleted", "applications": delete.ids }));
    Ok(())
}

fn ids(provider: &str, ids: &[String]) -> Value {
    json!({ "reqId": provider, "dcAppNum": ids.len(), "appIdList": ids })
}

fn cause(answer: &Value) -> &str {
    answer["failureCause"]
        .as_str()
        .unwrap_or("it does not say why")
}

/// TS 29.392 §5.4, §5.3.2.4, §5.5.2.6: prints what an application server is told.
async fn events(events: &Events) -> anyhow::Result<()> {
    let (address, mut told) = told::serve(events.listen).await?;
    print(&json!({ "event": "listening", "url": format!("http://{address}/") }));
    let mut count = 0;
    while events.count.is_none_or(|most| count < most) {
        let Some(notification) = told.recv().await else {
            break;
        };
        print(&notification);
        count += 1;
    }
    Ok(())
}

async fn sessions(admin: &Admin) -> anyhow::Result<()> {
    let rows = client::all(admin, "sessions").await?;
    print_rows(admin, &rows, tables::SESSIONS);
    Ok(())
}

async fn show(admin: &Admin, what: &str, columns: &[tables::Column]) -> anyhow::Result<()> {
    let state = client::state(admin).await?;
    let rows = state[what].as_array().map_or(&[][..], Vec::as_slice);
    print_rows(admin, rows, columns);
    Ok(())
}

async fn release(release: &Release) -> anyhow::Result<()> {
    client::release(&release.admin, &release.target).await?;
    print(&json!({ "event": "released", "target": release.target }));
    Ok(())
}

#[expect(clippy::print_stdout, reason = "it is what was asked for")]
fn print_rows(admin: &Admin, rows: &[Value], columns: &[tables::Column]) {
    if admin.json {
        rows.iter().for_each(print);
    } else {
        for line in tables::lines(columns, rows) {
            println!("{line}");
        }
    }
}

/// One line of JSON.
#[expect(clippy::print_stdout, reason = "it is what was asked for")]
fn print(value: &Value) {
    println!("{value}");
}
