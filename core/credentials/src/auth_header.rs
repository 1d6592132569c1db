//! The shape that `Authorization`, `WWW-Authenticate` and their proxy twins share.
//!
//! ```text
//! Digest username="alice", realm="home1.net", nc=00000001
//! ^scheme ^parameter: name "=" token or quoted string, as it was written
//! Bearer eyJ0eXAiOiJhdCtqd3Qi...
//!        ^token68: RFC 9110 §11.2
//! ```
//! Parameters keep their order and their spelling, so that a value with one parameter changed leaves
//! with every other byte as it came.

use std::borrow::Cow;
use std::fmt;

/// Longest header value that is read.
pub const MAX_LENGTH: usize = 16 * 1024;
/// Most parameters that are read.
pub const MAX_PARAMETERS: usize = 40;

/// Why a value cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("malformed credentials: {what} at {at}")]
pub struct Malformed {
    /// What was expected.
    pub what: &'static str,
    /// Byte offset in the value.
    pub at: usize,
}

/// RFC 3261 §25.1 `challenge` and `credentials`: a scheme and what follows it.
#[derive(Clone, PartialEq, Eq)]
pub struct AuthHeader<'a> {
    scheme: Cow<'a, str>,
    token68: Option<Cow<'a, str>>,
    params: Params<'a>,
}

/// RFC 3261 §25.1 `auth-param`s in their order. Also the whole of `Authentication-Info`.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Params<'a>(Vec<Param<'a>>);

#[derive(Clone, PartialEq, Eq)]
struct Param<'a> {
    name: Cow<'a, str>,
    /// As written, with its quotes.
    raw: Cow<'a, str>,
}

impl<'a> AuthHeader<'a> {
    /// An empty value of this scheme.
    pub fn new(scheme: impl Into<Cow<'a, str>>) -> Self {
        Self {
            scheme: scheme.into(),
            token68: None,
            params: Params::default(),
        }
    }

    /// Reads one challenge or one credentials value.
    pub fn parse(value: &'a str) -> Result<Self, Malformed> {
        let mut cursor = Cursor::new(value)?;
        cursor.skip_space();
        let scheme = cursor.token("a scheme")?;
        if !cursor.at_end() && !cursor.peek_space() {
            return Err(cursor.malformed("a space after the scheme"));
        }
        cursor.skip_space();
        let token68 = cursor.token68();
        let params = if token68.is_some() {
            Params::default()
        } else {
            Params::read(&mut cursor)?
        };
        Ok(Self {
            scheme: scheme.into(),
            token68: token68.map(Cow::Borrowed),
            params,
        })
    }

    /// The scheme as written; compare it with [`Self::is`].
    pub fn scheme(&self) -> &str {
        &self.scheme
    }

    /// Whether the scheme is this one (RFC 3261 §7.3.1: without regard to case).
    pub fn is(&self, scheme: &str) -> bool {
        self.scheme.eq_ignore_ascii_case(scheme)
    }

    /// What follows the scheme when it is one bare token (RFC 9110 §11.2).
    pub fn token68(&self) -> Option<&str> {
        self.token68.as_deref()
    }

    /// The parameters.
    pub fn params(&self) -> &Params<'a> {
        &self.params
    }

    /// The parameters, to change them.
    pub fn params_mut(&mut self) -> &mut Params<'a> {
        &mut self.params
    }
}

impl<'a> Params<'a> {
    /// Reads a header value that is nothing but parameters (RFC 3261 §20.6 `Authentication-Info`).
    pub fn parse(value: &'a str) -> Result<Self, Malformed> {
        let mut cursor = Cursor::new(value)?;
        Self::read(&mut cursor)
    }

    fn read(cursor: &mut Cursor<'a>) -> Result<Self, Malformed> {
        let mut params: Vec<Param<'a>> = Vec::new();
        loop {
            // RFC 9110 §5.6.1.2: a recipient accepts empty list elements.
            cursor.skip_space_and_commas();
            if cursor.at_end() {
                return Ok(Self(params));
            }
            if params.len() == MAX_PARAMETERS {
                return Err(cursor.malformed("fewer parameters"));
            }
            let at = cursor.at;
            let name = cursor.token("a parameter name")?;
            if params.iter().any(|p| p.name.eq_ignore_ascii_case(name)) {
                return Err(Malformed {
                    what: "each parameter once",
                    at,
                });
            }
            cursor.skip_space();
            cursor.expect(b'=', "an equals sign")?;
            cursor.skip_space();
            let raw = cursor.value()?;
            params.push(Param {
                name: name.into(),
                raw: raw.into(),
            });
            cursor.skip_space();
            if !cursor.at_end() && cursor.peek() != Some(b',') {
                return Err(cursor.malformed("a comma between parameters"));
            }
        }
    }

