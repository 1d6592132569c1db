//! RFC 8898, OAuth in SIP, at the binary's W2: a file for each clause.

mod s4_challenge;
