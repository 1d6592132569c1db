//! Tokens for programs: an application server asks for one in its own name (RFC 6749 §4.4), and shows
//! it to a service of the operator's, such as the MMTel Enabler Server (TS 29.122 §6).

use core_credentials::Random;
use core_credentials::token::Claims;
use http::StatusCode;
use serde_json::json;

use crate::form::Form;
use crate::reply::{self, OAuthError};
use crate::waf::Waf;
use crate::{Client, Reply};

type Refused = (OAuthError, &'static str);

impl Waf {
    /// RFC 6749 §4.4: all of the client's scopes, or those that it asks for. There is no refresh token,
    /// and nothing to write down.
    pub(crate) fn serve_program(
        &mut self,
        now: u64,
        random: &mut Random,
        client: &Client,
        form: &Form,
    ) -> Result<Reply, Refused> {
        let scope = match form.value("scope") {
            None => client.scopes.join(" "),
            Some(asked) => {
                let mut words = asked.split(' ').filter(|word| !word.is_empty());
                if !words.all(|word| client.scopes.iter().any(|one| one == word)) {
                    let why = "a scope that is not this client's";
                    return Err((OAuthError::InvalidScope, why));
                }
                asked.to_owned()
            }
        };
        let lifetime = self.settings.access_token_lifetime;
        let claims = Claims {
            iss: self.settings.issuer.clone(),
            // RFC 9068 §2.2: nobody's account is involved.
            sub: client.id.clone(),
            aud: vec![client.audience.clone()],
            client_id: client.id.clone(),
            iat: now,
            exp: now + lifetime,
            jti: random.identifier(),
            scope: scope.clone(),
            ..Claims::default()
        };
        let token = self
            .signing_key()
            .and_then(|key| key.issue(&claims))
            .ok_or((OAuthError::ServerError, "no token can be signed"))?;
        Ok(reply::secret_json(
            StatusCode::OK,
            &json!({
                "access_token": token.expose(),
                "token_type": "Bearer",
                "expires_in": lifetime,
                "scope": scope,
            }),
        ))
    }
}
