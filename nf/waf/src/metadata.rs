//! What this authorization server can do, for those who meet it first (RFC 8414).

use core_credentials::bearer;
use core_credentials::token::Algorithm;
use serde_json::json;

use crate::waf::Waf;
use crate::{Reply, reply};

impl Waf {
    /// RFC 8414 §3: the path of the metadata of this issuer, with the issuer's own path behind it.
    pub fn metadata_path(issuer: &str) -> String {
        let path = url::Url::parse(issuer)
            .map(|url| url.path().to_owned())
            .unwrap_or_default();
        format!(
            "/.well-known/oauth-authorization-server{}",
            path.trim_end_matches('/')
        )
    }

    /// RFC 8414 §2
    pub fn metadata(&self) -> Reply {
        let issuer = &self.settings.issuer;
        let at = |path: &str| format!("{}/{path}", issuer.trim_end_matches('/'));
        let authentication = json!([
            "client_secret_basic",
            "client_secret_post",
            "private_key_jwt"
        ]);
        let mut grants = vec!["authorization_code", "refresh_token"];
        let programs = self
            .clients
            .values()
            .any(|client| !client.scopes.is_empty());
        if programs || !self.settings.pool.identities.is_empty() {
            grants.push("client_credentials");
        }
        let signatures = json!([Algorithm::ES256.name(), Algorithm::RS256.name()]);
        reply::public_json(&json!({
            "issuer": issuer,
            "authorization_endpoint": at("authorize"),
            "token_endpoint": at("token"),
            "token_endpoint_auth_methods_supported": authentication,
            "token_endpoint_auth_signing_alg_values_supported": signatures,
            "revocation_endpoint": at("revoke"),
            "revocation_endpoint_auth_methods_supported": authentication,
            "revocation_endpoint_auth_signing_alg_values_supported": signatures,
            "introspection_endpoint": at("introspect"),
            "introspection_endpoint_auth_methods_supported": authentication,
            "introspection_endpoint_auth_signing_alg_values_supported": signatures,
            "jwks_uri": at("jwks"),
            "scopes_supported": [bearer::SCOPE],
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": grants,
            "code_challenge_methods_supported": ["S256"],
            // RFC 9207 §3
            "authorization_response_iss_parameter_supported": true,
        }))
    }
}
