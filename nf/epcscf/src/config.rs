//! What an operator decides.

use std::time::Duration;

use core_credentials::token::IssuerRules;
use core_sip::Transport;
use core_sip::next_hop::NextHop;
use core_sip::proxy::own_uri;

use crate::ims_alg::Policy;

/// What `integrity-protected` says of a REGISTER over a TLS association.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum IntegrityProtected {
    /// `tls-yes`: TS 24.229 §7.2A.2.
    #[default]
    TlsYes,
    /// `tls-protected`: as TS 24.371 §6.4.1.2 c) writes it.
    TlsProtected,
}

/// How the core is told of a WAF or WWSF in a third party's domain (TS 24.371 §6.4.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ThirdPartyForm {
    /// A JWT without signature as the body, as from version 12.5 on.
    #[default]
    Jwt,
    /// The `authorization-entity` parameter of version 12.3, which knows the WAF only.
    Parameter,
}

/// One issuer of access tokens: a WAF, or whatever stands for one.
#[derive(Debug, Clone, Default)]
pub struct Issuer {
    /// `iss`.
    pub issuer: String,
    /// How its tokens are judged.
    pub rules: IssuerRules,
    /// It is in a third party's domain, and this is what the core knows it by. What a token says of its
    /// WAF does not count: its issuer is known from its signature.
    pub third_party: Option<String>,
    /// The WWSFs, as tokens name them, that are in a third party's domain; `*` is all of them.
    pub third_party_wwsfs: Vec<String>,
}

/// One shard's configuration; all shards of a node have the same but for `shard`.
#[derive(Debug, Clone)]
pub struct Config {
    /// The home network's domain.
    pub home_domain: String,
    /// Host and port that the core reaches us at, as in Via, Path and Record-Route.
    pub mw: String,
    /// The same for TLS, when we listen for it. When the entry of the core is reached by TLS, what the
    /// core keeps of us (Path, Record-Route, Contact) names this, and it comes back by TLS.
    pub mw_tls: Option<String>,
    /// Host and port that WICs are told in Record-Route.
    pub w2: String,
    /// The entry of the core for REGISTER: a SIP URI.
    pub next_hop: String,
    /// P-Visited-Network-ID; the home domain unless said otherwise (TS 24.229 §5.2.2.1).
    pub visited_network: String,
    /// Which machine this is, in tokens.
    pub node: u32,
    /// Which thread this is.
    pub shard: u16,
    /// How many threads there are.
    pub shards: u16,
    /// Which run of the process this is, in tokens.
    pub epoch: u32,
    /// What tokens are sealed with; one for all shards and nodes.
    pub token_key: [u8; 32],
    /// See [`IntegrityProtected`].
    pub integrity_protected: IntegrityProtected,
    /// Older clients may do IMS-AKA by AKAv1-MD5, which TS 24.371 §6.4.1.3 does not know.
    pub akav1: bool,
    /// How long the calls of a WIC wait for its return.
    pub reconnect: Duration,
    /// The session timer of calls whose ends ask for none (RFC 4028); zero leaves such calls alone.
    pub session_expires: Duration,
    /// The shortest session timer that is let through: RFC 4028 §5 has 90 s as the least.
    pub min_session_expires: Duration,
    /// Numbers that are emergency calls, digits only.
    pub emergency_numbers: Vec<String>,
    /// Subscribe to the `reg` event of each binding, so that the network can end it (TS 24.229 §5.2.3).
    pub watch_registrations: bool,
    /// Where a WIC gets a token, for the challenge (RFC 8898 §4).
    pub authz_server: Option<String>,
    /// `aud` that names this eP-CSCF.
    pub audience: String,
    /// What is agreed with issuers; those that are not here have the usual rules, and are our own.
    pub issuers: Vec<Issuer>,
    /// See [`ThirdPartyForm`].
    pub third_party_form: ThirdPartyForm,
    /// Registrations that begin in a second, over all WebSockets; who is too many is told when to come
    /// again. 0: no limit.
    pub registrations_per_second: u32,
    /// How long a WebSocket stays open whose registration has ended.
    pub linger: Duration,
    /// Messages of one WebSocket in a second.
    pub requests_per_second: u32,
    /// Messages of one address in a second, over all its WebSockets (many people share one).
    pub address_requests_per_second: u32,
    /// What is done with SDP.
    pub media: Policy,
}

impl Config {
    /// A laboratory's.
    pub fn new(home_domain: &str, mw: &str, next_hop: &str) -> Self {
        Self {
            home_domain: home_domain.to_owned(),
            mw: mw.to_owned(),
            mw_tls: None,
            w2: mw.to_owned(),
            next_hop: next_hop.to_owned(),
            visited_network: home_domain.to_owned(),
            node: 0,
            shard: 0,
            shards: 1,
            epoch: 0,
            token_key: [0; 32],
            integrity_protected: IntegrityProtected::default(),
            akav1: false,
            reconnect: Duration::from_secs(30),
            session_expires: Duration::from_mins(30),
            min_session_expires: Duration::from_secs(90),
            emergency_numbers: ["112", "911"].map(str::to_owned).to_vec(),
            watch_registrations: true,
            authz_server: None,
            audience: "eP-CSCF".to_owned(),
            issuers: Vec::new(),
            third_party_form: ThirdPartyForm::default(),
            registrations_per_second: 2_000,
            linger: Duration::from_secs(10),
            requests_per_second: 200,
            address_requests_per_second: 10_000,
            media: Policy::default(),
        }
    }

    /// What our Vias towards the core may say.
    pub(crate) fn sent_by(&self) -> [&str; 2] {
        [&self.mw, self.mw_tls.as_ref().unwrap_or(&self.mw)]
    }

    /// Hosts and ports of ours in URIs, on either side.
    pub(crate) fn hosts(&self) -> [&str; 3] {
        let [mw, tls] = self.sent_by();
        [mw, tls, &self.w2]
    }

    /// A URI by which the core reaches us, by the transport that we reach it by. `sip:` over TLS, not
    /// `sips:`: this hop is secured, and nothing is promised of the others (RFC 5630 §3.1.4, §4).
    pub(crate) fn core_uri(&self, user: Option<&str>) -> String {
        let secure = || {
            NextHop::of_uri(&self.next_hop).is_some_and(|hop| hop.transport == Some(Transport::Tls))
        };
        match &self.mw_tls {
            Some(tls) if secure() => own_uri(user, tls, Transport::Tls),
            _ => own_uri(user, &self.mw, Transport::Udp),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_core_comes_back_as_it_is_reached() {
        let mut config = Config::new("ims.example", "192.0.2.1:5070", "sip:192.0.2.9");
        config.mw_tls = Some("192.0.2.1:5071".to_owned());
        let plain = "sip:x@192.0.2.1:5070;lr";
        assert_eq!(config.core_uri(Some("x")), plain);
        let tls = "sip:x@192.0.2.1:5071;transport=tls;lr";
        for hop in ["sip:192.0.2.9:5061;transport=tls", "sips:icscf.ims.example"] {
            hop.clone_into(&mut config.next_hop);
            assert_eq!(config.core_uri(Some("x")), tls);
        }
        config.mw_tls = None;
        assert_eq!(config.core_uri(Some("x")), plain);
    }
}
