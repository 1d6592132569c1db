//! The two kinds of Termination: towards the WIC, and towards the core.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::Gate;

/// What the eP-CSCF tells the gateway of a WIC's end of a stream. What is absent stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct W3Settings {
    /// The WIC's `a=ice-ufrag` and `a=ice-pwd`. Other ones than before are an ICE restart: the
    /// gateway makes new ones of its own and tells them in the reply (RFC 8839 §4.4.1.1.1).
    pub remote_ice: Option<IceCredentials>,
    /// The WIC's `a=fingerprint` lines; one of them must fit its certificate. A change means a new
    /// DTLS association (RFC 8842 §3.1).
    pub remote_fingerprints: Option<Vec<Fingerprint>>,
    /// The gateway's role in DTLS (RFC 5763 §5).
    pub dtls_role: Option<DtlsRole>,
    /// Which way packets may pass.
    pub gate: Option<Gate>,
}

/// What the eP-CSCF tells the gateway of the far end of a stream. What is absent stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CoreSettings {
    /// Where RTP goes, and whence alone it is taken.
    pub remote_rtp: Option<SocketAddr>,
    /// Where RTCP goes; without it the port after RTP's (RFC 3550 §11).
    pub remote_rtcp: Option<SocketAddr>,
    /// Which way packets may pass.
    pub gate: Option<Gate>,
}

/// What the WIC is told of the gateway.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct W3Local {
    /// `a=ice-ufrag` and `a=ice-pwd` of the gateway.
    pub ice: IceCredentials,
    /// `a=fingerprint` of the gateway's certificate.
    pub fingerprint: Fingerprint,
    /// One host candidate each, the best first. Never empty.
    pub candidates: Vec<SocketAddr>,
}

/// What the core is told of the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CoreLocal {
    /// For `c=` and the port of `m=`.
    pub rtp: SocketAddr,
    /// For `a=rtcp`.
    pub rtcp: SocketAddr,
}

/// Username fragment and password of an ICE agent (RFC 8445 §5.3).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IceCredentials {
    /// 4 to 256 characters.
    pub ufrag: String,
    /// 22 to 256 characters.
    pub pwd: String,
}

/// The password stays out of logs.
impl std::fmt::Debug for IceCredentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IceCredentials")
            .field("ufrag", &self.ufrag)
            .finish_non_exhaustive()
    }
}

/// The hash of a certificate (RFC 8122 §5).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint {
    /// The hash function as SDP names it, in lower case: `sha-256`.
    pub algorithm: String,
    /// The hash itself.
    pub digest: Vec<u8>,
}

impl Fingerprint {
    /// The value as SDP writes it: pairs of upper-case digits between colons.
    pub fn to_sdp(&self) -> String {
        let mut text = String::with_capacity(self.algorithm.len() + 1 + self.digest.len() * 3);
        text.push_str(&self.algorithm);
        for (index, byte) in self.digest.iter().enumerate() {
            text.push(if index == 0 { ' ' } else { ':' });
            for nibble in [byte >> 4, byte & 15] {
                text.push(
                    char::from_digit(u32::from(nibble), 16).map_or('0', |c| c.to_ascii_uppercase()),
                );
            }
        }
        text
    }
}

impl std::fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.to_sdp())
    }
}

/// Who speaks first in DTLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum DtlsRole {
    /// The gateway waits (`a=setup:passive` is its answer).
    Server,
    /// The gateway sends the ClientHello (`a=setup:active`).
    Client,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprint_is_written_as_rfc_8122_writes_it() {
        let fingerprint = Fingerprint {
            algorithm: "sha-256".into(),
            digest: vec![0x12, 0xDF, 0x3e, 0x00],
        };
        assert_eq!(fingerprint.to_sdp(), "sha-256 12:DF:3E:00");
    }

    #[test]
    fn password_stays_out_of_debug() {
        let ice = IceCredentials {
            ufrag: "abcd".into(),
            pwd: "hidden-as-can-be-please".into(),
        };
        assert!(!format!("{ice:?}").contains("hidden"));
    }
}
