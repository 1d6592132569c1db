//! RTP and RTCP packets (RFC 3550, RFC 4585).
#![forbid(unsafe_code)]
