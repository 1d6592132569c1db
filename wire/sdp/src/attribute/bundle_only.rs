//! `a=bundle-only`

super::property! {
    /// RFC 9143 §6 — the m-line is to be used only within a BUNDLE group; TS 24.371 §7.4.2 refuses it.
    BundleOnly, "bundle-only"
}
