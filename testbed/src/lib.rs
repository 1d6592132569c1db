//! Virtual clock and network, and peers that are small enough to read, for tests.
#![forbid(unsafe_code)]
