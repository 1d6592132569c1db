//! `t=`

use std::fmt;

use crate::Malformed;

/// RFC 8866 §5.9 — `t=<start-time> <stop-time>`; `0 0` is a session without bounds, as RFC 3264 §5 wants it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Timing {
    /// Start, in NTP seconds.
    pub start: u64,
    /// Stop, in NTP seconds.
    pub stop: u64,
}

impl Timing {
    /// The value of a `t=` line.
    pub fn parse(value: &str) -> Result<Timing, Malformed> {
        let bad = || Malformed::value("a t= line has two numbers");
        let (start, stop) = value.split_once(' ').ok_or_else(bad)?;
        let number = |text: &str| text.trim().parse().map_err(|_| bad());
        Ok(Timing {
            start: number(start)?,
            stop: number(stop)?,
        })
    }
}

impl fmt::Display for Timing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.start, self.stop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_8866_example() {
        let timing = Timing::parse("3724394400 3724398000").expect("valid");
        assert_eq!(timing.to_string(), "3724394400 3724398000");
        assert!(Timing::parse("0").is_err());
    }
}
