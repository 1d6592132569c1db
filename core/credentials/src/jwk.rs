//! Public keys as they are published (RFC 7517, RFC 7518 §6): P-256 and RSA, for signatures only.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rsa::PublicKeyComponents;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::token::Algorithm;

/// RFC 7517 §5.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JwkSet {
    /// The keys. Keys of kinds that we do not know are kept and never chosen.
    pub keys: Vec<Jwk>,
}

/// RFC 7517 §4: one public key. A private part, were there one, is not read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Jwk {
    /// `EC` or `RSA`.
    pub kty: String,
    /// What it is called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kid: Option<String>,
    /// The algorithm it is meant for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alg: Option<String>,
    /// `sig`.
    #[serde(default, rename = "use", skip_serializing_if = "Option::is_none")]
    pub use_: Option<String>,
    /// EC: the curve.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crv: Option<String>,
    /// EC: the point.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<String>,
    /// EC: the point.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub y: Option<String>,
    /// RSA: the modulus.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub n: Option<String>,
    /// RSA: the exponent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub e: Option<String>,
}

impl Jwk {
    /// A P-256 key from its uncompressed point (RFC 7518 §6.2.1).
    pub(crate) fn p256(point: &[u8]) -> Option<Self> {
        let [4, xy @ ..] = point else { return None };
        let (x, y) = xy.split_at_checked(32).filter(|(_, y)| y.len() == 32)?;
        Some(
            Self {
                kty: "EC".into(),
                crv: Some("P-256".into()),
                x: Some(URL_SAFE_NO_PAD.encode(x)),
                y: Some(URL_SAFE_NO_PAD.encode(y)),
                ..Self::default()
            }
            .named(Algorithm::ES256),
        )
    }

    /// An RSA key from its `RSAPublicKey` (RFC 8017 §A.1.1).
    pub(crate) fn rsa(der: &[u8]) -> Option<Self> {
        let (0x30, body, _) = der_element(der)? else {
            return None;
        };
        let (0x02, modulus, rest) = der_element(body)? else {
            return None;
        };
        let (0x02, exponent, _) = der_element(rest)? else {
            return None;
        };
        let unsigned =
            |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes.strip_prefix(&[0]).unwrap_or(bytes));
        Some(
            Self {
                kty: "RSA".into(),
                n: Some(unsigned(modulus)),
                e: Some(unsigned(exponent)),
                ..Self::default()
            }
            .named(Algorithm::RS256),
        )
    }

    /// A public key as certificates carry it, SubjectPublicKeyInfo in DER (RFC 5480 §2): P-256 or RSA.
    pub fn from_spki(der: &[u8]) -> Option<Self> {
        const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
        const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
        const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
        let (0x30, body, []) = der_element(der)? else {
            return None;
        };
        let (0x30, algorithm, rest) = der_element(body)? else {
            return None;
        };
        let (0x03, [0, key @ ..], []) = der_element(rest)? else {
            return None;
        };
        let (0x06, kind, parameters) = der_element(algorithm)? else {
            return None;
        };
        match kind {
            EC => match der_element(parameters)? {
                (0x06, P256, []) => Self::p256(key),
                _ => None,
            },
            RSA => Self::rsa(key),
            _ => None,
        }
    }

    fn named(self, algorithm: Algorithm) -> Self {
        let kid = self.thumbprint();
        Self {
            kid,
            alg: Some(algorithm.name().into()),
            use_: Some("sig".into()),
            ..self
        }
    }

    /// RFC 7638 §3: a name that follows from the key itself.
    pub fn thumbprint(&self) -> Option<String> {
        let part = |part: &Option<String>| part.clone().map(serde_json::Value::from);
        // Members in lexicographic order and nothing else: serde_json's map keeps them sorted, and
        // writing them one by one makes it so whatever its features are.
        let members = match self.kty.as_str() {
            "EC" => vec![
                ("crv", part(&self.crv)?),
                ("kty", "EC".into()),
                ("x", part(&self.x)?),
                ("y", part(&self.y)?),
            ],
            "RSA" => vec![
                ("e", part(&self.e)?),
                ("kty", "RSA".into()),
                ("n", part(&self.n)?),
            ],
            _ => return None,
        };
        let body: Vec<_> = members
            .iter()
            .map(|(name, value)| format!("\"{name}\":{value}"))
            .collect();
        let json = format!("{{{}}}", body.join(","));
        Some(URL_SAFE_NO_PAD.encode(digest(&SHA256, json.as_bytes())))
    }

    /// The key, ready to verify with, and the one algorithm it may be used with. `None` for a key that
    /// is not for signatures, of a kind that we do not know, or weak.
    pub(crate) fn verification_key(&self) -> Option<(Algorithm, ParsedPublicKey)> {
        if self.use_.as_deref().is_some_and(|use_| use_ != "sig") {
            return None;
        }
        let bytes = |part: &Option<String>| URL_SAFE_NO_PAD.decode(part.as_ref()?).ok();
        let (algorithm, key) = match (self.kty.as_str(), self.crv.as_deref()) {
            ("EC", Some("P-256")) => {
                let mut point = vec![4];
                for coordinate in [bytes(&self.x)?, bytes(&self.y)?] {
                    // RFC 7518 §6.2.1.2: always the full length.
                    (coordinate.len() == 32).then(|| point.extend(coordinate))?;
                }
                (
                    Algorithm::ES256,
                    ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).ok()?,
                )
            }
            ("RSA", _) => {
                let components = PublicKeyComponents {
                    n: bytes(&self.n)?,
                    e: bytes(&self.e)?,
                };
                let key = components
                    .to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256)
                    .ok()?;
                // RFC 7518 §3.3: 2048 bits at least.
                (components.n.len() >= 256).then_some((Algorithm::RS256, key))?
            }
            _ => return None,
        };
        let meant = self
            .alg
            .as_deref()
            .is_none_or(|alg| alg == algorithm.name());
        meant.then_some((algorithm, key))
    }
}

