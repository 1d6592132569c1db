//! The edge of the trust domain (TS 24.229 §4.4): what a WIC may not say, and is not told.

use core_sip::address::uri_of;
use wire_sip::{HeaderName, Message};

use crate::identity::around_uri;

use HeaderName as H;

/// From a WIC: what only the network may say.
const NOT_FROM_WIC: &[HeaderName] = &[
    H::AdditionalIdentity,
    H::AttestationInfo,
    H::CellularNetworkInfo,
    H::FeatureCaps,
    H::HistoryInfo,
    H::OriginationId,
    H::PAssertedIdentity,
    H::PAssertedService,
    H::PAssociatedUri,
    H::PChargingFunctionAddresses,
    H::PChargingVector,
    H::PEarlyMedia,
    H::PPrivateNetworkIndication,
    H::PProfileKey,
    H::PServedUser,
    H::PUserDatabase,
    H::PVisitedNetworkId,
    H::Path,
    H::RelayedCharge,
    H::ResourcePriority,
    H::ResponseSource,
    H::RestorationInfo,
    H::SecurityClient,
    H::SecurityVerify,
    H::ServiceInteractInfo,
    H::ServiceRoute,
];

/// Towards a WIC: what is the network's own.
const NOT_TO_WIC: &[HeaderName] = &[
    H::AttestationInfo,
    H::CellularNetworkInfo,
    H::OriginationId,
    H::PAccessNetworkInfo,
    H::PAssertedService,
    H::PChargingFunctionAddresses,
    H::PChargingVector,
    H::PPrivateNetworkIndication,
    H::PProfileKey,
    H::PServedUser,
    H::PUserDatabase,
    H::PVisitedNetworkId,
    H::RelayedCharge,
    H::ResourcePriority,
    H::RestorationInfo,
    H::ServiceInteractInfo,
];

/// A message that a WIC sent.
pub(crate) fn from_wic(message: &mut Message) {
    for name in NOT_FROM_WIC {
        message.remove(*name);
    }
    if message.is_request() {
        strip_network_params(message);
    } else {
        message.remove(H::Reason);
    }
    // Only the network says what the network knows (TS 24.229 §7.2A.4).
    message.retain_values(H::PAccessNetworkInfo, |value| {
        !value.contains("network-provided")
    });
    // RFC 3329: there is no sec-agree over a TLS connection that stands already.
    for name in [H::Require, H::ProxyRequire, H::Supported] {
        message.retain_values(name, |tag| !tag.eq_ignore_ascii_case("sec-agree"));
    }
}

/// URI parameters that only the network writes: what kind of party this is, of which line, and which
/// leg of the way (RFC 3966 `cpc` and `oli` as TS 24.229 §7.2A.12 has them, RFC 7549 `iotl`).
const NETWORK_PARAMS: &[&str] = &["cpc", "oli", "iotl"];

/// TS 24.229 §4.4: they are not a WIC's to say, whether of itself or of whom it calls.
fn strip_network_params(message: &mut Message) {
    if let Some(uri) = message.request_uri().and_then(without_network_params) {
        message.set_request_uri(&uri);
    }
    for name in [H::From, H::PPreferredIdentity] {
        message.map_lines(name, |value| {
            let (before, after) = around_uri(value)?;
            let uri = without_network_params(uri_of(value)?)?;
            Some(format!("{before}{uri}{after}"))
        });
    }
}

/// The URI without them, wherever they stand: `tel:` and `sip:` parameters, and those of a telephone
/// number in a user part. `None` when there are none.
fn without_network_params(uri: &str) -> Option<String> {
    if !uri.contains(';') {
        return None;
    }
    let mut kept = String::with_capacity(uri.len());
    let mut rest = uri;
    while let Some(at) = rest.find(';') {
        let (before, param) = rest.split_at(at);
        kept.push_str(before);
        let end = param[1..]
            .find([';', '@', '?'])
            .map_or(param.len(), |end| end + 1);
        let name = param[1..end].split('=').next().unwrap_or_default();
        if !NETWORK_PARAMS
            .iter()
            .any(|own| own.eq_ignore_ascii_case(name.trim()))
        {
            kept.push_str(&param[..end]);
        }
        rest = &param[end..];
    }
    kept.push_str(rest);
    (kept.len() < uri.len()).then_some(kept)
}

