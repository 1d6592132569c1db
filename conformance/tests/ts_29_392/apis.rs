//! What the clauses about each API say of all of them, with the words of that one.

use std::collections::BTreeSet;

use conformance::Enabler;
use serde_json::Value;

/// The versions of HTTP that TS 29.122 §5.2.2 has, as ALPN calls them.
pub(crate) const VERSIONS: [&str; 2] = ["http/1.1", "h2"];

/// The OpenAPI document of an API.
#[track_caller]
pub(crate) fn document(enabler: &Enabler, name: &str) -> Value {
    enabler
        .send("GET", &format!("/openapi/{name}"), "", "")
        .ok()
}

/// Method and path of each operation of it, in the order of paths.
pub(crate) fn operations(document: &Value) -> Vec<String> {
    let paths = document["paths"].as_object().expect("paths");
    let each = paths.iter().flat_map(|(path, item)| {
        let methods = item.as_object().expect("methods").keys();
        let methods = methods.filter(|method| *method != "parameters");
        methods.map(move |method| format!("{method} {path}"))
    });
    each.collect()
}

/// Whether something may be asked there by that method: it is neither a 405 nor the 404 of what is no resource.
pub(crate) fn takes(enabler: &Enabler, method: &str, path: &str) -> bool {
    // One without anything in it: what is asked there is refused for that.
    let answer = enabler.send(method, path, "Content-Type: application/json\r\n", "{}");
    match answer.status {
        404 => answer.problem(404)["cause"] != "RESOURCE_URI_STRUCTURE_NOT_FOUND",
        405 => {
            let allowed = answer.header("allow").unwrap_or_default();
            assert!(!allowed.is_empty(), "{method} {path}: {answer:?}");
            assert!(!allowed.split(", ").any(|one| one == method), "{answer:?}");
            false
        }
        _ => true,
    }
}

/// The operations that the document of an API names are those that its table has, and those that the enabler serves: at
/// these paths, below the root of the API, no method does anything else.
#[track_caller]
pub(crate) fn serves(name: &str, table: &[&str]) {
    let shared = Enabler::shared();
    let mut named = operations(&document(&shared, name));
    named.sort();
    assert_eq!(named, table);
    let paths: BTreeSet<&str> = table
        .iter()
        .filter_map(|one| one.split(' ').nth(1))
        .collect();
    for path in paths {
        let at = format!("/{name}/v1{}", path.replace("{sessionId}", "nobody"));
        let methods = ["DELETE", "GET", "PATCH", "POST", "PUT"];
        let served = methods
            .into_iter()
            .filter(|method| takes(&shared, method, &at));
        let served: Vec<String> = served
            .map(|one| format!("{} {path}", one.to_lowercase()))
            .collect();
        let expected = table
            .iter()
            .filter(|one| one.split(' ').nth(1) == Some(path));
        assert!(served.iter().eq(expected), "{path}: {served:?}");
    }
}

/// The attributes of a schema of it.
#[track_caller]
pub(crate) fn attributes<'a>(document: &'a Value, schema: &str) -> Vec<&'a str> {
    let schema = &document["components"]["schemas"][schema]["properties"];
    let properties = schema.as_object().expect("properties");
    properties.keys().map(String::as_str).collect()
}

/// `{apiRoot}/<apiName>/<apiVersion>/<apiSpecificSuffixes>`: that suffix takes a POST there, and nowhere else.
#[track_caller]
pub(crate) fn below(name: &str, suffix: &str) {
    let shared = Enabler::shared();
    let server = document(&shared, name)["servers"][0].clone();
    assert_eq!(server["url"], format!("{{apiRoot}}/{name}/v1"));
    let root = &server["variables"]["apiRoot"]["default"];
    assert_eq!(*root, format!("http://{}", shared.address()));
    let there = shared.post_text(&format!("/{name}/v1/{suffix}"), "{}");
    assert_eq!(there.problem(400)["cause"], "MANDATORY_IE_MISSING");
    let upper = name.to_uppercase();
    for path in [
        format!("/{name}/v2/{suffix}"),
        format!("/{name}/V1/{suffix}"),
        format!("/{name}/{suffix}"),
        format!("/{upper}/v1/{suffix}"),
        format!("/v1/{name}/{suffix}"),
        format!("/api/{name}/v1/{suffix}"),
        format!("/{name}/v1/{suffix}/"),
        format!("/{name}/v1//{suffix}"),
        format!("//{name}/v1/{suffix}"),
    ] {
        let problem = shared.post_text(&path, "{}").problem(404);
        let cause = "RESOURCE_URI_STRUCTURE_NOT_FOUND";
        assert_eq!(problem["cause"], cause, "{path}");
    }
}
