//! TS 29.392, the MMTel Enabler Server: each operation by requests that are written from its OpenAPI
//! document alone, and the rules that TS 29.122 has for all of them.

mod apis;
mod bad_input;
mod bomb;
mod common_rules;
mod s5_1_services;
mod s5_2_1_service;
mod s5_2_2_2_configure;
mod s5_2_2_3_update;
mod s5_2_2_4_delete;
mod s5_2_2_5_retrieval;
mod s5_3_1_service;
mod s5_3_2_2_dc_call;
mod s5_3_2_3_update_dc_media;
mod s5_3_2_4_notify;
mod s5_4_1_service;
mod s5_4_2_2_session_event;
mod s5_5_1_service;
mod s5_5_2_2_create;
mod s5_5_2_3_update;
mod s5_5_2_4_delete;
mod s5_5_2_5_notify;
mod s6_1_1_uris;
mod s6_1_2_http;
mod s6_1_3_resources;
mod s6_1_4_operations;
mod s6_1_5_notifications;
mod s6_1_6_data_model;
mod s6_1_7_errors;
mod s6_1_8_features;
mod s6_1_9_security;
mod s6_2_1_uris;
mod s6_2_2_http;
mod s6_2_3_resources;
mod s6_2_4_operations;
mod s6_2_5_notifications;
mod s6_2_6_data_model;
mod s6_2_7_errors;
mod s6_2_8_features;
mod s6_2_9_security;
mod s6_3_1_uris;
mod s6_3_2_http;
mod s6_3_3_resources;
mod s6_3_4_operations;
mod s6_3_5_notifications;
mod s6_3_6_data_model;
mod s6_3_7_errors;
mod s6_3_8_features;
mod s6_3_9_security;
mod s6_4_1_uris;
mod s6_4_2_http;
mod s6_4_3_resources;
mod s6_4_4_operations;
mod s6_4_5_notifications;
mod s6_4_6_data_model;
mod s6_4_7_errors;
mod s6_4_8_features;
mod s6_4_9_security;
mod silent_core;
mod targets;
mod zip;

use conformance::Enabler;
use serde_json::{Value, json};

/// Where the operations on applications are.
const DCAPPS: &str = "/mmtel-dcappmgmt/v1/dcapps";
/// Where calls are asked for.
const DCCALL: &str = "/mmtel-dcappcall/v1/dccall";
/// Where channels are.
const UPDATE: &str = "/mmtel-dcappcall/v1/update-dc-media";
/// Where sessions are.
const SESSIONS: &str = "/mmtel-callcontrol/v1/ims-sessions";
/// What `Content-Type` says of all but patches.
const JSON: &str = "application/json";
/// What it says of those.
const PATCH: &str = "application/json-patch+json";

fn configuration(provider: &str, list: &Value) -> Value {
    let count = list.as_array().map_or(0, Vec::len);
    json!({ "reqId": provider, "dcAppNum": count, "dcAppConfigParamList": list })
}

fn ids(provider: &str, list: &[&str]) -> Value {
    json!({ "reqId": provider, "dcAppNum": list.len(), "appIdList": list })
}

/// Configures one application, and says its identifier.
#[track_caller]
fn configured(enabler: &Enabler, provider: &str, mut profile: Value) -> String {
    profile["appIndex"] = "1".into();
    let body = configuration(provider, &json!([profile]));
    let answer = enabler.post(&format!("{DCAPPS}/configure"), &body).ok();
    let one = &answer["dcAppConfigRespList"][0];
    assert_eq!(one["status"], "SUCCESS", "{answer}");
    one["appId"].as_str().expect("an appId").to_owned()
}

/// The profile of an application; nothing if there is none of that provider.
#[track_caller]
fn retrieved(enabler: &Enabler, provider: &str, app_id: &str) -> Option<Value> {
    let answer = enabler.post(&format!("{DCAPPS}/retrieval"), &ids(provider, &[app_id]));
    let answer = answer.ok();
    (answer["status"] == "SUCCESS").then(|| answer["dcAppInfoList"][0].clone())
}
