//! One JSON object a line, on standard output.

use std::io::Write as _;
use std::time::Instant;

use nf_wic::media::MediaPart;
use nf_wic::{CallId, Ended, Event};
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

    /// Prints an event of a call with more about it.
    pub(super) fn say_of(&self, call: CallId, event: &str, more: Value) {
        let mut line = Map::new();
        line.insert("call".into(), json!(call.0));
        if let Value::Object(more) = more {
            line.extend(more);
        }
        self.say(event, Value::Object(line));
    }

    /// Prints what a phone says. What its owner adds, it says itself.
    pub(super) fn event(&self, event: &Event) {
        let (word, more) = words(event);
        self.say(word, more);
    }

    /// Prints what a phone says of a call.
    pub(super) fn event_of(&self, call: CallId, event: &Event) {
        let (word, more) = words(event);
        self.say_of(call, word, more);
    }
}

/// What was said of a call already.
#[derive(Debug, Default)]
pub(super) struct Words {
    packets: u64,
    power: f64,
}

impl Words {
    /// The mean power of what came since it was asked last, from that since the beginning.
    pub(super) fn energy_since(&mut self, packets: u64, energy: f64) -> f64 {
        let power = energy * packets as f64;
        let more = packets.saturating_sub(self.packets);
        let since = (power - self.power).max(0.0) / more.max(1) as f64;
        (self.packets, self.power) = (packets, power);
        if more == 0 { 0.0 } else { since }
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
        Event::MediaConnected(MediaPart::Data) => ("data_connected", json!({})),
        // Its owner says what it is.
        Event::Channel { channel, .. } | Event::Applications { channel, .. } => {
            ("channel", json!({ "channel": channel.number }))
        }
        Event::RemoteHold { held } => ("remote_hold", json!({ "held": held })),
        Event::Held { held } => ("held", json!({ "held": held })),
        Event::Video { video } => ("video", json!({ "video": video })),
        Event::RemoteVideo { video } => ("remote_video", json!({ "video": video })),
        Event::Restarted => ("restarted", json!({})),
        Event::Refreshed => ("refreshed", json!({})),
        Event::NotChanged {
            change,
            status,
            reason,
        } => (
            "not_changed",
            json!({ "change": change, "status": status, "reason": reason }),
        ),
        Event::EmergencyRefused { words } => ("emergency_refused", json!({ "reason": words })),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loudness_is_that_since_it_was_asked_last() {
        let mut words = Words::default();
        assert!((words.energy_since(100, 0.1) - 0.1).abs() < 1e-9);
        // A hundred packets of silence halve the mean.
        assert!(words.energy_since(200, 0.05).abs() < 1e-9);
        assert!((words.energy_since(300, 0.1) - 0.2).abs() < 1e-9);
        assert!(words.energy_since(300, 0.1).abs() < 1e-9);
    }
}
