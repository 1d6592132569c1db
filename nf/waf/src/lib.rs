//! WAF: the WebRTC authorisation function, an OAuth 2.0 authorization server (TS 24.371 subclause 5.4).
#![forbid(unsafe_code)]
