//! SIP messages: one buffer, an index of ranges, typed views on demand (RFC 3261).
#![forbid(unsafe_code)]
