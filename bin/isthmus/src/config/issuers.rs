//! `[[epcscf.issuer]]`: what is agreed with each issuer of access tokens (TS 24.371 §6.4.2).

use std::collections::HashMap;
use std::path::PathBuf;

use core_credentials::Secret;
use core_credentials::token::{ClaimNames, IssuerRules};
use nf_epcscf::Issuer;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use serde::Deserialize;

use super::Config;
use crate::fault::Fault;
use crate::web::{Endpoint, Introspector};

/// One of them. The WAF of this process, or that of `epcscf.token.issuer`, needs none.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct IssuerConfig {
    /// `iss`.
    pub(crate) issuer: String,
    /// The scope that lets a WIC in.
    #[serde(default)]
    pub(crate) scope: Option<String>,
    /// Its access tokens are plain JWTs, as those of many identity providers.
    #[serde(default)]
    pub(crate) plain_jwt: bool,
    /// What its claims are called.
    #[serde(default)]
    pub(crate) claims: ClaimsConfig,
    /// Ask it about its tokens (RFC 7662), and do not look at signatures.
    #[serde(default)]
    pub(crate) introspection: Option<IntrospectionConfig>,
    /// It is in a third party's domain, and the core knows it by this name.
    #[serde(default)]
    pub(crate) third_party: Option<String>,
    /// WWSFs in a third party's domain, by what tokens call them; `*` is all of them.
    #[serde(default)]
    pub(crate) third_party_wwsfs: Vec<String>,
}

/// `[epcscf.issuer.claims]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ClaimsConfig {
    impi: Option<String>,
    impu: Option<String>,
    scope: Option<String>,
    client_id: Option<String>,
    wwsf: Option<String>,
}

/// `[epcscf.issuer.introspection]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct IntrospectionConfig {
    /// Its introspection endpoint.
    pub(crate) url: String,
    /// Who asks.
    pub(crate) client_id: String,
    /// And the proof.
    #[serde(default)]
    pub(crate) client_secret: Option<Secret>,
    /// A file with the proof.
    #[serde(default)]
    pub(crate) client_secret_file: Option<PathBuf>,
}

impl IssuerConfig {
    pub(super) fn check(&self) -> Result<(), String> {
        if !self.issuer.contains("://") {
            return Err(format!("`{}` is no URL", self.issuer));
        }
        let Some(introspection) = &self.introspection else {
            return Ok(());
        };
        if url::Url::parse(&introspection.url).is_err() {
            return Err(format!("`{}` is no URL", introspection.url));
        }
        match (
            &introspection.client_secret,
            &introspection.client_secret_file,
        ) {
            (Some(_), None) | (None, Some(_)) => Ok(()),
            _ => Err(
                "one of introspection.client_secret and introspection.client_secret_file"
                    .to_owned(),
            ),
        }
    }

    /// As the eP-CSCF takes it.
    pub(crate) fn rules(&self) -> Issuer {
        let usual = IssuerRules::default();
        let named = |name: &Option<String>, usual: String| name.clone().unwrap_or(usual);
        let names = ClaimNames::default();
        Issuer {
            issuer: self.issuer.clone(),
            rules: IssuerRules {
                claims: ClaimNames {
                    impi: named(&self.claims.impi, names.impi),
                    impu: named(&self.claims.impu, names.impu),
                    scope: named(&self.claims.scope, names.scope),
                    client_id: named(&self.claims.client_id, names.client_id),
                    wwsf: named(&self.claims.wwsf, names.wwsf),
                },
                scope: named(&self.scope, usual.scope),
                plain_jwt: self.plain_jwt,
                introspect: self.introspection.is_some(),
            },
            third_party: self.third_party.clone(),
            third_party_wwsfs: self.third_party_wwsfs.clone(),
        }
    }
}

