//! The log: for people, or one JSON object a line. Messages and tokens are never in it, identities
//! only when asked for.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

use crate::cli::LogForm;
use crate::config::LogConfig;
use crate::fault::Fault;

/// What is let through, or what is wrong with `log.level`.
pub(crate) fn filter(config: &LogConfig) -> Result<EnvFilter, String> {
    config.check_level()?;
    EnvFilter::try_new(&config.level).map_err(|error| format!("`{}`: {error}", config.level))
}

/// Begins to log, on standard error.
pub(crate) fn start(config: &LogConfig) -> Result<(), Fault> {
    let filter = filter(config).map_err(|why| Fault::new(format!("log.level: {why}")))?;
    core_credentials::show_pii(config.identities);
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    let begun = match config.form {
        LogForm::Json => log.json().flatten_event(true).try_init(),
        LogForm::Text => log
            .with_ansi(std::io::stderr().is_terminal())
            .with_target(false)
            .compact()
            .try_init(),
    };
    begun.map_err(|error| Fault::new(format!("the log cannot begin: {error}")))
}
