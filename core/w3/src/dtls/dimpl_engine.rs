use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Certificate, DtlsEngine, DtlsError, DtlsOutput, Role};
use crate::srtp::{KeyingMaterial, Profile};

/// DTLS 1.2 and 1.3 by the crate `dimpl`, whichever the peer speaks.
///
/// It draws random numbers from the system: tests compare what happens, never the bytes.
pub struct Dimpl {
    inner: dimpl::Dtls,
    timeout: Option<Instant>,
}

impl Dimpl {
    /// What all associations share. The cookie exchange is off: ICE has proved the path
    /// (RFC 5763 §6.7.1).
    pub fn config() -> Result<Arc<dimpl::Config>, DtlsError> {
        dimpl::Config::builder()
            .use_server_cookie(false)
            .require_client_certificate(true)
            .flight_start_rto(Duration::from_millis(400))
            .flight_retries(6)
            .handshake_timeout(Duration::from_secs(30))
            .build()
            .map(Arc::new)
            .map_err(|error| DtlsError::Handshake(error.to_string()))
    }

    /// An association that has not begun.
    pub fn new(
        now: Instant,
        config: &Arc<dimpl::Config>,
        certificate: &Certificate,
        role: Role,
    ) -> Self {
        let mut inner = dimpl::Dtls::new_auto(Arc::clone(config), certificate.to_dimpl(), now);
        if role == Role::Client {
            inner.set_active(true);
        }
        Self {
            inner,
            timeout: None,
        }
    }
}

impl DtlsEngine for Dimpl {
    fn handle_packet(&mut self, now: Instant, packet: &[u8]) -> Result<(), DtlsError> {
        self.inner.handle_timeout(now).map_err(failed)?;
        let undecided = self.inner.is_active() && self.inner.protocol_version().is_none();
        if undecided && !begins_server_flight(packet) {
            return Ok(());
        }
        self.inner.handle_packet(packet).map_err(failed)
    }

    fn handle_timeout(&mut self, now: Instant) -> Result<(), DtlsError> {
        self.inner.handle_timeout(now).map_err(failed)
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.timeout
    }

    fn poll_output(&mut self, room: &mut [u8]) -> Option<DtlsOutput> {
        loop {
            return Some(match self.inner.poll_output(room) {
                dimpl::Output::Packet(packet) => DtlsOutput::Packet(packet.len()),
                dimpl::Output::PeerCert(der) => DtlsOutput::PeerCertificate(der.len()),
                dimpl::Output::ApplicationData(data) => DtlsOutput::Data(data.len()),
                dimpl::Output::Connected => DtlsOutput::Connected,
                dimpl::Output::CloseNotify => DtlsOutput::Closed,
                dimpl::Output::KeyingMaterial(material, profile) => {
                    let keys = profile_of(profile)
                        .and_then(|profile| KeyingMaterial::from_exported(profile, &material));
                    match keys {
                        Some(keys) => DtlsOutput::Keys(keys),
                        None => continue,
                    }
                }
                dimpl::Output::BufferTooSmall { needed } => DtlsOutput::NoRoom(needed),
                dimpl::Output::Timeout(at) => {
                    self.timeout = Some(at);
                    return None;
                }
                _ => continue,
            });
        }
    }

    fn send(&mut self, data: &[u8]) -> Result<(), DtlsError> {
        match self.inner.send_application_data(data) {
            Ok(sent) if sent == data.len() => Ok(()),
            Ok(_) => Err(DtlsError::NotConnected),
            Err(error) => Err(failed(error)),
        }
    }

    fn close(&mut self) {
        // Nothing is left to lose if that fails.
        let _ = self.inner.close();
    }
}

impl std::fmt::Debug for Dimpl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.inner.fmt(f)
    }
}

/// Whether a datagram begins with a ServerHello or a HelloVerifyRequest. The engine, which takes the
/// version from it, gives up over anything else; but what a former association left under way is no
/// reason to.
fn begins_server_flight(packet: &[u8]) -> bool {
    const HANDSHAKE: u8 = 22;
    packet.first() == Some(&HANDSHAKE) && matches!(packet.get(13), Some(2 | 3))
}

fn profile_of(profile: dimpl::SrtpProfile) -> Option<Profile> {
    match profile {
        dimpl::SrtpProfile::AES128_CM_SHA1_80 => Some(Profile::Aes128CmHmacSha1_80),
        dimpl::SrtpProfile::AEAD_AES_128_GCM => Some(Profile::AeadAes128Gcm),
        dimpl::SrtpProfile::AEAD_AES_256_GCM => Some(Profile::AeadAes256Gcm),
        _ => None,
    }
}

#[allow(clippy::needless_pass_by_value)] // as `map_err` hands it over
fn failed(error: dimpl::Error) -> DtlsError {
    DtlsError::Handshake(error.to_string())
}
