//! From a path and a method to an operation (TS 29.122 §5.2.4).

use api_mmtel_es::{Api, Cause, Operation};
use axum::http::header::ALLOW;
use axum::http::{HeaderValue, Method};

use super::Refusal;
use super::behaviour::{self, Behaviour};

/// An operation that is served.
pub(super) struct Route {
    pub(super) api: Api,
    pub(super) operation: &'static Operation,
    pub(super) behaviour: Behaviour,
    pub(super) variable: Option<String>,
}

/// Finds it; 404 when nothing is there, 405 with what may be asked there instead.
pub(super) fn find(method: &Method, path: &str) -> Result<Route, Refusal> {
    let mut allowed = Vec::new();
    let mut segments = path.strip_prefix('/').unwrap_or(path).splitn(3, '/');
    let (name, version) = (segments.next(), segments.next());
    let rest = segments.next().unwrap_or_default();
    let api = Api::ALL.into_iter().find(|api| Some(api.name()) == name);
    let api = api.filter(|_| version == Some("v1"));
    let operations = api.into_iter();
    let operations = operations.flat_map(|api| api.operations().iter().map(move |one| (api, one)));
    for (api, operation) in operations {
        let Some(behaviour) = behaviour::of(operation) else {
            continue;
        };
        let Some(variable) = matches(operation.path, rest) else {
            continue;
        };
        if operation.method == *method {
            return Ok(Route {
                api,
                operation,
                behaviour,
                variable,
            });
        }
        allowed.push(operation.method.as_str());
    }
    if allowed.is_empty() {
        return Err(unknown());
    }
    let refusal = Refusal::new(405).detail("That is not done with this resource.");
    let allowed = HeaderValue::from_str(&allowed.join(", "));
    Err(match allowed {
        Ok(allowed) => refusal.header(ALLOW, allowed),
        Err(_) => refusal,
    })
}

/// Nothing is there (TS 29.122 §5.2.6).
pub(super) fn unknown() -> Refusal {
    let refusal =
        Refusal::new(404).detail("There is no such resource. The APIs are named at /openapi.");
    refusal.cause(&Cause::ResourceUriStructureNotFound)
}

/// Whether a path is the one of an operation, and what its variable is then.
#[expect(
    clippy::option_option,
    reason = "whether it matches, and what was in the variable's place"
)]
fn matches(pattern: &str, path: &str) -> Option<Option<String>> {
    let mut variable = None;
    let mut pattern = pattern.strip_prefix('/').unwrap_or(pattern).split('/');
    let mut path = path.split('/');
    loop {
        match (pattern.next(), path.next()) {
            (None, None) => return Some(variable),
            (Some(name), Some(segment)) if name.starts_with('{') && !segment.is_empty() => {
                variable = Some(decode(segment)?);
            }
            (Some(name), Some(segment)) if name == segment => {}
            _ => return None,
        }
    }
}

/// RFC 3986 §2.1
fn decode(segment: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(if byte == b'%' {
            let mut digit = || char::from(rest.next()?).to_digit(16);
            (digit()? * 16 + digit()?) as u8
        } else {
            byte
        });
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_taken_as_a_whole() {
        let sessions = "/ims-sessions/{sessionId}";
        assert_eq!(
            matches(sessions, "ims-sessions/a%2Fb"),
            Some(Some("a/b".into()))
        );
        for other in [
            "ims-sessions",
            "ims-sessions/",
            "ims-sessions/a/",
            "ims-sessions/a/b",
            "ims-sessions/%zz",
            "ims-sessions/%ff",
            "ims-sessions/a%2",
        ] {
            assert_eq!(matches(sessions, other), None, "{other}");
        }
        assert_eq!(matches("/dcapps/configure", "dcapps/configure"), Some(None));
    }

    #[test]
    fn what_is_not_there_is_not_found_and_what_is_not_done_is_not_allowed() {
        let status = |method: Method, path: &str| match find(&method, path) {
            Ok(route) => route.operation.id.to_owned(),
            Err(refusal) => refusal.status().to_string(),
        };
        let configure = "/mmtel-dcappmgmt/v1/dcapps/configure";
        assert_eq!(status(Method::POST, configure), "CreatedCAppMgmt");
        assert_eq!(status(Method::GET, configure), "405");
        for path in [
            "/mmtel-dcappmgmt/v1/dcapps",
            "/mmtel-dcappmgmt/v2/dcapps/configure",
            "/mmtel-dcappmgmt",
            "/mmtel-dcappmgmt/v1/dcapps/configure/",
            "/mmtel-callevent/v1/session-event-subscriptions",
        ] {
            assert_eq!(status(Method::POST, path), "404", "{path}");
        }
    }
}
