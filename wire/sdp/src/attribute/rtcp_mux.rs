//! `a=rtcp-mux`, `a=rtcp-mux-only`, `a=rtcp-rsize`

super::property! {
    /// RFC 5761 §5.1.1 — RTP and RTCP on one port.
    RtcpMux, "rtcp-mux"
}

super::property! {
    /// RFC 8858 §3 — RTP and RTCP on one port, and on no account on two.
    RtcpMuxOnly, "rtcp-mux-only"
}

super::property! {
    /// RFC 5506 §5 — RTCP packets that are not compound.
    RtcpRsize, "rtcp-rsize"
}
