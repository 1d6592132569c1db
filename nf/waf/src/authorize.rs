//! The authorization endpoint, first half: who asks for what (RFC 6749 §4.1.1, RFC 7636 §4.3).

use core_credentials::{bearer, pkce};
use http::StatusCode;

use crate::form::Form;
use crate::reply::{self, OAuthError};
use crate::waf::{Waf, is_within};
use crate::{Reply, pages, redirect_matches};

/// A request that can be granted once somebody has signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AuthorizationRequest {
    pub(crate) client_id: String,
    pub(crate) redirect_uri: String,
    pub(crate) state: Option<String>,
    pub(crate) scope: String,
    pub(crate) challenge: String,
}

/// Longest `state` that we carry.
const MAX_STATE: usize = 1024;

impl Waf {
    /// `GET /authorize`: the sign-in page, or why there is none.
    pub fn authorize(&self, query: &str) -> Reply {
        match self.read_request(query).1 {
            Ok(request) => sign_in_page(StatusCode::OK, &request, "", None),
            Err(reply) => *reply,
        }
    }

    /// Reads and judges a request. The form comes back too: a POST carries more in it.
    ///
    /// RFC 6749 §4.1.2.1: until client and redirection URI are known to belong together the browser
    /// is sent nowhere; after that every error goes to the client.
    pub(crate) fn read_request(
        &self,
        query: &str,
    ) -> (Form, Result<AuthorizationRequest, Box<Reply>>) {
        let Ok(form) = Form::parse(query) else {
            return (
                Form::default(),
                Err(Box::new(refuse("The request cannot be read."))),
            );
        };
        let request = self.judge_request(&form);
        (form, request)
    }

    fn judge_request(&self, form: &Form) -> Result<AuthorizationRequest, Box<Reply>> {
        let client = form.value("client_id").and_then(|id| self.clients.get(id));
        let client = client
            .ok_or_else(|| Box::new(refuse("The service that sent you here is not known.")))?;
        // RFC 9700 §2.1: always named, never guessed.
        let redirect_uri = form.value("redirect_uri").filter(|asked| {
            client
                .redirect_uris
                .iter()
                .any(|registered| redirect_matches(registered, asked))
        });
        let redirect_uri = redirect_uri
            .ok_or_else(|| refuse("The service wants you back at an unknown address."))?;
        let state = form.value("state");
        let to_client = |error: OAuthError, description: &str| {
            Box::new(self.back_to_client(
                redirect_uri,
                state.filter(|state| state.len() <= MAX_STATE),
                &[("error", error.code()), ("error_description", description)],
            ))
        };
        if state.is_some_and(|state| state.len() > MAX_STATE) {
            return Err(to_client(OAuthError::InvalidRequest, "state is too long"));
        }
        match form.value("response_type") {
            Some("code") => {}
            Some(_) => {
                return Err(to_client(
                    OAuthError::UnsupportedResponseType,
                    "only code is served",
                ));
            }
            None => {
                return Err(to_client(
                    OAuthError::InvalidRequest,
                    "response_type is missing",
                ));
            }
        }
        let scope = form.value("scope").unwrap_or(bearer::SCOPE);
        if !is_within(scope, bearer::SCOPE) {
            return Err(to_client(OAuthError::InvalidScope, "an unknown scope"));
        }
        // RFC 7636 §4.4.1, RFC 9700 §2.1.1: S256 is required, `plain` is what is meant by silence.
        let challenge = form
            .value("code_challenge")
            .filter(|challenge| pkce::is_challenge(challenge));
        let (Some(challenge), Some("S256")) = (challenge, form.value("code_challenge_method"))
        else {
            return Err(to_client(
                OAuthError::InvalidRequest,
                "PKCE with S256 is required",
            ));
        };
        Ok(AuthorizationRequest {
            client_id: client.id.clone(),
            redirect_uri: redirect_uri.to_owned(),
            state: state.map(str::to_owned),
            scope: scope.to_owned(),
            challenge: challenge.to_owned(),
        })
    }

    /// RFC 6749 §4.1.2, with `iss` by RFC 9207 §2.
    pub(crate) fn back_to_client(
        &self,
        redirect_uri: &str,
        state: Option<&str>,
        parameters: &[(&str, &str)],
    ) -> Reply {
        let mut all = parameters.to_vec();
        all.extend(state.map(|state| ("state", state)));
        all.push(("iss", &self.settings.issuer));
        reply::redirect(redirect_uri, &all)
    }
}

/// The page, with what went wrong the last time.
pub(crate) fn sign_in_page(
    status: StatusCode,
    request: &AuthorizationRequest,
    user_name: &str,
    error: Option<&str>,
) -> Reply {
    reply::page(
        status,
        Some(&request.redirect_uri),
        pages::sign_in(request, user_name, error),
    )
}

/// An answer for the browser that stays here.
pub(crate) fn refuse(words: &str) -> Reply {
    reply::page(StatusCode::BAD_REQUEST, None, pages::failure(words))
}
