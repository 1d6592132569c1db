//! The header fields we know by name, their compact forms, and how a name on the wire finds its id.

use std::fmt;

macro_rules! header_names {
    ($($variant:ident $text:literal $($compact:literal)?;)*) => {
        /// A header field name. Names compare without case, and a compact form is the same name (RFC 3261 §7.3.3).
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum HeaderName {
            $(#[doc = $text] $variant,)*
            /// A name that is not in the table; see `Message::header_named`.
            Other,
        }

        const NAMES: &[(HeaderName, &str)] = &[$((HeaderName::$variant, $text),)*];
        const COMPACT: &[(HeaderName, &str)] = &[$($((HeaderName::$variant, $compact),)?)*];

        impl HeaderName {
            /// The long form, as it is written by us. `Other` has none of its own.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)*
                    Self::Other => "header field",
                }
            }
        }
    };
}

header_names! {
    Accept "Accept"; AcceptContact "Accept-Contact" "a"; AcceptEncoding "Accept-Encoding";
    AcceptLanguage "Accept-Language"; AcceptResourcePriority "Accept-Resource-Priority";
    AdditionalIdentity "Additional-Identity"; AlertInfo "Alert-Info"; Allow "Allow"; AllowEvents "Allow-Events" "u";
    AnswerMode "Answer-Mode"; AttestationInfo "Attestation-Info"; AuthenticationInfo "Authentication-Info";
    Authorization "Authorization"; CallId "Call-ID" "i"; CallInfo "Call-Info";
    CellularNetworkInfo "Cellular-Network-Info"; Contact "Contact" "m"; ContentDisposition "Content-Disposition";
    ContentEncoding "Content-Encoding" "e"; ContentId "Content-ID"; ContentLanguage "Content-Language";
    ContentLength "Content-Length" "l"; ContentType "Content-Type" "c"; CSeq "CSeq"; Date "Date";
    Diversion "Diversion"; ErrorInfo "Error-Info"; Event "Event" "o"; Expires "Expires"; FeatureCaps "Feature-Caps";
    FlowTimer "Flow-Timer"; From "From" "f"; Geolocation "Geolocation"; GeolocationError "Geolocation-Error";
    GeolocationRouting "Geolocation-Routing"; HistoryInfo "History-Info"; Identity "Identity" "y";
    IdentityInfo "Identity-Info" "n"; InfoPackage "Info-Package"; InReplyTo "In-Reply-To"; Join "Join";
    MaxBreadth "Max-Breadth"; MaxForwards "Max-Forwards"; MimeVersion "MIME-Version"; MinExpires "Min-Expires";
    MinSe "Min-SE"; Organization "Organization"; OriginationId "Origination-Id";
    PAccessNetworkInfo "P-Access-Network-Info"; PAnswerState "P-Answer-State";
    PAssertedIdentity "P-Asserted-Identity"; PAssertedService "P-Asserted-Service";
    PAssociatedUri "P-Associated-URI"; PCalledPartyId "P-Called-Party-ID";
    PChargingFunctionAddresses "P-Charging-Function-Addresses"; PChargingVector "P-Charging-Vector";
    PEarlyMedia "P-Early-Media"; PMediaAuthorization "P-Media-Authorization";
    PPreferredIdentity "P-Preferred-Identity"; PPreferredService "P-Preferred-Service";
    PPrivateNetworkIndication "P-Private-Network-Indication"; PProfileKey "P-Profile-Key";
    PRefusedUriList "P-Refused-URI-List"; PServedUser "P-Served-User"; PUserDatabase "P-User-Database";
    PVisitedNetworkId "P-Visited-Network-ID"; Path "Path"; PermissionMissing "Permission-Missing";
    PolicyContact "Policy-Contact"; PolicyId "Policy-ID"; Priority "Priority"; PrivAnswerMode "Priv-Answer-Mode";
    Privacy "Privacy"; ProxyAuthenticate "Proxy-Authenticate";
    ProxyAuthenticationInfo "Proxy-Authentication-Info"; ProxyAuthorization "Proxy-Authorization";
    ProxyRequire "Proxy-Require"; RAck "RAck"; Reason "Reason"; RecordRoute "Record-Route"; RecvInfo "Recv-Info";
    ReferSub "Refer-Sub"; ReferTo "Refer-To" "r"; ReferredBy "Referred-By" "b"; RejectContact "Reject-Contact" "j";
    RelayedCharge "Relayed-Charge"; Replaces "Replaces"; ReplyTo "Reply-To";
    RequestDisposition "Request-Disposition" "d"; Require "Require"; ResourcePriority "Resource-Priority";
    ResponseSource "Response-Source"; RestorationInfo "Restoration-Info"; RetryAfter "Retry-After"; Route "Route";
    RSeq "RSeq"; SecurityClient "Security-Client"; SecurityServer "Security-Server";
    SecurityVerify "Security-Verify"; Server "Server"; ServiceInteractInfo "Service-Interact-Info";
    ServiceRoute "Service-Route"; SessionExpires "Session-Expires" "x"; SessionId "Session-ID";
    SipEtag "SIP-ETag"; SipIfMatch "SIP-If-Match"; Subject "Subject" "s";
    SubscriptionState "Subscription-State"; Supported "Supported" "k"; SuppressIfMatch "Suppress-If-Match";
    TargetDialog "Target-Dialog"; Timestamp "Timestamp"; To "To" "t"; TriggerConsent "Trigger-Consent";
    Unsupported "Unsupported"; UserAgent "User-Agent"; UserToUser "User-to-User"; Via "Via" "v";
    Warning "Warning"; WwwAuthenticate "WWW-Authenticate";
}

