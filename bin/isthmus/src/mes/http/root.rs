//! The apiRoot, as who asks knows it (TS 29.122 §5.2.4).

use axum::http::HeaderMap;

use crate::host;
use crate::mes::Enabler;
use crate::web::Peer;

/// What the operator says. Where nothing is said, who came without TLS under an address or `localhost` is told the
/// same: `https://` of a certificate that nobody signed leads on from nowhere.
pub(super) fn of(enabler: &Enabler, peer: Option<&Peer>, headers: &HeaderMap) -> String {
    let plain = peer.is_some_and(|peer| !peer.secure);
    let asked = host::of(headers).filter(|_| plain && !enabler.has_said_root());
    match asked.filter(|one| host::is_localhost(one) || host::address(one).is_some()) {
        Some(host) => format!("http://{host}"),
        None => enabler.api_root().to_owned(),
    }
}
