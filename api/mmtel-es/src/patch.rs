//! JSON Patch (RFC 6902, as PatchItem of TS 29.571), with the index of the operation that failed.

use json_patch::jsonptr::PointerBuf;
use json_patch::{
    AddOperation, CopyOperation, MoveOperation, PatchErrorKind, PatchOperation as Operation,
    RemoveOperation, ReplaceOperation, TestOperation,
};
use serde_json::Value;

use crate::attribute::{Any, Attribute, Components, Reader, read_value};
use crate::describe::{object, open_enum};
use crate::fault::Faults;
use crate::json::MAX_VALUES;
use crate::problem::{Cause, ProblemDetails};

/// The media type of a [`Patch`].
pub const JSON_PATCH: &str = "application/json-patch+json";
/// How many operations a patch may have.
pub const MAX_OPERATIONS: usize = 256;
/// How large a document may become, written down. A patch that copies a document into itself doubles
/// it with each operation.
const MAX_DOCUMENT: usize = 256 * 1024;

object! {
    /// One operation of a patch (TS 29.571).
    pub struct PatchItem {
        /// What is done.
        op: PatchOperation = "op",
        /// Where, as a JSON Pointer.
        path: String = "path",
        /// From where; with `copy` and `move`.
        from: Option<String> = "from",
        /// With which value; with `add`, `replace` and `test`. Null is one.
        value: Option<Any> = "value",
    }
    check PatchItem::check;
}

open_enum! {
    /// What an operation of a patch does (RFC 6902 §4).
    pub enum PatchOperation {
        /// Adds a value.
        Add = "add",
        /// Copies a value.
        Copy = "copy",
        /// Moves a value.
        Move = "move",
        /// Removes a value.
        Remove = "remove",
        /// Replaces a value.
        Replace = "replace",
        /// Fails when the value is another one.
        Test = "test",
    }
}

impl PatchItem {
    fn check(&self, reader: &mut Reader) {
        use PatchOperation::{Add, Copy, Move, Other, Remove, Replace, Test};
        match &self.op {
            Add | Replace | Test if self.value.is_none() => {
                reader.missing("value", "is missing, and the operation needs it");
            }
            Copy | Move if self.from.is_none() => {
                reader.missing("from", "is missing, and the operation needs it");
            }
            Other(_) => reader.wrong_member("op", "must be an operation of RFC 6902"),
            Add | Copy | Move | Remove | Replace | Test => {}
        }
        let pointer = "must be a JSON Pointer";
        if PointerBuf::parse(self.path.as_str()).is_err() {
            reader.wrong_member("path", pointer);
        }
        if self
            .from
            .as_deref()
            .is_some_and(|from| PointerBuf::parse(from).is_err())
        {
            reader.wrong_member("from", pointer);
        }
    }

    /// The operation; `None` only for an item that [`PatchItem::check`] refuses.
    fn operation(&self) -> Option<Operation> {
        let path = PointerBuf::parse(self.path.as_str()).ok()?;
        let from = || PointerBuf::parse(self.from.as_deref()?).ok();
        let value = || self.value.as_ref().map(|value| value.0.clone());
        Some(match self.op {
            PatchOperation::Add => Operation::Add(AddOperation {
                path,
                value: value()?,
            }),
            PatchOperation::Copy => Operation::Copy(CopyOperation {
                path,
                from: from()?,
            }),
            PatchOperation::Move => Operation::Move(MoveOperation {
                path,
                from: from()?,
            }),
            PatchOperation::Remove => Operation::Remove(RemoveOperation { path }),
            PatchOperation::Replace => Operation::Replace(ReplaceOperation {
                path,
                value: value()?,
            }),
            PatchOperation::Test => Operation::Test(TestOperation {
                path,
                value: value()?,
            }),
            PatchOperation::Other(_) => return None,
        })
    }
}

/// The operations of a patch, all of them or none.
#[derive(Clone, Debug, PartialEq)]
pub struct Patch(pub Vec<PatchItem>);

impl Attribute for Patch {
    fn read(value: Value, reader: &mut Reader) -> Option<Self> {
        let items = Vec::<PatchItem>::read(value, reader)?;
        if items.len() > MAX_OPERATIONS {
            reader.wrong(format!("must have at most {MAX_OPERATIONS} operations"));
            return None;
        }
        Some(Self(items))
    }

    fn write(&self) -> Option<Value> {
        self.0.write()
    }

    fn schema(components: &mut Components) -> Value {
        Vec::<PatchItem>::schema(components)
    }
}

