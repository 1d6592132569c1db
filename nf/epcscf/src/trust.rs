//! The edge of the trust domain (TS 24.229 §4.4): what a WIC may not say, and is not told.

use wire_sip::{HeaderName, Message};

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
    if !message.is_request() {
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

/// A message for a WIC.
pub(crate) fn to_wic(message: &mut Message) {
    for name in NOT_TO_WIC {
        message.remove(*name);
    }
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
