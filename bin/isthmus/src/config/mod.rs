//! Configuration: one TOML file, every key typed, every mistake with its file and line.
//!
//! - [`load`] reads a file;
//! - [`Config`] is all of it; each function reads its own section and those that all share;
//! - `docs/configuration.md` says the same for operators.

mod epcscf;
mod issuers;
mod lab_core;
mod load;
mod shared;
mod sip_tls;

pub(crate) use epcscf::{BootstrapConfig, EpcscfConfig, ThirdParty};
pub(crate) use issuers::{IssuerConfig, read_certificates};
pub(crate) use lab_core::LabCoreConfig;
use load::line_of_key;
pub(crate) use load::load;
pub(crate) use shared::{AdminConfig, Config, HttpConfig, LogConfig, TlsConfig};
pub(crate) use sip_tls::SipTlsConfig;
