//! `a=mid`

super::word! {
    /// RFC 5888 §4 — the identification of an m-line.
    Mid, "mid", (1..=256), super::is_token
}
