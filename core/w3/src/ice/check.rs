//! RFC 8489 §9.1.3, RFC 8445 §7.3 — what a Binding request gets.

use std::net::SocketAddr;

use wire_stun::{BINDING, Builder, Check, Class, IntegrityKey, Message, TransactionId};

use super::IceCredentials;

/// What came of a STUN message. Where there is a reply, it stands at the beginning of the buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checked {
    /// A good check: its path is admitted. Send the first `reply` bytes back.
    Admitted {
        /// How long the reply is.
        reply: usize,
    },
    /// Not a good check. Send the first `reply` bytes back, if there are any.
    Refused {
        /// Why.
        why: Refused,
        /// How long the reply is; 0 if there is none.
        reply: usize,
    },
    /// An indication, or a response that nobody waits for.
    Ignored,
}

/// Why a check was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refused {
    /// No STUN message, or without a right FINGERPRINT: no answer (RFC 8445 §7.1).
    Malformed,
    /// 400: no USERNAME or no MESSAGE-INTEGRITY.
    NoCredentials,
    /// 401: another username or another password.
    WrongCredentials,
    /// 420: something that must be understood and is not.
    UnknownAttribute,
    /// 487: the peer thinks that we control. A lite agent never does.
    RoleConflict,
}

/// Our side of the credentials, with the key made.
#[derive(Debug)]
pub(super) struct Local {
    pub(super) credentials: IceCredentials,
    pub(super) key: IntegrityKey,
}

impl Local {
    pub(super) fn new(credentials: IceCredentials) -> Self {
        Self {
            key: IntegrityKey::new(&credentials.pwd),
            credentials,
        }
    }
}

/// A good check, and what it says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Good {
    pub(super) reply: usize,
    /// It came with the credentials of before the restart.
    pub(super) previous: bool,
    pub(super) priority: u32,
    pub(super) nominated: bool,
}

/// Looks at the message in the first `length` bytes, and writes the reply over it.
pub(super) fn check(
    local: &Local,
    previous: Option<&Local>,
    from: SocketAddr,
    buffer: &mut [u8],
    length: usize,
) -> Result<Good, Checked> {
    let dropped = Checked::Refused {
        why: Refused::Malformed,
        reply: 0,
    };
    let Ok(message) = Message::parse(&buffer[..length]) else {
        return Err(dropped);
    };
    if message.check_fingerprint() != Check::Valid {
        return Err(dropped);
    }
    if message.method() != BINDING || message.class() != Class::Request {
        return Err(Checked::Ignored);
    }
    let id = message.transaction_id();
    let verdict = judge(&message, local, previous);
    let priority = message.priority().unwrap_or_default();
    let nominated = message.use_candidate();
    let mut unknown = [0; 8];
    let mut count = 0;
    for (place, kind) in unknown.iter_mut().zip(message.unknown()) {
        *place = kind;
        count += 1;
    }
    match verdict {
        Ok(old) => {
            let signer = previous.filter(|_| old).unwrap_or(local);
            let reply = Builder::new(buffer, Class::Success, id)
                .xor_mapped_address(from)
                .integrity(&signer.key)
                .fingerprint()
                .finish()
                .map_err(|_| dropped)?;
            Ok(Good {
                reply,
                previous: old,
                priority,
                nominated,
            })
        }
        Err(why) => Err(Checked::Refused {
            why,
            reply: refuse(why, id, &unknown[..count], local, buffer),
        }),
    }
}

/// Whether it came with the previous credentials, or why it is refused.
fn judge(message: &Message<'_>, local: &Local, previous: Option<&Local>) -> Result<bool, Refused> {
    let username = message.username().ok_or(Refused::NoCredentials)?;
    // RFC 8445 §7.2.2: our fragment first. The peer's may be one that signalling has not told yet.
    let (ours, _) = username.split_once(':').ok_or(Refused::WrongCredentials)?;
    let old = previous.filter(|previous| previous.credentials.ufrag == ours);
    let expected = match old {
        Some(previous) => previous,
        None if local.credentials.ufrag == ours => local,
        None => {
            return Err(match message.check_integrity(&local.key) {
                Check::Missing => Refused::NoCredentials,
                _ => Refused::WrongCredentials,
            });
        }
    };
    match message.check_integrity(&expected.key) {
        Check::Missing => return Err(Refused::NoCredentials),
        Check::Wrong => return Err(Refused::WrongCredentials),
        Check::Valid => {}
    }
    if message.unknown().next().is_some() {
        return Err(Refused::UnknownAttribute);
    }
    if message.ice_controlled().is_some() {
        return Err(Refused::RoleConflict);
    }
    Ok(old.is_some())
}

/// RFC 8489 §9.1.3, §6.3.1; RFC 8445 §7.3.1.1. Errors before the password was right carry no
/// integrity.
fn refuse(
    why: Refused,
    id: TransactionId,
    unknown: &[u16],
    local: &Local,
    buffer: &mut [u8],
) -> usize {
    let error = Builder::new(buffer, Class::Error, id);
    let error = match why {
        Refused::Malformed => return 0,
        Refused::NoCredentials => error.error_code(400, "Bad Request"),
        Refused::WrongCredentials => error.error_code(401, "Unauthenticated"),
        Refused::UnknownAttribute => error
            .error_code(420, "Unknown Attribute")
            .unknown_attributes(unknown)
            .integrity(&local.key),
        Refused::RoleConflict => error.error_code(487, "Role Conflict").integrity(&local.key),
    };
    error.fingerprint().finish().unwrap_or(0)
}
