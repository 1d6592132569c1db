//! RFC 6455, the WebSocket itself, at the binary's W2: a file for each clause.

mod s4_2_opening_handshake;
mod s5_4_fragmentation;
mod s7_4_1_status_codes;
