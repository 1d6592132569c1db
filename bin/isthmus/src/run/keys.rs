//! The WAF's keys for the eP-CSCF, when the WAF lives elsewhere.

use std::sync::Arc;
use std::time::Duration;

use rustls_pki_types::CertificateDer;
use tracing::{info, warn};

use crate::fault::Fault;
use crate::shard::Shards;
use crate::web::KeyFetcher;

/// How often they are fetched again: an issuer announces a key before it signs with it.
const EVERY: Duration = Duration::from_mins(5);
/// After a failure, the first time and at most.
const RETRY: (Duration, Duration) = (Duration::from_secs(1), Duration::from_mins(1));

/// Fetches them for ever, on a thread of its own.
pub(super) fn follow(
    issuer: &str,
    trust: &[CertificateDer<'static>],
    shards: Arc<Shards>,
) -> Result<(), Fault> {
    let fetcher = KeyFetcher::new(issuer, trust)
        .map_err(|error| Fault::new(format!("epcscf.token.issuer: {error}")))?;
    let issuer = issuer.to_owned();
    let fail = |error: std::io::Error| Fault::new(format!("cannot start a thread: {error}"));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.map_err(fail)?;
    std::thread::Builder::new()
        .name("keys".into())
        .spawn(move || {
            let mut pause = RETRY.0;
            loop {
                match runtime.block_on(fetcher.fetch()) {
                    Ok(keys) => {
                        info!(issuer, "the WAF's keys are here");
                        shards.set_keys(&issuer, keys);
                        pause = RETRY.0;
                        std::thread::sleep(EVERY);
                    }
                    Err(error) => {
                        warn!(
                            issuer,
                            error = format!("{error:#}"),
                            "no keys from the WAF yet"
                        );
                        std::thread::sleep(pause);
                        pause = (pause * 2).min(RETRY.1);
                    }
                }
            }
        })
        .map_err(fail)?;
    Ok(())
}
