//! Isthmus: the Web and the IMS, joined. The shells round the functions: sockets, HTTP, files, threads.
#![forbid(unsafe_code)]

pub mod gateway;
pub mod store;
pub mod web;
pub mod wic;
