//! TS 29.122 §5.2.6 — enabler, what is wrong with a request, for each operation of all APIs: the status, the cause
//! and the pointer, and nothing changed.

use conformance::{Answer, Enabler};
use serde_json::{Value, json};

use super::silent_core::{self as bench, Silent};
use super::{
    DCAPPS, DCCALL, JSON, PATCH, SESSIONS, UPDATE, configuration, configured, ids, retrieved,
};

/// An operation with a body that has everything.
struct Asked {
    method: &'static str,
    path: String,
    media_type: &'static str,
    body: Value,
}

impl Asked {
    fn send(&self, enabler: &Enabler, body: &str) -> Answer {
        let kind = format!("Content-Type: {}\r\n", self.media_type);
        enabler.send(self.method, &self.path, &kind, body)
    }

    fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}

/// All that have a body. `app` and `session` are there, of the provider `bad-input`.
fn operations(app: &str, session: &str) -> Vec<Asked> {
    let post = |path: String, body: Value| Asked {
        method: "POST",
        path,
        media_type: JSON,
        body,
    };
    let profile = |name: &str| {
        json!({
            name: if name == "appId" { app } else { "1" }, "appName": "Go", "svcType": "GAMES",
            "appVer": "2", "appIconUrl": "https://example.com/i", "appVal": "2099-01-01T00:00:00Z",
            "appLoadPh": "INCALL", "autoload": true, "suppScnr": "VIDEO_CALL_ONLY", "autolaunch": true,
            "peerDcReq": true, "qosReq": "loss=0.1", "appPkg": "AAAA", "persDataColl": true,
            "persDataCollInfoUrl": "https://example.com/p",
        })
    };
    let mut configure = configuration("bad-input", &json!([profile("appIndex")]));
    configure["secCred"] = "x".into();
    let update = json!({ "reqId": "bad-input", "secCred": "x", "dcAppNum": 1,
        "dcAppUpdateParamList": [profile("appId")] });
    let patch = json!([
        { "op": "copy", "from": "/afId", "path": "/imsSessionInfo/notifCorrelationId" },
        { "op": "test", "path": "/afId", "value": "other" },
    ]);
    vec![
        post(format!("{DCAPPS}/configure"), configure),
        post(format!("{DCAPPS}/update"), update),
        post(format!("{DCAPPS}/delete"), ids("bad-input", &[app])),
        post(format!("{DCAPPS}/retrieval"), ids("bad-input", &[app])),
        post(DCCALL.into(), bench::call()),
        post(UPDATE.into(), bench::update()),
        post(SESSIONS.into(), bench::session("bad-input")),
        Asked {
            method: "PUT",
            path: session.into(),
            media_type: JSON,
            body: bench::session("bad-input"),
        },
        Asked {
            method: "PATCH",
            path: session.into(),
            media_type: PATCH,
            body: patch,
        },
    ]
}

/// Runs a test of all operations, and finds what was there as it was.
fn each(examine: impl Fn(&Enabler, &Asked)) {
    let shared = Silent::shared();
    let enabler: &Enabler = &shared;
    let app = configured(enabler, "bad-input", json!({ "appName": "Chess" }));
    let session = bench::created(enabler, &bench::session_of_its_own("bad-input"));
    let before = (
        retrieved(enabler, "bad-input", &app),
        bench::now(enabler, &session),
    );
    for asked in operations(&app, &session) {
        examine(enabler, &asked);
    }
    let after = (
        retrieved(enabler, "bad-input", &app),
        bench::now(enabler, &session),
    );
    assert_eq!(before, after);
    let gone = enabler.send("DELETE", &session, "", "");
    assert_eq!(gone.status, 204, "{gone:?}");
}

