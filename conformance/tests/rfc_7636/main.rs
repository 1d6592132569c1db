//! RFC 7636: only who began the sign-in can trade its code.
#![allow(dead_code)] // the door has handles for every document

#[path = "../doors/waf.rs"]
mod door;
mod s4_protocol;
