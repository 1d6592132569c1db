//! Cookies: one for each page that is signed in, one for each sign-in under way (RFC 6265).
//!
//! All have the prefix `__Host-`: no other host, and no page without TLS, can have set them.

use core_credentials::Secret;

/// The cookies of a request.
#[derive(Default)]
pub struct Cookies<'a>(Vec<(&'a str, &'a str)>);

/// Of a signed-in page: `__Host-wic-<sid>`.
pub(crate) const SESSION: &str = "__Host-wic-";
/// Of a sign-in under way: `__Host-signin-<state>`.
pub(crate) const SIGN_IN: &str = "__Host-signin-";
/// How long a sign-in may take, in seconds.
const SIGN_IN_LIFETIME: u32 = 600;
/// Cookies that are looked at.
const MAX: usize = 200;

impl<'a> Cookies<'a> {
    /// Reads the values of the `Cookie` header fields (RFC 6265 §4.2.1).
    pub fn parse(values: impl IntoIterator<Item = &'a str>) -> Self {
        let pairs = values.into_iter().flat_map(|value| value.split(';'));
        Self(
            pairs
                .filter_map(|pair| pair.trim().split_once('='))
                .take(MAX)
                .collect(),
        )
    }

    pub(crate) fn value(&self, prefix: &str, rest: &str) -> Option<&'a str> {
        let of = |name: &str| name.strip_prefix(prefix) == Some(rest);
        self.0
            .iter()
            .find(|(name, _)| of(name))
            .map(|(_, value)| *value)
    }

    /// What follows `prefix` in the names that have it.
    pub(crate) fn named(&self, prefix: &str) -> impl Iterator<Item = &'a str> {
        self.0
            .iter()
            .filter_map(move |(name, _)| name.strip_prefix(prefix))
    }
}

/// `Set-Cookie` of a signed-in page: gone when the browser is closed, and when the session ends.
pub(crate) fn of_session(sid: &str, secret: &Secret) -> String {
    format!(
        "{SESSION}{sid}={}; HttpOnly; Secure; SameSite=Lax; Path=/",
        secret.expose()
    )
}

/// `Set-Cookie` of a sign-in under way.
pub(crate) fn of_sign_in(state: &str, verifier: &Secret) -> String {
    format!(
        "{SIGN_IN}{state}={}; HttpOnly; Secure; SameSite=Lax; Path=/; Max-Age={SIGN_IN_LIFETIME}",
        verifier.expose()
    )
}

/// `Set-Cookie` that takes one away.
pub(crate) fn gone(prefix: &str, rest: &str) -> String {
    format!("{prefix}{rest}=; HttpOnly; Secure; SameSite=Lax; Path=/; Max-Age=0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_sessions_in_one_jar() {
        let cookies = Cookies::parse(["__Host-wic-a=1; __Host-wic-b=2", "other=3;broken; =4"]);
        assert_eq!(cookies.value(SESSION, "a"), Some("1"));
        assert_eq!(cookies.value(SESSION, "b"), Some("2"));
        assert_eq!(cookies.value(SESSION, "c"), None);
        assert_eq!(cookies.named(SESSION).collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(cookies.named(SIGN_IN).count(), 0);
    }

    #[test]
    fn cookies_keep_the_rules_of_their_prefix() {
        for cookie in [
            of_session("sid", &"secret".into()),
            of_sign_in("state", &"verifier".into()),
            gone(SESSION, "sid"),
        ] {
            assert!(cookie.starts_with("__Host-"));
            for part in ["; HttpOnly", "; Secure", "; SameSite=Lax", "; Path=/"] {
                assert!(cookie.contains(part), "{cookie}");
            }
            assert!(!cookie.contains("Domain"));
        }
    }
}