impl HeaderName {
    /// The id of a name on the wire, long or compact, in any case; `Other` when the table lacks it.
    #[inline]
    pub fn parse(name: &str) -> Self {
        Self::parse_bytes(name.as_bytes())
    }

    #[inline]
    pub(crate) fn parse_bytes(name: &[u8]) -> Self {
        if let [letter] = name {
            return COMPACT_TABLE[usize::from(letter & 0x7f)];
        }
        let Some(mut slot) = slot(name) else {
            return Self::Other;
        };
        loop {
            let index = TABLE[slot];
            if index == EMPTY {
                return Self::Other;
            }
            let (id, text) = NAMES[index as usize];
            if text.len() == name.len() && text.as_bytes().eq_ignore_ascii_case(name) {
                return id;
            }
            slot = (slot + 1) & (SLOTS - 1);
        }
    }

    /// RFC 3261 §7.3.1: may this field occur once only?
    pub const fn is_single(self) -> bool {
        matches!(
            self,
            Self::CallId
                | Self::CSeq
                | Self::From
                | Self::To
                | Self::MaxForwards
                | Self::ContentLength
                | Self::ContentType
                | Self::Expires
                | Self::MinExpires
                | Self::Event
                | Self::RAck
                | Self::RSeq
                | Self::SessionExpires
                | Self::MinSe
                | Self::Replaces
                | Self::Date
        )
    }
}

impl fmt::Display for HeaderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

const SLOTS: usize = 512;
const EMPTY: u8 = u8::MAX;
static TABLE: [u8; SLOTS] = table();
static COMPACT_TABLE: [HeaderName; 128] = compact_table();

/// Where a name's search begins: its length, first, middle and last letters.
#[inline]
const fn slot(name: &[u8]) -> Option<usize> {
    let n = name.len();
    if n < 2 || n > 32 {
        return None;
    }
    let first = (name[0] | 0x20) as usize;
    let middle = (name[n / 2] | 0x20) as usize;
    let last = (name[n - 1] | 0x20) as usize;
    Some(
        (n.wrapping_mul(37)
            ^ first.wrapping_mul(11)
            ^ middle.wrapping_mul(67)
            ^ last.wrapping_mul(5))
            & (SLOTS - 1),
    )
}

const fn table() -> [u8; SLOTS] {
    let mut table = [EMPTY; SLOTS];
    let mut index = 0;
    while index < NAMES.len() {
        let Some(mut at) = slot(NAMES[index].1.as_bytes()) else {
            panic!("a name in the table is too short or too long")
        };
        while table[at] != EMPTY {
            at = (at + 1) & (SLOTS - 1);
        }
        table[at] = index as u8;
        index += 1;
    }
    table
}

const fn compact_table() -> [HeaderName; 128] {
    let mut table = [HeaderName::Other; 128];
    let mut index = 0;
    while index < COMPACT.len() {
        let (id, text) = COMPACT[index];
        let letter = text.as_bytes()[0];
        table[letter as usize] = id;
        table[letter.to_ascii_uppercase() as usize] = id;
        index += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_finds_itself_in_any_case() {
        for (id, text) in NAMES {
            assert_eq!(HeaderName::parse(text), *id);
            assert_eq!(HeaderName::parse(&text.to_uppercase()), *id);
            assert_eq!(HeaderName::parse(&text.to_lowercase()), *id);
        }
        assert!(NAMES.len() < usize::from(EMPTY));
    }

    #[test]
    fn compact_forms_are_the_same_name() {
        for (compact, name) in [
            ("i", HeaderName::CallId),
            ("M", HeaderName::Contact),
            ("v", HeaderName::Via),
            ("l", HeaderName::ContentLength),
            ("x", HeaderName::SessionExpires),
            ("k", HeaderName::Supported),
        ] {
            assert_eq!(HeaderName::parse(compact), name);
        }
        assert_eq!(HeaderName::parse("z"), HeaderName::Other);
    }

    #[test]
    fn unknown_names_are_other() {
        for name in [
            "X-Thing",
            "",
            "Vi",
            "Viaa",
            "P-Asserted-Identitx",
            "\u{e9}",
            "ö",
        ] {
            assert_eq!(HeaderName::parse(name), HeaderName::Other, "{name}");
        }
    }
}
