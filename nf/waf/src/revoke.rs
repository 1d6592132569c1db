//! Revocation (RFC 7009): a client gives back what it was granted.

use http::StatusCode;

use crate::form::Form;
use crate::reply::{self, OAuthError};
use crate::waf::{Outcome, Waf};

impl Waf {
    /// `POST /revoke`: either kind of token ends the whole grant (RFC 7009 §2.1).
    ///
    /// An access token that is out cannot be called back before it expires: the eP-CSCF does not ask.
    pub fn revoke(&mut self, now: u64, authorization: Option<&str>, body: &str) -> Outcome {
        let refuse = |error: OAuthError, description| Outcome::unchanged(error.reply(description));
        let Ok(form) = Form::parse(body) else {
            return refuse(OAuthError::InvalidRequest, "the request cannot be read");
        };
        let client = match self.authenticate_client(now, authorization, &form) {
            Ok(client) => client.id.clone(),
            Err((error, description)) => return refuse(error, description),
        };
        let Some(token) = form.value("token") else {
            return refuse(OAuthError::InvalidRequest, "token is missing");
        };
        // A visitor's name is all that a WWSF has of a lease.
        if form.value("token_type_hint") == Some("visitor") {
            let ended = self.end_visit(&client, token);
            self.counters.revoked += u64::from(ended.is_some());
            return Outcome {
                changes: ended.into_iter().collect(),
                reply: reply::empty(StatusCode::OK),
            };
        }
        // RFC 7009 §2.1: the hint only says where to look first, and both places are near.
        let named = match self.verifier().verify(token, now) {
            Ok(claims) => claims.jti,
            Err(_) => token.to_owned(),
        };
        let id = named
            .split_once('.')
            .map(|(id, _)| id.to_owned())
            .unwrap_or_default();
        match self.grants.get(&id) {
            // RFC 7009 §2.2: a token that is not known is revoked already.
            None => Outcome::unchanged(reply::empty(StatusCode::OK)),
            Some(grant) if grant.client_id != client => refuse(
                OAuthError::UnauthorizedClient,
                "the token belongs to another client",
            ),
            Some(_) => {
                self.counters.revoked += 1;
                Outcome {
                    changes: self.end_grant(&id).into_iter().collect(),
                    reply: reply::empty(StatusCode::OK),
                }
            }
        }
    }
}
