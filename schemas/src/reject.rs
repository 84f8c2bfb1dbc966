//! Why a record became a dead letter: a stable word for machines, a sentence for people.

use std::fmt;

/// The stable word in `waybill.error.reason`. Adding one is free; changing one breaks somebody's alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reason {
    // The bytes.
    MissingKey,
    InvalidKey,
    MissingValue,
    TooLarge,
    TooManyHeaders,
    InvalidUtf8,
    InvalidJson,
    // The signature: see `docs/signatures.md`.
    SignatureMissing,
    SignatureMalformed,
    SignatureWrong,
    SignatureUnknownKey,
    SignatureExpired,
    SignatureReplayed,
    // The fields.
    MissingField,
    InvalidValue,
    ValueOutOfRange,
    TooManyLines,
    InvalidGtin,
    UnknownType,
    KeyMismatch,
    TimestampInFuture,
    // The business: the record is well formed and cannot be done.
    ConflictingDuplicate,
    UnknownOrder,
    UnknownLine,
    UnknownSku,
    OrderClosed,
    NotPaid,
    NotShipped,
    AlreadyDelivered,
    ExceedsQuantity,
    ExceedsOnHand,
    TooManyPending,
}

impl Reason {
    pub fn word(self) -> &'static str {
        match self {
            Reason::MissingKey => "missing_key",
            Reason::InvalidKey => "invalid_key",
            Reason::MissingValue => "missing_value",
            Reason::TooLarge => "too_large",
            Reason::TooManyHeaders => "too_many_headers",
            Reason::InvalidUtf8 => "invalid_utf8",
            Reason::InvalidJson => "invalid_json",
            Reason::SignatureMissing => "signature_missing",
            Reason::SignatureMalformed => "signature_malformed",
            Reason::SignatureWrong => "signature_wrong",
            Reason::SignatureUnknownKey => "signature_unknown_key",
            Reason::SignatureExpired => "signature_expired",
            Reason::SignatureReplayed => "signature_replayed",
            Reason::MissingField => "missing_field",
            Reason::InvalidValue => "invalid_value",
            Reason::ValueOutOfRange => "value_out_of_range",
            Reason::TooManyLines => "too_many_lines",
            Reason::InvalidGtin => "invalid_gtin",
            Reason::UnknownType => "unknown_type",
            Reason::KeyMismatch => "key_mismatch",
            Reason::TimestampInFuture => "timestamp_in_future",
            Reason::ConflictingDuplicate => "conflicting_duplicate",
            Reason::UnknownOrder => "unknown_order",
            Reason::UnknownLine => "unknown_line",
            Reason::UnknownSku => "unknown_sku",
            Reason::OrderClosed => "order_closed",
            Reason::NotPaid => "not_paid",
            Reason::NotShipped => "not_shipped",
            Reason::AlreadyDelivered => "already_delivered",
            Reason::ExceedsQuantity => "exceeds_quantity",
            Reason::ExceedsOnHand => "exceeds_on_hand",
            Reason::TooManyPending => "too_many_pending",
        }
    }
}

/// A record that cannot be taken, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reject {
    pub reason: Reason,
    /// One sentence: what was wrong, where, and what was expected.
    pub message: String,
}

impl Reject {
    pub fn new(reason: Reason, message: impl Into<String>) -> Reject {
        Reject { reason, message: message.into() }
    }
}

impl fmt::Display for Reject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.reason.word(), self.message)
    }
}
