//! TS 24.371: a file for each clause, a function for each sentence.

#[path = "../doors/media.rs"]
#[allow(dead_code)] // it has handles for every document
mod media_door;
mod s6_3_1_web_credentials;
mod s7_4_2_originating_call;
mod s7_4_3_terminating_call;
#[path = "../doors/waf.rs"]
#[allow(dead_code)] // it has handles for every document
mod waf_door;
