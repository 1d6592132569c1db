//! Our own eP-CSCF, alone, before a registrar of the measurement's.

use std::net::SocketAddr;

use anyhow::Result;

use crate::process::{self, Process};

/// A running one.
pub struct Edge {
    /// Its process.
    pub process: Process,
    /// `ws`.
    pub plain: SocketAddr,
    /// `wss`.
    pub secure: SocketAddr,
}

/// Starts one on free ports that nothing limits.
pub fn start(registrar: SocketAddr) -> Result<Edge> {
    start_with(registrar, "requests_per_second = 100000\n")
}

/// Starts one on free ports; `more` is what else its `[epcscf]` says.
pub fn start_with(registrar: SocketAddr, more: &str) -> Result<Edge> {
    let folder = process::folder("edge")?;
    let [secure, plain, mw, admin] = [(); 4].map(|()| process::free_port());
    let (secure, plain, mw, admin) = (secure?, plain?, mw?, admin?);
    let file = folder.join("epcscf.toml");
    std::fs::write(
        &file,
        format!(
            "home_domain = \"ims.example\"\ndata_dir = \".\"\n\n\
             [log]\nlevel = \"warn\"\n\n[admin]\nlisten = \"127.0.0.1:{admin}\"\n\n\
             [http]\nlisten = \"127.0.0.1:{secure}\"\nplain_listen = \"127.0.0.1:{plain}\"\n\
             connections_per_address = 100000\n\n\
             [epcscf]\nmw_listen = \"127.0.0.1:{mw}\"\nnext_hop = \"sip:{registrar};transport=udp\"\n\
             allow_no_origin = true\n{more}"
        ),
    )?;
    let words = ["epcscf", "--config", &file.display().to_string()];
    let mut process = Process::start(folder, &process::isthmus()?, &words)?;
    let local = |port| SocketAddr::from(([127, 0, 0, 1], port));
    process.wait_for(local(plain))?;
    Ok(Edge {
        process,
        plain: local(plain),
        secure: local(secure),
    })
}
