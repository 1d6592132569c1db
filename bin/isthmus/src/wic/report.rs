//! One JSON object a line, on standard output.

use std::io::Write as _;
use std::time::Instant;

use nf_wic::media::MediaPart;
use nf_wic::{Ended, Event};
use serde_json::{Map, Value, json};

/// The mouth of one phone.
#[derive(Debug)]
pub(super) struct Report {
    /// With several phones each line says whose it is.
    index: Option<u32>,
    start: Instant,
}

impl Report {
    pub(super) fn new(index: u32, count: u32) -> Self {
        Self {
            index: (count > 1).then_some(index),
            start: Instant::now(),
        }
    }

    /// Prints an event with more about it.
    pub(super) fn say(&self, event: &str, more: Value) {
        let mut line = Map::new();
        let at = (self.start.elapsed().as_secs_f64() * 1000.0).round() / 1000.0;
        line.insert("at".into(), json!(at));
        if let Some(index) = self.index {
            line.insert("wic".into(), json!(index));
        }
        line.insert("event".into(), json!(event));
        if let Value::Object(more) = more {
            line.extend(more);
        }
        let mut out = std::io::stdout().lock();
        // Nobody reads any more: there is nobody to tell that either.
        let _ = writeln!(out, "{}", Value::Object(line));
        let _ = out.flush();
    }

    /// Prints what a phone says. What its owner adds, it says itself.
    pub(super) fn event(&self, event: &Event) {
        let (word, more) = words(event);
        self.say(word, more);
    }
}

fn words(event: &Event) -> (&'static str, Value) {
    match event {
        Event::Registered {
            identities,
            expires,
        } => (
            "registered",
            json!({ "identities": identities, "expires": expires }),
        ),
        Event::RegistrationFailed { status, reason } => (
            "registration_failed",
            json!({ "status": status, "reason": reason }),
        ),
        Event::Unregistered => ("unregistered", json!({})),
        Event::ConnectionLost => ("connection_lost", json!({})),
        Event::TokenRefused => ("token_refused", json!({})),
        Event::Calling { to } => ("calling", json!({ "to": to })),
        Event::Ringing => ("ringing", json!({})),
        Event::Incoming { from } => ("incoming", json!({ "from": from })),
        Event::Answered => ("answered", json!({})),
        Event::MediaConnected(MediaPart::Audio) => ("media_connected", json!({})),
        Event::MediaConnected(MediaPart::Video) => ("video_connected", json!({})),
        Event::RemoteHold { held } => ("remote_hold", json!({ "held": held })),
        Event::Held { held } => ("held", json!({ "held": held })),
        Event::Digit(digit) => ("digit", json!({ "digit": digit })),
        Event::Ended(Ended {
            status,
            reason,
            media,
            video,
        }) => {
            let mut more = json!({ "status": status, "reason": reason });
            if let Some(media) = media {
                more["packets"] = json!(media.packets);
                more["sent"] = json!(media.sent);
                more["energy"] = json!((media.energy * 1e6).round() / 1e6);
            }
            if let Some(video) = video {
                more["video"] = json!({
                    "packets": video.packets,
                    "frames": video.frames,
                    "sent": video.sent,
                });
            }
            ("ended", more)
        }
    }
}

/// One sentence on standard error.
pub(super) fn complain(error: &anyhow::Error) {
    let mut out = std::io::stderr().lock();
    let _ = writeln!(out, "isthmus wic: {error:#}");
}
