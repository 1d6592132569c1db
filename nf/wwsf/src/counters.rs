//! What has happened at the WWSF since it started.

/// Counts for an operator's figures. None of them says who.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// Pages that were signed in.
    pub signed_in: u64,
    /// Access tokens renewed.
    pub refreshed: u64,
    /// Pages that were signed out, by themselves or because the WAF refused.
    pub signed_out: u64,
    /// Times that W4 gave no usable answer.
    pub waf_unavailable: u64,
    /// Requests refused since another site seemed to make them.
    pub cross_site: u64,
    /// Visitors who got an identity of the pool.
    pub visits: u64,
    /// Visitors for whom there was none.
    pub pool_exhausted: u64,
    /// Visitors whose address had as many as it may.
    pub too_many_guests: u64,
}

impl Counters {
    /// Names and values.
    pub fn named(&self) -> [(&'static str, u64); 8] {
        [
            ("wwsf_signed_in", self.signed_in),
            ("wwsf_refreshed", self.refreshed),
            ("wwsf_signed_out", self.signed_out),
            ("wwsf_waf_unavailable", self.waf_unavailable),
            ("wwsf_cross_site", self.cross_site),
            ("wwsf_visits", self.visits),
            ("wwsf_pool_exhausted", self.pool_exhausted),
            ("wwsf_too_many_guests", self.too_many_guests),
        ]
    }
}
