//! What the clauses about each API say of all of them, with the words of that one.

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
