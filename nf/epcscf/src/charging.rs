//! P-Charging-Vector (TS 24.229 §4.5, §7.2A.5): one for each request outside a dialog.

use core_sip::Random;

use crate::Config;

/// A fresh value: a new icid, where it was made, and our network as the originating one.
pub(crate) fn vector(config: &Config, icid: &str) -> String {
    let host = config
        .mw
        .rsplit_once(':')
        .map_or(config.mw.as_str(), |(host, _)| host);
    format!(
        "icid-value=\"{icid}\";icid-generated-at={host};orig-ioi=\"Type 1{}\"",
        config.home_domain
    )
}

/// Globally unique.
pub(crate) fn icid(random: &mut Random) -> String {
    random.token(15)
}
