//! The repository's own chores.
#![forbid(unsafe_code)]
fn main() {}
