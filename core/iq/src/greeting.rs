//! Who is there: both sides show that they know the shared secret, the gateway first.
//!
//! ```text
//!   eP-CSCF                                            eIMS-AGW
//!   Hello { version, nonce a }                ────▶
//!                                             ◀────    Challenge { version, nonce b, HMAC("gateway", a, b, binding) }
//!   Proof { HMAC("eP-CSCF", a, b, binding) }  ────▶
//!                                             ◀────    Welcome
//! ```
//! `binding` ties the proofs to the TLS connection they travel on (RFC 9266, `tls-exporter`), so that
//! nobody in the middle can pass them on; over loopback without TLS it is empty. That is why the
//! certificate of the gateway need not be known beforehand.

use aws_lc_rs::{constant_time, hmac};
use thiserror::Error;

use crate::{FromGateway, ToGateway};

/// The version of Iq that this crate speaks. Another one is refused: both ends are of one release
/// family, and a vocabulary half understood is worse than none.
pub const VERSION: u16 = 3;

/// A secret is not shorter than that.
pub const MIN_SECRET: usize = 16;

/// What both ends were told by their operator.
#[derive(Clone)]
pub struct SharedSecret(hmac::Key);

impl SharedSecret {
    /// At least [`MIN_SECRET`] octets.
    pub fn new(secret: &[u8]) -> Result<Self, GreetingError> {
        if secret.len() < MIN_SECRET {
            return Err(GreetingError::SecretTooShort);
        }
        Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, secret)))
    }

    fn proof(&self, who: &str, one: &[u8; 32], other: &[u8; 32], binding: &[u8]) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(b"isthmus iq ");
        context.update(&VERSION.to_be_bytes());
        context.update(who.as_bytes());
        // Of one length each, so no two different inputs read the same.
        context.update(one);
        context.update(other);
        context.update(binding);
        let mut proof = [0; 32];
        proof.copy_from_slice(context.sign().as_ref());
        proof
    }
}

impl std::fmt::Debug for SharedSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SharedSecret")
    }
}

/// The other side is not who it should be.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum GreetingError {
    /// Our own configuration.
    #[error("the shared secret has fewer than {MIN_SECRET} octets")]
    SecretTooShort,
    /// Another release.
    #[error("the other side speaks version {0} of Iq, this one {VERSION}")]
    Version(u16),
    /// It does not know the secret, or somebody is in the middle.
    #[error("the other side does not know the shared secret")]
    WrongProof,
    /// The gateway said so.
    #[error("the gateway refused: {0}")]
    Rejected(String),
    /// Not a word of the greeting at this point.
    #[error("an unexpected frame in the greeting")]
    OutOfTurn,
}

/// What to do next in a greeting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step<T> {
    /// Send this and wait.
    Send(T),
    /// Send this; the other side is known.
    Last(T),
    /// The other side is known.
    Done,
}

/// The eP-CSCF's side of the greeting.
#[derive(Debug)]
pub struct Calling {
    secret: SharedSecret,
    binding: Vec<u8>,
    nonce: [u8; 32],
    state: CallingState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CallingState {
    AwaitChallenge,
    AwaitWelcome,
    Over,
}

impl Calling {
    /// `nonce` is random and never used twice. Gives the first frame to send.
    pub fn new(secret: SharedSecret, nonce: [u8; 32], binding: &[u8]) -> (Self, ToGateway) {
        let calling = Self {
            secret,
            binding: binding.to_vec(),
            nonce,
            state: CallingState::AwaitChallenge,
        };
        let hello = ToGateway::Hello {
            version: VERSION,
            nonce,
        };
        (calling, hello)
    }

    /// A frame of the gateway.
    pub fn handle(&mut self, frame: FromGateway) -> Result<Step<ToGateway>, GreetingError> {
        match (
            std::mem::replace(&mut self.state, CallingState::Over),
            frame,
        ) {
            (_, FromGateway::Rejected { reason }) => Err(GreetingError::Rejected(reason)),
            (
                CallingState::AwaitChallenge,
                FromGateway::Challenge {
                    version,
                    nonce,
                    proof,
                },
            ) => {
                if version != VERSION {
                    return Err(GreetingError::Version(version));
                }
                let expected = self
                    .secret
                    .proof("gateway", &self.nonce, &nonce, &self.binding);
                same(&expected, &proof)?;
                self.state = CallingState::AwaitWelcome;
                Ok(Step::Send(ToGateway::Proof {
                    proof: self
                        .secret
                        .proof("eP-CSCF", &self.nonce, &nonce, &self.binding),
                }))
            }
            (CallingState::AwaitWelcome, FromGateway::Welcome) => Ok(Step::Done),
            _ => Err(GreetingError::OutOfTurn),
        }
    }
}

/// The gateway's side of the greeting.
#[derive(Debug)]
pub struct Called {
    secret: SharedSecret,
    binding: Vec<u8>,
    nonce: [u8; 32],
    state: CalledState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CalledState {
    AwaitHello,
    AwaitProof { theirs: [u8; 32] },
    Over,
}

impl Called {
    /// `nonce` is random and never used twice.
    pub fn new(secret: SharedSecret, nonce: [u8; 32], binding: &[u8]) -> Self {
        Self {
            secret,
            binding: binding.to_vec(),
            nonce,
            state: CalledState::AwaitHello,
        }
    }

    /// A frame of the eP-CSCF. After an error say [`FromGateway::Rejected`] and close.
    pub fn handle(&mut self, frame: &ToGateway) -> Result<Step<FromGateway>, GreetingError> {
        match (std::mem::replace(&mut self.state, CalledState::Over), frame) {
            (CalledState::AwaitHello, ToGateway::Hello { version, nonce }) => {
                if *version != VERSION {
                    return Err(GreetingError::Version(*version));
                }
                self.state = CalledState::AwaitProof { theirs: *nonce };
                Ok(Step::Send(FromGateway::Challenge {
                    version: VERSION,
                    nonce: self.nonce,
                    proof: self
                        .secret
                        .proof("gateway", nonce, &self.nonce, &self.binding),
                }))
            }
            (CalledState::AwaitProof { theirs }, ToGateway::Proof { proof }) => {
                let expected = self
                    .secret
                    .proof("eP-CSCF", &theirs, &self.nonce, &self.binding);
                same(&expected, proof)?;
                Ok(Step::Last(FromGateway::Welcome))
            }
            _ => Err(GreetingError::OutOfTurn),
        }
    }
}

fn same(expected: &[u8; 32], proof: &[u8; 32]) -> Result<(), GreetingError> {
    constant_time::verify_slices_are_equal(expected, proof).map_err(|_| GreetingError::WrongProof)
}
