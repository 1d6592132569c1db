//! `a=3ge2ae`

super::word! {
    /// TS 24.229 §7.5.2 — end-to-access-edge protection of the media: `requested` in an offer of the
    /// WIC, `applied` in an offer to it (TS 24.371 §7.2.2, §7.4.3).
    EndToAccessEdge, "3ge2ae", (1..=64), super::is_token
}

impl EndToAccessEdge<'_> {
    /// What the WIC writes.
    pub const REQUESTED: EndToAccessEdge<'static> = EndToAccessEdge("requested");
    /// What the eP-CSCF writes.
    pub const APPLIED: EndToAccessEdge<'static> = EndToAccessEdge("applied");
}
