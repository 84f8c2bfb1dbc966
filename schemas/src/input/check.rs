//! Checks of single fields, each with a sentence that names field, value and limit. Knows no record.

use std::borrow::Cow;
use std::fmt;

use super::MAX_ID_BYTES;
use crate::{Reason, Reject};

pub(crate) fn required<T>(field: &(impl fmt::Display + ?Sized), value: Option<T>) -> Result<T, Reject> {
    value.ok_or_else(|| Reject::new(Reason::MissingField, format!("`{field}` is missing")))
}

pub(crate) fn range(field: &(impl fmt::Display + ?Sized), value: i64, least: i64, most: i64) -> Result<i64, Reject> {
    if (least..=most).contains(&value) {
        Ok(value)
    } else {
        Err(Reject::new(Reason::ValueOutOfRange, format!("`{field}` is {value}; it is {least} to {most}")))
    }
}

pub(crate) fn degrees(field: &str, value: Option<f64>, most: f64) -> Result<f64, Reject> {
    let value = required(field, value)?;
    if value.abs() <= most {
        Ok(value)
    } else {
        Err(Reject::new(Reason::ValueOutOfRange, format!("`{field}` is {value}; it is -{most} to {most} degrees")))
    }
}

pub(crate) fn id<'a>(field: &(impl fmt::Display + ?Sized), value: Option<Cow<'a, str>>) -> Result<Cow<'a, str>, Reject> {
    let text = required(field, value)?;
    match id_fault(&text) {
        None => Ok(text),
        Some(fault) => Err(Reject::new(Reason::InvalidValue, format!("`{field}` {fault}"))),
    }
}

pub(crate) fn optional_id<'a>(field: &str, value: Option<Cow<'a, str>>) -> Result<Option<Cow<'a, str>>, Reject> {
    value.map(|v| id(field, Some(v))).transpose()
}

/// Ids are not empty, not long, and without control characters: they are joined by line feeds in the movements' hash.
pub(crate) fn id_fault(text: &str) -> Option<String> {
    if text.is_empty() {
        Some("is empty".into())
    } else if text.len() > MAX_ID_BYTES {
        Some(format!("has {} bytes, at most {MAX_ID_BYTES} are taken", text.len()))
    } else if text.chars().any(char::is_control) {
        Some("contains a control character".into())
    } else {
        None
    }
}

/// An ISO 4217 code: three upper-case letters.
pub(crate) fn currency(value: Option<Cow<'_, str>>) -> Result<Option<Cow<'_, str>>, Reject> {
    match value {
        Some(code) if code.len() != 3 || !code.bytes().all(|b| b.is_ascii_uppercase()) => {
            Err(Reject::new(Reason::InvalidValue, format!("`currency` is `{}`; it is three capital letters (ISO 4217)", brief(&code))))
        }
        other => Ok(other),
    }
}

pub(crate) fn same_as_key(field: &str, value: &str, key: &str) -> Result<(), Reject> {
    if value == key {
        Ok(())
    } else {
        Err(Reject::new(Reason::KeyMismatch, format!("`{field}` is `{}` but the record's key is `{}`", brief(value), brief(key))))
    }
}

/// Enough of a text to recognise it, for messages.
pub(crate) fn brief(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(64) {
        None => Cow::Borrowed(text),
        Some((end, _)) => Cow::Owned(format!("{}…", &text[..end])),
    }
}
