//! RFC 8414: what an authorization server says of itself.
#![allow(dead_code)] // the door has handles for every document

#[path = "../doors/waf.rs"]
mod door;
mod s2_metadata;
mod s3_obtaining_metadata;
