//! Passwords, kept as Argon2id hashes in PHC strings (RFC 9106).
//!
//! Both functions take tens of milliseconds on purpose: the shell runs them on threads made for that.

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};

/// How hard a guess is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    /// Memory in KiB.
    pub memory: u32,
    /// Passes over it.
    pub passes: u32,
}

impl Default for Cost {
    /// OWASP's recommendation for Argon2id: 19 MiB, 2 passes, 1 lane.
    fn default() -> Self {
        Self {
            memory: 19 * 1024,
            passes: 2,
        }
    }
}

/// The stored form of `password`. The shell gives a fresh `salt`.
pub fn hash(password: &str, salt: [u8; 16], cost: Cost) -> Option<String> {
    let params = Params::new(cost.memory, cost.passes, 1, None).ok()?;
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let hash: PasswordHash = argon2
        .hash_password_with_salt(password.as_bytes(), &salt)
        .ok()?;
    Some(hash.to_string())
}

/// Whether `password` is the one behind `stored`. A stored form that cannot be read matches nothing.
pub fn verify(password: &str, stored: &str) -> bool {
    // The parameters are those of the stored form, so an older, cheaper hash still verifies.
    PasswordHash::new(stored).is_ok_and(|hash| {
        Argon2::default()
            .verify_password(password.as_bytes(), &hash)
            .is_ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUICK: Cost = Cost {
        memory: 64,
        passes: 1,
    };

    #[test]
    fn verifies_the_password_and_no_other() {
        let stored = hash("correct horse", [9; 16], QUICK).unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=64,t=1,p=1$"));
        assert!(verify("correct horse", &stored));
        assert!(!verify("correct hors", &stored));
        assert!(!verify("", &stored));
    }

    #[test]
    fn salts_make_equal_passwords_differ() {
        assert_ne!(hash("a", [1; 16], QUICK), hash("a", [2; 16], QUICK));
    }

    #[test]
    fn an_unreadable_hash_matches_nothing() {
        for stored in [
            "",
            "plain",
            "$argon2id$",
            "$argon2id$v=19$m=64,t=1,p=1$AAAA$",
        ] {
            assert!(!verify("", stored));
            assert!(!verify("plain", stored));
        }
        assert_eq!(
            hash(
                "a",
                [1; 16],
                Cost {
                    memory: 0,
                    passes: 0
                }
            ),
            None
        );
    }
}