/// TS 29.122 §5.2.6: what is no JSON, or too deep, or says a thing twice.
#[test]
fn a_body_is_read_as_a_whole_or_not_at_all() {
    each(|enabler, asked| {
        let deep = format!("{}1{}", "[".repeat(10_000), "]".repeat(10_000));
        let deep_inside = format!(r#"{{"vendorSpecific-000001":{deep}}}"#);
        for body in [
            "",
            "{",
            "nonsense",
            "\u{feff}{}",
            "{} {}",
            &deep,
            &deep_inside,
        ] {
            let problem = asked.send(enabler, body).problem(400);
            assert_eq!(
                problem["cause"],
                "INVALID_MSG_FORMAT",
                "{}: {problem}",
                asked.name()
            );
        }
        for body in [
            "7",
            "null",
            "\"x\"",
            if asked.body.is_array() { "{}" } else { "[]" },
        ] {
            let problem = asked.send(enabler, body).problem(400);
            assert_eq!(
                problem["cause"],
                "MANDATORY_IE_INCORRECT",
                "{}: {problem}",
                asked.name()
            );
        }
        // Each member twice, at every depth, with the same value: one of them is one too many.
        for pointer in members(&asked.body) {
            let (text, wanted) = twice(&asked.body, &pointer);
            let answer = asked.send(enabler, &text);
            assert_eq!(answer.status, 400, "{} {pointer}: {answer:?}", asked.name());
            assert!(
                answer.invalid().contains(&wanted),
                "{} {wanted}: {answer:?}",
                asked.name()
            );
        }
    });
}

/// TS 29.122 §5.2.6: a wrong type in each attribute has its pointer.
#[test]
fn every_attribute_has_a_type() {
    each(|enabler, asked| {
        for pointer in members(&asked.body) {
            let of = asked.body.pointer(&pointer).expect("it is there");
            let below_any = ["/mediaResourceInfo/", "/mdc2EndpointInfo/"];
            if below_any.iter().any(|any| pointer.contains(any)) || pointer.ends_with("/value") {
                continue; // anything may stand there
            }
            for wrong in [
                json!(7),
                json!(1.5),
                json!("text"),
                json!(true),
                json!({}),
                json!([]),
                json!(null),
            ] {
                if same_type(of, &wrong) {
                    continue;
                }
                let mut body = asked.body.clone();
                *body.pointer_mut(&pointer).expect("it is there") = wrong.clone();
                let answer = asked.send(enabler, &body.to_string());
                let said = format!("{} {pointer} {wrong}: {answer:?}", asked.name());
                assert_eq!(answer.status, 400, "{said}");
                let found = answer.invalid();
                let known = found
                    .iter()
                    .any(|one| *one == pointer || one.starts_with(&format!("{pointer}/")));
                assert!(known, "{said}");
            }
        }
    });
}

/// TS 29.122 §5.2.3, §5.2.6: type and length.
#[test]
fn a_body_has_its_type_and_its_length() {
    each(|enabler, asked| {
        let name = asked.name();
        let text = asked.body.to_string();
        let other = if asked.media_type == JSON {
            PATCH
        } else {
            JSON
        };
        for kind in [
            "",
            "Content-Type: text/plain\r\n",
            &format!("Content-Type: {other}\r\n"),
        ] {
            let problem = enabler
                .send(asked.method, &asked.path, kind, &text)
                .problem(415);
            assert_eq!(
                problem["invalidParams"][0]["param"], "header Content-Type",
                "{name}"
            );
        }
        let head = format!(
            "{} {} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: {}\r\n",
            asked.method, asked.path, asked.media_type
        );
        enabler.raw(&format!("{head}\r\n")).problem(411);
        // A hundred mebibytes, refused before they come; what would come is waited for a while.
        if asked.path == DCCALL || asked.media_type == PATCH {
            enabler
                .raw(&format!("{head}Content-Length: 104857600\r\n\r\n{{"))
                .problem(413);
        }
        for wrong in ["x", "-1", "1, 2", "18446744073709551616"] {
            let answer = enabler.raw(&format!("{head}Content-Length: {wrong}\r\n\r\n{{}}"));
            assert_eq!(answer.status, 400, "{name} {wrong}");
        }
    });
}

/// TS 29.122 §5.2.6: a body in parts is bounded, too.
#[test]
fn a_hundred_mebibytes_in_parts_are_refused_on_their_way() {
    use std::io::{Read as _, Write as _};
    let shared = Silent::shared();
    let mut stream = std::net::TcpStream::connect(shared.address()).expect("the port is open");
    let head = format!(
        "POST {DCCALL} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: {JSON}\r\n\
         Transfer-Encoding: chunked\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).expect("sent");
    let part = format!("{:x}\r\n{}\r\n", 1 << 20, "x".repeat(1 << 20));
    // It may hang up on the way: what it said before is what counts.
    for _ in 0..100 {
        if stream.write_all(part.as_bytes()).is_err() {
            break;
        }
    }
    let mut answer = [0; 64];
    let length = stream.read(&mut answer).unwrap_or(0);
    let text = String::from_utf8_lossy(&answer[..length]);
    assert!(text.starts_with("HTTP/1.1 413 "), "{text}");
    shared.post_text(DCCALL, "{}").problem(400);
}

/// Pointers of all members of objects, at every depth.
fn members(value: &Value) -> Vec<String> {
    let below = |name: String, value: &Value| {
        let inside = members(value).into_iter();
        inside
            .map(move |rest| format!("/{name}{rest}"))
            .collect::<Vec<_>>()
    };
    match value {
        Value::Object(object) => object
            .iter()
            .flat_map(|(name, value)| {
                let mut all = vec![format!("/{name}")];
                all.extend(below(name.clone(), value));
                all
            })
            .collect(),
        Value::Array(list) => list
            .iter()
            .enumerate()
            .flat_map(|(index, value)| below(index.to_string(), value))
            .collect(),
        _ => Vec::new(),
    }
}

/// The text of a body in which one member is there twice, and what it is called then.
fn twice(body: &Value, pointer: &str) -> (String, String) {
    const MARK: &str = "a member that is there twice";
    let (parent, name) = pointer.rsplit_once('/').expect("a pointer");
    let mut marked = body.clone();
    let object = marked.pointer_mut(parent).and_then(Value::as_object_mut);
    let object = object.expect("members are in objects");
    let value = object[name].clone();
    object.insert(MARK.into(), value);
    let text = marked.to_string().replacen(MARK, name, 1);
    (text, pointer.to_owned())
}

fn same_type(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(_), Value::Number(other)) => other.is_i64(),
        (one, other) => std::mem::discriminant(one) == std::mem::discriminant(other),
    }
}
