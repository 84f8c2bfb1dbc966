//! What was wrong with a record's bytes, and where.

use std::fmt;

use serde::de;

/// The record cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault(Box<Inner>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Inner {
    kind: FaultKind,
    /// Offset from the beginning of the datum, where it is known.
    at: Option<usize>,
    /// The field, such as `lines[3].quantity`; empty for the record itself.
    path: String,
    message: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// The bytes end before the record does.
    Truncated,
    /// The record ends before the bytes do.
    Trailing,
    /// The bytes are not what an encoder writes.
    Malformed,
    /// Well-formed, and the reader's schema has nothing that it could be.
    Unresolved,
    /// The schema and the Rust type differ, or the type refuses the value.
    Value,
}

impl Fault {
    pub(crate) fn new(kind: FaultKind, at: usize, message: impl Into<String>) -> Fault {
        Fault(Box::new(Inner { kind, at: Some(at), path: String::new(), message: message.into() }))
    }

    pub fn kind(&self) -> FaultKind {
        self.0.kind
    }

    #[must_use]
    pub(crate) fn in_field(mut self, name: &str) -> Fault {
        let dot = if self.0.path.is_empty() || self.0.path.starts_with('[') { "" } else { "." };
        self.0.path = format!("{name}{dot}{}", self.0.path);
        self
    }

    #[must_use]
    pub(crate) fn in_item(mut self, index: u64) -> Fault {
        let dot = if self.0.path.is_empty() || self.0.path.starts_with('[') { "" } else { "." };
        self.0.path = format!("[{index}]{dot}{}", self.0.path);
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { at, path, message, .. } = &*self.0;
        if !path.is_empty() {
            write!(f, "`{path}`: ")?;
        }
        f.write_str(message)?;
        match at {
            Some(at) => write!(f, ", at byte {at} of the datum"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Fault {}

impl de::Error for Fault {
    fn custom<T: fmt::Display>(message: T) -> Fault {
        Fault(Box::new(Inner { kind: FaultKind::Value, at: None, path: String::new(), message: message.to_string() }))
    }
}
