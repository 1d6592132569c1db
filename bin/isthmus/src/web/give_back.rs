//! An eP-CSCF that gives identities of the pool back to a WAF elsewhere (TS 24.371 §6A.3, note).

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use core_credentials::Secret;
use nf_wwsf::Server;
use rustls_pki_types::CertificateDer;

use super::WebError;
use super::w4::{Proof, W4};

/// How often it is tried; after that the lease runs out at the WAF.
const TRIES: u32 = 5;

/// The way to the WAF's release endpoint.
pub struct GiveBack(W4);

impl GiveBack {
    /// As this client of this issuer; `trust` in place of the system's certificates, if there are any.
    pub fn new(
        issuer: &str,
        client_id: &str,
        secret: &Secret,
        trust: &[CertificateDer<'static>],
    ) -> Result<Self, WebError> {
        let clock = || {
            let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
            now.map_or(0, |since| since.as_secs())
        };
        let server = Server::below(issuer, issuer, None);
        let proof = Proof::Secret(secret.clone());
        W4::new(
            issuer,
            Some(server),
            client_id,
            proof,
            trust,
            Arc::new(clock),
        )
        .map(Self)
    }

    /// Tells the WAF, more than once if it does not answer. Whether it has heard.
    pub async fn give_back(&self, lease: &str) -> bool {
        for attempt in 0..TRIES {
            if self.0.release(lease).await {
                return true;
            }
            tokio::time::sleep(Duration::from_secs(1 << attempt)).await;
        }
        false
    }
}
