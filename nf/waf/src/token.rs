//! The token endpoint (RFC 6749 §4.1.3, §6): codes and refresh tokens become access tokens.
//!
//! A refresh token is `<grant>.<secret>` and is good once: each use gives the next (RFC 9700 §4.14.2).
//! One that was used before shows that two have it, and ends the grant. One exception: the newest may
//! have been lost on its way to a client that was killed, so the one before it is taken once more within
//! [`GRACE`] seconds. It then replaces the newest; whoever holds that one ends the grant by using it.

use core_credentials::token::Claims;
use core_credentials::{Random, constant_time_eq, pkce};
use http::StatusCode;
use serde_json::json;

use crate::form::Form;
use crate::reply::{self, OAuthError};
use crate::state::{Change, Grant};
use crate::waf::{MAX_GRANTS, MAX_GRANTS_OF_ACCOUNT, Outcome, Waf, fingerprint, is_within};

/// How long a refresh token that was used may be used again, if its successor was not.
const GRACE: u64 = 60;

type Refused = (OAuthError, &'static str);

impl Waf {
    /// `POST /token`
    pub fn token(
        &mut self,
        now: u64,
        random: &mut Random,
        authorization: Option<&str>,
        body: &str,
    ) -> Outcome {
        let mut changes = Vec::new();
        let reply = self
            .grant(now, random, authorization, body, &mut changes)
            .unwrap_or_else(|(error, description)| error.reply(description));
        Outcome { changes, reply }
    }

    fn grant(
        &mut self,
        now: u64,
        random: &mut Random,
        authorization: Option<&str>,
        body: &str,
        changes: &mut Vec<Change>,
    ) -> Result<crate::Reply, Refused> {
        let form = Form::parse(body)
            .map_err(|_| (OAuthError::InvalidRequest, "the request cannot be read"))?;
        let client = self.authenticate_client(now, authorization, &form)?;
        let id = client.id.as_str();
        match form.value("grant_type") {
            Some("authorization_code") => self.trade_code(now, random, id, &form, changes),
            Some("refresh_token") => self.refresh(now, random, id, &form, changes),
            Some("client_credentials") if !client.scopes.is_empty() => {
                self.serve_program(now, random, &client, &form)
            }
            Some("client_credentials") => self.lend(now, random, &client, &form, changes),
            Some(_) => Err((
                OAuthError::UnsupportedGrantType,
                "the server's metadata says which are served",
            )),
            None => Err((OAuthError::InvalidRequest, "grant_type is missing")),
        }
    }

    /// RFC 6749 §4.1.3. A code is spent by the first attempt, whether that is right or not.
    fn trade_code(
        &mut self,
        now: u64,
        random: &mut Random,
        client: &str,
        form: &Form,
        changes: &mut Vec<Change>,
    ) -> Result<crate::Reply, Refused> {
        let need = |name| {
            form.value(name)
                .ok_or((OAuthError::InvalidRequest, "a parameter is missing"))
        };
        let (code, redirect_uri, verifier) =
            (need("code")?, need("redirect_uri")?, need("code_verifier")?);
        let refused = (OAuthError::InvalidGrant, "the code is not good");
        let stored = self.codes.get_mut(&fingerprint(code)).ok_or(refused)?;
        if stored.client_id != client {
            return Err(refused);
        }
        // RFC 6749 §4.1.2: a code used twice takes back what it gave.
        if let Some(grant) = stored.used.clone() {
            self.counters.replayed += 1;
            changes.extend(self.end_grant(&grant));
            return Err(refused);
        }
        let right = now < stored.expires
            && stored.redirect_uri == redirect_uri
            && pkce::verify(verifier, &stored.challenge)
            && self.accounts.contains_key(&stored.account);
        let id = if right {
            random.identifier()
        } else {
            String::new()
        };
        stored.used = Some(id.clone());
        let (account, scope) = (stored.account.clone(), stored.scope.clone());
        changes.push(Change::PutCode(stored.clone()));
        if !right {
            return Err(refused);
        }
        changes.extend(self.make_room_for_grant(&account));
        if self.grants.len() >= MAX_GRANTS {
            return Err((OAuthError::ServerError, "too many people are signed in"));
        }
        let grant = Grant {
            id,
            client_id: client.to_owned(),
            account,
            scope,
            current: String::new(),
            previous: None,
            replaced: false,
            idle_until: now,
            expires: now + self.settings.grant_lifetime,
        };
        let reply = self.issue(now, random, grant, changes)?;
        self.counters.granted += 1;
        Ok(reply)
    }

    /// RFC 6749 §6
    fn refresh(
        &mut self,
        now: u64,
        random: &mut Random,
        client: &str,
        form: &Form,
        changes: &mut Vec<Change>,
    ) -> Result<crate::Reply, Refused> {
        let token = form
            .value("refresh_token")
            .ok_or((OAuthError::InvalidRequest, "refresh_token is missing"))?;
        let refused = (OAuthError::InvalidGrant, "the refresh token is not good");
        let (id, _) = token.split_once('.').ok_or(refused)?;
        let grant = self
            .grants
            .get(id)
            .filter(|grant| grant.client_id == client)
            .ok_or(refused)?;
        if !grant.is_alive(now) || !self.accounts.contains_key(&grant.account) {
            changes.extend(self.end_grant(id));
            return Err(refused);
        }
        let presented = fingerprint(token);
        let same = |hash: &str| constant_time_eq(hash.as_bytes(), presented.as_bytes());
        let mut next = grant.clone();
        match &grant.previous {
            _ if same(&grant.current) => {
                next.previous = Some((grant.current.clone(), now));
                next.replaced = false;
            }
            Some((previous, at))
                if same(previous) && !grant.replaced && now < at.saturating_add(GRACE) =>
            {
                next.replaced = true;
            }
            // Anybody who gets here is the client and knows the grant: this is one of its old tokens.
            _ => {
                self.counters.replayed += 1;
                changes.extend(self.end_grant(id));
                return Err(refused);
            }
        }
        // RFC 6749 §6: less may be asked for, never more. The grant keeps what it has.
        if form
            .value("scope")
            .is_some_and(|asked| !is_within(asked, &grant.scope))
        {
            return Err((OAuthError::InvalidScope, "more than was granted"));
        }
        let reply = self.issue(now, random, next, changes)?;
        self.counters.refreshed += 1;
        Ok(reply)
    }

    /// RFC 6749 §5.1: the next access token and refresh token of this grant.
    fn issue(
        &mut self,
        now: u64,
        random: &mut Random,
        mut grant: Grant,
        changes: &mut Vec<Change>,
    ) -> Result<crate::Reply, Refused> {
        let failed = (OAuthError::ServerError, "no token can be signed");
        let account = self.accounts.get(&grant.account).ok_or(failed)?;
        let lifetime = self.settings.access_token_lifetime;
        let claims = Claims {
            iss: self.settings.issuer.clone(),
            sub: account.name.clone(),
            aud: vec![self.settings.audience.clone()],
            client_id: grant.client_id.clone(),
            iat: now,
            exp: now + lifetime,
            nbf: None,
            jti: format!("{}.{}", grant.id, random.identifier()),
            scope: grant.scope.clone(),
            impi: account.impi.clone(),
            impu: account.impus.clone(),
            waf: self.settings.waf.clone(),
            wwsf: self
                .clients
                .get(&grant.client_id)
                .and_then(|client| client.wwsf.clone()),
            lease: None,
        };
        let access_token = self
            .signing_key()
            .and_then(|key| key.issue(&claims))
            .ok_or(failed)?;
        let refresh_token = format!("{}.{}", grant.id, random.token());
        grant.current = fingerprint(&refresh_token);
        grant.idle_until = now + self.settings.refresh_token_lifetime;
        let body = json!({
            "access_token": access_token.expose(),
            "token_type": "Bearer",
            "expires_in": lifetime,
            "refresh_token": refresh_token,
            "scope": grant.scope,
        });
        self.grants.insert(grant.id.clone(), grant.clone());
        changes.push(Change::PutGrant(grant));
        Ok(reply::secret_json(StatusCode::OK, &body))
    }

    fn make_room_for_grant(&mut self, account: &str) -> Option<Change> {
        let of_account = self
            .grants
            .values()
            .filter(|grant| grant.account == account);
        let (count, oldest) = of_account.fold((0, None::<&Grant>), |(count, oldest), grant| {
            let older = oldest.is_none_or(|oldest| grant.expires < oldest.expires);
            (count + 1, if older { Some(grant) } else { oldest })
        });
        let oldest = oldest
            .filter(|_| count >= MAX_GRANTS_OF_ACCOUNT)?
            .id
            .clone();
        self.end_grant(&oldest)
    }
}