impl IntrospectionConfig {
    fn endpoint(&self) -> Result<Endpoint, Fault> {
        let secret = match (&self.client_secret, &self.client_secret_file) {
            (Some(secret), _) => secret.clone(),
            (None, Some(file)) => {
                let text = std::fs::read_to_string(file)
                    .map_err(|error| Fault::at(file, None, format!("cannot be read: {error}")))?;
                Secret::new(text.trim())
            }
            (None, None) => Secret::default(),
        };
        Ok(Endpoint {
            url: self.url.clone(),
            client_id: self.client_id.clone(),
            client_secret: secret,
        })
    }
}

/// The certificates in PEM files.
pub(crate) fn read_certificates(files: &[PathBuf]) -> Result<Vec<CertificateDer<'static>>, Fault> {
    let mut all = Vec::new();
    for file in files {
        let read = CertificateDer::pem_file_iter(file).and_then(Iterator::collect);
        let read: Vec<_> =
            read.map_err(|error| Fault::at(file, None, format!("is no PEM certificate: {error}")))?;
        all.extend(read);
    }
    Ok(all)
}

impl Config {
    /// The issuers whose keys are fetched: those of `[[epcscf.issuer]]` that are not asked.
    pub(crate) fn issuers_with_keys(&self) -> impl Iterator<Item = &str> {
        let issuers = self.epcscf.issuer.iter();
        issuers
            .filter(|issuer| issuer.introspection.is_none())
            .map(|issuer| issuer.issuer.as_str())
    }

    /// The certificates that issuers are trusted by, in place of the system's.
    pub(crate) fn issuer_trust(&self) -> Result<Vec<CertificateDer<'static>>, Fault> {
        read_certificates(&self.epcscf.token.trust)
    }

    /// Who asks the issuers that are to be asked; nobody when there are none.
    pub(crate) fn introspector(&self) -> Result<Option<Introspector>, Fault> {
        let mut endpoints = HashMap::new();
        for issuer in &self.epcscf.issuer {
            if let Some(introspection) = &issuer.introspection {
                endpoints.insert(issuer.issuer.clone(), introspection.endpoint()?);
            }
        }
        if endpoints.is_empty() {
            return Ok(None);
        }
        let introspector = Introspector::new(endpoints, &self.issuer_trust()?)
            .map_err(|error| self.fault("epcscf.issuer", &error.to_string()))?;
        Ok(Some(introspector))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> IssuerConfig {
        toml::from_str(text).expect("an issuer")
    }

    #[test]
    fn an_identity_provider_that_knows_nothing_of_ims() {
        let issuer = read(
            "issuer = \"https://idp.example/realms/ims\"\nplain_jwt = true\nscope = \"ims\"\n\
             third_party = \"idp.example\"\nthird_party_wwsfs = [\"*\"]\n\
             claims = { impi = \"ims.private\", impu = \"ims.public\", client_id = \"azp\" }\n",
        );
        assert_eq!(issuer.check(), Ok(()));
        let rules = issuer.rules();
        assert_eq!(rules.rules.claims.impi, "ims.private");
        assert_eq!(rules.rules.claims.scope, "scope");
        assert!(rules.rules.plain_jwt && !rules.rules.introspect);
        assert_eq!(rules.rules.scope, "ims");
        assert_eq!(rules.third_party.as_deref(), Some("idp.example"));
    }

    #[test]
    fn one_that_is_asked_needs_a_proof() {
        let text = "issuer = \"https://idp.example\"\n[introspection]\nurl = \"https://idp.example/i\"\n\
                    client_id = \"edge\"\n";
        assert!(read(text).check().is_err());
        let with_proof = read(&format!("{text}client_secret = \"s\"\n"));
        assert_eq!(with_proof.check(), Ok(()));
        assert!(with_proof.rules().rules.introspect);
        let two = format!("{text}client_secret = \"s\"\nclient_secret_file = \"f\"\n");
        assert!(read(&two).check().is_err());
        assert!(read("issuer = \"idp\"").check().is_err());
    }
}
