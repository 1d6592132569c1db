//! What the client answers, and whether it is right (RFC 7616 §3.4).

use std::borrow::Cow;
use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::{Algorithm, AuthenticationInfo, Challenge, DigestError, HashedPassword, Qop};
use crate::aka::Auts;
use crate::auth_header::AuthHeader;
use crate::constant_time_eq;

/// RFC 7616 §3.4: an `Authorization` or `Proxy-Authorization` value of the Digest scheme.
///
/// In IMS the first REGISTER carries one with an empty nonce and response (TS 24.229 §5.1.1.2): see
/// [`Self::is_answer`]. To change one parameter of a value in passing, use
/// [`AuthHeader`](crate::auth_header::AuthHeader), which leaves the rest as it was written.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The private user identity in IMS; a hash of it when `userhash` is set.
    pub username: String,
    /// The realm.
    pub realm: String,
    /// The nonce that is answered.
    pub nonce: String,
    /// The `digest-uri`, as the client wrote it.
    pub uri: String,
    /// The proof, in hexadecimal.
    pub response: String,
    /// The algorithm.
    pub algorithm: Algorithm,
    /// Given back as it came.
    pub opaque: Option<String>,
    /// The quality of protection, its nonce count and the client's nonce.
    pub protection: Option<Protection>,
    /// RFC 7616 §3.4.4.
    pub userhash: bool,
    /// RFC 3310 §3.4: the SIM finds the challenge old, and says where it stands. The response is then
    /// made with an empty password.
    pub auts: Option<Auts>,
}

/// RFC 7616 §3.4: what comes with `qop`.
#[derive(Clone, PartialEq, Eq)]
pub struct Protection {
    /// The quality chosen.
    pub qop: Qop,
    /// How often this nonce has been used, this time included.
    pub nc: u32,
    /// The client's own nonce.
    pub cnonce: String,
}

/// What a client answers a challenge with.
#[derive(Clone, Copy)]
pub struct Answer<'a> {
    /// The user name.
    pub username: &'a str,
    /// The password: bytes, since RES is one too.
    pub password: &'a [u8],
    /// The method of the request.
    pub method: &'a str,
    /// The Request-URI.
    pub uri: &'a str,
    /// The body, for `auth-int`.
    pub body: &'a [u8],
    /// A fresh value.
    pub cnonce: &'a str,
    /// 1 for a new nonce, then one more each time.
    pub nc: u32,
}

impl Challenge {
    /// RFC 7616 §3.4: the credentials that answer this challenge.
    pub fn answer(&self, answer: &Answer<'_>) -> Credentials {
        let hash = self.algorithm.hash;
        let qop = if self.qop.auth {
            Some(Qop::Auth)
        } else {
            self.qop.auth_int.then_some(Qop::AuthInt)
        };
        let username = if self.userhash {
            hash.hex_of(&[answer.username.as_bytes(), self.realm.as_bytes()])
        } else {
            answer.username.to_owned()
        };
        let mut credentials = Credentials {
            username,
            realm: self.realm.clone(),
            nonce: self.nonce.clone(),
            uri: answer.uri.to_owned(),
            response: String::new(),
            algorithm: self.algorithm,
            opaque: self.opaque.clone(),
            // RFC 7616 §3.4.2 needs the cnonce for `-sess`, whether qop was offered or not.
            protection: qop
                .or(self.algorithm.session.then_some(Qop::Auth))
                .map(|qop| Protection {
                    qop,
                    nc: answer.nc,
                    cnonce: answer.cnonce.to_owned(),
                }),
            userhash: self.userhash,
            auts: None,
        };
        let password = HashedPassword::new(hash, answer.username, &self.realm, answer.password);
        credentials.response = credentials.expected(&password, answer.method, answer.body);
        credentials
    }
}

impl Credentials {
    /// Reads a header value.
    pub fn parse(value: &str) -> Result<Self, DigestError> {
        Self::from_header(&AuthHeader::parse(value)?)
    }

