//! P-Charging-Vector (TS 24.229 §4.5, §7.2A.5): one for each request outside a dialog.

use core_sip::Random;
use wire_sip::Message;
use wire_sip::header::PChargingVector;

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

/// For the answer to a request of the core's: its icid and originating network, and ours as the
/// terminating one.
pub(crate) fn answered(config: &Config, request: &Message) -> Option<PChargingVector> {
    let mut vector = request.typed::<PChargingVector>().ok()??;
    vector.params.get("icid-value")?;
    let own = format!("\"Type 1{}\"", config.home_domain);
    vector.params.set("term-ioi", Some(&own));
    Some(vector)
}

/// Globally unique.
pub(crate) fn icid(random: &mut Random) -> String {
    random.token(15)
}
