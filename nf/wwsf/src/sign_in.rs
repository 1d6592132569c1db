//! Signing in: away to the WAF and back (RFC 6749 §4.1, RFC 7636, RFC 9207).
//!
//! What has to be remembered meanwhile is in a cookie of this one attempt, named after its `state`: a
//! browser that comes back without it did not start here (RFC 9700 §4.7.1), and two tabs do not mix.

use core_credentials::{Random, Secret, pkce};
use url::{Url, form_urlencoded};

use crate::cookies::{self, SESSION, SIGN_IN};
use crate::session::{Change, Session};
use crate::w4::{Failure, Form, Granted};
use crate::wwsf::{MAX_SESSIONS, Outcome, Request, Wwsf, fingerprint};
use crate::{Reply, headers};

/// What a browser that comes back from the WAF leads to.
#[must_use]
pub enum Returned {
    /// An answer at once: it brings no code, or did not start here.
    Reply(Reply),
    /// Trade the code on W4, ask about the token, then [`Wwsf::signed_in`].
    Trade {
        /// For the token endpoint.
        form: Form,
        /// The attempt, whose cookie ends with it.
        state: String,
    },
}

/// Sign-ins under way in one browser.
const MAX_UNDER_WAY: usize = 8;

impl Wwsf {
    /// `GET /signin`: off to the WAF.
    pub fn begin_sign_in(&self, request: &Request<'_>, random: &mut Random) -> Reply {
        let settings = self.settings();
        let Some(server) = &settings.server else {
            return self.back_to_page(request, "", "error=unavailable");
        };
        let state = random.identifier();
        let verifier = pkce::verifier(random);
        let parameters = [
            ("response_type", "code"),
            ("client_id", &settings.client_id),
            ("redirect_uri", &redirect_uri(request)),
            ("scope", &settings.scope),
            ("state", &state),
            ("code_challenge", &pkce::challenge(verifier.expose())),
            ("code_challenge_method", "S256"),
        ];
        let query = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(parameters)
            .finish();
        // An endpoint may have a query of its own (RFC 6749 §3.1).
        let mark = if server.authorize.contains('?') {
            '&'
        } else {
            '?'
        };
        let mut reply = headers::see_other(&format!("{}{mark}{query}", server.authorize));
        for old in request.cookies.named(SIGN_IN).skip(MAX_UNDER_WAY - 1) {
            headers::set_cookie(&mut reply, &cookies::gone(SIGN_IN, old));
        }
        headers::set_cookie(&mut reply, &cookies::of_sign_in(&state, &verifier));
        self.protect(reply, request)
    }

    /// `GET /signed-in`: back from the WAF.
    pub fn returned(&self, request: &Request<'_>, query: &str) -> Returned {
        let pairs: Vec<_> = form_urlencoded::parse(query.as_bytes()).take(16).collect();
        let value = |name: &str| {
            let mut values = pairs
                .iter()
                .filter(|(known, _)| known == name)
                .map(|(_, value)| &**value);
            // A parameter that comes twice is somebody's trick (RFC 6749 §3.1).
            values.next().filter(|_| values.next().is_none())
        };
        let state = value("state").unwrap_or_default();
        let Some(verifier) = request.cookies.value(SIGN_IN, state) else {
            return Returned::Reply(self.back_to_page(request, "", "error=state"));
        };
        // RFC 9207 §2.4: another server's code is not for us. A server that does not name itself is the
        // only one that we send browsers to.
        let Some(server) = &self.settings().server else {
            return Returned::Reply(self.back_to_page(request, state, "error=unavailable"));
        };
        let named = pairs.iter().any(|(name, _)| name == "iss");
        if (server.names_itself || named) && value("iss") != Some(server.issuer.as_str()) {
            return Returned::Reply(self.back_to_page(request, state, "error=issuer"));
        }
        match (value("code"), value("error")) {
            (Some(code), None) => Returned::Trade {
                form: Form::code(code, &redirect_uri(request), verifier),
                state: state.to_owned(),
            },
            (None, Some("access_denied")) => {
                Returned::Reply(self.back_to_page(request, state, "error=access_denied"))
            }
            _ => Returned::Reply(self.back_to_page(request, state, "error=waf")),
        }
    }

    /// What W4 gave for the code: a session, or a word for the page to explain.
    pub fn signed_in(
        &mut self,
        now: u64,
        random: &mut Random,
        request: &Request<'_>,
        state: &str,
        granted: Result<Granted, Failure>,
    ) -> Outcome {
        let granted = granted.and_then(
            |Granted {
                 tokens,
                 introspection,
             }| {
                let identity = introspection.identity(&self.settings().dialect)?;
                Ok((tokens, identity))
            },
        );
        let (tokens, identity) = match granted {
            Ok(granted) if self.len() < MAX_SESSIONS => granted,
            Ok(_) | Err(Failure::Unavailable | Failure::Exhausted) => {
                self.counters.waf_unavailable += 1;
                return Outcome::unchanged(self.back_to_page(request, state, "error=unavailable"));
            }
            Err(Failure::Refused) => {
                return Outcome::unchanged(self.back_to_page(request, state, "error=refused"));
            }
        };
        let sid = random.identifier();
        let secret = Secret::new(random.token());
        let session = Session {
            sid: sid.clone(),
            secret_hash: fingerprint(secret.expose()),
            refresh_token: tokens.refresh_token.clone(),
            identity,
            used: now,
            expires: now + self.settings().session_lifetime,
            visitor: Secret::default(),
        };
        let mut reply = self.back_to_page(request, state, &format!("session={sid}"));
        // Cookies of pages that were closed without signing out.
        for old in request
            .cookies
            .named(SESSION)
            .filter(|old| !self.contains(old))
        {
            headers::set_cookie(&mut reply, &cookies::gone(SESSION, old));
        }
        headers::set_cookie(&mut reply, &cookies::of_session(&sid, &secret));
        self.counters.signed_in += 1;
        self.keep(now, session.clone(), &tokens);
        Outcome {
            changes: vec![Change::PutSession(session)],
            reply,
        }
    }

    /// 303 to the page; what it needs to know is in the fragment, which no server and no log sees.
    pub(crate) fn back_to_page(&self, request: &Request<'_>, state: &str, fragment: &str) -> Reply {
        let mut reply = headers::see_other(&format!("/#{fragment}"));
        if request.cookies.value(SIGN_IN, state).is_some() {
            headers::set_cookie(&mut reply, &cookies::gone(SIGN_IN, state));
        }
        self.protect(reply, request)
    }
}

/// Where the WAF sends the browser: the origin it came from, which is one of ours.
fn redirect_uri(request: &Request<'_>) -> String {
    let text = format!("{}/signed-in", request.origin);
    // As a URL parser writes it: default ports are left out.
    Url::parse(&text).map_or(text, |url| url.to_string())
}