    /// Reads a header value that is parsed already.
    pub fn from_header(header: &AuthHeader<'_>) -> Result<Self, DigestError> {
        if !header.is("Digest") {
            return Err(DigestError::OtherScheme);
        }
        let params = header.params();
        let text = |name| params.value(name).map(Cow::into_owned);
        let need = |name| text(name).ok_or(DigestError::Missing(name));
        let protection = match text("qop") {
            None => None,
            Some(name) => Some(Protection {
                qop: Qop::parse(&name).ok_or(DigestError::Senseless("qop"))?,
                nc: parse_nc(&need("nc")?)?,
                cnonce: need("cnonce")?,
            }),
        };
        Ok(Self {
            username: need("username")?,
            realm: need("realm")?,
            nonce: need("nonce")?,
            uri: need("uri")?,
            response: need("response")?,
            algorithm: match text("algorithm") {
                None => Algorithm::MD5,
                Some(name) => Algorithm::parse(&name).ok_or(DigestError::UnsupportedAlgorithm)?,
            },
            opaque: text("opaque"),
            protection,
            userhash: text("userhash").is_some_and(|value| value.eq_ignore_ascii_case("true")),
            auts: match text("auts") {
                None => None,
                Some(value) => Some(read_auts(&value).ok_or(DigestError::Senseless("auts"))?),
            },
        })
    }

    /// Whether this answers a challenge; if not, it only names who asks to be challenged.
    pub fn is_answer(&self) -> bool {
        !self.nonce.is_empty() && !self.response.is_empty()
    }

    /// RFC 7616 §3.4.4: whether `username` is the one meant, hashed or not.
    pub fn is_for(&self, username: &str) -> bool {
        if !self.userhash {
            return self.username == username;
        }
        let hashed = self
            .algorithm
            .hash
            .hex_of(&[username.as_bytes(), self.realm.as_bytes()]);
        self.username.eq_ignore_ascii_case(&hashed)
    }

    /// Whether the response was made with this password, for a request of this method and body.
    ///
    /// Nonce, nonce count and URI are the caller's to check: [`Nonces`](super::Nonces) does the first two.
    pub fn verify(&self, password: &HashedPassword, method: &str, body: &[u8]) -> bool {
        let expected = self.expected(password, method, body);
        let response = self.response.to_ascii_lowercase();
        self.is_answer() && constant_time_eq(expected.as_bytes(), response.as_bytes())
    }

    /// RFC 7616 §3.5: what the server says in turn, so that the client knows it too had the password.
    pub fn authentication_info(
        &self,
        password: &HashedPassword,
        body: &[u8],
        nextnonce: Option<String>,
    ) -> AuthenticationInfo {
        AuthenticationInfo {
            rspauth: self
                .protection
                .is_some()
                .then(|| self.expected(password, "", body)),
            qop: self.protection.as_ref().map(|p| p.qop),
            cnonce: self.protection.as_ref().map(|p| p.cnonce.clone()),
            nc: self.protection.as_ref().map(|p| p.nc),
            nextnonce,
        }
    }

    /// Whether the server that sent `info` had the password too. One without `rspauth` says nothing.
    pub fn confirms(
        &self,
        info: &AuthenticationInfo,
        password: &HashedPassword,
        body: &[u8],
    ) -> bool {
        let expected = self.expected(password, "", body);
        info.rspauth.as_ref().is_none_or(|rspauth| {
            constant_time_eq(expected.as_bytes(), rspauth.to_ascii_lowercase().as_bytes())
        })
    }

