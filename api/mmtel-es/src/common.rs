//! Simple data types of TS 29.122 §5.2.1 and TS 29.571, which the four APIs share.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;
use regex_lite::Regex;
use serde_json::{Value, json};

use crate::attribute::{Attribute, Components, Reader};
use crate::describe::text;

text! {
    /// A URI (RFC 3986), with its scheme.
    pub struct Uri { check: uri, schema: { "format": "uri" } }
}

impl Uri {
    /// The scheme, in lower case.
    pub fn scheme(&self) -> String {
        let (scheme, _) = self.as_str().split_once(':').unwrap_or_default();
        scheme.to_ascii_lowercase()
    }
}

/// RFC 3986 §3: a scheme, a colon, and then the characters that a URI may have.
fn uri(text: &str) -> Result<(), &'static str> {
    const REASON: &str = "must be a URI with a scheme";
    let (scheme, rest) = text.split_once(':').ok_or(REASON)?;
    let begins = scheme.starts_with(|c: char| c.is_ascii_alphabetic());
    let scheme_ok = |b: u8| b.is_ascii_alphanumeric() || b"+-.".contains(&b);
    if !begins || !scheme.bytes().all(scheme_ok) || rest.is_empty() {
        return Err(REASON);
    }
    let mut bytes = rest.bytes();
    while let Some(byte) = bytes.next() {
        let fine = match byte {
            b'%' => [bytes.next(), bytes.next()]
                .iter()
                .all(|digit| digit.is_some_and(|digit| digit.is_ascii_hexdigit())),
            _ => byte.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=".contains(&byte),
        };
        if !fine {
            return Err("must be a URI: it has a character that none may have");
        }
    }
    Ok(())
}

text! {
    /// A date and time with its offset from UTC (RFC 3339, "date-time").
    pub struct DateTime {
        check: |text| unix_seconds(text).map(drop).ok_or("must be a date and time as in RFC 3339"),
        schema: { "format": "date-time" }
    }
}

impl DateTime {
    /// Seconds since 1970-01-01T00:00:00Z, fractions cut off. A leap second is the second after it.
    pub fn unix_seconds(&self) -> i64 {
        unix_seconds(self.as_str()).unwrap_or_default() // checked when it was made
    }
}

/// RFC 3339 §5.6.
fn unix_seconds(text: &str) -> Option<i64> {
    static FORM: LazyLock<Regex> = LazyLock::new(|| {
        let form = r"^(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(\.\d+)?([Zz]|[+-]\d\d:\d\d)$";
        Regex::new(form).expect("the expression is a constant")
    });
    let parts = FORM.captures(text)?;
    let number = |i: usize| parts.get(i)?.as_str().parse::<i64>().ok();
    let [year, month, day] = [number(1)?, number(2)?, number(3)?];
    let [hour, minute, second] = [number(4)?, number(5)?, number(6)?];
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if !(1..=days).contains(&day) || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let offset = match parts.get(8)?.as_str() {
        "Z" | "z" => 0,
        offset => {
            let hours: i64 = offset[1..3].parse().ok()?;
            let minutes: i64 = offset[4..6].parse().ok()?;
            if hours > 23 || minutes > 59 {
                return None;
            }
            let seconds = hours * 3600 + minutes * 60;
            if offset.starts_with('-') {
                -seconds
            } else {
                seconds
            }
        }
    };
    // Days since the epoch, with the year beginning in March: the leap day is its last then.
    let (y, m) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let of_years = 365 * y + y.div_euclid(4) - y.div_euclid(100) + y.div_euclid(400);
    let days = of_years + (153 * m + 2) / 5 + day - 1 - 719_468;
    Some(days * 86_400 + hour * 3600 + minute * 60 + second - offset)
}

/// Form of an IMS public identity (as TS 29.562 has it).
pub const IMS_PUBLIC_ID: &str = r"^(sip\:([a-zA-Z0-9_\-.!~*()&=+$,;?\/]+)\@([A-Za-z0-9]+([-A-Za-z0-9]+)\.)+[a-z]{2,}|tel\:\+[0-9]{5,15})$";

text! {
    /// An IMS public identity: a SIP URI or a TEL URI, without parameters.
    pub struct ImsPublicId {
        check: |text| {
            static FORM: LazyLock<Regex> =
                LazyLock::new(|| Regex::new(IMS_PUBLIC_ID).expect("the expression is a constant"));
            let fine = FORM.is_match(text);
            fine.then_some(()).ok_or("must be sip:USER@DOMAIN or tel:+NUMBER, without parameters")
        },
        schema: { "pattern": IMS_PUBLIC_ID }
    }
}

text! {
    /// A mask of features in hexadecimal digits, the last of which stands for features 1 to 4
    /// (TS 29.571 §5.2.2).
    pub struct SupportedFeatures {
        check: |text| {
            let fine = text.bytes().all(|b| b.is_ascii_hexdigit());
            fine.then_some(()).ok_or("must be hexadecimal digits")
        },
        schema: { "pattern": "^[A-Fa-f0-9]*$" }
    }
}

impl SupportedFeatures {
    /// The features that both sides have (TS 29.122 §5.2.7). Bit 0 of `ours` is feature 1; what is
    /// beyond 64 features of theirs we do not have.
    #[must_use]
    pub fn common(&self, ours: u64) -> Self {
        let digits = self.0.as_str();
        let last = &digits[digits.len().saturating_sub(16)..];
        let theirs = u64::from_str_radix(last, 16).unwrap_or_default(); // none when empty
        Self(format!("{:X}", theirs & ours))
    }
}

