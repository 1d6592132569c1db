//! The WAF's keys for the eP-CSCF, when the WAF lives elsewhere.

use std::sync::Arc;
use std::time::{Duration, Instant};

use core_credentials::jwk::JwkSet;
use rustls_pki_types::CertificateDer;
use tokio::sync::mpsc::UnboundedReceiver;
use tracing::{info, warn};

use crate::config::{Config, read_certificates};
use crate::fault::Fault;
use crate::mes::Enabler;
use crate::shard::Shards;
use crate::web::{GiveBack, KeyFetcher};

/// How often they are fetched again: an issuer announces a key before it signs with it.
const EVERY: Duration = Duration::from_mins(5);
/// How soon when tokens were refused: they may be signed with a key that is new.
const AFTER_REFUSALS: Duration = Duration::from_mins(1);
/// After a failure, the first time and at most.
const RETRY: (Duration, Duration) = (Duration::from_secs(1), Duration::from_mins(1));

/// Fetches them for ever, on a thread of its own.
pub(super) fn follow(config: &Config, issuer: &str, shards: Arc<Shards>) -> Result<(), Fault> {
    let trust = config.issuer_trust()?;
    let fetcher = KeyFetcher::new(issuer, &trust)
        .map_err(|error| config.fault("epcscf.token.issuer", &error.to_string()))?;
    let issuer = issuer.to_owned();
    let refused = Arc::clone(&shards);
    fetch_for_ever(
        fetcher,
        move |keys| shards.set_keys(&issuer, keys),
        move || refused.counters().tokens_refused,
    )
}

/// The keys of the issuer whose tokens application servers show to the enabler.
pub(super) fn follow_for_enabler(
    config: &Config,
    enabler: &Enabler,
    own: &[CertificateDer<'static>],
) -> Result<(), Fault> {
    let token = &config.mmtel_es.token;
    if token.issuer.is_empty() {
        return Ok(());
    }
    let mut trust = read_certificates(&token.trust)?;
    // Of the WAF of this process, this process's own certificate is enough.
    if trust.is_empty() && token.issuer == config.waf.issuer {
        trust.extend_from_slice(own);
    }
    let fetcher = KeyFetcher::new(&token.issuer, &trust)
        .map_err(|error| config.fault("mmtel_es.token.issuer", &error.to_string()))?;
    let (keys_for, refused) = (enabler.clone(), enabler.clone());
    fetch_for_ever(
        fetcher,
        move |keys| keys_for.set_keys(&keys),
        move || refused.unknown_keys(),
    )
}

fn fetch_for_ever(
    fetcher: KeyFetcher,
    set: impl Fn(JwkSet) + Send + 'static,
    refused: impl Fn() -> u64 + Send + 'static,
) -> Result<(), Fault> {
    let issuer = fetcher.issuer().to_owned();
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
                        set(keys);
                        info!(issuer, "the WAF's keys are here");
                        pause = RETRY.0;
                        wait_for_a_reason(&refused);
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

/// TS 24.371 §6A.3: identities of the WAF's pool that nobody is registered with any more go back to it,
/// if we have a name there; if not, they run out.
pub(super) fn give_back(
    config: &Config,
    issuer: &str,
    mut ended: UnboundedReceiver<String>,
) -> Result<(), Fault> {
    let token = &config.epcscf.token;
    if token.client_id.is_empty() {
        return Ok(());
    }
    if token.client_secret.expose().is_empty() {
        return Err(config.fault("epcscf.token.client_id", "goes together with client_secret"));
    }
    let (id, secret) = (&token.client_id, &token.client_secret);
    let to_waf = GiveBack::new(issuer, id, secret, &config.issuer_trust()?)
        .map_err(|error| config.fault("epcscf.token.client_id", &error.to_string()))?;
    let fail = |error: std::io::Error| Fault::new(format!("cannot start a thread: {error}"));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.map_err(fail)?;
    std::thread::Builder::new()
        .name("leases".into())
        .spawn(move || {
            runtime.block_on(async {
                while let Some(lease) = ended.recv().await {
                    if !to_waf.give_back(&lease).await {
                        warn!(
                            "the WAF did not take an identity of its pool back; it runs out there"
                        );
                    }
                }
            });
        })
        .map_err(fail)?;
    Ok(())
}

/// Until they are old, or somebody's token was refused: once a minute at most.
fn wait_for_a_reason(refused: &impl Fn() -> u64) {
    let (fetched, before) = (Instant::now(), refused());
    while fetched.elapsed() < EVERY {
        std::thread::sleep(AFTER_REFUSALS);
        if refused() > before {
            return;
        }
    }
}
