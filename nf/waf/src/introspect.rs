//! Introspection (RFC 7662): what a token is worth at this moment.

use http::StatusCode;
use serde_json::{Value, json};

use crate::form::Form;
use crate::reply::{self, OAuthError};
use crate::waf::{Waf, fingerprint};
use crate::{Client, Reply};

impl Waf {
    /// `POST /introspect`
    pub fn introspect(&mut self, now: u64, authorization: Option<&str>, body: &str) -> Reply {
        let Ok(form) = Form::parse(body) else {
            return OAuthError::InvalidRequest.reply("the request cannot be read");
        };
        let client = match self.authenticate_client(now, authorization, &form) {
            Ok(client) => client,
            Err((error, description)) => return error.reply(description),
        };
        let Some(token) = form.value("token") else {
            return OAuthError::InvalidRequest.reply("token is missing");
        };
        // RFC 7662 §2.2: of a token that is not active, or is none of the caller's, nothing is told.
        let body = self
            .access_token(now, &client, token)
            .or_else(|| self.refresh_token(now, &client, token))
            .unwrap_or_else(|| json!({ "active": false }));
        reply::secret_json(StatusCode::OK, &body)
    }

    fn access_token(&self, now: u64, client: &Client, token: &str) -> Option<Value> {
        let claims = self.verifier().verify(token, now).ok()?;
        let name = if claims.lease.is_some() {
            self.lends(&claims).then_some(())?;
            self.name_in_pool(&claims.impi)?
        } else {
            let (grant, _) = claims.jti.split_once('.')?;
            let grant = self.grants.get(grant)?;
            self.accounts.get(&grant.account)?.display_name.as_str()
        };
        may_ask(client, &claims.client_id).then(|| {
            json!({
                "active": true,
                "token_type": "Bearer",
                "scope": claims.scope,
                "client_id": claims.client_id,
                "username": claims.sub,
                "sub": claims.sub,
                "aud": claims.aud,
                "iss": claims.iss,
                "iat": claims.iat,
                "exp": claims.exp,
                "jti": claims.jti,
                "name": name,
                "impi": claims.impi,
                "impu": claims.impu,
            })
        })
    }

    fn refresh_token(&self, now: u64, client: &Client, token: &str) -> Option<Value> {
        let (grant, _) = token.split_once('.')?;
        let grant = self.grants.get(grant)?;
        let good = grant.is_alive(now)
            && grant.current == fingerprint(token)
            && may_ask(client, &grant.client_id);
        good.then(|| {
            json!({
                "active": true,
                "scope": grant.scope,
                "client_id": grant.client_id,
                "username": grant.account,
                "sub": grant.account,
                "iss": self.settings.issuer,
                "exp": grant.idle_until.min(grant.expires),
            })
        })
    }
}

fn may_ask(client: &Client, owner: &str) -> bool {
    client.resource_server || client.id == owner
}