text! {
    /// Mobile country code.
    pub struct Mcc { check: |text| digits(text, 3..=3), schema: { "pattern": r"^\d{3}$" } }
}

text! {
    /// Mobile network code.
    pub struct Mnc { check: |text| digits(text, 2..=3), schema: { "pattern": r"^\d{2,3}$" } }
}

fn digits(text: &str, count: std::ops::RangeInclusive<usize>) -> Result<(), &'static str> {
    let fine = text.bytes().all(|b| b.is_ascii_digit()) && count.contains(&text.len());
    fine.then_some(())
        .ok_or("must be digits, as many as a code has")
}

text! {
    /// Identifier of an IMS session.
    pub struct SessionId { check: |_| Ok(()), schema: {} }
}

/// Bytes, in base64 with or without padding (RFC 4648 §4).
///
/// Deviates: TS 29.122 says `format: binary` of a string within JSON, and no encoding. JSON text
/// carries no bytes, so there must be one, and this is the one that everybody chooses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Binary(pub Bytes);

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

impl Attribute for Binary {
    fn read(value: Value, reader: &mut Reader) -> Option<Self> {
        let Value::String(text) = value else {
            reader.wrong("must be a string");
            return None;
        };
        let bytes = BASE64.decode(text).ok();
        if bytes.is_none() {
            reader.wrong("must be base64 (RFC 4648, section 4) without line breaks");
        }
        bytes.map(|bytes| Self(bytes.into()))
    }

    fn write(&self) -> Option<Value> {
        Some(Value::String(BASE64.encode(&self.0)))
    }

    fn schema(components: &mut Components) -> Value {
        components.named("Binary", |_| {
            let description = "Bytes in base64, with or without padding.";
            json!({ "type": "string", "format": "byte", "description": description })
        })
    }
}

/// A string that is never shown: its `Debug` says only that it is there.
#[derive(Clone, PartialEq, Eq)]
pub struct Credential(pub String);

impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Credential(..)")
    }
}

impl Attribute for Credential {
    fn read(value: Value, reader: &mut Reader) -> Option<Self> {
        String::read(value, reader).map(Self)
    }

    fn write(&self) -> Option<Value> {
        self.0.write()
    }

    fn schema(components: &mut Components) -> Value {
        String::schema(components)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attribute::read_value;

    #[test]
    fn uris() {
        for good in [
            "http://as.example.com/cb?x=1#y",
            "sip:alice@ims.example.com",
            "tel:+15550100",
            "acr:1",
            "http://[::1]:80/",
            "urn:a:%20",
        ] {
            assert!(Uri::new(good).is_ok(), "{good}");
        }
        for bad in [
            "", "alice", "/cb", "1a:b", "http:", "a b:c", "a:b c", "a:%2", "a:ü",
        ] {
            assert!(Uri::new(bad).is_err(), "{bad}");
        }
        assert_eq!(Uri::new("HTTP://x").unwrap().scheme(), "http");
    }

    #[test]
    fn dates() {
        let seconds = |text: &str| DateTime::new(text).map(|d| d.unix_seconds());
        assert_eq!(seconds("1970-01-01T00:00:00Z"), Ok(0));
        assert_eq!(seconds("2026-11-21T14:00:00.5+01:00"), Ok(1_795_266_000));
        assert_eq!(seconds("2000-02-29t23:59:60z"), Ok(951_868_800));
        assert_eq!(seconds("1969-12-31T23:00:00-01:00"), Ok(0));
        for bad in [
            "2026-11-21",
            "2026-11-21T14:00:00",
            "2100-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-11-21T24:00:00Z",
            "2026-11-21T14:00:00+0100",
            "+026-11-21T14:00:00Z",
        ] {
            assert!(seconds(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn public_identities() {
        for good in [
            "sip:alice@ims.mnc001.mcc001.3gppnetwork.org",
            "sip:+15550100@example.com",
            "tel:+15551234567",
        ] {
            assert!(ImsPublicId::new(good).is_ok(), "{good}");
        }
        for bad in [
            "sip:alice@192.0.2.1",
            "sip:alice@localhost",
            "sip:alice@example.com;user=phone",
            "sips:alice@example.com",
            "tel:15550100",
            "tel:+1-555",
            "sip:a@example.com\n",
        ] {
            assert!(ImsPublicId::new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn features_are_those_of_both() {
        let common = |text: &str, ours| SupportedFeatures::new(text).unwrap().common(ours).0;
        assert_eq!(common("", 3), "0");
        assert_eq!(common("f", 6), "6");
        assert_eq!(common("fffffffffffffffff0", 0x1f), "10");
        assert!(SupportedFeatures::new("0x1").is_err());
    }

    #[test]
    fn base64_with_and_without_padding() {
        for text in ["AAEC/w==", "AAEC/w"] {
            let read: Binary = read_value(json!(text)).unwrap();
            assert_eq!(&read.0[..], [0, 1, 2, 255]);
            assert_eq!(read.write(), Some(json!("AAEC/w==")));
        }
        for bad in [json!("AAEC_w"), json!("AAEC\n"), json!("A"), json!(1)] {
            assert!(read_value::<Binary>(bad).is_err());
        }
    }

    #[test]
    fn a_credential_is_not_shown() {
        assert_eq!(format!("{:?}", Credential("x".into())), "Credential(..)");
    }
}