    /// RFC 7616 §3.4.1 `request-digest`; with an empty method §3.5 `rspauth`.
    fn expected(&self, password: &HashedPassword, method: &str, body: &[u8]) -> String {
        let hash = self.algorithm.hash;
        let cnonce = self.protection.as_ref().map_or("", |p| &p.cnonce);
        let h_a1 = password.h_a1(self.algorithm, &self.nonce, cnonce);
        let h_a1 = h_a1.as_bytes();
        let nonce = self.nonce.as_bytes();
        // RFC 7616 §3.4.3
        let a2: [&[u8]; 2] = [method.as_bytes(), self.uri.as_bytes()];
        match &self.protection {
            None => hash.hex_of(&[h_a1, nonce, hash.hex_of(&a2).as_bytes()]),
            Some(Protection { qop, nc, cnonce }) => {
                let h_a2 = match qop {
                    Qop::Auth => hash.hex_of(&a2),
                    Qop::AuthInt => hash.hex_of(&[a2[0], a2[1], hash.hex(body).as_bytes()]),
                };
                let nc = format!("{nc:08x}");
                hash.hex_of(&[
                    h_a1,
                    nonce,
                    nc.as_bytes(),
                    cnonce.as_bytes(),
                    qop.name().as_bytes(),
                    h_a2.as_bytes(),
                ])
            }
        }
    }
}

/// RFC 3310 §3.4: base64 of 14 bytes.
fn read_auts(text: &str) -> Option<Auts> {
    BASE64_STANDARD.decode(text).ok()?.try_into().ok()
}

/// RFC 7616 §3.4: exactly eight hexadecimal digits.
pub(super) fn parse_nc(text: &str) -> Result<u32, DigestError> {
    let senseless = DigestError::Senseless("nc");
    if text.len() != 8 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(senseless);
    }
    u32::from_str_radix(text, 16).map_err(|_| senseless)
}

impl fmt::Display for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut header = AuthHeader::new("Digest");
        let params = header.params_mut();
        params.set_quoted("username", &self.username);
        params.set_quoted("realm", &self.realm);
        params.set_quoted("nonce", &self.nonce);
        params.set_quoted("uri", &self.uri);
        params.set_quoted("response", &self.response);
        params.set_token("algorithm", &self.algorithm.to_string());
        if let Some(opaque) = &self.opaque {
            params.set_quoted("opaque", opaque);
        }
        if let Some(protection) = &self.protection {
            // RFC 7616 §3.4: qop and nc are not quoted here.
            params.set_token("qop", protection.qop.name());
            params.set_token("nc", &format!("{:08x}", protection.nc));
            params.set_quoted("cnonce", &protection.cnonce);
        }
        if self.userhash {
            params.set_token("userhash", "true");
        }
        if let Some(auts) = &self.auts {
            params.set_quoted("auts", &BASE64_STANDARD.encode(auts));
        }
        header.fmt(f)
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credentials(Digest {} ..)", self.algorithm)
    }
}

