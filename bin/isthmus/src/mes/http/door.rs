//! Who asks: access tokens of programs (RFC 6750, TS 29.122 §6), or nobody in particular.
//!
//! An API framework (CAPIF) would stand here too, with tokens of its core's and scopes of its form.

use std::sync::{Mutex, PoisonError};

use api_mmtel_es::Api;
use axum::http::header::{AUTHORIZATION, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue};
use core_credentials::bearer::{self, Presented};
use core_credentials::jwk::JwkSet;
use core_credentials::token::{ServiceVerifier, TokenError};
use nf_mmtel_es::Consumer;

use super::Refusal;

/// Where consumers show their tokens, when there are any.
#[derive(Debug)]
pub(in crate::mes) struct Door {
    issuer: String,
    verifier: Mutex<ServiceVerifier>,
    /// Tokens with a key that nobody knows, so far.
    unknown: std::sync::atomic::AtomicU64,
}

impl Door {
    pub(in crate::mes) fn new(issuer: &str, verifier: ServiceVerifier) -> Self {
        Self {
            issuer: issuer.to_owned(),
            verifier: Mutex::new(verifier),
            unknown: std::sync::atomic::AtomicU64::new(0),
        }
    }

    pub(in crate::mes) fn set_keys(&self, keys: &JwkSet) {
        let mut verifier = self.lock();
        if let Err(error) = verifier.set_keys(&self.issuer, keys) {
            tracing::warn!(%error, "the keys of an issuer cannot be used");
        }
    }

    /// How many tokens named a key that is not known: it may be new.
    pub(in crate::mes) fn unknown(&self) -> u64 {
        self.unknown.load(std::sync::atomic::Ordering::Relaxed)
    }

    /// RFC 6750 §3: 401 when a token is missing or not good, 403 when it does not allow this API.
    pub(super) fn consumer(
        &self,
        api: Api,
        headers: &HeaderMap,
        now: u64,
    ) -> Result<Consumer, Refusal> {
        let mut values = headers.get_all(AUTHORIZATION).iter();
        let value = values
            .next()
            .map(|value| value.to_str().unwrap_or_default());
        let Some(value) = value else {
            return Err(challenge(401, "An access token is needed.", "Bearer"));
        };
        if values.next().is_some() {
            let why = "There are two Authorization fields.";
            return Err(challenge(401, why, "Bearer error=\"invalid_request\""));
        }
        let token = match bearer::presented(value) {
            Presented::Token(token) => token,
            Presented::OtherScheme | Presented::Unreadable => {
                return Err(challenge(401, "An access token is needed.", "Bearer"));
            }
        };
        let verifier = self.lock();
        if !verifier.is_ready() {
            let refusal =
                Refusal::new(503).detail("The keys of the tokens' issuer are not here yet.");
            return Err(refusal.header(RETRY_AFTER, HeaderValue::from_static("2")));
        }
        let claims = verifier.verify(token, now).map_err(|error| {
            if matches!(error, TokenError::UnknownKey) {
                self.unknown
                    .fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            }
            // RFC 6750 §3: the description is for whoever writes the consumer.
            let value = format!("Bearer error=\"invalid_token\", error_description=\"{error}\"");
            challenge(401, "The access token is not good.", &value)
        })?;
        // Clause 6.3.1 has another name for one of them.
        let allowed =
            claims.allows(api.name()) || api == Api::CallEvent && claims.allows("mmtel-callevnt");
        if !allowed {
            let value = format!(
                "Bearer error=\"insufficient_scope\", scope=\"{}\"",
                api.name()
            );
            return Err(challenge(
                403,
                "The access token is not for this API.",
                &value,
            ));
        }
        Ok(Consumer::Client(claims.client_id))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, ServiceVerifier> {
        self.verifier.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn challenge(status: u16, detail: &str, value: &str) -> Refusal {
    let refusal = Refusal::new(status).detail(detail);
    match HeaderValue::from_str(value) {
        Ok(value) => refusal.header(WWW_AUTHENTICATE, value),
        Err(_) => refusal,
    }
}