    /// The value of a parameter, without quotes and escapes.
    pub fn value(&self, name: &str) -> Option<Cow<'_, str>> {
        self.0
            .iter()
            .find(|p| p.name.eq_ignore_ascii_case(name))
            .map(|p| unquote(&p.raw))
    }

    /// Whether the parameter is there.
    pub fn contains(&self, name: &str) -> bool {
        self.0.iter().any(|p| p.name.eq_ignore_ascii_case(name))
    }

    /// Sets a parameter to a quoted string: in its place, or after the others.
    pub fn set_quoted(&mut self, name: &str, value: &str) {
        self.set_raw(name, quote(value));
    }

    /// Sets a parameter to a bare token. A value that is no token is quoted.
    pub fn set_token(&mut self, name: &str, value: &str) {
        let bare = !value.is_empty() && value.bytes().all(is_token);
        self.set_raw(name, if bare { value.to_owned() } else { quote(value) });
    }

    /// Removes a parameter; says whether it was there.
    pub fn remove(&mut self, name: &str) -> bool {
        let before = self.0.len();
        self.0.retain(|p| !p.name.eq_ignore_ascii_case(name));
        self.0.len() != before
    }

    /// Names and values in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Cow<'_, str>)> {
        self.0.iter().map(|p| (&*p.name, unquote(&p.raw)))
    }

    fn set_raw(&mut self, name: &str, raw: String) {
        match self
            .0
            .iter_mut()
            .find(|p| p.name.eq_ignore_ascii_case(name))
        {
            Some(param) => param.raw = raw.into(),
            None => self.0.push(Param {
                name: name.to_owned().into(),
                raw: raw.into(),
            }),
        }
    }
}

impl fmt::Display for AuthHeader<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.scheme)?;
        match &self.token68 {
            Some(token) => write!(f, " {token}"),
            None if self.params.0.is_empty() => Ok(()),
            None => write!(f, " {}", self.params),
        }
    }
}

impl fmt::Display for Params<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, param) in self.0.iter().enumerate() {
            let comma = if i == 0 { "" } else { ", " };
            write!(f, "{comma}{}={}", param.name, param.raw)?;
        }
        Ok(())
    }
}

/// What it says is for the peer; the log sees the scheme only.
impl fmt::Debug for AuthHeader<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AuthHeader({} ..)", self.scheme)
    }
}

impl fmt::Debug for Params<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.0.iter().map(|p| &p.name))
            .finish()
    }
}

struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Cursor<'a> {
    fn new(text: &'a str) -> Result<Self, Malformed> {
        if text.len() > MAX_LENGTH {
            return Err(Malformed {
                what: "a shorter value",
                at: MAX_LENGTH,
            });
        }
        Ok(Self { text, at: 0 })
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn peek_space(&self) -> bool {
        self.peek().is_some_and(is_space)
    }

    fn at_end(&self) -> bool {
        self.at == self.text.len()
    }

    fn malformed(&self, what: &'static str) -> Malformed {
        Malformed { what, at: self.at }
    }

    fn skip_while(&mut self, wanted: impl Fn(u8) -> bool) -> &'a str {
        let start = self.at;
        while self.peek().is_some_and(&wanted) {
            self.at += 1;
        }
        // Every `wanted` below is true for ASCII only, so both ends are character boundaries.
        &self.text[start..self.at]
    }

    fn skip_space(&mut self) {
        self.skip_while(is_space);
    }

    fn skip_space_and_commas(&mut self) {
        self.skip_while(|b| is_space(b) || b == b',');
    }

    fn expect(&mut self, byte: u8, what: &'static str) -> Result<(), Malformed> {
        if self.peek() != Some(byte) {
            return Err(self.malformed(what));
        }
        self.at += 1;
        Ok(())
    }

    fn token(&mut self, what: &'static str) -> Result<&'a str, Malformed> {
        match self.skip_while(is_token) {
            "" => Err(self.malformed(what)),
            token => Ok(token),
        }
    }

    /// RFC 9110 §11.2: the rest of the value, if all of it is one `token68`.
    fn token68(&mut self) -> Option<&'a str> {
        let rest = self.text[self.at..].trim_end_matches([' ', '\t', '\r', '\n']);
        let body = rest.trim_end_matches('=');
        let ok = !body.is_empty() && body.bytes().all(is_token68);
        ok.then(|| {
            self.at = self.text.len();
            rest
        })
    }

    /// A token or a quoted string, as written. Values of tokens are read generously (`auts=a+b/c==`
    /// and `uri=sip:a@b` occur), up to a comma or space.
    fn value(&mut self) -> Result<&'a str, Malformed> {
        if self.peek() != Some(b'"') {
            let plain = |b: u8| b.is_ascii_graphic() && !matches!(b, b',' | b'"' | b'\\');
            return match self.skip_while(plain) {
                "" => Err(self.malformed("a value")),
                value => Ok(value),
            };
        }
        let start = self.at;
        self.at += 1;
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(&self.text[start..self.at]);
                }
                Some(b'\\') => match self.text.as_bytes().get(self.at + 1) {
                    Some(b' '..=b'~' | b'\t') => self.at += 2,
                    _ => return Err(self.malformed("a character after the backslash")),
                },
                Some(b'\r' | b'\n') | None => return Err(self.malformed("a closing quote")),
                Some(_) => self.at += 1,
            }
        }
    }
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// RFC 3261 §25.1 `token`.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-.!%*_+`'~".contains(&byte)
}

