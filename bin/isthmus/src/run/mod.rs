//! From the command line to a running process, and to its orderly end.
//!
//! Begin: configuration → log → certificate → media workers → store and web → core → shards → admin.
//! End: not ready → no new calls → calls end or are released → threads end.

mod all_in_one;
mod alone;
mod keys;
mod registrations;
mod signals;

use std::process::ExitCode;

use clap::Parser as _;

use crate::cli::{Cli, Function, LogFlags};
use crate::config::{Config, HttpConfig, load};
use crate::fault::Fault;
use crate::sip::SipTls;
use crate::subscribers;

/// Runs one function until the process is asked to end.
type RunFn = fn(&Config) -> Result<(), Fault>;

/// Exit code of a process that does not start: a mistake of configuration or of the machine.
const MISTAKE: u8 = 2;

/// The program.
#[expect(clippy::print_stderr, reason = "there may be no log yet")]
pub fn main() -> ExitCode {
    // Installed once for the whole process: there is one cryptographic library.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let cli = Cli::parse();
    match cli.command {
        Some(Function::Wic(args)) => return crate::wic::run(*args),
        Some(Function::App(command)) => return crate::app::run(command),
        Some(Function::Mes(command)) => return crate::mes_commands::run(*command),
        _ => {}
    }
    match run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            eprintln!("isthmus: {fault}");
            ExitCode::from(MISTAKE)
        }
    }
}

fn run(cli: Cli) -> Result<(), Fault> {
    let Cli {
        command,
        all_in_one,
        log,
    } = cli;
    let Some(function) = command else {
        let config = all_in_one::configuration(&all_in_one)?;
        begin_log(&config, &log)?;
        return all_in_one::run(config);
    };
    let (file, run): (_, RunFn) = match &function {
        Function::Epcscf(file) => (file, alone::epcscf),
        Function::EimsAgw(file) => (file, alone::eims_agw),
        Function::Wwsf(file) => (file, alone::wwsf),
        Function::Waf(file) => (file, alone::waf),
        Function::MmtelEs(file) => (file, alone::mmtel_es),
        Function::LabCore(file) => (file, alone::lab_core),
        Function::Check(file) => return check(&file.config),
        // Run by `main`: they have other exit codes.
        Function::Wic(_) | Function::App(_) | Function::Mes(_) => return Ok(()),
    };
    let config = load(&file.config)?;
    begin_log(&config, &log)?;
    // The others serve operators alone.
    if !matches!(function, Function::EimsAgw(_) | Function::LabCore(_)) {
        config.check_listeners()?;
    }
    run(&config)
}

#[expect(clippy::print_stdout, reason = "it is what was asked for")]
fn check(file: &std::path::Path) -> Result<(), Fault> {
    let config = load(file)?;
    // Only files that it names: nothing is made here.
    if config.tls.certificate.is_some() {
        config.server_tls()?;
    }
    // A gateway's file, or a core's, says nothing of HTTP.
    if config.http != HttpConfig::default() {
        config.check_listeners()?;
    }
    SipTls::check(&config)?;
    if let Some(named) = &config.lab_core.subscribers {
        subscribers::load(Some(named), &config.data_dir, &config.home_domain)?;
    }
    crate::log::filter(&config.log).map_err(|why| config.fault("log.level", &why))?;
    if let Some(iq) = &config.iq {
        iq.check()
            .map_err(|error| config.fault_in("iq", format!("{error:#}")))?;
    }
    crate::web::check(&config.waf, &config.wwsf)
        .map_err(|error| all_in_one::web_fault(&config, error))?;
    config.repository()?;
    let enabler = config.mmtel_es.check_files();
    enabler.map_err(|error| all_in_one::enabler_fault(&config, error))?;
    if config.bootstrap_alone().is_err() {
        println!(
            "note: epcscf.bootstrap: `edge` is for all in one alone: `isthmus epcscf` wants [epcscf.repository]"
        );
    }
    println!("{}: nothing is wrong with it", file.display());
    Ok(())
}

fn begin_log(config: &Config, flags: &LogFlags) -> Result<(), Fault> {
    let mut log = config.log.clone();
    if let Some(form) = flags.form {
        log.form = form;
    }
    if let Some(level) = &flags.log_level {
        log.level.clone_from(level);
    }
    log.identities |= flags.log_identities;
    crate::log::start(&log)
}
