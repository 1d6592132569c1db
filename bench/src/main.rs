//! Every figure that Isthmus claims, measured beside its peer in one run.
//!
//! `cargo xtask bench` builds the product for release, installs the peers, runs everything on this
//! machine's loopback and prints one table. `cargo xtask bench NAME ...` runs those named alone.
#![forbid(unsafe_code)]
#![allow(clippy::print_stdout)]

mod all_in_one;
mod cpu;
mod data;
mod dccall;
mod edge;
mod enabler;
mod file;
mod forward;
mod gateway;
mod issuer;
mod kamailio;
mod media;
mod process;
mod re_invite;
mod register;
mod registrar;
mod report;
mod setup;
mod storm;
mod web_socket;

use anyhow::{Result, bail};

/// One measurement: its name on the command line, and what it measures.
struct Bench {
    name: &'static str,
    what: &'static str,
    run: fn() -> Result<Vec<report::Row>>,
}

const BENCHES: &[Bench] = &[
    Bench {
        name: "forward",
        what: "parse and forward a REGISTER, one core",
        run: forward::run,
    },
    Bench {
        name: "register",
        what: "REGISTER through the edge over WebSocket",
        run: register::run,
    },
    Bench {
        name: "bearer",
        what: "REGISTER by token beside REGISTER by Digest",
        run: register::bearer,
    },
    Bench {
        name: "storm",
        what: "everybody comes back after an outage",
        run: storm::run,
    },
    Bench {
        name: "idle",
        what: "memory of idle registered clients",
        run: register::idle,
    },
    Bench {
        name: "re-invite",
        what: "a re-INVITE that changes nothing, with SDP and without",
        run: re_invite::run,
    },
    Bench {
        name: "setup",
        what: "call set-up through the whole all-in-one",
        run: setup::run,
    },
    Bench {
        name: "dccall",
        what: "an application calls a headless WIC",
        run: dccall::run,
    },
    Bench {
        name: "enabler",
        what: "applications configured and retrieved, notifications that waited",
        run: enabler::run,
    },
    Bench {
        name: "file",
        what: "a file of 1 GiB over a data channel, two headless WICs",
        run: file::run,
    },
    Bench {
        name: "media",
        what: "DTLS-SRTP to RTP, 400 calls",
        run: media::run,
    },
    Bench {
        name: "data",
        what: "data channels through the gateway, beside the same peers without it",
        run: data::run,
    },
    Bench {
        name: "data-idle",
        what: "memory of idle data channel associations",
        run: data::idle::run,
    },
    Bench {
        name: "call-idle",
        what: "memory of idle calls with audio and a bootstrap channel",
        run: data::calls::run,
    },
];

fn main() -> Result<()> {
    let names: Vec<String> = std::env::args().skip(1).collect();
    if let Some(unknown) = names
        .iter()
        .find(|name| BENCHES.iter().all(|b| b.name != **name))
    {
        for bench in BENCHES {
            println!("{:<12} {}", bench.name, bench.what);
        }
        bail!("there is no figure «{unknown}»");
    }
    let mut rows = Vec::new();
    for bench in BENCHES
        .iter()
        .filter(|b| names.is_empty() || names.iter().any(|n| n == b.name))
    {
        println!("measuring: {}", bench.what);
        rows.extend((bench.run)()?);
    }
    report::print(&rows);
    Ok(())
}
