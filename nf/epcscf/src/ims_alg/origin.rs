//! The `o=` line of one leg, which is ours.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::IpAddr;

use bytes::Bytes;
use wire_sdp::{AddressFamily, Origin, Session};

/// What was written to one leg so far. Each leg has its own session id, and a version that counts what that
/// side has really seen, so that whatever happens on the other leg RFC 3264 §8 holds here.
#[derive(Debug, Clone)]
pub(super) struct Written {
    session_id: u64,
    version: u64,
    /// The address that names us: that of the first description, whatever the media's addresses become.
    address: Option<IpAddr>,
    /// A digest of the last description, which tells whether another one is new.
    last: Option<u64>,
}

impl Written {
    pub(super) fn new(session_id: u64) -> Written {
        // RFC 8829 §5.2.1: 63 bits, since some readers take a signed number.
        Written {
            session_id: session_id & (u64::MAX >> 1),
            version: 1,
            address: None,
            last: None,
        }
    }

    /// Puts our origin on a description for this leg: a new version when anything else in it is new.
    pub(super) fn sign(&mut self, mut session: Session, address: IpAddr) -> Bytes {
        let address = *self.address.get_or_insert(address);
        self.put_origin(&mut session, address);
        let mut bytes = session.to_bytes();
        if self.last.is_some_and(|last| last != self.digest(&bytes)) {
            self.version += 1;
            self.put_origin(&mut session, address);
            bytes = session.to_bytes();
        }
        self.last = Some(self.digest(&bytes));
        bytes
    }

    /// Whether this is what the leg was told last.
    pub(super) fn was_last(&self, description: &[u8]) -> bool {
        self.last == Some(self.digest(description))
    }

    /// Keyed by what no peer chooses.
    fn digest(&self, description: &[u8]) -> u64 {
        let mut hasher = DefaultHasher::new();
        (self.session_id, description).hash(&mut hasher);
        hasher.finish()
    }

    fn put_origin(&self, session: &mut Session, address: IpAddr) {
        let id = self.session_id.to_string();
        session.set_origin(&Origin {
            username: "-",
            session_id: &id,
            version: self.version,
            family: AddressFamily::of(address),
            address: &address.to_string(),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_counts_changes_that_this_leg_saw() {
        let session = |name: &str| {
            let text = format!("v=0\r\no=x 7 9 IN IP4 10.0.0.1\r\ns={name}\r\nt=0 0\r\n");
            Session::parse(text.as_bytes()).expect("valid")
        };
        let address = IpAddr::from([192, 0, 2, 1]);
        let mut written = Written::new(u64::MAX);
        let mut version = |name: &str| {
            let bytes = written.sign(session(name), address);
            let signed = Session::parse(&bytes).expect("valid");
            assert_eq!(signed.origin().session_id, "9223372036854775807");
            assert_eq!(signed.origin().address, "192.0.2.1");
            signed.origin().version
        };
        assert_eq!(
            [version("a"), version("a"), version("b"), version("a")],
            [1, 1, 2, 3]
        );
    }
}
