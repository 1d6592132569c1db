//! RFC 7118, SIP over WebSocket, at the binary's W2: a file for each clause.

mod s4_1_handshake;
mod s4_2_sip_encoding;
mod s5_2_transport;
mod s6_keep_alive;
