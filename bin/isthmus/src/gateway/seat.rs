//! The place of one media worker: what it is made from, and made anew when it has died.
//!
//! ```text
//!   open ─▶ worker ─▶ told to stop ─▶ the end
//!    ▲         │
//!    │         └─▶ the system fails it, or it panics: its clients hear WorkerLost, an error is logged
//!    └──────────── a moment later: the same port again, and the clients hear Restored
//! ```

use std::net::{IpAddr, SocketAddr};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::Context as _;
use isthmus_socket::Socket;
use nf_eims_agw::{Config, Gateway, Identity, SocketId, W3Socket};

use super::local::Local;
use super::worker::{Ended, Worker, WorkerHandle};
use crate::fault::{Fault, Port};

/// Room for what arrives on W3 while the worker is busy.
const W3_RECEIVE_BUFFER: usize = 4 << 20;

/// How often another port is tried when one address has it and the next does not.
const SAME_PORT_TRIES: usize = 16;

/// Between a worker's death and the next: one that dies at once must not take the machine with it.
const PAUSE: Duration = Duration::from_millis(500);

/// See above.
pub(super) struct Seat {
    pub(super) number: usize,
    pub(super) addresses: Vec<IpAddr>,
    pub(super) public_addresses: Vec<IpAddr>,
    /// 0 until the system has chosen one.
    pub(super) port: u16,
    /// Without its sockets and seed.
    pub(super) config: Config,
    pub(super) identity: Identity,
}

impl Seat {
    /// Opens the sockets, and makes a worker of them.
    pub(super) fn open(&mut self) -> anyhow::Result<(Worker, WorkerHandle)> {
        let sockets = open(&self.addresses, self.port)?;
        let mut w3 = Vec::new();
        for (index, socket) in sockets.iter().enumerate() {
            let bound = socket.local_addr()?;
            let public = self.public_addresses.get(index).copied();
            self.port = bound.port();
            w3.push(W3Socket {
                socket: SocketId(index as u32),
                candidate: SocketAddr::new(public.unwrap_or_else(|| bound.ip()), bound.port()),
            });
        }
        getrandom::fill(&mut self.config.seed).context("the system has no random bytes")?;
        self.config.w3 = w3;
        let gateway = Gateway::new(self.config.clone(), self.identity.clone());
        Ok(Worker::new(self.config.worker, gateway, sockets)?)
    }

    /// Where W3 is.
    pub(super) fn w3(&self) -> Vec<SocketAddr> {
        self.config.w3.iter().map(|w3| w3.candidate).collect()
    }

    /// Runs the worker, and the next one when it has died, until the gateway stops.
    pub(super) fn keep(mut self, mut worker: Worker, shared: &Arc<Local>) {
        loop {
            // Whatever it had is dropped with it: its Contexts, its sockets, and nothing of ours.
            match catch_unwind(AssertUnwindSafe(|| worker.run())) {
                Ok(Ended::Told) => return,
                Ok(Ended::Failed(error)) => {
                    tracing::error!(worker = self.number, %error, "a media worker has failed: its calls end, and it is started again");
                }
                Err(_) => {
                    tracing::error!(
                        worker = self.number,
                        "a media worker has panicked: its calls end, and it is started again"
                    );
                }
            }
            worker = loop {
                std::thread::sleep(PAUSE);
                if shared.stopping.load(Ordering::Relaxed) {
                    return;
                }
                match self.open() {
                    Ok((worker, handle)) => {
                        shared.seat(self.number, handle);
                        // Whoever stopped us while it was opened told the one before it.
                        if shared.stopping.load(Ordering::Relaxed) {
                            return;
                        }
                        break worker;
                    }
                    Err(error) => {
                        tracing::error!(worker = self.number, %error, "a media worker cannot be started again yet");
                    }
                }
            };
        }
    }
}

/// One socket an address, all on one port if that can be.
fn open(addresses: &[IpAddr], port: u16) -> anyhow::Result<Vec<Socket>> {
    let bind = |address: IpAddr, port| {
        let address = SocketAddr::new(address, port);
        Socket::bind(address, Some(W3_RECEIVE_BUFFER)).map_err(|error| {
            let port = match error.kind() {
                std::io::ErrorKind::AddrNotAvailable => Port::W3_ADDRESS,
                _ => Port::W3,
            };
            Fault::bind(&port, address, &error)
        })
    };
    let (first, others) = addresses
        .split_first()
        .context("the gateway has no address")?;
    let mut last = None;
    for _ in 0..SAME_PORT_TRIES {
        let mut sockets = vec![bind(*first, port)?];
        let chosen = sockets[0].local_addr()?.port();
        let rest: Result<Vec<Socket>, Fault> = others
            .iter()
            .map(|address| bind(*address, chosen))
            .collect();
        match rest {
            Ok(rest) => {
                sockets.extend(rest);
                return Ok(sockets);
            }
            Err(error) if port != 0 => return Err(error.into()),
            Err(error) => last = Some(error.into()),
        }
    }
    Err(last.unwrap_or_else(|| anyhow::anyhow!("the gateway has no address")))
}
