//! Bytes to a JSON value, within bounds, and refusing what JSON leaves open.
//!
//! RFC 8259 §4 leaves it to the reader what two members of one name mean. Two readers that choose
//! differently see two different requests, so we refuse them, and name every one.

use std::cell::RefCell;
use std::fmt;

use serde::de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use crate::fault::{Fault, Faults, Kind, Pointer};

/// How deep a body may nest.
pub const MAX_DEPTH: usize = 32;
/// How many values (members, elements, the body itself) a body may have: a byte of text becomes some
/// thirty of memory otherwise.
pub const MAX_VALUES: usize = 100_000;

/// Reads one JSON text.
///
/// The duplicate members go into `faults`, and the first of each name is kept: so whatever else is
/// wrong can be told with them.
pub(crate) fn parse(body: &[u8], faults: &mut Faults) -> Option<Value> {
    let state = RefCell::new(State {
        pointer: Pointer::default(),
        depth: 0,
        values: 0,
        faults,
        refused: None,
    });
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let value = Seed(&state)
        .deserialize(&mut deserializer)
        .and_then(|value| deserializer.end().map(|()| value));
    let state = state.into_inner();
    match value {
        Ok(value) => Some(value),
        Err(error) => {
            let reason = state.refused.map_or_else(
                || {
                    let (line, column) = (error.line(), error.column());
                    format!("is no JSON text (line {line}, column {column})")
                },
                str::to_owned,
            );
            state.faults.add(Fault::new("", reason, Kind::Format));
            None
        }
    }
}

struct State<'a> {
    pointer: Pointer,
    depth: usize,
    values: usize,
    faults: &'a mut Faults,
    refused: Option<&'static str>,
}

#[derive(Clone, Copy)]
struct Seed<'s, 'a>(&'s RefCell<State<'a>>);

impl Seed<'_, '_> {
    /// One level deeper; an error when that is too deep.
    fn enter<E: serde::de::Error>(self) -> Result<(), E> {
        let mut state = self.0.borrow_mut();
        state.depth += 1;
        if state.depth > MAX_DEPTH {
            state.refused = Some("nests too deep");
            return Err(E::custom("depth"));
        }
        Ok(())
    }

    fn leave(self) {
        self.0.borrow_mut().depth -= 1;
    }
}

impl<'de> DeserializeSeed<'de> for Seed<'_, '_> {
    type Value = Value;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        {
            let mut state = self.0.borrow_mut();
            state.values += 1;
            if state.values > MAX_VALUES {
                state.refused = Some("has too many values");
                return Err(D::Error::custom("values"));
            }
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_, '_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Value, A::Error> {
        self.enter()?;
        let mut elements = Vec::new();
        loop {
            let mark = self.0.borrow_mut().pointer.push_index(elements.len());
            let element = sequence.next_element_seed(self)?;
            self.0.borrow_mut().pointer.pop(mark);
            match element {
                Some(element) => elements.push(element),
                None => break,
            }
        }
        self.leave();
        Ok(Value::Array(elements))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        self.enter()?;
        let mut members = Map::new();
        while let Some(name) = map.next_key::<String>()? {
            let mark = self.0.borrow_mut().pointer.push(&name);
            let value = map.next_value_seed(self)?;
            let mut state = self.0.borrow_mut();
            if members.contains_key(&name) {
                let fault = Fault::new(state.pointer.as_str(), "is there twice", Kind::Format);
                state.faults.add(fault);
            } else {
                members.insert(name, value);
            }
            state.pointer.pop(mark);
        }
        self.leave();
        Ok(Value::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults_of(body: &str) -> Vec<(String, String)> {
        let mut faults = Faults::default();
        parse(body.as_bytes(), &mut faults);
        let faults = faults.iter();
        faults
            .map(|fault| (fault.pointer.clone(), fault.reason.clone()))
            .collect()
    }

    #[test]
    fn every_duplicate_is_named() {
        let body = r#"{"a":1,"a":2,"b":[{"c/d":1,"c/d":[]}],"a":3}"#;
        let pointers: Vec<_> = faults_of(body).into_iter().map(|(p, _)| p).collect();
        assert_eq!(pointers, ["/a", "/b/0/c~1d", "/a"]);
    }

    #[test]
    fn depth_is_bounded() {
        let nested = |depth| "[".repeat(depth) + &"]".repeat(depth);
        assert_eq!(faults_of(&nested(MAX_DEPTH)), []);
        let too_deep = [(String::new(), "nests too deep".to_owned())];
        assert_eq!(faults_of(&nested(MAX_DEPTH + 1)), too_deep);
        assert_eq!(faults_of(&"[".repeat(1_000_000)), too_deep);
    }

    #[test]
    fn the_number_of_values_is_bounded() {
        let list = |n: usize| format!("[{}0]", "0,".repeat(n - 1));
        assert_eq!(faults_of(&list(MAX_VALUES - 1)), []);
        assert_eq!(faults_of(&list(MAX_VALUES))[0].1, "has too many values");
    }

    #[test]
    fn what_is_no_json_says_where() {
        for body in ["", "{", "{\"a\":1}x", "nul", "\u{feff}{}", "{\"a\":1,}"] {
            assert!(faults_of(body)[0].1.starts_with("is no JSON text (line "));
        }
        assert_eq!(
            faults_of("{\n \"a\": trux\n}")[0].1,
            "is no JSON text (line 2, column 10)"
        );
    }
}
