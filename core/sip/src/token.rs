//! What the user part of our own URIs says, sealed so that nobody else can write it.
//!
//! Path names a *flow*: one connection of one epoch (RFC 5626 §5.2). Record-Route names a
//! *binding*, which has another flow after a reconnection, so that a call outlives it. A token that
//! was not sealed here is [`Forged`] and gets 403; a genuine one whose flow is gone gets 430 with
//! outbound and 480 without ([`gone`]).

use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use thiserror::Error;
use wire_sip::StatusCode;

/// The key that tokens are sealed with; one for all nodes of an element.
#[derive(Clone)]
pub struct TokenKey(hmac::Key);

/// A flow: RFC 5626 §3.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Flow {
    /// Which machine.
    pub node: u32,
    /// Which of its threads.
    pub shard: u16,
    /// Which run of it: connection numbers begin again after a restart.
    pub epoch: u32,
    /// Which connection.
    pub connection: u64,
}

/// A binding: the registration of one instance with one reg-id, whatever its flow of the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Binding {
    /// Which machine.
    pub node: u32,
    /// Which of its threads.
    pub shard: u16,
    /// Which binding.
    pub binding: u64,
}

/// Either token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AuthenticatedToken {
    /// From Path.
    Flow(Flow),
    /// From Record-Route.
    Binding(Binding),
}

/// A token that we did not seal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the token was not sealed here")]
pub struct Forged;

impl Forged {
    /// RFC 5626 §5.3.1: a token that was tampered with.
    pub fn status(self) -> StatusCode {
        StatusCode::FORBIDDEN
    }
}

/// RFC 5626 §5.3.1: a genuine token whose flow is gone.
pub fn gone(outbound: bool) -> StatusCode {
    if outbound {
        StatusCode::FLOW_FAILED
    } else {
        StatusCode::TEMPORARILY_UNAVAILABLE
    }
}

const TAG: usize = 16;
const FLOW: u8 = b'F';
const BINDING: u8 = b'B';
const FLOW_LENGTH: usize = 1 + 4 + 2 + 4 + 8;

impl TokenKey {
    /// From 32 secret bytes.
    pub fn new(secret: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, secret))
    }

    /// Seals a token: base64url of HMAC-SHA256-128 and the bytes it is of.
    pub fn seal(&self, token: &AuthenticatedToken) -> String {
        let mut body = Vec::with_capacity(FLOW_LENGTH);
        match token {
            AuthenticatedToken::Flow(flow) => {
                body.push(FLOW);
                body.extend(flow.node.to_be_bytes());
                body.extend(flow.shard.to_be_bytes());
                body.extend(flow.epoch.to_be_bytes());
                body.extend(flow.connection.to_be_bytes());
            }
            AuthenticatedToken::Binding(binding) => {
                body.push(BINDING);
                body.extend(binding.node.to_be_bytes());
                body.extend(binding.shard.to_be_bytes());
                body.extend(binding.binding.to_be_bytes());
            }
        }
        let tag = hmac::sign(&self.0, &body);
        let mut sealed = tag.as_ref()[..TAG].to_vec();
        sealed.extend(body);
        URL_SAFE_NO_PAD.encode(sealed)
    }

    /// Opens a token; the comparison takes the same time whatever is wrong.
    pub fn open(&self, text: &str) -> Result<AuthenticatedToken, Forged> {
        let sealed = decode(text).ok_or(Forged)?;
        let (tag, body) = sealed.split_at_checked(TAG).ok_or(Forged)?;
        let right = hmac::sign(&self.0, body);
        let same = aws_lc_rs::constant_time::verify_slices_are_equal(&right.as_ref()[..TAG], tag);
        same.map_err(|_| Forged)?;
        read(body).ok_or(Forged)
    }
}

/// What a token says, without looking at its seal: good enough to choose the thread that will.
pub fn peek(text: &str) -> Option<AuthenticatedToken> {
    read(decode(text)?.get(TAG..)?)
}

impl AuthenticatedToken {
    /// Which machine and thread.
    pub fn place(&self) -> (u32, u16) {
        match self {
            Self::Flow(flow) => (flow.node, flow.shard),
            Self::Binding(binding) => (binding.node, binding.shard),
        }
    }
}

fn decode(text: &str) -> Option<Vec<u8>> {
    // Longer than the longest token: not ours, and not worth the work.
    if text.len() > 64 {
        return None;
    }
    URL_SAFE_NO_PAD.decode(text).ok()
}

fn read(body: &[u8]) -> Option<AuthenticatedToken> {
    let (kind, rest) = body.split_first()?;
    let mut rest = rest;
    let node = u32::from_be_bytes(take(&mut rest)?);
    let shard = u16::from_be_bytes(take(&mut rest)?);
    let token = match *kind {
        FLOW => AuthenticatedToken::Flow(Flow {
            node,
            shard,
            epoch: u32::from_be_bytes(take(&mut rest)?),
            connection: u64::from_be_bytes(take(&mut rest)?),
        }),
        BINDING => AuthenticatedToken::Binding(Binding {
            node,
            shard,
            binding: u64::from_be_bytes(take(&mut rest)?),
        }),
        _ => return None,
    };
    rest.is_empty().then_some(token)
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (bytes, after) = rest.split_first_chunk::<N>()?;
    *rest = after;
    Some(*bytes)
}

impl std::fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TokenKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A_FLOW: AuthenticatedToken = AuthenticatedToken::Flow(Flow {
        node: 7,
        shard: 3,
        epoch: 99,
        connection: u64::MAX,
    });
    const A_BINDING: AuthenticatedToken = AuthenticatedToken::Binding(Binding {
        node: 7,
        shard: 4,
        binding: 12,
    });

    #[test]
    fn opens_what_it_sealed() {
        let key = TokenKey::new(&[1; 32]);
        for token in [A_FLOW, A_BINDING] {
            let text = key.seal(&token);
            assert_eq!(key.open(&text), Ok(token));
            assert_eq!(peek(&text), Some(token));
            let allowed = |b: u8| b.is_ascii_alphanumeric() || b"-_".contains(&b);
            assert!(text.bytes().all(allowed), "fit for a user part: {text}");
        }
        assert_eq!(A_FLOW.place(), (7, 3));
    }

    #[test]
    fn a_changed_character_is_a_forgery() {
        let key = TokenKey::new(&[1; 32]);
        let text = key.seal(&A_FLOW);
        for at in 0..text.len() {
            for other in ["A", "B", "-", ""] {
                let mut changed = text.clone();
                changed.replace_range(at..=at, other);
                if changed != text {
                    assert_eq!(key.open(&changed), Err(Forged), "{at} {other}");
                }
            }
        }
        assert_eq!(TokenKey::new(&[2; 32]).open(&text), Err(Forged));
        assert_eq!(Forged.status(), StatusCode::FORBIDDEN);
    }

    #[test]
    fn a_flow_that_is_gone_is_no_forgery() {
        assert_eq!(gone(true), StatusCode::FLOW_FAILED);
        assert_eq!(gone(false), StatusCode::TEMPORARILY_UNAVAILABLE);
    }
}
