//! RFC 3264, as the edge keeps it between two sides: a file for each clause, a function for each sentence.

#[path = "../doors/media.rs"]
#[allow(dead_code)] // it has handles for every document
mod media_door;
mod s6_generating_the_answer;
mod s8_modifying_the_session;
