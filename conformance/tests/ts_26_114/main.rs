//! TS 26.114 §6.2.10, bootstrap data channels: by the rules that are public of it, through the binary. The enabler whose
//! applications are given is a process of its own.

#[path = "../doors/data.rs"]
#[allow(dead_code)] // it has handles for every document
mod data_door;
mod s6_2_10_1_channels;
mod s6_2_10_2_precall;
mod s6_2_10_3_answer;
mod s6_2_10_http;
mod s6_2_10_remote;
mod scene;
#[path = "../ts_29_392/zip.rs"]
mod zip;
