//! State to bytes and back: one byte that names the format, then postcard. Knows no rule.
//!
//! A state type that changes its shape gets a new number and a decoder for the old one; a number is never used again.

use serde::{Serialize, de::DeserializeOwned};

/// Why bytes are not the state they should be: the store is damaged, or a newer version wrote it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    #[error("the {0} is empty")]
    Empty(&'static str),
    #[error("the {what} has format {found}; this version knows {known}")]
    Format { what: &'static str, found: u8, known: u8 },
    #[error("the {what} is damaged: {message}")]
    Damaged { what: &'static str, message: String },
}

/// Appends `value` to `out`.
pub(crate) fn encode<T: Serialize>(format: u8, value: &T, out: &mut Vec<u8>) {
    out.push(format);
    let buffer = std::mem::take(out);
    // A growing buffer is never full, and state has no type that postcard cannot write.
    *out = postcard::to_extend(value, buffer).expect("state types are writable");
}

/// Reads what [`encode`] wrote; all of `bytes` must be used. `what` names the type in errors.
pub(crate) fn decode<T: DeserializeOwned>(format: u8, what: &'static str, bytes: &[u8]) -> Result<T, DecodeError> {
    let (&found, body) = bytes.split_first().ok_or(DecodeError::Empty(what))?;
    if found != format {
        return Err(DecodeError::Format { what, found, known: format });
    }
    match postcard::take_from_bytes(body) {
        Ok((value, [])) => Ok(value),
        Ok((_, rest)) => Err(DecodeError::Damaged { what, message: format!("{} bytes too many", rest.len()) }),
        Err(e) => Err(DecodeError::Damaged { what, message: e.to_string() }),
    }
}
