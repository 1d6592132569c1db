//! SDP that keeps every line as it came, and typed views of those that are rewritten (RFC 8866).
#![forbid(unsafe_code)]
