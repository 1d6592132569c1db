//! Calls and sessions that are asked for, and what becomes of them.

use anyhow::bail;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::args::{Call, Connect, End};
use super::client::Client;
use super::print;
use super::told::Told;

const SESSIONS: &str = "/mmtel-callcontrol/v1/ims-sessions";
/// RFC 3986 §2.3 — all but what is not reserved.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// TS 29.392 §5.3.2.2: calls, and prints what happens until the call ends.
pub(super) async fn call(call: &Call) -> anyhow::Result<()> {
    let client = Client::new(&call.way.server)?;
    let mut told = Told::listen(&call.way.listen).await?;
    let body = request(call, &told.url);
    let answer = client.post("/mmtel-dcappcall/v1/dccall", &body).await?;
    if answer["callResult"] != "SUCCESS" {
        let why = answer["failureCause"].as_str();
        bail!("no call: {}", why.unwrap_or("it does not say why"));
    }
    print(&json!({
        "event": "answered", "session": answer["sessionId"], "media": answer["mediaInfo"],
        "data_channels": answer["dcMediaInfo"],
    }));
    let url = told.url.clone();
    let say = async |message: &str| {
        let body = json!({
            "dcAppId": call.application, "sessionId": answer["sessionId"],
            "mediaResourceInfo": message_of(message), "notificationInfo": url,
        });
        let answer = client
            .post("/mmtel-dcappcall/v1/update-dc-media", &body)
            .await?;
        print(&json!({ "event": "said", "result": answer["result"], "cause": answer["cause"] }));
        anyhow::Ok(())
    };
    for message in &call.say {
        say(message).await?;
    }
    let mut lines = call.lines.then(typed);
    loop {
        tokio::select! {
            notification = told.next() => {
                let event = event_of_call(&notification);
                print(&event);
                if event["event"] == "ended" {
                    return Ok(());
                }
            }
            line = next_line(&mut lines) => say(&line).await?,
        }
    }
}

fn request(call: &Call, url: &str) -> Value {
    let media = [("audio", !call.no_audio), ("video", call.video)];
    let media = media.iter().filter(|(_, wanted)| *wanted);
    let mut body = json!({
        "terminatingId": call.way.domain.uri(&call.who),
        "callType": "A2P",
        "mediaInfo": media.map(|(name, _)| *name).collect::<Vec<_>>(),
        "dcMediaInfo": call.data || call.application.is_some(),
        "notificationInfo": url,
    });
    if let Some(from) = &call.from {
        body["callType"] = "P2P".into();
        body["originatingId"] = call.way.domain.uri(from).into();
    }
    if let Some(application) = &call.application {
        body["appProfileRequested"] = json!({ "appId": application });
    }
    body
}

/// A JSON object goes as it is; anything else is a text.
fn message_of(message: &str) -> Value {
    match serde_json::from_str(message) {
        Ok(Value::Object(object)) => Value::Object(object),
        _ => json!({ "text": message }),
    }
}

/// TS 29.392 §5.3.2.4: what a notification of a call says.
fn event_of_call(notification: &Value) -> Value {
    let info = &notification["mediaResourceInfo"];
    if notification["mediaDirection"] == "P2A" {
        return json!({ "event": "message", "message": info });
    }
    if info["call"] == "ENDED" {
        return json!({ "event": "ended", "reason": info["reason"] });
    }
    let state = info["channel"].as_str().unwrap_or_default().to_lowercase();
    json!({
        "event": "channel", "state": state, "application": info["dcAppId"], "reason": info["reason"],
    })
}

/// What is typed, line by line. It is read on a thread of its own, which nobody waits for.
fn typed() -> mpsc::Receiver<String> {
    let (say, said) = mpsc::channel(16);
    std::thread::spawn(move || {
        for line in std::io::stdin().lines().map_while(Result::ok) {
            if say.blocking_send(line).is_err() {
                return;
            }
        }
    });
    said
}

/// The next line that is typed; none comes after the end.
async fn next_line(lines: &mut Option<mpsc::Receiver<String>>) -> String {
    if let Some(open) = lines {
        if let Some(line) = open.recv().await {
            return line;
        }
        *lines = None;
    }
    std::future::pending().await
}

/// TS 29.392 §5.5.2.2: makes a session of two, and prints what happens until it ends.
pub(super) async fn connect(connect: &Connect) -> anyhow::Result<()> {
    let client = Client::new(&connect.way.server)?;
    let mut told = Told::listen(&connect.way.listen).await?;
    let kinds = [
        ("AUDIO", true),
        ("VIDEO", connect.video),
        ("DC", connect.data),
    ];
    let media = kinds
        .iter()
        .filter(|(_, wanted)| *wanted)
        .map(|(kind, _)| json!({ "mediaType": kind, "mediaCorrectionId": kind.to_lowercase() }));
    let body = json!({ "afId": connect.af, "imsSessionInfo": {
        "sessionInfo": {
            "callingId": connect.way.domain.uri(&connect.calling),
            "calledId": connect.way.domain.uri(&connect.called),
        },
        "mediaInfoSet": media.collect::<Vec<_>>(),
        "notifUri": told.url,
    } });
    let created = client.post(SESSIONS, &body).await?;
    let session = created["imsSessionInfo"]["sessionId"].as_str();
    let session = session.unwrap_or_default();
    print(&json!({ "event": "created", "session": session }));
    loop {
        tokio::select! {
            notification = told.next() => {
                let event = notification["eventType"].as_str().unwrap_or_default().to_lowercase();
                print(&json!({
                    "event": event, "media": notification["mediaInfoSet"],
                    "reason": notification["failureReason"],
                }));
                if ["session_termination", "session_establishment_failure"].contains(&event.as_str()) {
                    return Ok(());
                }
            }
            _ = tokio::signal::ctrl_c() => {
                client.ask(Method::DELETE, &path_of(session), None).await?;
                print(&json!({ "event": "deleted", "session": session }));
                return Ok(());
            }
        }
    }
}

/// TS 29.392 §5.5.2.5
pub(super) async fn end(end: &End) -> anyhow::Result<()> {
    let client = Client::new(&end.server)?;
    let path = path_of(&end.session);
    client.ask(Method::DELETE, &path, None).await?;
    print(&json!({ "event": "deleted", "session": end.session }));
    Ok(())
}

/// Where a session is. What it is called by is the server's word, and may be anything.
fn path_of(session: &str) -> String {
    format!("{SESSIONS}/{}", utf8_percent_encode(session, RESERVED))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_an_object_or_a_text() {
        assert_eq!(message_of(r#"{"a":1}"#), json!({ "a": 1 }));
        for text in ["hello", "7", "[1]", "{"] {
            assert_eq!(message_of(text), json!({ "text": text }));
        }
    }

    #[test]
    fn a_session_is_one_segment_of_a_path() {
        assert_eq!(path_of("aZ0-._~"), format!("{SESSIONS}/aZ0-._~"));
        assert_eq!(path_of("a/b ?ü"), format!("{SESSIONS}/a%2Fb%20%3F%C3%BC"));
    }

    #[test]
    fn no_message_of_a_ue_ends_the_call() {
        let ended = json!({ "call": "ENDED", "reason": "x" });
        let event = |direction: Option<&str>| {
            event_of_call(&json!({ "mediaResourceInfo": ended, "mediaDirection": direction }))
        };
        assert_eq!(event(Some("P2A"))["event"], "message");
        assert_eq!(event(None)["event"], "ended");
    }
}
