/// RFC 8445 §5.3 — username fragment and password of an agent.
#[derive(Clone, PartialEq, Eq)]
pub struct IceCredentials {
    /// 4 to 256 characters.
    pub ufrag: String,
    /// 22 to 256 characters.
    pub pwd: String,
}

/// RFC 8839 §5.4 — the characters of an `ice-char`, sixty-four of them.
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

impl IceCredentials {
    /// RFC 8445 §5.3 — 48 bits of username fragment and 144 bits of password, out of random bytes.
    pub fn from_random(random: [u8; 32]) -> Self {
        let text = |bytes: &[u8]| -> String {
            let letter = |byte: &u8| char::from(ALPHABET[usize::from(byte & 63)]);
            bytes.iter().map(letter).collect()
        };
        Self {
            ufrag: text(&random[..8]),
            pwd: text(&random[8..]),
        }
    }

    /// RFC 8839 §5.4 — whether lengths and characters are what SDP may say.
    pub fn is_valid(&self) -> bool {
        let characters = |text: &str| text.bytes().all(|byte| ALPHABET.contains(&byte));
        (4..=256).contains(&self.ufrag.len())
            && (22..=256).contains(&self.pwd.len())
            && characters(&self.ufrag)
            && characters(&self.pwd)
    }
}

/// The password stays out of logs.
impl std::fmt::Debug for IceCredentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IceCredentials")
            .field("ufrag", &self.ufrag)
            .finish_non_exhaustive()
    }
}