/// A message for a WIC.
pub(crate) fn to_wic(message: &mut Message) {
    for name in NOT_TO_WIC {
        message.remove(*name);
    }
    message.map_lines(H::PAssertedIdentity, without_network_params);
    // RFC 3325 §7: the asserted identity leaves the trust domain unless its owner said no.
    let private = message.values(H::Privacy).any(|value| {
        value
            .split(';')
            .any(|one| one.trim().eq_ignore_ascii_case("id"))
    });
    if private {
        message.remove(H::PAssertedIdentity);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn invite(lines: &str) -> Message {
        let text = format!(
            "INVITE sip:b@x SIP/2.0\r\nVia: SIP/2.0/WSS h;branch=z9hG4bK1\r\nFrom: <sip:a@x>;tag=1\r\n\
             To: <sip:b@x>\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\n{lines}\r\n"
        );
        Message::parse(text.into()).unwrap()
    }

    #[test]
    fn a_wic_asserts_nothing() {
        let mut message = invite(
            "P-Asserted-Identity: <sip:ceo@x>\r\nP-Charging-Vector: icid-value=1\r\n\
             P-Access-Network-Info: IEEE-802.11, IEEE-802.3;network-provided\r\n\
             Require: sec-agree, 100rel\r\nX-Own: stays\r\n",
        );
        from_wic(&mut message);
        assert_eq!(message.header(H::PAssertedIdentity), None);
        assert_eq!(message.header(H::PChargingVector), None);
        assert_eq!(message.header(H::PAccessNetworkInfo), Some("IEEE-802.11"));
        assert_eq!(message.header(H::Require), Some("100rel"));
        assert_eq!(message.header_named("X-Own"), Some("stays"));
    }

    #[test]
    fn what_the_network_says_of_a_party_is_not_the_wics_to_say() {
        for (written, left) in [
            ("tel:+15550100;cpc=ordinary", "tel:+15550100"),
            (
                "tel:+15550100;isub=1;OLI=27;ext=2",
                "tel:+15550100;isub=1;ext=2",
            ),
            (
                "sip:+1555;cpc=payphone@x;user=phone;iotl=homeA-homeB",
                "sip:+1555@x;user=phone",
            ),
            (
                "sip:a@x;iotl=homeA-homeB?Subject=s;cpc=1",
                "sip:a@x?Subject=s",
            ),
        ] {
            assert_eq!(without_network_params(written).as_deref(), Some(left));
        }
        for plain in [
            "sip:a@x",
            "sip:cpc@x;user=phone",
            "tel:+1;cpcx=1;x=cpc",
            "",
            ";",
        ] {
            assert_eq!(without_network_params(plain), None, "{plain}");
        }
        let mut message = invite("P-Preferred-Identity: \"A\" <tel:+1;cpc=operator>\r\n");
        message.set(
            H::From,
            "\"cpc=operator;oli=1\" <sip:a@x;cpc=operator>;tag=1",
        );
        message.set_request_uri("sip:b@x;iotl=homeA-visitedB");
        from_wic(&mut message);
        assert_eq!(message.request_uri(), Some("sip:b@x"));
        assert_eq!(
            message.header(H::From),
            Some("\"cpc=operator;oli=1\" <sip:a@x>;tag=1")
        );
        assert_eq!(
            message.header(H::PPreferredIdentity),
            Some("\"A\" <tel:+1>")
        );
    }

    #[test]
    fn an_identity_leaves_only_when_its_owner_lets_it() {
        let mut shown = invite("P-Asserted-Identity: <sip:a@x>\r\nPrivacy: none\r\n");
        to_wic(&mut shown);
        assert!(shown.header(H::PAssertedIdentity).is_some());
        let mut hidden = invite("P-Asserted-Identity: <sip:a@x>\r\nPrivacy: header;id\r\n");
        to_wic(&mut hidden);
        assert_eq!(hidden.header(H::PAssertedIdentity), None);
        assert_eq!(hidden.header(H::Privacy), Some("header;id"));
    }
}
