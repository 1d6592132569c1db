//! RFC 7662: what a token is worth.
#![allow(dead_code)] // the door has handles for every document

#[path = "../doors/waf.rs"]
mod door;
mod s2_introspection;
