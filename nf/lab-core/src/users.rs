//! The subscribers: what an HSS would know.

use std::collections::HashMap;

use core_credentials::digest::{Algorithm, Hash, HashedPassword};

use crate::{LabCoreConfig, Subscriber, identity::canonical};

/// A subscriber's number in the list.
pub(crate) type UserId = usize;

/// One subscriber.
pub(crate) struct User {
    pub(crate) impi: String,
    /// As they are written in P-Associated-URI, the default one first.
    pub(crate) impus: Vec<String>,
    md5: HashedPassword,
    sha_256: HashedPassword,
    sha_512_256: HashedPassword,
    /// Without a password only its SIM speaks for it.
    pub(crate) has_password: bool,
}

/// All of them, found by private and by public identity.
pub(crate) struct Users {
    list: Vec<User>,
    by_impi: HashMap<String, UserId>,
    by_impu: HashMap<String, UserId>,
}

impl Users {
    pub(crate) fn new(config: &LabCoreConfig, subscribers: &[Subscriber]) -> Self {
        let mut users = Self {
            list: Vec::new(),
            by_impi: HashMap::new(),
            by_impu: HashMap::new(),
        };
        for subscriber in subscribers {
            users.add(config, subscriber);
        }
        users
    }

    pub(crate) fn add(&mut self, config: &LabCoreConfig, subscriber: &Subscriber) {
        let (impi, realm) = (&subscriber.impi, &config.home_domain);
        let hashed = |hash| HashedPassword::new(hash, impi, realm, subscriber.password.as_bytes());
        let id = self.list.len();
        for impu in &subscriber.impus {
            if let Some(key) = canonical(config, impu) {
                self.by_impu.insert(key, id);
            }
        }
        self.by_impi.insert(impi.clone(), id);
        self.list.push(User {
            impi: impi.clone(),
            impus: subscriber.impus.clone(),
            md5: hashed(Hash::Md5),
            sha_256: hashed(Hash::Sha256),
            sha_512_256: hashed(Hash::Sha512Trunc256),
            has_password: !subscriber.password.is_empty(),
        });
    }

    pub(crate) fn by_impi(&self, impi: &str) -> Option<UserId> {
        self.by_impi.get(impi).copied()
    }

    /// By a public identity in any spelling.
    pub(crate) fn by_impu(&self, config: &LabCoreConfig, uri: &str) -> Option<UserId> {
        self.by_impu.get(&canonical(config, uri)?).copied()
    }

    pub(crate) fn get(&self, id: UserId) -> &User {
        &self.list[id]
    }

    pub(crate) fn len(&self) -> usize {
        self.list.len()
    }
}

impl User {
    /// RFC 8760 §2.1: the password as this algorithm wants it.
    pub(crate) fn password(&self, algorithm: Algorithm) -> Option<&HashedPassword> {
        if algorithm.aka.is_some() || !self.has_password {
            return None;
        }
        match algorithm.hash {
            Hash::Md5 => Some(&self.md5),
            Hash::Sha256 => Some(&self.sha_256),
            Hash::Sha512Trunc256 => Some(&self.sha_512_256),
        }
    }

    /// The identity of this user that `uri` spells, as it is written here.
    pub(crate) fn impu(&self, config: &LabCoreConfig, uri: &str) -> Option<&str> {
        let wanted = canonical(config, uri)?;
        let same = |impu: &&String| canonical(config, impu).as_ref() == Some(&wanted);
        self.impus.iter().find(same).map(String::as_str)
    }

    pub(crate) fn default_impu(&self) -> &str {
        self.impus
            .first()
            .map_or(self.impi.as_str(), String::as_str)
    }

    /// TS 24.229 §5.4.3.2: an identity is asserted with the number that belongs to it.
    pub(crate) fn asserted(&self, impu: &str) -> Vec<String> {
        let mut asserted = vec![impu.to_owned()];
        let is_tel = |uri: &str| uri.starts_with("tel:");
        let pair = self
            .impus
            .iter()
            .find(|other| is_tel(other) != is_tel(impu));
        asserted.extend(pair.cloned());
        asserted
    }
}
