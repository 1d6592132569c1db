//! The Termination towards the core: plain RTP, RTCP on a port of its own.

use std::net::SocketAddr;

use core_iq::{CoreSettings, Gate};

use crate::BoundPorts;

#[derive(Debug, Default)]
pub(crate) struct CoreSide {
    /// Our two sockets, once they are open.
    pub(crate) bound: Option<BoundPorts>,
    /// Which way packets may pass.
    pub(crate) gate: Gate,
    remote_rtp: Option<SocketAddr>,
    remote_rtcp: Option<SocketAddr>,
    /// Where RTP really comes from, when latching is on and the port is another.
    latched_rtp: Option<SocketAddr>,
    latched_rtcp: Option<SocketAddr>,
}

impl CoreSide {
    /// Takes what was signalled; says whether the far end is another than before.
    pub(crate) fn apply(&mut self, settings: &CoreSettings) -> bool {
        let mut moved = false;
        if let Some(rtp) = settings.remote_rtp
            && self.remote_rtp != Some(rtp)
        {
            self.remote_rtp = Some(rtp);
            self.remote_rtcp = None;
            self.latched_rtp = None;
            self.latched_rtcp = None;
            moved = true;
        }
        if let Some(rtcp) = settings.remote_rtcp
            && self.remote_rtcp != Some(rtcp)
        {
            self.remote_rtcp = Some(rtcp);
            self.latched_rtcp = None;
        }
        if let Some(gate) = settings.gate {
            self.gate = gate;
        }
        moved
    }

    /// Where RTP goes.
    pub(crate) fn rtp_destination(&self) -> Option<SocketAddr> {
        // RFC 3264 §5.1 as old phones do hold: an address of zeroes takes nothing.
        self.latched_rtp
            .or(self.remote_rtp)
            .filter(|address| !address.ip().is_unspecified() && address.port() != 0)
    }

    /// Where RTCP goes: where it was said, else the port after RTP's (RFC 3550 §11).
    pub(crate) fn rtcp_destination(&self) -> Option<SocketAddr> {
        self.latched_rtcp
            .or_else(|| self.signalled_rtcp())
            .filter(|address| !address.ip().is_unspecified() && address.port() != 0)
    }

    /// Whether RTP may come from there; learns the port if `latch` allows it.
    pub(crate) fn admits_rtp(&mut self, source: SocketAddr, latch: bool) -> bool {
        Self::admits(source, latch, self.remote_rtp, &mut self.latched_rtp)
    }

    /// Whether RTCP may come from there; learns the port if `latch` allows it.
    pub(crate) fn admits_rtcp(&mut self, source: SocketAddr, latch: bool) -> bool {
        Self::admits(source, latch, self.signalled_rtcp(), &mut self.latched_rtcp)
    }

    fn signalled_rtcp(&self) -> Option<SocketAddr> {
        self.remote_rtcp.or_else(|| {
            let rtp = self.remote_rtp?;
            Some(SocketAddr::new(rtp.ip(), rtp.port().checked_add(1)?))
        })
    }

    fn admits(
        source: SocketAddr,
        latch: bool,
        signalled: Option<SocketAddr>,
        latched: &mut Option<SocketAddr>,
    ) -> bool {
        let Some(signalled) = signalled else {
            return false;
        };
        if let Some(latched) = latched {
            return source == *latched;
        }
        if source == signalled {
            return true;
        }
        if latch && source.ip() == signalled.ip() {
            *latched = Some(source);
            return true;
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    fn side(rtp: &str, rtcp: Option<&str>) -> CoreSide {
        let mut side = CoreSide::default();
        side.apply(&CoreSettings {
            remote_rtp: Some(at(rtp)),
            remote_rtcp: rtcp.map(at),
            gate: None,
        });
        side
    }

    #[test]
    fn only_the_signalled_source_is_admitted() {
        let mut side = side("192.0.2.1:4000", None);
        assert!(side.admits_rtp(at("192.0.2.1:4000"), false));
        assert!(!side.admits_rtp(at("192.0.2.1:4002"), false));
        assert!(!side.admits_rtp(at("192.0.2.2:4000"), false));
        assert!(side.admits_rtcp(at("192.0.2.1:4001"), false));
        assert!(!CoreSide::default().admits_rtp(at("192.0.2.1:4000"), true));
    }

    #[test]
    fn latching_takes_the_first_other_port_of_the_same_address() {
        let mut side = side("192.0.2.1:4000", Some("192.0.2.1:4009"));
        assert!(!side.admits_rtp(at("192.0.2.2:4000"), true));
        assert!(side.admits_rtp(at("192.0.2.1:61000"), true));
        assert_eq!(side.rtp_destination(), Some(at("192.0.2.1:61000")));
        assert!(!side.admits_rtp(at("192.0.2.1:61001"), true));
        assert_eq!(side.rtcp_destination(), Some(at("192.0.2.1:4009")));
    }

    #[test]
    fn hold_by_zeroes_and_a_last_port_send_nothing() {
        assert_eq!(side("0.0.0.0:4000", None).rtp_destination(), None);
        let last = side("192.0.2.1:65535", None);
        assert_eq!(last.rtcp_destination(), None);
        assert!(last.rtp_destination().is_some());
    }

    #[test]
    fn another_far_end_starts_afresh() {
        let mut side = side("192.0.2.1:4000", Some("192.0.2.1:4009"));
        assert!(side.admits_rtp(at("192.0.2.1:61000"), true));
        assert!(side.apply(&CoreSettings {
            remote_rtp: Some(at("192.0.2.3:4000")),
            ..CoreSettings::default()
        }));
        assert_eq!(side.rtp_destination(), Some(at("192.0.2.3:4000")));
        assert_eq!(side.rtcp_destination(), Some(at("192.0.2.3:4001")));
    }
}
