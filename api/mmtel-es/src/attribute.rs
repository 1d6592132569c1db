//! What every type of the API can do: be read from JSON with all its faults told, be written, and
//! describe itself as an OpenAPI schema.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::fault::{Fault, Faults, Kind, Pointer};
use crate::json;

/// A value that an attribute of the API may have.
pub trait Attribute: Sized {
    /// Whether the attribute may be left out.
    const OPTIONAL: bool = false;

    /// What it is when it is left out; `None` if it may not be.
    fn absent() -> Option<Self> {
        None
    }

    /// Reads it. `None` when it is wrong, and then `reader` has been told why.
    fn read(value: Value, reader: &mut Reader) -> Option<Self>;

    /// Writes it; `None` leaves the attribute out.
    fn write(&self) -> Option<Value>;

    /// Its OpenAPI schema. A type with a name puts itself into `components` and gives a reference.
    fn schema(components: &mut Components) -> Value;
}

/// Reads a body.
///
/// Attributes that we do not know are ignored (TS 29.501 §4.6.1.1.1.2), those whose names begin with
/// `vendorSpecific-` are kept (TS 29.122 §5.2.13.2).
pub fn read<T: Attribute>(body: &[u8]) -> Result<T, Faults> {
    let mut reader = Reader::default();
    let Some(value) = json::parse(body, &mut reader.faults) else {
        return Err(reader.faults);
    };
    let read = T::read(value, &mut reader);
    reader.finish(read)
}

/// Reads a value that is JSON already, such as one out of a store or a patched one.
pub fn read_value<T: Attribute>(value: Value) -> Result<T, Faults> {
    let mut reader = Reader::default();
    let read = T::read(value, &mut reader);
    reader.finish(read)
}

/// Writes a body.
pub fn write<T: Attribute>(value: &T) -> Vec<u8> {
    value.write().unwrap_or_default().to_string().into_bytes()
}

/// Where a reading stands, and what was wrong so far.
#[derive(Debug, Default)]
pub struct Reader {
    pointer: Pointer,
    /// How many of the attributes above are optional.
    optional: usize,
    faults: Faults,
}

impl Reader {
    fn finish<T>(self, read: Option<T>) -> Result<T, Faults> {
        match read {
            Some(read) if self.faults.is_empty() => Ok(read),
            _ => Err(self.faults),
        }
    }

    /// Says that the value here is wrong.
    pub fn wrong(&mut self, reason: impl Into<String>) {
        let kind = if self.optional > 0 {
            Kind::Optional
        } else {
            Kind::Mandatory
        };
        self.fault(reason, kind);
    }

    /// Says that a member of the object here is wrong.
    pub fn wrong_member(&mut self, name: &str, reason: impl Into<String>) {
        let mark = self.pointer.push(name);
        self.wrong(reason);
        self.pointer.pop(mark);
    }

    /// Says that what is at that path below is wrong.
    pub(crate) fn wrong_below(&mut self, path: &[&str], reason: &str) {
        match path {
            [] => self.wrong(reason),
            [name, rest @ ..] => {
                let mark = self.pointer.push(name);
                self.wrong_below(rest, reason);
                self.pointer.pop(mark);
            }
        }
    }

    /// Says that a member of the object here is not there, and should be.
    pub fn missing(&mut self, name: &str, reason: impl Into<String>) {
        let mark = self.pointer.push(name);
        self.fault(reason, Kind::Missing);
        self.pointer.pop(mark);
    }

    fn fault(&mut self, reason: impl Into<String>, kind: Kind) {
        let fault = Fault::new(self.pointer.as_str(), reason, kind);
        self.faults.add(fault);
    }

    /// The value as an object.
    pub(crate) fn object(&mut self, value: Value) -> Option<Map<String, Value>> {
        if let Value::Object(members) = value {
            return Some(members);
        }
        self.wrong("must be an object");
        None
    }

    /// Takes one attribute out of an object, under its name or the other one that we bear.
    pub(crate) fn attribute<T: Attribute>(
        &mut self,
        members: &mut Map<String, Value>,
        name: &str,
        alias: Option<&str>,
    ) -> Option<T> {
        let mut value = members.remove(name);
        let mut name = name;
        if let Some(alias) = alias
            && let Some(other) = members.remove(alias)
        {
            if value.is_some() {
                self.wrong_member(alias, format!("is another name of {name}: one of them"));
                return None;
            }
            (name, value) = (alias, Some(other));
        }
        let Some(value) = value else {
            let absent = T::absent();
            if absent.is_none() {
                self.missing(name, "is missing");
            }
            return absent;
        };
        let mark = self.pointer.push(name);
        self.optional += usize::from(T::OPTIONAL);
        let read = T::read(value, self);
        self.optional -= usize::from(T::OPTIONAL);
        self.pointer.pop(mark);
        read
    }
}

