//! `a=sctp-port`, `a=max-message-size`

super::number! {
    /// RFC 8841 §5 — the SCTP port of a data channel m-line.
    SctpPort(u16), "sctp-port"
}

super::number! {
    /// RFC 8841 §6 — the largest message that is taken; 0 is any size.
    MaxMessageSize(u64), "max-message-size"
}
