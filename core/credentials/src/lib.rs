//! Credentials: digest, access tokens, passwords and who may use them.
#![forbid(unsafe_code)]
