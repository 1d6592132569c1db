//! `a=ptime`, `a=maxptime`

super::number! {
    /// RFC 8866 §6.4 — milliseconds of media in a packet.
    Ptime(u32), "ptime"
}

super::number! {
    /// RFC 8866 §6.5 — milliseconds of media that a packet holds at most.
    Maxptime(u32), "maxptime"
}
