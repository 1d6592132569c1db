//! The OpenAPI 3.0.0 documents, made from the types and the table of operations.

use serde_json::{Map, Value, json};

use crate::attribute::{Attribute as _, Components};
use crate::operation::{Answer, Api, Callback, Operation};
use crate::problem::{PROBLEM_JSON, ProblemDetails, title};

/// The document of one API, to be served as JSON. `api_root` is the apiRoot under which it is served
/// (TS 29.122 §5.2.4), `token_url` where its tokens come from, when it wants some.
pub fn document(api: Api, api_root: &str, token_url: Option<&str>) -> Value {
    let mut components = Components::default();
    let mut responses = Map::new();
    let mut paths = Map::new();
    for operation in api.operations() {
        let path = paths.entry(operation.path).or_insert_with(|| {
            let parameters = parameters(operation.path);
            if parameters.is_empty() {
                json!({})
            } else {
                json!({ "parameters": parameters })
            }
        });
        let method = operation.method.as_str().to_ascii_lowercase();
        path[method] = describe(operation, &mut components, &mut responses);
    }
    json!({
        "openapi": "3.0.0",
        "info": {
            "title": api.service(),
            "version": "1.0.1",
            "description": "An API of the MMTel Enabler Server, as Isthmus serves it.",
        },
        "externalDocs": {
            "description": "3GPP TS 29.392 V19.1.0, MMTel Enabler Server Services; Stage 3",
            "url": "https://www.3gpp.org/ftp/Specs/archive/29_series/29.392/",
        },
        "servers": [{
            "url": format!("{{apiRoot}}{}", api.base()),
            "variables": { "apiRoot": { "default": api_root } },
        }],
        "security": [{}, { "oAuth2ClientCredentials": [] }],
        "paths": paths,
        "components": {
            "securitySchemes": { "oAuth2ClientCredentials": {
                "type": "oauth2",
                "flows": { "clientCredentials": {
                    "tokenUrl": token_url.unwrap_or("{tokenUrl}"),
                    "scopes": {},
                } },
            } },
            "schemas": components.into_value(),
            "responses": responses,
        },
    })
}

/// The variables of a path.
fn parameters(path: &str) -> Vec<Value> {
    let variables = path.split('/').filter_map(|segment| {
        let name = segment.strip_prefix('{')?.strip_suffix('}')?;
        Some(json!({
            "name": name,
            "in": "path",
            "required": true,
            "schema": { "type": "string" },
        }))
    });
    variables.collect()
}

fn describe(
    operation: &Operation,
    components: &mut Components,
    responses: &mut Map<String, Value>,
) -> Value {
    let mut value = json!({
        "summary": operation.summary,
        "operationId": operation.id,
        "tags": [operation.tag],
    });
    if let Some(body) = &operation.body {
        value["requestBody"] = content(body.media_type, &(body.schema)(components));
        value["requestBody"]["required"] = true.into();
    }
    let (answers, others) = (operation.answers, operation.others);
    value["responses"] = describe_answers(answers, others, components, responses);
    if let Some(callback) = operation.callback {
        let Callback {
            name, expression, ..
        } = callback;
        let mut body = content("application/json", &(callback.schema)(components));
        body["required"] = true.into();
        let (answers, others) = (callback.answers, callback.others);
        let post = json!({
            "requestBody": body,
            "responses": describe_answers(answers, others, components, responses),
        });
        value["callbacks"] = json!({ *name: { *expression: { "post": post } } });
    }
    value
}

fn content(media_type: &str, schema: &Value) -> Value {
    json!({ "content": { media_type: { "schema": schema } } })
}

fn describe_answers(
    answers: &[Answer],
    others: &[u16],
    components: &mut Components,
    responses: &mut Map<String, Value>,
) -> Value {
    let mut all = Map::new();
    for answer in answers {
        let mut value = match answer.schema {
            Some(schema) => content("application/json", &schema(components)),
            None => json!({}),
        };
        value["description"] = answer.description.into();
        if answer.location {
            value["headers"] = location("The URI of the resource that was created.");
        }
        all.insert(answer.status.to_string(), value);
    }
    let others = others.iter().map(u16::to_string);
    for name in others.chain(["default".to_owned()]) {
        if !responses.contains_key(&name) {
            let response = common_response(&name, components);
            responses.insert(name.clone(), response);
        }
        let reference = json!({ "$ref": format!("#/components/responses/{name}") });
        all.insert(name, reference);
    }
    Value::Object(all)
}

/// TS 29.122 §5.2.6, §5.2.10: errors tell why, redirections tell where.
fn common_response(name: &str, components: &mut Components) -> Value {
    let status = name.parse().unwrap_or_default();
    let mut response = match status {
        0 => json!({}),
        307 | 308 => json!({ "headers": location("Another URI of the resource.") }),
        _ => content(PROBLEM_JSON, &ProblemDetails::schema(components)),
    };
    response["description"] = title(status).into();
    response
}

fn location(description: &str) -> Value {
    json!({ "Location": {
        "description": description,
        "required": true,
        "schema": { "type": "string" },
    } })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every reference of a document finds its target in the same document.
    #[test]
    fn documents_stand_on_their_own() {
        fn check(value: &Value, document: &Value) {
            match value {
                Value::Object(members) => {
                    if let Some(Value::String(reference)) = members.get("$ref") {
                        let target = reference.strip_prefix('#').expect("in this document");
                        assert!(document.pointer(target).is_some(), "{reference}");
                    }
                    members.values().for_each(|member| check(member, document));
                }
                Value::Array(elements) => elements.iter().for_each(|e| check(e, document)),
                _ => {}
            }
        }
        for api in Api::ALL {
            let document = document(api, "https://localhost:8443", None);
            check(&document, &document);
            let ids = api.operations().iter().map(|operation| operation.id);
            let unique: std::collections::HashSet<_> = ids.clone().collect();
            assert_eq!(unique.len(), ids.count());
        }
    }

    #[test]
    fn the_document_says_where_it_is_served() {
        let document = document(Api::DcAppManagement, "https://es.example.com", None);
        let server = &document["servers"][0];
        assert_eq!(server["url"], "{apiRoot}/mmtel-dcappmgmt/v1");
        assert_eq!(
            server["variables"]["apiRoot"]["default"],
            "https://es.example.com"
        );
    }
}
