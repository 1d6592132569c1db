//! `a=curr`, `a=des`, `a=conf`

use std::fmt;

use super::Direction;
use crate::{Attribute, Malformed};

/// RFC 3312 §4 — whose resources a precondition speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatusType {
    /// From one end to the other.
    EndToEnd,
    /// The writer's access network.
    Local,
    /// The reader's access network.
    Remote,
}

/// RFC 3312 §4 — how much a precondition binds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strength {
    /// The session waits for it.
    Mandatory,
    /// It would be nice.
    Optional,
    /// Nobody cares.
    None,
    /// It has failed (RFC 3312 §8, in a 580).
    Failure,
    /// Its type is not known (RFC 3312 §8).
    Unknown,
}

/// `a=curr:<type> <status type> <direction>`: how things stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CurrentStatus<'a> {
    /// `qos`, `sec`.
    pub kind: &'a str,
    /// Whose.
    pub status: StatusType,
    /// Which way it is met; [`Direction::Inactive`] is written `none`.
    pub direction: Direction,
}

/// `a=des:<type> <strength> <status type> <direction>`: how they shall stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DesiredStatus<'a> {
    /// `qos`, `sec`.
    pub kind: &'a str,
    /// How much it binds.
    pub strength: Strength,
    /// Whose.
    pub status: StatusType,
    /// Which way it is wanted.
    pub direction: Direction,
}

/// `a=conf:<type> <status type> <direction>`: tell me when they do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConfirmStatus<'a> {
    /// `qos`, `sec`.
    pub kind: &'a str,
    /// Whose.
    pub status: StatusType,
    /// Which way it is wanted.
    pub direction: Direction,
}

const BAD: Malformed = Malformed {
    what: "a precondition is a type, a strength in a=des, a status type and a direction",
    at: 0,
};

impl<'a> Attribute<'a> for CurrentStatus<'a> {
    const NAME: &'static str = "curr";

    fn parse(value: &'a str) -> Result<CurrentStatus<'a>, Malformed> {
        let [kind, status, direction] = words(value)?;
        Ok(CurrentStatus {
            kind,
            status: status_type(status)?,
            direction: way(direction)?,
        })
    }
}

impl<'a> Attribute<'a> for DesiredStatus<'a> {
    const NAME: &'static str = "des";

    fn parse(value: &'a str) -> Result<DesiredStatus<'a>, Malformed> {
        let [kind, strength, status, direction] = words(value)?;
        let strength = match strength {
            "mandatory" => Strength::Mandatory,
            "optional" => Strength::Optional,
            "none" => Strength::None,
            "failure" => Strength::Failure,
            "unknown" => Strength::Unknown,
            _ => return Err(BAD),
        };
        Ok(DesiredStatus {
            kind,
            strength,
            status: status_type(status)?,
            direction: way(direction)?,
        })
    }
}

impl<'a> Attribute<'a> for ConfirmStatus<'a> {
    const NAME: &'static str = "conf";

    fn parse(value: &'a str) -> Result<ConfirmStatus<'a>, Malformed> {
        let [kind, status, direction] = words(value)?;
        Ok(ConfirmStatus {
            kind,
            status: status_type(status)?,
            direction: way(direction)?,
        })
    }
}

impl fmt::Display for CurrentStatus<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.kind, self.status, Way(self.direction))
    }
}

impl fmt::Display for DesiredStatus<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let strength = match self.strength {
            Strength::Mandatory => "mandatory",
            Strength::Optional => "optional",
            Strength::None => "none",
            Strength::Failure => "failure",
            Strength::Unknown => "unknown",
        };
        write!(
            f,
            "{} {strength} {} {}",
            self.kind,
            self.status,
            Way(self.direction)
        )
    }
}

impl fmt::Display for ConfirmStatus<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.kind, self.status, Way(self.direction))
    }
}

impl fmt::Display for StatusType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            StatusType::EndToEnd => "e2e",
            StatusType::Local => "local",
            StatusType::Remote => "remote",
        })
    }
}

struct Way(Direction);

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Direction::SendRecv => "sendrecv",
            Direction::SendOnly => "send",
            Direction::RecvOnly => "recv",
            Direction::Inactive => "none",
        })
    }
}

fn words<const N: usize>(value: &str) -> Result<[&str; N], Malformed> {
    let mut words = value.split_ascii_whitespace();
    let mut out = [""; N];
    for word in &mut out {
        *word = words.next().ok_or(BAD)?;
    }
    Ok(out)
}

fn status_type(word: &str) -> Result<StatusType, Malformed> {
    match word {
        "e2e" => Ok(StatusType::EndToEnd),
        "local" => Ok(StatusType::Local),
        "remote" => Ok(StatusType::Remote),
        _ => Err(BAD),
    }
}

fn way(word: &str) -> Result<Direction, Malformed> {
    match word {
        "none" => Ok(Direction::Inactive),
        "send" => Ok(Direction::SendOnly),
        "recv" => Ok(Direction::RecvOnly),
        "sendrecv" => Ok(Direction::SendRecv),
        _ => Err(BAD),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_3312_examples() {
        let current = CurrentStatus::parse("qos e2e none").expect("valid");
        assert_eq!(current.direction, Direction::Inactive);
        let desired = DesiredStatus::parse("qos mandatory e2e sendrecv").expect("valid");
        assert_eq!(desired.strength, Strength::Mandatory);
        assert_eq!(desired.to_string(), "qos mandatory e2e sendrecv");
        let confirm = ConfirmStatus::parse("qos remote recv").expect("valid");
        assert_eq!(confirm.to_string(), "qos remote recv");
        assert_eq!(
            CurrentStatus::parse("qos local send")
                .expect("valid")
                .to_string(),
            "qos local send"
        );
        assert!(DesiredStatus::parse("qos e2e sendrecv").is_err());
    }
}
