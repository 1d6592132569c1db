//! Kamailio as the edge: WebSocket in, UDP out, Path added, nothing more than that work needs.

use std::net::SocketAddr;

use anyhow::Result;

use crate::process::{self, Process};

/// Starts one that forwards to `registrar`. Gives the process and its WebSocket address.
pub fn start(registrar: SocketAddr) -> Result<(Process, SocketAddr)> {
    let folder = process::folder("kamailio")?;
    let port = process::free_port()?;
    let udp = process::free_port()?;
    let home = folder.display();
    std::fs::write(
        folder.join("kamailio.cfg"),
        format!(
            r#"#!KAMAILIO
debug=0
log_stderror=yes
children=2
tcp_children=1
tcp_max_connections=20000
tcp_accept_no_cl=yes
auto_aliases=no
listen=tcp:127.0.0.1:{port}
listen=udp:127.0.0.1:{udp}
mpath="/usr/lib/x86_64-linux-gnu/kamailio/modules/"
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "maxfwd.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "path.so"
loadmodule "xhttp.so"
loadmodule "websocket.so"
modparam("path", "use_received", 1)
request_route {{
    if (!mf_process_maxfwd_header("70")) {{ sl_send_reply("483", "Too Many Hops"); exit; }}
    force_rport();
    if (is_method("REGISTER")) {{
        append_hf("P-Visited-Network-ID: ims.example\r\n");
        append_hf("P-Charging-Vector: icid-value=$ci\r\n");
        append_hf("Require: path\r\n");
        add_path_received();
        $du = "sip:{registrar};transport=udp";
        t_relay();
        exit;
    }}
    sl_send_reply("501", "Not Implemented");
}}
event_route[xhttp:request] {{
    if ($hdr(Upgrade) =~ "websocket") {{ ws_handle_handshake(); exit; }}
    xhttp_reply("404", "Not Found", "", "");
}}
"#
        ),
    )?;
    let config = format!("{home}/kamailio.cfg");
    let run = format!("{home}");
    let mut process = Process::start(
        folder,
        "/usr/sbin/kamailio",
        &[
            "-DD", "-E", "-f", &config, "-Y", &run, "-w", &run, "-m", "2048", "-M", "16",
        ],
    )?;
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    process.wait_for(address)?;
    Ok((process, address))
}
