//! The W3 user plane: ICE-lite, DTLS and SRTP.
#![forbid(unsafe_code)]
