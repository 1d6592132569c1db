use super::Profile;
use super::cipher::Cipher;
use super::kdf::{Label, cipher, derive};

/// RFC 3711 §3.2.1 — the master key and master salt of one direction.
#[derive(Clone)]
pub struct MasterKey {
    key: [u8; 32],
    key_length: usize,
    pub(super) salt: [u8; 14],
}

/// RFC 5764 §4.2 — what DTLS exports: the keys of both directions.
#[derive(Clone)]
pub struct KeyingMaterial {
    /// How media are protected.
    pub profile: Profile,
    /// What the DTLS client writes with.
    pub client: MasterKey,
    /// What the DTLS server writes with.
    pub server: MasterKey,
}

impl MasterKey {
    /// `None`, if key or salt are not as long as the profile wants them.
    pub fn new(profile: Profile, key: &[u8], salt: &[u8]) -> Option<Self> {
        if key.len() != profile.key_length() || salt.len() != profile.salt_length() {
            return None;
        }
        let mut master = Self {
            key: [0; 32],
            key_length: key.len(),
            salt: [0; 14],
        };
        master.key[..key.len()].copy_from_slice(key);
        master.salt[..salt.len()].copy_from_slice(salt);
        Some(master)
    }

    pub(super) fn key(&self) -> &[u8] {
        &self.key[..self.key_length]
    }

    pub(super) fn rtp(&self, profile: Profile) -> Cipher {
        let labels = [
            Label::RtpEncryption,
            Label::RtpAuthentication,
            Label::RtpSalt,
        ];
        self.session(profile, labels)
    }

    pub(super) fn rtcp(&self, profile: Profile) -> Cipher {
        let labels = [
            Label::RtcpEncryption,
            Label::RtcpAuthentication,
            Label::RtcpSalt,
        ];
        self.session(profile, labels)
    }

    fn session(
        &self,
        profile: Profile,
        [encryption, authentication, salting]: [Label; 3],
    ) -> Cipher {
        let mut key = [0; 32];
        let key = &mut key[..profile.key_length()];
        derive(self, encryption, key);
        let mut salt = [0; 14];
        derive(self, salting, &mut salt[..profile.salt_length()]);
        match profile {
            Profile::Aes128CmHmacSha1_80 => {
                let mut tag_key = [0; 20];
                derive(self, authentication, &mut tag_key);
                Cipher::counter_mode(cipher(key), &tag_key, salt)
            }
            Profile::AeadAes128Gcm | Profile::AeadAes256Gcm => Cipher::gcm(key, salt),
        }
    }
}

impl KeyingMaterial {
    /// RFC 5764 §4.2 — client key, server key, client salt, server salt. `None`, if the material is
    /// not as long as the profile wants it.
    pub fn from_exported(profile: Profile, material: &[u8]) -> Option<Self> {
        let (keys, salts) = material.split_at_checked(2 * profile.key_length())?;
        let (client_key, server_key) = keys.split_at(profile.key_length());
        let (client_salt, server_salt) = salts.split_at_checked(profile.salt_length())?;
        Some(Self {
            profile,
            client: MasterKey::new(profile, client_key, client_salt)?,
            server: MasterKey::new(profile, server_key, server_salt)?,
        })
    }
}

/// Keys stay out of logs.
impl std::fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MasterKey")
    }
}

impl std::fmt::Debug for KeyingMaterial {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeyingMaterial")
            .field("profile", &self.profile)
            .finish_non_exhaustive()
    }
}
