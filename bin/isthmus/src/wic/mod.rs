//! `isthmus wic`: a phone without a browser, for probing, for load and for tests.
//!
//! The phone itself is [`nf_wic::Wic`]; here are its WebSocket (`link`), its media socket and its
//! clock (`driver`), how it gets a token (`sign_in`), its SIM (`sim`), its files (`wav`, `ivf`), and the JSON lines
//! that it prints (`report`).

mod args;
mod driver;
mod ivf;
mod link;
mod report;
mod sign_in;
mod sim;
#[cfg(test)]
mod tests;
mod tls;
mod wav;

use std::process::ExitCode;
use std::sync::Arc;

pub use args::Args;
use driver::Driver;
use report::Report;

/// Runs it. Exit code 0: all that was asked for was done; 1: a registration or a call failed; 2: it
/// could not be asked for.
pub fn run(args: Args) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let result = match runtime {
        Ok(runtime) => runtime.block_on(run_all(args)),
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
async fn run_all(args: Args) -> anyhow::Result<bool> {
    let args = Arc::new(args);
    let tls = tls::client(&args)?;
    let source = wav::source(&args)?;
    let shown = ivf::source(&args)?;
    let mut all = true;
    let mut running = tokio::task::JoinSet::new();
    for index in 0..args.count {
        let report = Report::new(index, args.count);
        match Driver::new(index, &args, &tls, (source.clone(), shown.clone()), report).await? {
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
