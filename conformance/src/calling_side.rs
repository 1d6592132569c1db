//! An enabler that can call: the test is the application server, and the core with the phones behind it.

use serde_json::{Value, json};
use testbed::{Target, Told, response};
use wire_sip::{Message, StatusCode};

use crate::{Core, Enabler, HOME, PATIENCE, SILENCE};

/// A phone's SDP: sound, by PCMU.
const AUDIO: &str = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
                     m=audio 40000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n";

/// An enabler, the core into which it calls, and what application servers are told.
pub struct Calling {
    /// The enabler.
    pub enabler: Enabler,
    /// The core.
    pub core: Core,
    /// Where notifications are to go.
    pub url: String,
    target: Target,
}

impl Calling {
    /// One; `more` are lines of its configuration, in which `TARGET` stands for the URL of the
    /// application server, which takes all that it is told.
    pub fn with(more: &str) -> Self {
        Self::answered(more, |_, _| response(204, ""))
    }

    /// With an application server that answers that, given the path and how many notifications came before.
    pub fn answered(
        more: &str,
        answer: impl Fn(&str, usize) -> String + Send + Sync + 'static,
    ) -> Self {
        Self::beside("private = true\nplain = true\n", more, answer)
    }

    /// With these lines of `[mmtel_es.notifications]`, too.
    pub fn beside(
        notifications: &str,
        more: &str,
        answer: impl Fn(&str, usize) -> String + Send + Sync + 'static,
    ) -> Self {
        let target = Target::start(move |path, before| Some(answer(path, before)));
        let mut core = Core::listen();
        let url = target.url.clone();
        let more = more.replace("TARGET", &url);
        let enabler = Enabler::with(&format!(
            "[gateway]\nworkers = 1\naddresses = [\"127.0.0.1\"]\n\
             [mmtel_es.notifications]\n{notifications}\
             [mmtel_es.calls]\nlisten = \"127.0.0.1:0\"\ncore = \"sip:{}\"\n\
             identity = \"sip:enabler@{HOME}\"\n{more}",
            core.address()
        ));
        core.subject_is_at(enabler.logged("sip").parse().expect("an address"));
        Self {
            enabler,
            core,
            url,
            target,
        }
    }

    /// The next notification: its path, and what it says.
    #[track_caller]
    pub fn told(&self) -> (String, Value) {
        let told = self.told_by();
        let body = serde_json::from_str(&told.body).expect("a notification is JSON");
        (told.path, body)
    }

    /// The same, as it came.
    #[track_caller]
    pub fn told_by(&self) -> Told {
        let told = self.target.next(PATIENCE);
        told.expect("a notification was to come")
    }

    /// Nobody is told anything.
    #[track_caller]
    pub fn tells_nothing(&self) {
        if let Some(told) = self.target.next(SILENCE) {
            panic!("nobody was to be told anything, and this was: {told:?}");
        }
    }

    /// What was told has been answered, and the enabler has done what follows from that.
    #[track_caller]
    pub fn heard_out(&self) {
        self.enabler
            .wait_for_figure("isthmus_enabler_notifications_pending", 0);
        // It does one thing after the other.
        let nobody =
            json!({ "dcAppId": "none", "sessionId": "none", "notificationInfo": self.url });
        self.enabler
            .post("/mmtel-dcappcall/v1/update-dc-media", &nobody)
            .problem(404);
    }

    /// The next INVITE, which rings.
    #[track_caller]
    pub fn rings(&mut self) -> Message {
        let invite = self.core.request("INVITE");
        self.core.answer(&invite, 180, "");
        invite
    }

    /// A phone answers this, and is acknowledged.
    #[track_caller]
    pub fn picks_up(&mut self, invite: &Message, sdp: &str) {
        let contact = format!("Contact: <sip:phone@{}>\r\n", self.core.address());
        let allow = "Content-Type: application/sdp\r\nAllow: INVITE, ACK, BYE, UPDATE";
        self.core
            .answer(invite, 200, &format!("{contact}{allow}\r\n\r\n{sdp}"));
    }

    /// The next call is answered with sound; the INVITE.
    #[track_caller]
    pub fn answers(&mut self) -> Message {
        let invite = self.rings();
        self.picks_up(&invite, AUDIO);
        invite
    }

    /// The next request is an ACK.
    #[track_caller]
    pub fn acknowledged(&mut self) {
        self.core.request("ACK");
    }

    /// A phone of the session hangs up.
    #[track_caller]
    pub fn hangs_up(&mut self, invite: &Message) {
        let header = |name: &str| invite.header_named(name).unwrap_or_default().to_owned();
        let (from, to, call) = (header("From"), header("To"), header("Call-ID"));
        let uri = format!("sip:mmtel-es@{}", self.core.subject());
        let lines = format!("From: {to};tag=core\r\nTo: {from}\r\nCSeq: 1 BYE\r\n");
        self.core.say("BYE", &uri, &call, &lines, "");
        assert_eq!(
            self.core.response().status().map(StatusCode::as_u16),
            Some(200)
        );
    }

    /// The identity of somebody.
    pub fn identity(name: &str) -> String {
        format!("sip:{name}@{HOME}")
    }

    /// The body of a call of an application to somebody.
    pub fn call(&self, name: &str) -> Value {
        json!({
            "terminatingId": Self::identity(name), "mediaInfo": ["audio"],
            "notificationInfo": format!("{}/call", self.url), "callType": "A2P",
        })
    }

    /// What a phone says that takes sound alone.
    pub fn audio() -> &'static str {
        AUDIO
    }
}
