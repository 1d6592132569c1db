//! REGISTER: RFC 3261 §10.3, TS 24.229 §5.4.1, RFC 3327, RFC 3608, RFC 5626 §6.

use std::time::{Duration, Instant};

use core_credentials::digest::AuthenticationInfo;
use core_sip::{
    ServerTransactionId, Source, Transport,
    address::{UriView, uri_of},
    proxy::{Refusal, check_extensions},
    reply,
};
use wire_sip::{HeaderName, Message, StatusCode};

use crate::{
    LabCore,
    authentication::Verdict,
    gruu,
    location::{Change, Contact, ContactEvent},
    users::UserId,
};

/// Extensions that may be required of us.
const SUPPORTED: &[&str] = &["path", "outbound", "gruu"];

/// What a REGISTER asks for.
enum Wish {
    /// No Contact: which are there?
    Nothing,
    /// `Contact: *`: away with all of them.
    RemoveAll,
    /// These.
    Change(Vec<Asked>),
}

/// One Contact value of a REGISTER.
struct Asked {
    uri: String,
    params: String,
    instance: Option<String>,
    outbound: Option<(String, u32)>,
    expires: Duration,
}

impl LabCore {
    pub(crate) fn handle_register(
        &mut self,
        now: Instant,
        id: ServerTransactionId,
        source: Source,
        request: &Message,
    ) {
        match self.register(now, source, request) {
            Ok((response, changes)) => {
                self.counters.registrations += 1;
                self.transactions.respond(now, id, response);
                self.report(now, changes);
            }
            Err(refusal) => {
                if refusal.status == StatusCode::UNAUTHORIZED {
                    self.counters.challenges += 1;
                } else {
                    self.counters.refused_registrations += 1;
                }
                self.refuse(now, id, request, &refusal);
            }
        }
    }

    fn register(
        &mut self,
        now: Instant,
        source: Source,
        request: &Message,
    ) -> Result<(Message, Vec<Change>), Refusal> {
        let uri = request.request_uri().and_then(UriView::parse);
        if !uri.is_some_and(|uri| self.config.is_us(uri.host, uri.port)) {
            return Err(Refusal::new(StatusCode::NOT_FOUND));
        }
        // RFC 3261 §10.3 item 2.
        check_extensions(request, HeaderName::Require, SUPPORTED)?;
        // Items 3 to 5. An identity that nobody has gets the same answer as somebody else's.
        let to = request.header(HeaderName::To).and_then(uri_of);
        let user = to.and_then(|to| self.users.by_impu(&self.config, to));
        let user = user.ok_or(Refusal::new(StatusCode::FORBIDDEN))?;
        let proof = self.authenticate(now, user, source, request)?;

        let wish = self.wish(request)?;
        let path: Vec<String> = request
            .values(HeaderName::Path)
            .map(str::to_owned)
            .collect();
        let changes = self.grant(now, user, source, request, wish, &path)?;
        let response = self.granted(now, user, source, request, &path, proof);
        Ok((response, changes))
    }

    fn authenticate(
        &mut self,
        now: Instant,
        user: UserId,
        source: Source,
        request: &Message,
    ) -> Result<Option<AuthenticationInfo>, Refusal> {
        let trusted = self.is_trusted(&source, request);
        let registered = self.locations.is_registered(user);
        let verdict =
            self.authentication
                .register(now, &self.users, user, request, trusted, registered);
        match verdict {
            Verdict::Authenticated(proof) => Ok(proof),
            Verdict::Challenge(challenges) => {
                let mut refusal = Refusal::new(StatusCode::UNAUTHORIZED);
                for challenge in challenges {
                    refusal = refusal.with(HeaderName::WwwAuthenticate, challenge.to_string());
                }
                Err(refusal)
            }
            Verdict::Refused(status) => Err(Refusal::new(status)),
        }
    }

    /// RFC 3261 §10.3 items 6 and 7: what is asked for, checked before anything changes.
    fn wish(&self, request: &Message) -> Result<Wish, Refusal> {
        let header_expires = match request.header(HeaderName::Expires) {
            None => None,
            Some(text) => Some(seconds(text)?),
        };
        let values: Vec<&str> = request.values(HeaderName::Contact).collect();
        if values.is_empty() {
            return Ok(Wish::Nothing);
        }
        if values.iter().any(|value| value.trim() == "*") {
            let alone = values.len() == 1 && header_expires == Some(Duration::ZERO);
            return if alone {
                Ok(Wish::RemoveAll)
            } else {
                Err(Refusal::new(StatusCode::BAD_REQUEST))
            };
        }
        let mut asked = Vec::new();
        for value in values {
            asked.push(self.asked(value, header_expires)?);
        }
        // RFC 5626 §6: two contacts with reg-id in one REGISTER have no sense.
        if asked.iter().filter(|one| one.outbound.is_some()).count() > 1 {
            return Err(Refusal::new(StatusCode::BAD_REQUEST));
        }
        Ok(Wish::Change(asked))
    }

