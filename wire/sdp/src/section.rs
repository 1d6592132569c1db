//! The lines of one level: those before the first `m=`, or those after one.

use std::fmt;

use crate::attribute::{Attribute, Direction};
use crate::{Bandwidth, BandwidthKind, Connection, Line, Malformed};

/// A run of lines with typed views, and edits that leave every other line byte for byte.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Section {
    pub(crate) lines: Vec<Line>,
}

impl Section {
    /// Keeps the lines for which the test is true.
    pub fn retain(&mut self, test: impl FnMut(&Line) -> bool) {
        self.lines.retain(test);
    }

    /// Gives each line to the function, which keeps it, changes it or, with `None`, removes it.
    pub fn edit(&mut self, mut change: impl FnMut(Line) -> Option<Line>) {
        let lines = std::mem::take(&mut self.lines);
        let changed = lines.into_iter().filter_map(|line| {
            let ending = line.ending;
            change(line).map(|new| Line { ending, ..new })
        });
        self.lines = changed.collect();
    }

    /// Puts a line where RFC 8866 §5 wants its type: behind the last line that may precede it.
    pub fn insert(&mut self, line: Line) {
        let rank = rank(line.kind());
        let at = self
            .lines
            .iter()
            .rposition(|l| self::rank(l.kind()) <= rank)
            .map_or(0, |i| i + 1);
        self.lines.insert(at, line);
    }

    /// Adds an attribute behind the others.
    pub fn push_attribute<'a, A: Attribute<'a>>(&mut self, attribute: &A) {
        self.insert(Line::attribute(A::NAME, attribute));
    }

    /// Replaces the attribute where it first stands and removes its repetitions; adds it if there is none.
    pub fn set_attribute<'a, A: Attribute<'a>>(&mut self, attribute: &A) {
        let line = Line::attribute(A::NAME, attribute);
        self.replace(|l| l.attribute_name() == Some(A::NAME), Some(line));
    }

    /// Removes every line of this attribute.
    pub fn remove_attribute(&mut self, name: &str) {
        self.retain(|line| line.attribute_name() != Some(name));
    }

    /// Replaces, adds or (with `None`) removes the `c=` line.
    pub fn set_connection(&mut self, connection: Option<&Connection<'_>>) {
        self.replace(|l| l.kind() == 'c', connection.map(|c| Line::new('c', c)));
    }

    /// Replaces or adds the `b=` line of this kind; other kinds stay.
    pub fn set_bandwidth(&mut self, bandwidth: &Bandwidth<'_>) {
        let same = |l: &Line| {
            l.kind() == 'b'
                && Bandwidth::parse(l.value()).is_ok_and(|other| other.kind == bandwidth.kind)
        };
        self.replace(same, Some(Line::new('b', bandwidth)));
    }

    /// Replaces the direction where it first stands and removes its repetitions, or adds it.
    pub fn set_direction(&mut self, direction: Direction) {
        let is_direction = |l: &Line| l.attribute_name().and_then(Direction::from_name).is_some();
        self.replace(is_direction, Some(Line::new('a', direction)));
    }

    /// The lines, in order.
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// The first attribute of this type.
    pub fn attribute<'a, A: Attribute<'a>>(&'a self) -> Result<Option<A>, Malformed> {
        self.value(A::NAME).map(A::parse).transpose()
    }

    /// Every attribute of this type.
    pub fn attributes<'a, A: Attribute<'a>>(
        &'a self,
    ) -> impl Iterator<Item = Result<A, Malformed>> {
        self.values(A::NAME).map(A::parse)
    }

    /// Whether an attribute of this name is here.
    pub fn has(&self, name: &str) -> bool {
        self.lines
            .iter()
            .any(|line| line.attribute_name() == Some(name))
    }

    /// The value of the first attribute of this name; empty for a property attribute.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.lines
            .iter()
            .find_map(|line| line.attribute_value(name))
    }

    /// The values of every attribute of this name.
    pub fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.lines
            .iter()
            .filter_map(move |line| line.attribute_value(name))
    }

    /// The `c=` line.
    pub fn connection(&self) -> Result<Option<Connection<'_>>, Malformed> {
        self.lines
            .iter()
            .find(|l| l.kind() == 'c')
            .map(|l| Connection::parse(l.value()))
            .transpose()
    }

    /// The `b=` lines that can be read.
    pub fn bandwidths(&self) -> impl Iterator<Item = Bandwidth<'_>> {
        self.lines
            .iter()
            .filter(|line| line.kind() == 'b')
            .filter_map(|line| Bandwidth::parse(line.value()).ok())
    }

    /// The bandwidth of one kind.
    pub fn bandwidth(&self, kind: BandwidthKind<'_>) -> Option<u64> {
        self.bandwidths().find(|b| b.kind == kind).map(|b| b.value)
    }

    /// The direction that stands here; the last one wins, as browsers read it.
    pub fn direction(&self) -> Option<Direction> {
        self.lines
            .iter()
            .rev()
            .find_map(|l| l.attribute_name().and_then(Direction::from_name))
    }

    fn replace(&mut self, mut same: impl FnMut(&Line) -> bool, new: Option<Line>) {
        let mut new = new;
        let mut kept = Vec::with_capacity(self.lines.len() + 1);
        for line in self.lines.drain(..) {
            if !same(&line) {
                kept.push(line);
            } else if let Some(mut replacement) = new.take() {
                replacement.ending = line.ending;
                kept.push(replacement);
            }
        }
        self.lines = kept;
        if let Some(line) = new {
            self.insert(line);
        }
    }
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines
            .iter()
            .try_for_each(|l| writeln!(f, "{}", String::from_utf8_lossy(l.as_bytes())))
    }
}

/// RFC 8866 §5 and its grammar in §9: the order of line types within a level.
fn rank(kind: char) -> usize {
    const ORDER: &str = "vosiuepcbtrzka";
    ORDER.find(kind).unwrap_or(ORDER.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Session;

    fn section(text: &str) -> Section {
        let text =
            format!("v=0\no=- 1 1 IN IP4 127.0.0.1\ns=-\nt=0 0\nm=audio 9 RTP/AVP 0\n{text}");
        let session = Session::parse(text.as_bytes()).expect("a test's own text");
        session
            .media(0)
            .expect("one media description")
            .section()
            .clone()
    }

    #[test]
    fn lines_go_where_the_grammar_wants_them() {
        let mut s = section("a=ptime:20\n");
        s.set_bandwidth(&Bandwidth {
            kind: BandwidthKind::ApplicationSpecific,
            value: 80,
        });
        s.set_connection(Some(&Connection::parse("IN IP4 192.0.2.1").expect("valid")));
        assert_eq!(s.to_string(), "c=IN IP4 192.0.2.1\nb=AS:80\na=ptime:20\n");
    }

    #[test]
    fn the_direction_is_replaced_in_place_and_only_once() {
        let mut s = section("a=ptime:20\na=sendrecv\na=mid:0\na=sendonly\n");
        assert_eq!(s.direction(), Some(Direction::SendOnly));
        s.set_direction(Direction::Inactive);
        assert_eq!(s.to_string(), "a=ptime:20\na=inactive\na=mid:0\n");
    }

    #[test]
    fn a_bandwidth_of_another_kind_stays() {
        let mut s = section("b=RS:0\nb=AS:64\n");
        s.set_bandwidth(&Bandwidth {
            kind: BandwidthKind::ApplicationSpecific,
            value: 80,
        });
        assert_eq!(s.to_string(), "b=RS:0\nb=AS:80\n");
        assert_eq!(s.bandwidth(BandwidthKind::Senders), Some(0));
    }
}
