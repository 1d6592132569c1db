//! RFC 4475, torture tests: what a proxy and registrar makes of messages that are well formed and
//! odd. The messages are our own, one of each class.

#[path = "../doors/lab_core.rs"]
#[allow(dead_code)] // it has handles for every document
mod door;
mod s3_3_application_layer;
mod s3_4_backward_compatibility;
