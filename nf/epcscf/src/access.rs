//! May this WIC ask for anything at all? Registration and access token (TS 24.371 §6.4.2, §7.4.1).

use std::time::Instant;

use core_credentials::bearer::{Challenge, Presented, SCOPE, presented};
use core_credentials::token::{Claims, TokenError};
use core_sip::{ConnectionId, reply};
use wire_sip::{HeaderName, Message, StatusCode};

use crate::EpCscf;
use crate::binding::Proof;
use crate::flow::MOST_REFUSALS;
use crate::w2::CLOSE_POLICY;

/// Why a request with a token is not served.
#[derive(Debug, Clone, Copy)]
pub(crate) enum NoAccess {
    /// It has none, or one that cannot be read as such.
    NoToken,
    /// It is not to be believed.
    Token(TokenError),
    /// It is somebody else's than the registration's.
    OtherSubject,
}

/// The access token that a request carries.
pub(crate) fn shown_token(message: &Message) -> Option<&str> {
    message
        .lines(HeaderName::Authorization)
        .find_map(|line| match presented(line) {
            Presented::Token(token) => Some(token),
            _ => None,
        })
}

impl EpCscf {
    /// The claims of the token that a request carries.
    pub(crate) fn verify(&self, now: Instant, message: &Message) -> Result<Claims, NoAccess> {
        let token = shown_token(message).ok_or(NoAccess::NoToken)?;
        self.verifier
            .verify(token, self.unix(now))
            .map_err(NoAccess::Token)
    }

    /// A request of a registered WIC outside a dialog, or one in a dialog that may wait for a new
    /// token: what RFC 8898 §2.3 asks of it. WICs that registered by Digest show none.
    pub(crate) fn check_token(
        &mut self,
        now: Instant,
        binding: u64,
        message: &Message,
    ) -> Result<(), NoAccess> {
        let Some(binding) = self.bindings.get(binding) else {
            return Ok(());
        };
        let Proof::Bearer { impi } = &binding.proof else {
            return Ok(());
        };
        let claims = self.verify(now, message)?;
        if claims.impi == *impi {
            Ok(())
        } else {
            Err(NoAccess::OtherSubject)
        }
    }

    /// RFC 8898 §4 — 401 with the Bearer challenge. A token that no honest client sends, or one
    /// refusal too many, ends the WebSocket behind the answer.
    pub(crate) fn refuse_token(
        &mut self,
        now: Instant,
        connection: Option<ConnectionId>,
        id: core_sip::ServerTransactionId,
        request: &Message,
        why: NoAccess,
    ) {
        self.counters.tokens_refused += 1;
        let error = match why {
            NoAccess::NoToken => None,
            NoAccess::Token(error) => Some(error.challenge_error().to_owned()),
            NoAccess::OtherSubject => Some("invalid_token".to_owned()),
        };
        let challenge = Challenge {
            realm: self.config.home_domain.clone(),
            scope: Some(SCOPE.to_owned()),
            authz_server: self.config.authz_server.clone(),
            error,
            error_description: None,
        };
        let mut response = reply(request, StatusCode::UNAUTHORIZED, &self.random.tag());
        response.push_back(HeaderName::WwwAuthenticate, challenge);
        self.transactions.respond(now, id, response);
        self.drive(now);
        let Some(connection) = connection else { return };
        let Some(flow) = self.flows.get_mut(&connection) else {
            return;
        };
        flow.refusals = flow.refusals.saturating_add(1);
        let forged = matches!(why, NoAccess::Token(error) if error.is_forged());
        if forged || flow.refusals >= MOST_REFUSALS {
            self.close(
                now,
                connection,
                CLOSE_POLICY,
                "the access token is not accepted",
            );
        }
    }

    /// Only Bearer credentials stay here: what the core asked for by Digest goes on to it.
    pub(crate) fn strip_bearer(message: &mut Message) {
        for name in [HeaderName::Authorization, HeaderName::ProxyAuthorization] {
            let bearer = |value: &str| !matches!(presented(value), Presented::OtherScheme);
            if !message.headers().any(|h| h.id == name && bearer(h.value)) {
                continue;
            }
            let kept: Vec<String> = message
                .headers()
                .filter(|header| header.id == name && !bearer(header.value))
                .map(|header| header.value.to_owned())
                .collect();
            message.remove(name);
            for value in kept {
                message.push_back(name, value);
            }
        }
    }
}
