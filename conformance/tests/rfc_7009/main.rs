//! RFC 7009: a client gives tokens back.
#![allow(dead_code)] // the door has handles for every document

#[path = "../doors/waf.rs"]
mod door;
mod s2_token_revocation;
