//! `a=tls-id`

super::word! {
    /// RFC 8842 §4 — names a DTLS association: another one means a new association.
    TlsId, "tls-id", (20..=255), |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'-' | b'_')
}