fn is_token68(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte)
}

fn unquote(raw: &str) -> Cow<'_, str> {
    let Some(inner) = raw.strip_prefix('"').and_then(|r| r.strip_suffix('"')) else {
        return raw.into();
    };
    if !inner.contains('\\') {
        return inner.into();
    }
    let mut out = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => out.extend(chars.next()),
            c => out.push(c),
        }
    }
    out.into()
}

/// RFC 3261 §25.1 `quoted-string`. Control characters have no place in one and are dropped.
fn quote(value: &str) -> String {
    let mut out = String::with_capacity(value.len() + 2);
    out.push('"');
    for c in value.chars().filter(|c| !c.is_control()) {
        if matches!(c, '"' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// TS 24.371 Table A.3.2-2.
    const AUTH_DONE: &str = "Digest username=\"user1_private@home1.net\", \
        realm=\"registrar.home1.net\", nonce=\"\", uri=\"sip:registrar.home1.net\", response=\"\", \
        integrity-protected=\"auth-done\"";

    #[test]
    fn reads_and_writes_the_same_bytes() {
        let header = AuthHeader::parse(AUTH_DONE).unwrap();
        assert!(header.is("digest"));
        assert_eq!(
            header.params().value("Username").unwrap(),
            "user1_private@home1.net"
        );
        assert_eq!(header.params().value("nonce").unwrap(), "");
        assert_eq!(header.to_string(), AUTH_DONE);
    }

    #[test]
    fn one_parameter_changes_and_the_others_stay() {
        let mut header = AuthHeader::parse("Digest  a=\"x\\\"y\" ,b=00000001,c=sip:x@y").unwrap();
        header
            .params_mut()
            .set_quoted("integrity-protected", "tls-pending");
        assert!(header.params_mut().remove("B"));
        assert!(!header.params_mut().remove("B"));
        header.params_mut().set_token("c", "z z");
        let printed = header.to_string();
        assert_eq!(
            printed,
            r#"Digest a="x\"y", c="z z", integrity-protected="tls-pending""#
        );
        assert_eq!(header.params().value("a").unwrap(), "x\"y");
    }

    #[test]
    fn a_bare_token_is_no_parameter() {
        let header = AuthHeader::parse("Bearer abc.def-_~+/== ").unwrap();
        assert_eq!(header.token68(), Some("abc.def-_~+/=="));
        assert_eq!(header.to_string(), "Bearer abc.def-_~+/==");
    }

    #[test]
    fn refuses_what_is_not_one() {
        let long = format!("Digest a=\"{}\"", "x".repeat(MAX_LENGTH));
        let many: Vec<_> = (0..99).map(|i| format!("p{i}=1")).collect();
        let many = format!("Digest {}", many.join(","));
        for value in [
            "",
            " ",
            "Digest,a=b",
            "Digest a=, b=c",
            "Digest a=\"b",
            "Digest a=\"b\\",
            "Digest a=b c=d",
            "Digest a=1, A=2",
            "Digest =b",
            "Digest a=\"b\r\n\"",
            &long,
            &many,
        ] {
            assert!(AuthHeader::parse(value).is_err(), "{value:?}");
        }
    }

    #[test]
    fn debug_tells_no_secrets() {
        assert_eq!(
            format!("{:?}", AuthHeader::parse("Bearer abc").unwrap()),
            "AuthHeader(Bearer ..)"
        );
    }
}
