//! RFC 7523: clients that prove who they are with a key of their own.
#![allow(dead_code)] // the door has handles for every document

#[path = "../doors/waf.rs"]
mod door;
mod s3_client_assertions;
