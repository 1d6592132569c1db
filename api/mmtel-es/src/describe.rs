//! The words in which the types of the API are written down: `object!`, `open_enum!` and `text!`.
//! One description gives the type, its reader, its writer and its schema.

/// A structured data type. `name: Type = "wireName"`, with `| "otherName"` for a name that is borne
/// when it is read; `before` changes the members before they are read, `check` looks at the whole.
macro_rules! object {
    (
        $(#[doc = $doc:literal])+
        $(#[derive($($derived:ident),+)])?
        pub struct $Name:ident {
            $($(#[doc = $about:literal])+ $field:ident: $Type:ty = $wire:literal $(| $alias:literal)?,)+
        }
        $(before $before:path;)?
        $(check $check:path;)?
    ) => {
        $(#[doc = $doc])+
        #[derive(Clone, Debug, PartialEq, $($($derived),+)?)]
        pub struct $Name {
            $($(#[doc = $about])+ pub $field: $Type,)+
            /// Attributes of vendors, kept as they came.
            pub extensions: $crate::attribute::Extensions,
        }

        impl $crate::attribute::Attribute for $Name {
            fn read(
                value: ::serde_json::Value,
                reader: &mut $crate::attribute::Reader,
            ) -> Option<Self> {
                let mut members = reader.object(value)?;
                $($before(&mut members);)?
                // All are read before the first that is wrong ends it.
                $(let $field = reader.attribute::<$Type>(
                    &mut members,
                    $wire,
                    $crate::describe::first(&[$($alias)?]),
                );)+
                let read = Self {
                    $($field: $field?,)+
                    extensions: $crate::attribute::extensions(members),
                };
                $($check(&read, reader);)?
                Some(read)
            }

            fn write(&self) -> Option<::serde_json::Value> {
                let mut members = self.extensions.clone();
                $(if let Some(value) = self.$field.write() {
                    members.insert($wire.to_owned(), value);
                })+
                Some(::serde_json::Value::Object(members))
            }

            fn schema(components: &mut $crate::attribute::Components) -> ::serde_json::Value {
                components.named(stringify!($Name), |components| {
                    let description = concat!($($doc),+);
                    $crate::describe::object_schema(description, vec![$((
                        $wire,
                        concat!($($about),+),
                        !<$Type as $crate::attribute::Attribute>::OPTIONAL,
                        <$Type as $crate::attribute::Attribute>::schema(components),
                    )),+])
                })
            }
        }
    };
}

/// An enumeration that later releases may widen: an unknown value is kept, not refused.
macro_rules! open_enum {
    (
        $(#[doc = $doc:literal])+
        pub enum $Name:ident { $($(#[doc = $about:literal])+ $Variant:ident = $wire:literal,)+ }
    ) => {
        $(#[doc = $doc])+
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum $Name {
            $($(#[doc = $about])+ $Variant,)+
            /// A value that this release does not know.
            Other(String),
        }

        impl $Name {
            /// The value as it is written.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$Variant => $wire,)+
                    Self::Other(value) => value,
                }
            }
        }

        impl From<String> for $Name {
            fn from(value: String) -> Self {
                match value.as_str() {
                    $($wire => Self::$Variant,)+
                    _ => Self::Other(value),
                }
            }
        }

        impl $crate::attribute::Attribute for $Name {
            fn read(
                value: ::serde_json::Value,
                reader: &mut $crate::attribute::Reader,
            ) -> Option<Self> {
                String::read(value, reader).map(Self::from)
            }

            fn write(&self) -> Option<::serde_json::Value> {
                Some(::serde_json::Value::from(self.as_str()))
            }

            fn schema(components: &mut $crate::attribute::Components) -> ::serde_json::Value {
                components.named(stringify!($Name), |_| {
                    let values = [$(($wire, concat!($($about),+))),+];
                    $crate::describe::enum_schema(concat!($($doc),+), &values)
                })
            }
        }
    };
}

/// A string with a form of its own: `$check` says what is wrong with one, `$more` are further members
/// of the schema.
macro_rules! text {
    (
        $(#[doc = $doc:literal])+
        pub struct $Name:ident { check: $check:expr, schema: $more:tt }
    ) => {
        $(#[doc = $doc])+
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $Name(String);

        impl $Name {
            /// Takes a text of the right form; otherwise says what is wrong with it.
            pub fn new(text: impl Into<String>) -> Result<Self, &'static str> {
                let text = text.into();
                let check: fn(&str) -> Result<(), &'static str> = $check;
                check(&text).map(|()| Self(text))
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $Name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl $crate::attribute::Attribute for $Name {
            fn read(
                value: ::serde_json::Value,
                reader: &mut $crate::attribute::Reader,
            ) -> Option<Self> {
                let text = String::read(value, reader)?;
                Self::new(text).map_err(|reason| reader.wrong(reason)).ok()
            }

            fn write(&self) -> Option<::serde_json::Value> {
                Some(::serde_json::Value::from(self.as_str()))
            }

            fn schema(components: &mut $crate::attribute::Components) -> ::serde_json::Value {
                components.named(stringify!($Name), |_| {
                    let mut schema = ::serde_json::json!($more);
                    schema["type"] = "string".into();
                    schema["description"] = concat!($($doc),+).trim().into();
                    schema
                })
            }
        }
    };
}

pub(crate) use {object, open_enum, text};

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

pub(crate) fn first(aliases: &[&'static str]) -> Option<&'static str> {
    aliases.first().copied()
}

/// The schema of an object: name, description, whether it must be there, and schema of each attribute.
pub(crate) fn object_schema(
    description: &str,
    attributes: Vec<(&'static str, &'static str, bool, Value)>,
) -> Value {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for (name, about, mandatory, mut schema) in attributes {
        // What stands beside a `$ref` is ignored (OpenAPI 3.0.0, "Reference Object").
        if let Some(schema) = schema.as_object_mut()
            && !schema.contains_key("$ref")
        {
            schema.insert("description".into(), about.trim().into());
        }
        properties.insert(name.to_owned(), schema);
        if mandatory {
            required.push(name);
        }
    }
    let mut schema = json!({
        "type": "object",
        "description": description.trim(),
        "properties": properties,
    });
    if !required.is_empty() {
        schema["required"] = required.into();
    }
    schema
}

/// The schema of an open enumeration: one of the known values, or any other string.
pub(crate) fn enum_schema(description: &str, values: &[(&str, &str)]) -> Value {
    let mut text = description.trim().to_owned();
    for (value, about) in values {
        let _ = write!(text, "\n- {value}: {}", about.trim()); // a string takes all
    }
    let known: Vec<_> = values.iter().map(|(value, _)| value).collect();
    let later = "A value of a later release.";
    json!({
        "anyOf": [
            { "type": "string", "enum": known },
            { "type": "string", "description": later },
        ],
        "description": text,
    })
}