impl fmt::Debug for Answer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Answer({} ..)", self.method)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::{Hash, QopSet};

    fn mufasa(algorithm: Algorithm) -> (Challenge, Answer<'static>) {
        let nonce = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v";
        let answer = Answer {
            username: "Mufasa",
            password: b"Circle of Life",
            method: "GET",
            uri: "/dir/index.html",
            body: b"",
            cnonce: "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
            nc: 1,
        };
        (
            Challenge::new("http-auth@example.org", nonce, algorithm),
            answer,
        )
    }

    /// RFC 7616 §3.9.1
    #[test]
    fn vectors_of_rfc_7616() {
        for (algorithm, response) in [
            (Algorithm::MD5, "8ca523f5e9506fed4657c9700eebdbec"),
            (
                Algorithm::SHA_256,
                "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
            ),
        ] {
            let (challenge, answer) = mufasa(algorithm);
            let credentials = challenge.answer(&answer);
            assert_eq!(credentials.response, response);
            let stored = HashedPassword::new(
                algorithm.hash,
                "Mufasa",
                "http-auth@example.org",
                b"Circle of Life",
            );
            assert!(credentials.verify(&stored, "GET", b""));
            assert!(!credentials.verify(&stored, "PUT", b""));
        }
    }

    /// RFC 2617 §3.5
    #[test]
    fn vector_of_rfc_2617() {
        let challenge = Challenge::new(
            "testrealm@host.com",
            "dcd98b7102dd2f0e8b11d0f600bfb0c093",
            Algorithm::MD5,
        );
        let (_, answer) = mufasa(Algorithm::MD5);
        let credentials = challenge.answer(&Answer {
            password: b"Circle Of Life",
            cnonce: "0a4f113b",
            ..answer
        });
        assert_eq!(credentials.response, "6629fae49393a05397450978507c4ef1");
    }

    #[test]
    fn every_algorithm_and_quality_verifies_and_only_for_what_it_protects() {
        for hash in [Hash::Md5, Hash::Sha256, Hash::Sha512Trunc256] {
            for session in [false, true] {
                for (auth, auth_int) in [(true, false), (false, true), (false, false)] {
                    let (mut challenge, answer) = mufasa(Algorithm {
                        hash,
                        session,
                        aka: None,
                    });
                    challenge.qop = QopSet { auth, auth_int };
                    let answer = Answer {
                        body: b"v=0",
                        ..answer
                    };
                    let sent = challenge.answer(&answer).to_string();
                    let got = Credentials::parse(&sent).unwrap();
                    let stored =
                        HashedPassword::new(hash, "Mufasa", &challenge.realm, answer.password);
                    assert!(got.verify(&stored, "GET", b"v=0"), "{sent}");
                    assert_eq!(
                        got.verify(&stored, "GET", b"v=1"),
                        !auth_int || auth,
                        "{sent}"
                    );
                    let wrong = HashedPassword::new(hash, "Mufasa", &challenge.realm, b"x");
                    assert!(!got.verify(&wrong, "GET", b"v=0"));

                    let info = got.authentication_info(&stored, b"ok", None);
                    assert!(got.confirms(&info, &stored, b"ok"));
                    assert_eq!(got.confirms(&info, &wrong, b"ok"), got.protection.is_none());
                }
            }
        }
    }

    /// RFC 3310 §3.4
    #[test]
    fn auts_goes_there_and_back_and_is_14_bytes() {
        let (challenge, answer) = mufasa(Algorithm::AKA_V1_MD5);
        let mut credentials = challenge.answer(&answer);
        credentials.auts = Some(*b"fourteen bytes");
        let printed = credentials.to_string();
        assert!(
            printed.ends_with(", auts=\"Zm91cnRlZW4gYnl0ZXM=\""),
            "{printed}"
        );
        assert_eq!(Credentials::parse(&printed), Ok(credentials));
        for wrong in ["", "Zm91", "Zm91cnRlZW4gYnl0ZXMh", "not base64"] {
            let printed = printed.replace("Zm91cnRlZW4gYnl0ZXM=", wrong);
            let senseless = Err(DigestError::Senseless("auts"));
            assert_eq!(Credentials::parse(&printed), senseless, "{wrong}");
        }
    }

    /// RFC 7616 §3.4.4
    #[test]
    fn a_hashed_user_name_is_found_again() {
        let (mut challenge, answer) = mufasa(Algorithm::SHA_256);
        challenge.userhash = true;
        let credentials = Credentials::parse(&challenge.answer(&answer).to_string()).unwrap();
        assert_ne!(credentials.username, "Mufasa");
        assert!(credentials.is_for("Mufasa"));
        assert!(!credentials.is_for("Scar"));
    }

    /// TS 24.229 §5.1.1.2: the first REGISTER names the user and answers nothing.
    #[test]
    fn an_empty_response_never_verifies() {
        let first = "Digest username=\"alice@home1.net\", realm=\"home1.net\", nonce=\"\", \
                     uri=\"sip:home1.net\", response=\"\"";
        let credentials = Credentials::parse(first).unwrap();
        assert!(!credentials.is_answer());
        let stored = HashedPassword::new(Hash::Md5, "alice@home1.net", "home1.net", b"");
        assert!(!credentials.verify(&stored, "REGISTER", b""));
    }

    #[test]
    fn refuses_nonce_counts_that_are_not_eight_digits() {
        for nc in ["1", "0000000g", "+0000001", "000000001", ""] {
            let value = format!(
                "Digest username=a, realm=b, nonce=c, uri=d, response=e, qop=auth, nc=\"{nc}\", cnonce=f"
            );
            assert_eq!(
                Credentials::parse(&value),
                Err(DigestError::Senseless("nc")),
                "{nc}"
            );
        }
    }
}
