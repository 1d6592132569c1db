//! `isthmus wic`: a phone without a browser, for probing, for load and for tests.
//!
//! The phone itself is [`nf_wic::Wic`]; here are its WebSocket (`link`), its media sockets (`sockets`),
//! its clock and what it was told at first (`driver`) and later (`commands`, `perform`), how it gets a
//! token (`sign_in`), its SIM (`sim`), its files (`wav`, `ivf`), its data channels (`channels`) and
//! the files that they carry (`files`), and the JSON lines that it prints (`report`).

mod applications;
mod args;
mod channel_words;
mod channels;
mod commands;
mod driver;
mod files;
mod ivf;
mod link;
mod perform;
mod report;
mod setup;
mod sign_in;
mod sim;
mod sockets;
#[cfg(test)]
mod tests;
mod tls;
mod wav;

use std::process::ExitCode;
use std::sync::Arc;

pub use args::Args;
use driver::Driver;
use report::Report;
use tokio::sync::mpsc;

/// Runs it. Exit code 0: all that was asked for was done; 1: a registration or a call failed; 2: it
/// could not be asked for.
pub fn run(args: Args) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let result = match runtime {
        Ok(runtime) => {
            let typed = args.commands.then(commands::from_standard_input);
            runtime.block_on(run_all(args, typed))
        }
        Err(error) => Err(error.into()),
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            report::complain(&error);
            ExitCode::from(2)
        }
    }
}

/// All of them at once; says whether each did what it was asked for.
async fn run_all(args: Args, mut typed: Option<mpsc::Receiver<String>>) -> anyhow::Result<bool> {
    let args = Arc::new(args);
    let tls = tls::client(&args)?;
    let source = wav::source(&args)?;
    let shown = ivf::source(&args)?;
    if let Some(folder) = &args.save_files {
        files::make_folder(folder)?;
    }
    let mut all = true;
    let mut running = tokio::task::JoinSet::new();
    for index in 0..args.count {
        let report = Report::new(index, args.count);
        let shows = (source.clone(), shown.clone());
        let typed = typed.take();
        match Driver::new(index, &args, &tls, shows, report, typed).await? {
            Some(driver) => {
                running.spawn(driver.run());
            }
            None => all = false,
        }
        if index + 1 < args.count {
            tokio::time::sleep(args.spacing()).await;
        }
    }
    while let Some(finished) = running.join_next().await {
        all &= finished??;
    }
    Ok(all)
}
