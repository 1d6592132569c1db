//! An enabler that can call, and a core that never answers: what it is asked to call rings until it is given
//! up, and sessions stay as they are.

use std::net::UdpSocket;
use std::ops::Deref;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::{PATCH, SESSIONS};
use bytes::Bytes;
use conformance::Enabler;
use serde_json::{Value, json};
use wire_sip::{Message, Method, StatusCode};

/// A place of the public Internet that nothing is ever told at.
pub(crate) const TARGET: &str = "https://as.example.com/told";

/// Calls, by a core that is not there at all.
pub(crate) const CALLS: &str = "[gateway]\nworkers = 1\n\
                                addresses = [\"127.0.0.1\"]\n[mmtel_es.calls]\ncore = \"sip:127.0.0.1:9\"\n";

/// The enabler before it.
pub(crate) struct Silent {
    enabler: Enabler,
}

impl Deref for Silent {
    type Target = Enabler;

    fn deref(&self) -> &Enabler {
        &self.enabler
    }
}

impl Silent {
    /// One that tests share which run at the same time.
    pub(crate) fn shared() -> Arc<Self> {
        static SHARED: Mutex<Weak<Silent>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        shared.upgrade().unwrap_or_else(|| {
            let started = Arc::new(Self::with(""));
            *shared = Arc::downgrade(&started);
            started
        })
    }

    /// One with more lines of configuration.
    pub(crate) fn with(lines: &str) -> Self {
        let core = UdpSocket::bind("127.0.0.1:0").expect("a port");
        let address = core.local_addr().expect("an address");
        let enabler = Enabler::with(&format!(
            "[gateway]\nworkers = 1\naddresses = [\"127.0.0.1\"]\n\
             [mmtel_es.calls]\ncore = \"sip:{address}\"\nmax_calls_of_consumer = 1000\nanswer_seconds = 900\n{lines}"
        ));
        std::thread::spawn(move || try_for_ever(&core));
        Self { enabler }
    }
}

/// RFC 3261 §17.1.1.2: 100 to each INVITE, so that nobody gives it up, and nothing more.
fn try_for_ever(core: &UdpSocket) {
    let mut datagram = vec![0; 65_536];
    while let Ok((length, from)) = core.recv_from(&mut datagram) {
        let Ok(message) = Message::parse(Bytes::copy_from_slice(&datagram[..length])) else {
            continue;
        };
        if message.is_request() && message.method() == Method::Invite {
            let trying = StatusCode::new(100).expect("a status");
            let trying = Message::response_to(&message, trying, None);
            let _ = core.send_to(&trying.to_bytes(), from);
        }
    }
}

/// A request for a call, with everything that one can have.
pub(crate) fn call() -> Value {
    json!({
        "originatingId": "sip:alice@example.com", "terminatingId": "tel:+15551234567",
        "mediaInfo": ["audio", "video"], "dcMediaInfo": true, "callType": "P2P",
        "appProfileRequested": { "appId": "none" }, "notificationInfo": TARGET,
    })
}

/// A request to use a channel.
pub(crate) fn update() -> Value {
    json!({
        "dcAppId": "none", "sessionId": "none", "mediaResourceInfo": { "any": [1, "x", null] },
        "appProfileRequested": { "appId": "none" }, "notificationInfo": TARGET, "mediaDirection": "A2P",
    })
}

/// A session of two, with everything that one can have.
pub(crate) fn session(af: &str) -> Value {
    json!({
        "afId": af, "suppFeat": "f", "imsSessionInfo": {
            "sessionInfo": { "callingId": "sip:alice@example.com", "calledId": "tel:+15551234567" },
            "mediaInfoSet": [
                { "mediaType": "AUDIO", "mediaCorrectionId": "a" },
                { "mediaType": "DC", "mediaCorrectionId": "d", "dcMediaParas": [{
                    "dcType": "ADC", "adcType": "P2A",
                    "appBindingInfo": { "applicationId": "x", "appDcInfoList": [{ "streamId": 1000 }] },
                    "targetIds": [{ "calledIdentity": "tel:+15551234567" }],
                }] },
            ],
            "notifUri": TARGET, "notifCorrelationId": "c",
        },
    })
}

/// A session that no other request is for: whoever asks the same again is told of the session that is there.
pub(crate) fn session_of_its_own(af: &str) -> Value {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let mut session = session(af);
    let called = format!("tel:+1555{:07}", NEXT.fetch_add(1, Ordering::Relaxed));
    session["imsSessionInfo"]["sessionInfo"]["calledId"] = called.into();
    session
}

/// Creates one, and says its path.
#[track_caller]
pub(crate) fn created(enabler: &Enabler, resource: &Value) -> String {
    let answer = enabler.post(SESSIONS, resource);
    assert_eq!(answer.status, 201, "{answer:?}");
    let location = answer.header("location").expect("where it is");
    let at = location
        .find(SESSIONS)
        .expect("a path below the collection");
    location[at..].to_owned()
}

/// What a session is now: a patch that changes nothing is answered with it.
#[track_caller]
pub(crate) fn now(enabler: &Enabler, path: &str) -> Value {
    let test =
        json!([{ "op": "test", "path": "/imsSessionInfo/notifCorrelationId", "value": "c" }]);
    patch(enabler, path, &test.to_string()).ok()
}

/// `PATCH`.
pub(crate) fn patch(enabler: &Enabler, path: &str, body: &str) -> conformance::Answer {
    let kind = format!("Content-Type: {PATCH}\r\n");
    enabler.send("PATCH", path, &kind, body)
}
