//! TS 24.371: a file for each clause, a function for each sentence.

mod data_calls;
#[path = "../doors/data.rs"]
mod data_door;
#[path = "../doors/media.rs"]
#[allow(dead_code)] // it has handles for every document
mod media_door;
mod s6_1_edge_general;
mod s6_1_wic_general;
mod s6_2_1_1_wic_general;
mod s6_2_1_2_sip_digest;
mod s6_2_1_3_ims_aka;
mod s6_2_2_wic_web_authentication;
mod s6_2_3_wic_pool;
mod s6_3_1_web_credentials;
mod s6_3_2_pool;
mod s6_4_1_1_determination;
mod s6_4_1_2_sip_digest;
mod s6_4_1_3_ims_aka;
mod s6_4_2_web_credentials;
mod s6_4_3_pool;
mod s6a_1_general;
mod s6a_2_wic_deregistration;
mod s6a_3_deregistration;
mod s7_2_1_wic_general;
mod s7_2_2_wic_originating_call;
mod s7_2_3_wic_terminating_call;
mod s7_2_4_wic_emergency_call;
mod s7_4_1_general;
mod s7_4_2_on_the_wire;
mod s7_4_2_originating_call;
mod s7_4_3_on_the_wire;
mod s7_4_3_terminating_call;
mod s7_4_4_emergency_call;
mod s8_1_general;
mod s8_2_1_wic_general;
mod s8_2_2_wic_originating_call;
mod s8_2_3_wic_terminating_call;
mod s8_3_wwsf;
mod s8_4_1_general;
mod s8_4_2_originating_call;
mod s8_4_3_terminating_call;
mod s9_call_modification;
mod s9_on_the_wire;
mod s9_wic_call_modification;
#[path = "../doors/waf.rs"]
#[allow(dead_code)] // it has handles for every document
mod waf_door;
mod wic_calls;
mod wire_calls;

/// What `integrity-protected` says in credentials.
fn integrity_protected(credentials: &str) -> Option<String> {
    let (_, rest) = credentials.split_once("integrity-protected=")?;
    let value = rest.split(',').next().unwrap_or_default();
    Some(value.trim().trim_matches('"').to_owned())
}
