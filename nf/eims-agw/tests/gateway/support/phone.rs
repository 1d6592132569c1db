use std::net::SocketAddr;

use core_iq::{CoreLocal, CoreSettings, Gate};

/// The far end towards the core: plain RTP, RTCP on the next port.
#[derive(Debug)]
pub struct Phone {
    pub rtp: SocketAddr,
    pub rtcp: SocketAddr,
    pub gateway: Option<CoreLocal>,
    pub received: Vec<Vec<u8>>,
    pub received_rtcp: Vec<Vec<u8>>,
}

impl Phone {
    pub fn new(rtp: &str) -> Self {
        let rtp: SocketAddr = rtp.parse().unwrap();
        Self {
            rtp,
            rtcp: SocketAddr::new(rtp.ip(), rtp.port() + 1),
            gateway: None,
            received: Vec::new(),
            received_rtcp: Vec::new(),
        }
    }

    pub fn settings(&self, gate: Gate) -> CoreSettings {
        CoreSettings {
            remote_rtp: Some(self.rtp),
            remote_rtcp: None,
            gate: Some(gate),
        }
    }
}