/// Why a patch was not applied. Nothing was changed then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unpatched {
    /// An operation failed.
    Failed {
        /// Which one, counted from 0.
        index: usize,
        /// Its path.
        path: String,
        /// Why.
        why: Failure,
    },
    /// All were applied, and what came of it is no such resource.
    Invalid {
        /// What is wrong with it.
        faults: Faults,
        /// The paths of the operations.
        paths: Vec<String>,
    },
}

/// Why an operation of a patch failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// A `test` found another value.
    Test,
    /// There is nothing at the path.
    NoTarget,
    /// There is nothing at `from`.
    NoSource,
    /// A value cannot be moved into itself.
    IntoItself,
    /// The document became too large.
    TooLarge,
}

impl Patch {
    /// What becomes of `resource`.
    pub fn apply<T: Attribute>(&self, resource: &T) -> Result<T, Unpatched> {
        let mut document = resource.write().unwrap_or_default();
        for (index, item) in self.0.iter().enumerate() {
            let failed = |why| Unpatched::Failed {
                index,
                path: item.path.clone(),
                why,
            };
            let operation = item.operation().ok_or_else(|| failed(Failure::NoTarget))?;
            json_patch::patch_unsafe(&mut document, &[operation]).map_err(|error| {
                failed(match error.kind {
                    PatchErrorKind::TestFailed => Failure::Test,
                    PatchErrorKind::InvalidFromPointer => Failure::NoSource,
                    PatchErrorKind::CannotMoveInsideItself => Failure::IntoItself,
                    _ => Failure::NoTarget,
                })
            })?;
            if !within_bounds(&document) {
                return Err(failed(Failure::TooLarge));
            }
        }
        read_value(document).map_err(|faults| Unpatched::Invalid {
            faults,
            paths: self.0.iter().map(|item| item.path.clone()).collect(),
        })
    }
}

/// Whether a document has at most so many values and so many bytes.
fn within_bounds(document: &Value) -> bool {
    fn count(value: &Value, values: &mut usize, bytes: &mut usize, depth: usize) -> bool {
        *values += 1;
        if *values > MAX_VALUES || *bytes > MAX_DOCUMENT || depth > crate::json::MAX_DEPTH {
            return false;
        }
        match value {
            Value::String(text) => *bytes += text.len(),
            Value::Array(elements) => {
                return elements.iter().all(|e| count(e, values, bytes, depth + 1));
            }
            Value::Object(members) => {
                return members.iter().all(|(name, member)| {
                    *bytes += name.len();
                    count(member, values, bytes, depth + 1)
                });
            }
            _ => *bytes += 8,
        }
        *bytes <= MAX_DOCUMENT
    }
    count(document, &mut 0, &mut 0, 0)
}

/// RFC 5789 §2.2: an operation that does not fit the resource as it is, is a conflict; one that would
/// make it invalid is a bad request. Either names the operation, as TS 29.571 asks of the reason.
impl From<&Unpatched> for ProblemDetails {
    fn from(unpatched: &Unpatched) -> Self {
        match unpatched {
            Unpatched::Failed { index, path, why } => {
                let (status, reason) = match why {
                    Failure::Test => (409, "has another value"),
                    Failure::NoTarget => (409, "is not there"),
                    Failure::NoSource => (409, "cannot be had from where nothing is"),
                    Failure::IntoItself => (400, "cannot be moved into itself"),
                    Failure::TooLarge => (400, "makes the resource too large"),
                };
                let cause = match status {
                    409 => Cause::ModificationNotAllowed,
                    _ => Cause::OptionalIeIncorrect,
                };
                let reason = format!("{reason} (failed operation index= {index})");
                let path = path.chars().take(256).collect::<String>();
                Self::new(status)
                    .cause(&cause)
                    .detail("The patch was not applied.")
                    .param(path, reason)
            }
            Unpatched::Invalid { faults, paths } => {
                let mut problem = Self::from(faults);
                for param in problem.invalid_params.iter_mut().flatten() {
                    // The last operation that touched what is wrong, or something above or below it.
                    let touched =
                        |path: &String| above(path, &param.param) || above(&param.param, path);
                    if let (Some(index), Some(reason)) =
                        (paths.iter().rposition(touched), &mut param.reason)
                    {
                        *reason = format!("{reason} (failed operation index= {index})");
                    }
                }
                problem
            }
        }
    }
}

/// Whether one JSON Pointer is the other, or above it.
fn above(upper: &str, lower: &str) -> bool {
    let rest = lower.strip_prefix(upper);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
#[path = "patch_tests.rs"]
mod tests;
