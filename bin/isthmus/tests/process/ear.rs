//! What an application server is told of channels and calls, one by one.

use serde_json::Value;

use testbed::{Target, response};

/// A target of notifications, read in order.
pub(crate) struct Ear {
    target: Target,
    read: usize,
    /// Where who tells may have been killed meanwhile: what is told again is passed over.
    once: bool,
}

impl Ear {
    /// One that takes everything: what comes to `/dc` with a 200 and its body, the rest with a 204.
    pub(crate) fn open() -> Self {
        let body = r#"{"result":"SUCCESS"}"#;
        let length = body.len();
        let kind = "Content-Type: application/json";
        let taken = format!("HTTP/1.1 200 OK\r\n{kind}\r\nContent-Length: {length}\r\n\r\n{body}");
        let target = Target::start(move |path, _| {
            Some(if path == "/dc" {
                taken.clone()
            } else {
                response(204, "")
            })
        });
        Self {
            target,
            read: 0,
            once: false,
        }
    }

    /// Passes over what it was told before: a server that was killed tells it once more.
    pub(crate) fn once_each(&mut self) {
        self.once = true;
    }

    /// Where channels are told of.
    pub(crate) fn url(&self) -> String {
        format!("{}/dc", self.target.url)
    }

    /// Where sessions are told of.
    pub(crate) fn events(&self) -> String {
        format!("{}/events", self.target.url)
    }

    /// The next notification.
    #[track_caller]
    pub(crate) fn next(&mut self) -> Value {
        loop {
            let told = self.target.wait_for(self.read + 1);
            let (before, rest) = told.split_at(self.read);
            self.read += 1;
            if !self.once || !before.contains(&rest[0]) {
                return serde_json::from_str(&rest[0].body).expect("JSON");
            }
        }
    }

    #[track_caller]
    fn next_of(&mut self, session: &str) -> Value {
        let body = self.next();
        assert_eq!(body["sessionId"], session, "{body}");
        body
    }

    /// A message of the UE.
    #[track_caller]
    pub(crate) fn hears(&mut self, session: &str, wanted: &Value) {
        let body = self.next_of(session);
        assert_eq!(body["mediaDirection"], "P2A", "{body}");
        assert_eq!(&body["mediaResourceInfo"], wanted);
    }

    /// What became of a channel.
    #[track_caller]
    pub(crate) fn learns(&mut self, session: &str, app: &str, what: &str) {
        let body = self.next_of(session);
        assert!(body.get("mediaDirection").is_none(), "{body}");
        assert_eq!(body["mediaResourceInfo"]["channel"], what, "{body}");
        assert_eq!(body["mediaResourceInfo"]["dcAppId"], app, "{body}");
    }

    /// That the call is over.
    #[track_caller]
    pub(crate) fn learns_the_end(&mut self, session: &str) {
        let body = self.next_of(session);
        assert_eq!(body["mediaResourceInfo"]["call"], "ENDED", "{body}");
    }

    /// What happened to a session.
    #[track_caller]
    pub(crate) fn event(&mut self, what: &str) -> String {
        let body = self.next();
        assert_eq!(body["eventType"], what, "{body}");
        body["sessionId"].as_str().expect("a session").to_owned()
    }
}
