use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use api_mmtel_es::common::Uri;
use nf_mmtel_es::calls::CallEvents;
use serde::Deserialize;

/// `[[mmtel_es.calls.events]]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventsConfig {
    /// Public identities of subscribers, or `*` for all.
    pub subscribers: Vec<String>,
    /// Where what happens in their calls is told.
    pub notify: String,
    /// Providers whose applications may have data channels in these calls, `*` for all: then the enabler
    /// is in the middle of them, with their media.
    #[serde(default)]
    pub applications: Vec<String>,
}

/// `[mmtel_es.calls]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CallsConfig {
    /// SIP, UDP and TCP; port 0 is a free one.
    pub listen: SocketAddr,
    /// The way into the core, a SIP URI; the laboratory's core, all in one. Without one nobody is
    /// called.
    pub core: Option<String>,
    /// The public service identity under which applications call; `sip:mmtel-es@` and the home domain
    /// without one.
    pub identity: Option<String>,
    /// What people read of who calls.
    pub name: String,
    /// How many calls there may be.
    pub max_calls: usize,
    /// How many calls one consumer may have.
    pub max_calls_of_consumer: usize,
    /// How long a UE may ring, in seconds.
    pub answer_seconds: u64,
    /// How long a data channel may take to open, in seconds.
    pub channel_seconds: u64,
    /// How long a UE is waited for that is to open one (`mediaDirection` P2A), in seconds.
    pub ue_channel_seconds: u64,
    /// How long the same request gets the call that it made before, in seconds.
    pub same_seconds: u64,
    /// How long a session lives without a refresh, in seconds.
    pub session_expires_seconds: u32,
    /// Whose calls are told to whom (TS 29.392 §5.4).
    pub events: Vec<EventsConfig>,
}

impl Default for CallsConfig {
    fn default() -> Self {
        let loopback = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let listen = SocketAddr::new(loopback, 0);
        let machine = nf_mmtel_es::calls::CallsConfig::new(listen, "", "");
        Self {
            listen,
            core: None,
            identity: None,
            name: machine.name,
            max_calls: machine.max_calls,
            max_calls_of_consumer: machine.max_calls_of_consumer,
            answer_seconds: machine.answer_within.as_secs(),
            channel_seconds: machine.channel_within.as_secs(),
            ue_channel_seconds: machine.ue_channel_within.as_secs(),
            same_seconds: machine.same_within.as_secs(),
            session_expires_seconds: machine.session_expires,
            events: Vec::new(),
        }
    }
}

impl CallsConfig {
    /// What parses and still cannot be: the key, and why.
    pub(crate) fn check(&self) -> Result<(), (&'static str, String)> {
        let is_sip = |uri: &String| {
            core_sip::next_hop::NextHop::of_uri(uri).is_some() && !uri.contains(['<', '>', ' '])
        };
        if !self.core.iter().all(is_sip) {
            return Err(("mmtel_es.calls.core", "must be a SIP URI".into()));
        }
        if !self.identity.iter().all(is_sip) {
            return Err(("mmtel_es.calls.identity", "must be a SIP URI".into()));
        }
        let fits = (1..=128).contains(&self.name.chars().count());
        if !fits || self.name.contains(char::is_control) {
            let why = "must be text in one line, 128 characters at most";
            return Err(("mmtel_es.calls.name", why.into()));
        }
        let mut targets = self.events.iter().map(|events| events.notify.as_str());
        if targets.any(|target| Uri::new(target).is_err()) {
            return Err(("mmtel_es.calls.events.notify", "must be a URI".into()));
        }
        // RFC 4028 §5: 90 s is the least.
        if !(90..=86_400).contains(&self.session_expires_seconds) {
            let why = "must be 90 to 86400";
            return Err(("mmtel_es.calls.session_expires_seconds", why.into()));
        }
        for (key, seconds, least) in [
            ("mmtel_es.calls.answer_seconds", self.answer_seconds, 1),
            ("mmtel_es.calls.channel_seconds", self.channel_seconds, 1),
            (
                "mmtel_es.calls.ue_channel_seconds",
                self.ue_channel_seconds,
                1,
            ),
            ("mmtel_es.calls.same_seconds", self.same_seconds, 0),
        ] {
            if !(least..=3600).contains(&seconds) {
                return Err((key, format!("must be {least} to 3600")));
            }
        }
        Ok(())
    }

    /// As the machine takes it.
    pub(super) fn machine(
        &self,
        address: SocketAddr,
        core: &str,
        home_domain: &str,
    ) -> nf_mmtel_es::calls::CallsConfig {
        let own = || format!("sip:mmtel-es@{home_domain}");
        let identity = self.identity.clone().unwrap_or_else(own);
        // RFC 3261 §19.1.1: without `lr` it would be taken for a strict router.
        let core = if core.split(';').any(|param| param == "lr") {
            core.to_owned()
        } else {
            format!("{core};lr")
        };
        let events = self.events.iter().filter_map(|events| {
            Some(CallEvents {
                subscribers: events.subscribers.clone(),
                target: Uri::new(events.notify.as_str()).ok()?,
                applications: events.applications.clone(),
            })
        });
        nf_mmtel_es::calls::CallsConfig {
            name: self.name.clone(),
            call_events: events.collect(),
            max_calls: self.max_calls,
            max_calls_of_consumer: self.max_calls_of_consumer,
            answer_within: Duration::from_secs(self.answer_seconds),
            channel_within: Duration::from_secs(self.channel_seconds),
            ue_channel_within: Duration::from_secs(self.ue_channel_seconds),
            same_within: Duration::from_secs(self.same_seconds),
            session_expires: self.session_expires_seconds,
            ..nf_mmtel_es::calls::CallsConfig::new(address, &core, &identity)
        }
    }
}
