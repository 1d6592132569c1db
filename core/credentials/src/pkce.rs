//! Proof Key for Code Exchange (RFC 7636), method S256 only.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::{Random, Secret, constant_time_eq};

/// RFC 7636 §4.1: a fresh `code_verifier`.
pub fn verifier(random: &mut Random) -> Secret {
    Secret::new(random.token())
}

/// RFC 7636 §4.2: `code_challenge = BASE64URL-ENCODE(SHA256(ASCII(code_verifier)))`.
pub fn challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()))
}

/// Whether this can be an S256 challenge: 43 characters of base64url.
pub fn is_challenge(challenge: &str) -> bool {
    challenge.len() == 43 && URL_SAFE_NO_PAD.decode(challenge).is_ok()
}

/// RFC 7636 §4.6: whether the verifier made the challenge.
pub fn verify(verifier: &str, challenge_seen: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    (43..=128).contains(&verifier.len())
        && verifier.bytes().all(allowed)
        && constant_time_eq(challenge(verifier).as_bytes(), challenge_seen.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7636 Appendix B.
    #[test]
    fn appendix_b() {
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        let challenge_seen = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
        assert_eq!(challenge(verifier), challenge_seen);
        assert!(is_challenge(challenge_seen));
        assert!(verify(verifier, challenge_seen));
        assert!(!verify(
            "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXl",
            challenge_seen
        ));
    }

    #[test]
    fn a_short_or_odd_verifier_is_refused_even_if_it_fits() {
        for odd in ["short", "dBjftJeZ4CVP mB92K27uhbUJU1p1r_wW1gFWFOEjXk"] {
            assert!(!verify(odd, &challenge(odd)));
        }
        assert!(!is_challenge("plain"));
        let mut random = Random::new([1; 32]);
        let fresh = verifier(&mut random);
        assert!(verify(fresh.expose(), &challenge(fresh.expose())));
    }
}