/// The named schemas of one OpenAPI document.
#[derive(Debug, Default)]
pub struct Components(BTreeMap<&'static str, Value>);

impl Components {
    /// A reference to the schema of that name, which `make` makes when it is not there yet.
    pub(crate) fn named(
        &mut self,
        name: &'static str,
        make: impl FnOnce(&mut Self) -> Value,
    ) -> Value {
        if !self.0.contains_key(name) {
            self.0.insert(name, Value::Null); // so that a type may contain itself
            let schema = make(self);
            self.0.insert(name, schema);
        }
        json!({ "$ref": format!("#/components/schemas/{name}") })
    }

    pub(crate) fn into_value(self) -> Value {
        let schemas = self.0.into_iter();
        Value::Object(schemas.map(|(name, s)| (name.to_owned(), s)).collect())
    }
}

/// Attributes of vendors (TS 29.122 §5.2.13.2), kept as they came.
pub type Extensions = Map<String, Value>;

/// What of the members that nobody took is kept.
pub(crate) fn extensions(members: Map<String, Value>) -> Extensions {
    let members = members.into_iter();
    members
        .filter(|(name, _)| name.starts_with("vendorSpecific-"))
        .collect()
}

impl<T: Attribute> Attribute for Option<T> {
    const OPTIONAL: bool = true;

    fn absent() -> Option<Self> {
        Some(None)
    }

    fn read(value: Value, reader: &mut Reader) -> Option<Self> {
        T::read(value, reader).map(Some)
    }

    fn write(&self) -> Option<Value> {
        self.as_ref().and_then(T::write)
    }

    fn schema(components: &mut Components) -> Value {
        T::schema(components)
    }
}

impl Attribute for String {
    fn read(value: Value, reader: &mut Reader) -> Option<Self> {
        match value {
            // Deviates: JSON may write it, but PostgreSQL's text and a SIP header cannot.
            Value::String(text) if text.contains('\0') => {
                reader.wrong("must not contain U+0000");
                None
            }
            Value::String(text) => Some(text),
            _ => {
                reader.wrong("must be a string");
                None
            }
        }
    }

    fn write(&self) -> Option<Value> {
        Some(Value::String(self.clone()))
    }

    fn schema(_: &mut Components) -> Value {
        json!({ "type": "string" })
    }
}

impl Attribute for bool {
    fn read(value: Value, reader: &mut Reader) -> Option<Self> {
        let read = value.as_bool();
        if read.is_none() {
            reader.wrong("must be true or false");
        }
        read
    }

    fn write(&self) -> Option<Value> {
        Some(Value::Bool(*self))
    }

    fn schema(_: &mut Components) -> Value {
        json!({ "type": "boolean" })
    }
}

/// An integer is written as one: `1.0` and `"1"` are refused.
impl Attribute for i64 {
    fn read(value: Value, reader: &mut Reader) -> Option<Self> {
        let read = value.as_i64();
        if read.is_none() {
            reader.wrong("must be an integer of at most 64 bits");
        }
        read
    }

    fn write(&self) -> Option<Value> {
        Some(Value::Number((*self).into()))
    }

    fn schema(_: &mut Components) -> Value {
        json!({ "type": "integer" })
    }
}

/// A list of the API has at least one element (cardinality 1..N).
impl<T: Attribute> Attribute for Vec<T> {
    fn read(value: Value, reader: &mut Reader) -> Option<Self> {
        let list = read_list(value, reader)?;
        if list.is_empty() {
            reader.wrong("must have at least one element");
            return None;
        }
        Some(list)
    }

    fn write(&self) -> Option<Value> {
        (!self.is_empty()).then(|| self.iter().filter_map(T::write).collect())
    }

    fn schema(components: &mut Components) -> Value {
        json!({ "type": "array", "items": T::schema(components), "minItems": 1 })
    }
}

/// Reads all elements of a list, so that the faults of all are told.
pub(crate) fn read_list<T: Attribute>(value: Value, reader: &mut Reader) -> Option<Vec<T>> {
    let Value::Array(elements) = value else {
        reader.wrong("must be a list");
        return None;
    };
    let mut list = Some(Vec::with_capacity(elements.len()));
    for (index, element) in elements.into_iter().enumerate() {
        let mark = reader.pointer.push_index(index);
        let element = T::read(element, reader);
        reader.pointer.pop(mark);
        match (&mut list, element) {
            (Some(list), Some(element)) => list.push(element),
            _ => list = None,
        }
    }
    list
}

/// An object whose members mean nothing to us and stay as they came.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Object(pub Map<String, Value>);

impl Attribute for Object {
    fn read(value: Value, reader: &mut Reader) -> Option<Self> {
        reader.object(value).map(Self)
    }

    fn write(&self) -> Option<Value> {
        Some(Value::Object(self.0.clone()))
    }

    fn schema(_: &mut Components) -> Value {
        json!({ "type": "object" })
    }
}

/// Any JSON value, `null` too.
#[derive(Clone, Debug, PartialEq)]
pub struct Any(pub Value);

impl Attribute for Any {
    fn read(value: Value, _: &mut Reader) -> Option<Self> {
        Some(Self(value))
    }

    fn write(&self) -> Option<Value> {
        Some(self.0.clone())
    }

    fn schema(_: &mut Components) -> Value {
        json!({})
    }
}

/// An attribute that a later release replaced by another one.
#[derive(Clone, Debug, PartialEq)]
pub struct Deprecated<T>(pub T);

impl<T: Attribute> Attribute for Deprecated<T> {
    fn read(value: Value, reader: &mut Reader) -> Option<Self> {
        T::read(value, reader).map(Self)
    }

    fn write(&self) -> Option<Value> {
        self.0.write()
    }

    fn schema(components: &mut Components) -> Value {
        json!({ "deprecated": true, "allOf": [T::schema(components)] })
    }
}