/// One DER element: tag, content, what follows.
fn der_element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81..=0x83 => {
            let (length, rest) = rest.split_at_checked(usize::from(first & 0x0f))?;
            (
                length.iter().fold(0, |n, byte| n << 8 | usize::from(*byte)),
                rest,
            )
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7638 §3.1
    #[test]
    fn thumbprint_of_the_rfc() {
        let jwk: Jwk = serde_json::from_str(
            r#"{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"}"#,
        )
        .unwrap();
        assert_eq!(
            jwk.thumbprint().unwrap(),
            "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
        );
        assert_eq!(jwk.verification_key().unwrap().0, Algorithm::RS256);
    }

    #[test]
    fn keys_for_other_things_are_not_used() {
        let good = Jwk {
            kty: "EC".into(),
            crv: Some("P-256".into()),
            // RFC 7517 §A.1
            x: Some("MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4".into()),
            y: Some("4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM".into()),
            ..Jwk::default()
        };
        assert_eq!(good.verification_key().unwrap().0, Algorithm::ES256);
        let odd = |change: fn(&mut Jwk)| {
            let mut jwk = good.clone();
            change(&mut jwk);
            jwk.verification_key().is_none()
        };
        assert!(odd(|jwk| jwk.use_ = Some("enc".into())));
        assert!(odd(|jwk| jwk.alg = Some("ES384".into())));
        assert!(odd(|jwk| jwk.kty = "oct".into()));
        assert!(odd(|jwk| jwk.crv = Some("P-521".into())));
        assert!(odd(|jwk| jwk.x = jwk.y.clone()), "not on the curve");
        assert!(odd(|jwk| jwk.x = Some("AAAA".into())));
    }

    #[test]
    fn der_is_read_within_its_bounds() {
        assert_eq!(
            der_element(&[0x30, 1, 9, 8]),
            Some((0x30, &[9][..], &[8][..]))
        );
        for der in [
            &[][..],
            &[0x30],
            &[0x30, 2, 1],
            &[0x30, 0x82, 1],
            &[0x30, 0x80],
            &[2, 0x84, 0, 0, 0, 0],
        ] {
            assert_eq!(der_element(der), None);
        }
    }

    /// The form that `openssl pkey -pubout` writes.
    #[test]
    fn a_public_key_is_read_as_openssl_writes_it() {
        use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
        use aws_lc_rs::signature::{
            ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair,
            KeyPair as _,
        };
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let spki: PublicKeyX509Der<'_> = pair.public_key().as_der().unwrap();
        let jwk = Jwk::from_spki(spki.as_ref()).unwrap();
        assert_eq!(Some(jwk), Jwk::p256(pair.public_key().as_ref()));
        for end in 0..spki.as_ref().len() {
            assert!(Jwk::from_spki(&spki.as_ref()[..end]).is_none(), "{end}");
        }
        let pair = aws_lc_rs::rsa::KeyPair::generate(aws_lc_rs::rsa::KeySize::Rsa2048).unwrap();
        let spki: PublicKeyX509Der<'_> = pair.public_key().as_der().unwrap();
        let jwk = Jwk::from_spki(spki.as_ref()).unwrap();
        assert_eq!(Some(jwk), Jwk::rsa(pair.public_key().as_ref()));
        let pair = EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).unwrap();
        let spki: PublicKeyX509Der<'_> = pair.public_key().as_der().unwrap();
        assert!(Jwk::from_spki(spki.as_ref()).is_none());
    }
}