    fn asked(&self, value: &str, header_expires: Option<Duration>) -> Result<Asked, Refusal> {
        let bad = || Refusal::new(StatusCode::BAD_REQUEST);
        let uri = uri_of(value).ok_or_else(bad)?;
        if !UriView::parse(uri).is_some_and(|uri| uri.is_sip()) {
            return Err(bad());
        }
        let (mut params, mut instance, mut reg_id, mut expires) = (String::new(), None, None, None);
        for (name, text) in header_params(value) {
            match name.to_ascii_lowercase().as_str() {
                "expires" => expires = Some(seconds(text)?),
                "+sip.instance" => instance = Some(text.trim_matches('"').to_owned()),
                "reg-id" => {
                    let number: u32 = text.parse().map_err(|_| bad())?;
                    reg_id = (1..=0x7fff_ffff).contains(&number).then_some(number);
                }
                _ => {}
            }
            if !name.eq_ignore_ascii_case("expires") {
                params.push(';');
                params.push_str(name);
                if !text.is_empty() {
                    params.push('=');
                    params.push_str(text);
                }
            }
        }
        let expires = expires
            .or(header_expires)
            .unwrap_or(self.config.default_expires)
            .min(self.config.max_expires);
        if !expires.is_zero() && expires < self.config.min_expires {
            let least = self.config.min_expires.as_secs().to_string();
            return Err(
                Refusal::new(StatusCode::INTERVAL_TOO_BRIEF).with(HeaderName::MinExpires, least)
            );
        }
        Ok(Asked {
            uri: uri.to_owned(),
            params,
            outbound: instance.clone().zip(reg_id),
            instance,
            expires,
        })
    }

    fn grant(
        &mut self,
        now: Instant,
        user: UserId,
        source: Source,
        request: &Message,
        wish: Wish,
        path: &[String],
    ) -> Result<Vec<Change>, Refusal> {
        let call_id = request.header(HeaderName::CallId).unwrap_or("").to_owned();
        let cseq = request.header(HeaderName::CSeq).unwrap_or("");
        let cseq = cseq.split_whitespace().next().unwrap_or("").parse();
        let cseq: u32 = cseq.map_err(|_| Refusal::new(StatusCode::BAD_REQUEST))?;
        // RFC 3261 §10.3 item 7: an older REGISTER that comes late changes nothing.
        let is_late = |old: &Contact| old.call_id == call_id && old.cseq >= cseq;
        let wants_gruu = request
            .values(HeaderName::Supported)
            .chain(request.values(HeaderName::Require))
            .any(|tag| tag.eq_ignore_ascii_case("gruu"));
        let mut changes = Vec::new();
        match wish {
            Wish::Nothing => {}
            Wish::RemoveAll => {
                if self.locations.of(user).iter().any(is_late) {
                    return Err(Refusal::new(StatusCode::SERVER_INTERNAL_ERROR));
                }
                let all: Vec<u64> = self.locations.of(user).iter().map(|c| c.id).collect();
                for contact in all {
                    let gone = self
                        .locations
                        .remove(user, contact, ContactEvent::Unregistered);
                    changes.extend(gone);
                }
            }
            Wish::Change(asked) => {
                for one in &asked {
                    let old = self.locations.find(user, &one.uri, one.outbound.as_ref());
                    if old.is_some_and(is_late) {
                        return Err(Refusal::new(StatusCode::SERVER_INTERNAL_ERROR));
                    }
                    if one.outbound.is_some() && lacks_outbound(request, path) {
                        return Err(Refusal::new(StatusCode::FIRST_HOP_LACKS_OUTBOUND));
                    }
                }
                for one in asked {
                    let old = self.locations.find(user, &one.uri, one.outbound.as_ref());
                    let old = old.map(|old| old.id);
                    if one.expires.is_zero() {
                        let gone = old.and_then(|old| {
                            self.locations.remove(user, old, ContactEvent::Unregistered)
                        });
                        changes.extend(gone);
                        continue;
                    }
                    let gruus = match one.instance {
                        Some(_) if wants_gruu => vec![self.random.token(24)],
                        _ => Vec::new(),
                    };
                    let contact = Contact {
                        id: 0,
                        instance: one.instance,
                        gruus,
                        uri: one.uri,
                        params: one.params,
                        outbound: one.outbound,
                        path: path.to_vec(),
                        source,
                        call_id: call_id.clone(),
                        cseq,
                        first_cseq: cseq,
                        expires: now + one.expires,
                    };
                    let most = self.config.max_contacts;
                    changes.extend(self.locations.store(user, contact, most));
                }
            }
        }
        Ok(changes)
    }

