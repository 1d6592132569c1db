//! RFC 3261 §20.17.

use std::fmt;

use super::TypedHeader;
use crate::{HeaderName, scan};

/// RFC 1123 date, always GMT: `Sat, 13 Nov 2010 23:29:00 GMT`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Date(pub String);

const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

impl TypedHeader for Date {
    const NAME: HeaderName = HeaderName::Date;

    fn parse(value: &str) -> Result<Self, &'static str> {
        let value = scan::unfold(value);
        let (day_name, rest) = value.split_once(", ").ok_or("day of the week")?;
        let words: Vec<&str> = rest.split(' ').collect();
        let [day, month, year, time, zone] = words[..] else {
            return Err("not five words after the day");
        };
        if !DAYS.contains(&day_name) || !MONTHS.contains(&month) {
            return Err("day or month");
        }
        let fits = |text: &str, digits: usize, most: u32| {
            text.len() == digits && scan::number(text).is_some_and(|n| n <= most)
        };
        let clock: Vec<&str> = time.split(':').collect();
        let [hour, minute, second] = clock[..] else {
            return Err("time");
        };
        if !fits(day, 2, 31)
            || !fits(year, 4, 9999)
            || !fits(hour, 2, 23)
            || !fits(minute, 2, 59)
            || !fits(second, 2, 60)
        {
            return Err("day, year or time");
        }
        if zone != "GMT" {
            return Err("zone is not GMT");
        }
        Ok(Self(value.into_owned()))
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn always_gmt() {
        assert!(Date::parse("Sat, 13 Nov 2010 23:29:00 GMT").is_ok());
        for bad in [
            "Fri, 01 Jan 2010 16:00:00 EST",
            "Sat, 13 Nov 10 23:29:00 GMT",
            "13 Nov 2010",
            "Sat, 13 Nov 2010 24:29:00 GMT",
        ] {
            assert!(Date::parse(bad).is_err(), "{bad}");
        }
    }
}
