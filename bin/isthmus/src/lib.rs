//! Isthmus: the Web and the IMS, joined. The shells round the functions: sockets, HTTP, files, threads.
//!
//! | question | room |
//! | --- | --- |
//! | What can be said on the command line and in a file? | `cli.rs`, `credentials.rs`, `config/` |
//! | In which order does everything begin and end? | `run/` |
//! | Who serves browsers: HTTP, TLS, WebSocket, the eP-CSCF? | `shard/` |
//! | Who serves SIP towards the core, and the laboratory's core? | `sip/`, `lab_core.rs` |
//! | Who serves media? | [`gateway`] |
//! | Who serves pages and tokens? | [`web`], [`store`] |
//! | What do authors of applications use? | `app/` |
//! | Who serves application servers? | [`mes`], [`store`] |
//! | How does an edge ask the enabler of another process? | `repository/` |
//! | What do operators see? | `admin.rs`, `host.rs`, `log.rs` |
#![forbid(unsafe_code)]

mod admin;
mod app;
mod certificate;
mod cli;
mod config;
mod credentials;
mod fault;
pub mod gateway;
mod host;
mod lab_core;
mod log;
pub mod mes;
mod mes_commands;
mod private_file;
mod repository;
mod run;
mod shard;
mod sip;
pub mod store;
mod subscribers;
pub mod web;
pub mod wic;

pub use run::main;