    /// RFC 3261 §10.3 item 8, TS 24.229 §5.4.1.2.2F: the 200.
    fn granted(
        &mut self,
        now: Instant,
        user: UserId,
        source: Source,
        request: &Message,
        path: &[String],
        proof: Option<AuthenticationInfo>,
    ) -> Message {
        let tag = self.random.tag();
        let mut response = reply(request, StatusCode::OK, &tag);
        // RFC 3327 §5.3: the path goes back as it came.
        for value in path {
            response.push_back(HeaderName::Path, value);
        }
        for contact in self.locations.of(user) {
            let mut value = contact.value(now);
            if let Some(gruus) = gruu::of_contact(&self.config, self.users.get(user), contact) {
                value.push_str(&gruus.params());
            }
            response.push_back(HeaderName::Contact, value);
        }
        if self.locations.is_registered(user) {
            // TS 24.186: this network knows data channels; it lets them pass.
            response.push_back(HeaderName::FeatureCaps, "*;+g.3gpp.datachannel");
            // RFC 3608 §6: the way for requests that this user begins.
            // Who came by TLS keeps to it; between UDP and TCP the length decides.
            let transport = match source.transport {
                Transport::Tls => Transport::Tls,
                _ => Transport::Udp,
            };
            let route = self.config.own_uri(Some("orig"), transport);
            response.push_back(HeaderName::ServiceRoute, format_args!("<{route}>"));
            for impu in &self.users.get(user).impus {
                response.push_back(HeaderName::PAssociatedUri, format_args!("<{impu}>"));
            }
        }
        // RFC 5626 §6: outbound is in use for this contact.
        let instance_here = request
            .values(HeaderName::Contact)
            .any(|value| value.contains("reg-id="));
        if instance_here {
            response.push_back(HeaderName::Require, "outbound");
        }
        response.push_back(HeaderName::Supported, "path, outbound, gruu");
        if let Some(proof) = proof {
            response.push_back(HeaderName::AuthenticationInfo, proof);
        }
        response
    }
}

/// RFC 5626 §6: a contact asks for outbound and the element next to the UA did not say `ob`.
fn lacks_outbound(request: &Message, path: &[String]) -> bool {
    let asks = request
        .values(HeaderName::Supported)
        .any(|tag| tag.eq_ignore_ascii_case("outbound"));
    // The last Path value is of the element that the UA talks to.
    let first_hop = path.last().and_then(|value| uri_of(value));
    let lacks = |uri| UriView::parse(uri).is_none_or(|uri| uri.param("ob").is_none());
    asks && first_hop.is_some_and(lacks)
}

/// RFC 3261 §20.19: seconds; a number too great for us is as good as the greatest.
fn seconds(text: &str) -> Result<Duration, Refusal> {
    let text = text.trim();
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Refusal::new(StatusCode::BAD_REQUEST));
    }
    let seconds = text.parse::<u32>().unwrap_or(u32::MAX);
    Ok(Duration::from_secs(u64::from(seconds)))
}

/// The header parameters of a Contact value; a quoted value keeps its quotes.
fn header_params(value: &str) -> Vec<(&str, &str)> {
    let after = match (value.find('<'), value.rfind('>')) {
        // A quoted parameter such as +sip.instance="<urn:…>" has angle brackets of its own.
        (Some(open), Some(_)) => match value[open..].find('>') {
            Some(close) => &value[open + close + 1..],
            None => "",
        },
        _ => value.split_once(';').map_or("", |(_, params)| params),
    };
    let mut params = Vec::new();
    let (mut start, mut quoted, mut escaped) = (0, false, false);
    for (at, byte) in after.bytes().chain([b';']).enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b';' if !quoted => {
                let param = after[start..at].trim();
                let (name, text) = param.split_once('=').unwrap_or((param, ""));
                if !name.trim().is_empty() {
                    params.push((name.trim(), text.trim()));
                }
                start = at + 1;
            }
            _ => {}
        }
    }
    params
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_of_a_contact() {
        let value = r#"<sip:a@b;transport=ws>;+sip.instance="<urn:uuid:1;x>";reg-id=1; expires=5"#;
        assert_eq!(
            header_params(value),
            [
                ("+sip.instance", "\"<urn:uuid:1;x>\""),
                ("reg-id", "1"),
                ("expires", "5")
            ]
        );
        assert_eq!(header_params("sip:a@b;expires=7"), [("expires", "7")]);
        assert_eq!(header_params("<sip:a@b>"), []);
    }

    #[test]
    fn expiry_is_a_number() {
        assert_eq!(seconds(" 60 "), Ok(Duration::from_mins(1)));
        let most = Duration::from_secs(u64::from(u32::MAX));
        assert_eq!(seconds("99999999999999999999"), Ok(most));
        for bad in ["", "-1", "1h", "+5"] {
            assert!(seconds(bad).is_err(), "{bad}");
        }
    }
}
