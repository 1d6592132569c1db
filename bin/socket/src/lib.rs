//! Batched datagrams: the one crate that may hold unsafe code, for recvmmsg and sendmmsg.
