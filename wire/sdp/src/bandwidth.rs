//! `b=`

use std::fmt;

use crate::Malformed;

/// What a bandwidth counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BandwidthKind<'a> {
    /// `CT` — RFC 8866 §5.8, conference total, kbit/s.
    ConferenceTotal,
    /// `AS` — RFC 8866 §5.8, application specific: one stream with RTP, UDP and IP headers, kbit/s.
    ApplicationSpecific,
    /// `TIAS` — RFC 3890, without the headers below, bit/s.
    TransportIndependent,
    /// `RS` — RFC 3556, RTCP of active senders, bit/s.
    Senders,
    /// `RR` — RFC 3556, RTCP of the others, bit/s.
    Receivers,
    /// Any other, passed on as it is.
    Other(&'a str),
}

/// RFC 8866 §5.8 — `b=<bwtype>:<bandwidth>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bandwidth<'a> {
    /// What is counted.
    pub kind: BandwidthKind<'a>,
    /// How much; the unit hangs on the kind.
    pub value: u64,
}

impl<'a> Bandwidth<'a> {
    /// The value of a `b=` line.
    pub fn parse(value: &'a str) -> Result<Bandwidth<'a>, Malformed> {
        let bad = || Malformed::value("a b= line has a type, a colon and a number");
        let (kind, number) = value.split_once(':').ok_or_else(bad)?;
        let kind = match kind {
            "CT" => BandwidthKind::ConferenceTotal,
            "AS" => BandwidthKind::ApplicationSpecific,
            "TIAS" => BandwidthKind::TransportIndependent,
            "RS" => BandwidthKind::Senders,
            "RR" => BandwidthKind::Receivers,
            "" => return Err(bad()),
            other => BandwidthKind::Other(other),
        };
        Ok(Bandwidth {
            kind,
            value: number.trim().parse().map_err(|_| bad())?,
        })
    }
}

impl fmt::Display for Bandwidth<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            BandwidthKind::ConferenceTotal => "CT",
            BandwidthKind::ApplicationSpecific => "AS",
            BandwidthKind::TransportIndependent => "TIAS",
            BandwidthKind::Senders => "RS",
            BandwidthKind::Receivers => "RR",
            BandwidthKind::Other(kind) => kind,
        };
        write!(f, "{kind}:{}", self.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_written_as_it_was_read() {
        for text in [
            "CT:128",
            "AS:80",
            "TIAS:64000",
            "RS:600",
            "RR:2000",
            "X-YZ:128",
        ] {
            assert_eq!(Bandwidth::parse(text).expect("valid").to_string(), text);
        }
        for text in ["AS", "AS:", ":80", "AS:-1", "AS:many"] {
            assert!(Bandwidth::parse(text).is_err(), "{text}");
        }
    }
}
