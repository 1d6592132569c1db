//! One shard between a WIC, a core and a gateway, all of them scripted, on virtual time.
#![expect(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]
#![expect(
    clippy::duration_suboptimal_units,
    reason = "seconds since 1970 are seconds"
)]

mod bindings;
mod calls;
mod registration;
mod support;
mod two_wics;
mod w2;
