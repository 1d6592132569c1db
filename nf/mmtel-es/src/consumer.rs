//! Whose applications these are: `reqId`, the token and `secCred` together decide
//! (TS 29.392 §6.1.6.2.2).

use std::collections::HashMap;

use api_mmtel_es::ProblemDetails;
use api_mmtel_es::common::Credential;
use core_credentials::{Secret, constant_time_eq};

use crate::package;

/// Who sent a request, as far as the shell could prove it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Consumer {
    /// The client of an access token.
    Client(String),
    /// Nobody in particular: this server asks for no tokens.
    Anybody,
}

/// A provider that the configuration knows.
#[derive(Clone, Debug, Default)]
pub struct Provider {
    /// The clients that may speak for it; nobody but the client of the same name when empty.
    pub clients: Vec<String>,
    /// What `secCred` must be.
    pub credential: Option<Secret>,
}

/// What is the same for all.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Providers by their `reqId`. Who is not here is a provider all the same, unless `closed`.
    pub providers: HashMap<String, Provider>,
    /// Whether only the providers of the configuration are served.
    pub closed: bool,
    /// What a package may be.
    pub package: package::Limits,
    /// How many applications one provider may have.
    pub max_applications: usize,
    /// How many bytes the packages of one provider may have together.
    pub max_package_bytes: u64,
    /// How many providers may have applications.
    pub max_providers: usize,
    /// How many bytes the profile of one application may have, as JSON.
    pub max_profile: usize,
    /// How many `vendorSpecific-` members it may have.
    pub max_extensions: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            providers: HashMap::new(),
            closed: false,
            package: package::Limits::default(),
            max_applications: 1000,
            max_package_bytes: 256 * 1024 * 1024,
            max_providers: 10_000,
            max_profile: 64 * 1024,
            max_extensions: 32,
        }
    }
}

impl Settings {
    /// Whether `consumer` may act as the provider `req_id`. A deletion and a retrieval carry no
    /// `secCred`: for a provider that has one configured, only a token proves who asks for them.
    pub(crate) fn authorize(
        &self,
        consumer: &Consumer,
        req_id: &str,
        carries_credential: bool,
        sec_cred: Option<&Credential>,
    ) -> Result<(), Box<ProblemDetails>> {
        let refused = |param: &str, reason: &str| {
            let detail = "The applications of this provider are not yours.";
            let problem = ProblemDetails::new(403).detail(detail);
            Err(Box::new(problem.param(param, reason)))
        };
        let provider = self.providers.get(req_id);
        if provider.is_none() && self.closed {
            return refused("/reqId", "is no provider that is served here");
        }
        if let Consumer::Client(client) = consumer {
            let may = match provider {
                Some(provider) if !provider.clients.is_empty() => provider.clients.contains(client),
                _ => client == req_id,
            };
            if !may {
                return refused("/reqId", "is not a provider that this client speaks for");
            }
        }
        let Some(expected) = provider.and_then(|provider| provider.credential.as_ref()) else {
            return Ok(());
        };
        if !carries_credential {
            return match consumer {
                Consumer::Client(_) => Ok(()),
                Consumer::Anybody => refused("/reqId", "must prove itself by an access token"),
            };
        }
        match sec_cred {
            Some(given) if constant_time_eq(given.0.as_bytes(), expected.expose().as_bytes()) => {
                Ok(())
            }
            Some(_) => refused("/secCred", "is not the credential of this provider"),
            None => refused("/secCred", "is missing, and this provider has one"),
        }
    }
}
