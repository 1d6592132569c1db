//! The command line.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

const EXAMPLES: &str = "\
Examples:
  isthmus                                   everything on this machine; open the printed address
  isthmus --https-port 0 --http-port 0 --core-port 0 --mw-port 0 --admin-port 0 --data-dir /tmp/a
                                            another one beside it, on free ports
  isthmus check --config epcscf.toml        say what is wrong with a configuration, and do nothing
  isthmus epcscf --config epcscf.toml       one function alone, before a core of yours
  isthmus wic --help                        a phone without a browser, for probing and for load
  isthmus app new board                     begin an application for calls; docs/applications.md
  isthmus mes call bob                      have the enabler call bob; docs/mmtel-enabler.md";

/// The Web and the IMS, joined: a browser is a phone on an operator's IMS core.
#[derive(Debug, Parser)]
#[command(version, about, after_help = EXAMPLES, max_term_width = 100)]
pub(crate) struct Cli {
    /// What to run; without one, everything in one process, with a laboratory's core.
    #[command(subcommand)]
    pub(crate) command: Option<Function>,
    /// How to run everything in one process.
    #[command(flatten)]
    pub(crate) all_in_one: AllInOne,
    /// What is logged, and how.
    #[command(flatten)]
    pub(crate) log: LogFlags,
}

/// One function alone, or a chore.
#[derive(Debug, Subcommand)]
pub(crate) enum Function {
    /// The eP-CSCF: SIP over WebSocket on one side, the IMS core on the other.
    Epcscf(FromFile),
    /// The eIMS-AGW: the media gateway, steered by an eP-CSCF over Iq.
    EimsAgw(FromFile),
    /// The WWSF: serves the page and keeps its sessions.
    Wwsf(FromFile),
    /// The WAF: the OAuth 2.0 authorization server that signs people in.
    Waf(FromFile),
    /// The MMTel Enabler Server: 3GPP's APIs for application servers.
    MmtelEs(FromFile),
    /// A laboratory's IMS core: registrar, subscribers, routing. Not for networks.
    LabCore(FromFile),
    /// Read a configuration, say what is wrong with it, and do nothing else.
    Check(FromFile),
    /// A WIC without a browser: registers, calls or answers, and prints what happens as JSON lines.
    Wic(Box<crate::wic::Args>),
    /// For application providers and operators: ask an enabler to upload, list, call, and show what happens.
    #[command(subcommand)]
    Mes(Box<crate::mes_commands::MesCommand>),
    /// For authors of data channel applications: begin, check, pack, upload.
    #[command(subcommand)]
    App(crate::app::AppCommand),
}

/// A function's configuration.
#[derive(Debug, Args)]
pub(crate) struct FromFile {
    /// The configuration, a TOML file; `docs/configuration.md` lists every key.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: PathBuf,
}

/// Flags of the all-in-one. Port 0 means: a free one, which is printed.
#[derive(Debug, Args)]
pub(crate) struct AllInOne {
    /// A configuration to begin with; the other flags override it.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Where the store, the certificate and the passwords are kept [default: data].
    #[arg(long, value_name = "FOLDER")]
    pub(crate) data_dir: Option<PathBuf>,
    /// The address that pages and WebSockets are served on [default: 127.0.0.1].
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) listen: Option<IpAddr>,
    /// HTTPS port of the page, the sign-in and the WebSocket [default: 8443].
    #[arg(long, value_name = "PORT")]
    pub(crate) https_port: Option<u16>,
    /// HTTP port of the same on loopback, for a laboratory [default: 8080].
    #[arg(long, value_name = "PORT")]
    pub(crate) http_port: Option<u16>,
    /// SIP port of the laboratory's core, UDP and TCP [default: 5060].
    #[arg(long, value_name = "PORT")]
    pub(crate) core_port: Option<u16>,
    /// SIP port of the eP-CSCF towards the core, UDP and TCP [default: 5070].
    #[arg(long, value_name = "PORT")]
    pub(crate) mw_port: Option<u16>,
    /// Port of metrics, liveness and readiness, on loopback [default: 9090].
    #[arg(long, value_name = "PORT")]
    pub(crate) admin_port: Option<u16>,
    /// UDP port of the media towards browsers [default: a free one].
    #[arg(long, value_name = "PORT")]
    pub(crate) media_port: Option<u16>,
    /// The address that browsers are told for media, behind a 1:1 NAT.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) public_address: Option<IpAddr>,
    /// Threads that serve browsers [default: one a processor].
    #[arg(long, value_name = "COUNT")]
    pub(crate) shards: Option<usize>,
}

/// Flags of the log.
#[derive(Debug, Args)]
pub(crate) struct LogFlags {
    /// How the log is written [default: text].
    #[arg(long = "log", value_name = "FORM", global = true)]
    pub(crate) form: Option<LogForm>,
    /// What is logged, as `info` or `info,nf_epcscf=debug` [default: info].
    #[arg(long, value_name = "FILTER", global = true)]
    pub(crate) log_level: Option<String>,
    /// Write names and numbers of people into the log; without it they are redacted.
    #[arg(long, global = true)]
    pub(crate) log_identities: bool,
}

/// The forms of the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogForm {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line, for programs.
    Json,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_flag_and_command_explains_itself() {
        let cli = Cli::command();
        let below = cli
            .get_subcommands()
            .flat_map(clap::Command::get_subcommands);
        let commands = std::iter::once(&cli).chain(cli.get_subcommands());
        for command in commands.chain(below) {
            assert!(command.get_about().is_some(), "{}", command.get_name());
            for argument in command.get_arguments() {
                let silent = argument.get_help().is_none() && argument.get_long() != Some("help");
                assert!(!silent, "{} {}", command.get_name(), argument.get_id());
            }
        }
    }
}
