//! A topic's rule for signatures, and its verdict on one record. Pure: the time is the record's.
//!
//! Which reason when: first whether the headers can be read (missing, malformed), then whether a key of the topic made
//! one of the signatures (unknown key, wrong), and only then the time (expired) and whether the id came before
//! (replayed, see `seen.rs`). So `expired` and `replayed` are said of records only that somebody with a key did sign.

use schemas::{Reason, Reject, Timestamp};
use subtle::Choice;

use crate::headers::{HeaderRef, Headers};
use crate::key::{Kind, VerifyingKey, signed_bytes};
use crate::seen::Seen;

/// How far a record's signed time may be from the record's own, in seconds, unless configured.
pub const WINDOW_SECONDS: i64 = 300;
/// The longest window: ids are remembered for as long.
pub const MAX_WINDOW_SECONDS: i64 = 86_400;
/// Most keys of one topic: a record is held against each of them.
pub const MAX_KEYS: usize = 8;

/// What a topic asks of its records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Policy {
    /// Every record is signed by one of the topic's keys.
    Required,
    /// An unsigned record passes, one that is signed has to be right: for the time in which producers begin to sign.
    Accepted,
    /// Signatures are not looked at.
    #[default]
    Off,
}

impl Policy {
    pub const ALL: [Policy; 3] = [Policy::Required, Policy::Accepted, Policy::Off];

    /// Its word in `topology.toml`.
    pub fn word(self) -> &'static str {
        match self {
            Policy::Required => "required",
            Policy::Accepted => "accepted",
            Policy::Off => "off",
        }
    }
}

/// A key of a topic, and when it may sign. By the records' own time, so that an old log needs its old keys.
#[derive(Clone, Debug)]
pub struct TopicKey {
    pub key: VerifyingKey,
    pub not_before: Option<Timestamp>,
    pub not_after: Option<Timestamp>,
}

impl TopicKey {
    pub fn always(key: VerifyingKey) -> TopicKey {
        TopicKey { key, not_before: None, not_after: None }
    }

    fn is_valid(&self, at: Timestamp) -> bool {
        self.not_before.is_none_or(|from| at >= from) && self.not_after.is_none_or(|to| at <= to)
    }
}

/// Why there can be no such rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GuardError {
    #[error("signatures are {}, and there is no key to check them with", .0.word())]
    NoKeys(Policy),
    #[error("there are {0} keys; a topic has at most {MAX_KEYS}")]
    TooManyKeys(usize),
    #[error("key {0} ends before it begins")]
    Reversed(usize),
    #[error("the window must be 1 to {MAX_WINDOW_SECONDS} seconds, not {0}")]
    Window(i64),
}

/// The rule of one topic, ready to use.
#[derive(Clone, Debug)]
pub struct Guard {
    policy: Policy,
    window_millis: i64,
    keys: Vec<TopicKey>,
    has_ed25519: bool,
}

/// A record that passed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Checked<'h> {
    /// It is not signed, and need not be.
    Unsigned,
    /// One of the topic's keys signed it. It counts if its id has not been seen: [`Seen::once`].
    Signed { id: &'h str, seen: Seen },
}

impl Guard {
    /// A rule. Keys of a topic whose signatures are `off` are not looked at.
    pub fn new(policy: Policy, window_seconds: i64, keys: Vec<TopicKey>) -> Result<Guard, GuardError> {
        if policy != Policy::Off && keys.is_empty() {
            return Err(GuardError::NoKeys(policy));
        }
        if keys.len() > MAX_KEYS {
            return Err(GuardError::TooManyKeys(keys.len()));
        }
        if let Some(i) = keys.iter().position(|k| matches!((k.not_before, k.not_after), (Some(from), Some(to)) if from > to)) {
            return Err(GuardError::Reversed(i + 1));
        }
        if !(1..=MAX_WINDOW_SECONDS).contains(&window_seconds) {
            return Err(GuardError::Window(window_seconds));
        }
        let has_ed25519 = keys.iter().any(|k| k.key.kind() == Kind::Ed25519);
        Ok(Guard { policy, window_millis: window_seconds * 1000, keys, has_ed25519 })
    }

    pub fn policy(&self) -> Policy {
        self.policy
    }

    /// The verdict on a record. `at`: the timestamp that the broker gave it; below 1 it has none. A null value is
    /// signed as an empty one; nothing but a dead letter can come of either.
    pub fn check<'h>(&self, headers: &[HeaderRef<'h>], value: Option<&[u8]>, at: Timestamp) -> Result<Checked<'h>, Reject> {
        if self.policy == Policy::Off {
            return Ok(Checked::Unsigned);
        }
        let Some(headers) = Headers::read(headers)? else {
            return match self.policy {
                Policy::Required => Err(Reject::new(
                    Reason::SignatureMissing,
                    "the record is not signed, and this topic takes signed records only: see `waybill sign --help`",
                )),
                Policy::Accepted | Policy::Off => Ok(Checked::Unsigned),
            };
        };
        self.signed(&headers, value.unwrap_or_default(), at)?;
        let seen = self.in_time(&headers, at)?;
        Ok(Checked::Signed { id: headers.id, seen })
    }

    /// Holds the record against every key, always all of them.
    fn signed(&self, headers: &Headers<'_>, payload: &[u8], at: Timestamp) -> Result<(), Reject> {
        let needs_bytes = self.has_ed25519 && !headers.v1a.is_empty();
        let bytes = if needs_bytes { signed_bytes(headers.id, headers.timestamp, payload) } else { vec![] };
        let (mut valid, mut outdated) = (Choice::from(0), Choice::from(0));
        let (mut of_kind, mut first_outdated) = (0, None);
        for (i, key) in self.keys.iter().enumerate() {
            let used = match key.key.kind() {
                Kind::Hmac => !headers.v1.is_empty(),
                Kind::Ed25519 => !headers.v1a.is_empty(),
            };
            let made = key.key.made_one_of(headers, payload, &bytes);
            if key.is_valid(at) {
                of_kind += u32::from(used);
                valid |= made;
            } else {
                outdated |= made;
                if bool::from(made) {
                    first_outdated.get_or_insert(i + 1);
                }
            }
        }
        if bool::from(valid) {
            return Ok(());
        }
        if let Some(number) = first_outdated {
            return Err(Reject::new(
                Reason::SignatureUnknownKey,
                format!("it was signed with key {number} of the topic, which is not valid at {at}, the time of the record"),
            ));
        }
        let versions = match (headers.v1.is_empty(), headers.v1a.is_empty()) {
            (false, false) => "v1 (HMAC) and v1a (Ed25519)",
            (false, true) => "v1 (HMAC)",
            (true, false) => "v1a (Ed25519)",
            (true, true) => "no version that is known here (v1, v1a)",
        };
        if of_kind == 0 {
            return Err(Reject::new(
                Reason::SignatureUnknownKey,
                format!("its signatures are {versions}, and the topic has no key for that at {at}, the time of the record"),
            ));
        }
        Err(Reject::new(
            Reason::SignatureWrong,
            format!(
                "none of the topic's keys made its signature ({versions}) of id.timestamp.value: another key signed it, or the id, the \
                 timestamp or a byte of the value was changed after signing"
            ),
        ))
    }

    /// Whether the signed time fits the record's; if so, until when its id counts as used.
    fn in_time(&self, headers: &Headers<'_>, at: Timestamp) -> Result<Seen, Reject> {
        let signed = Timestamp(headers.seconds * 1000);
        if at.0 < 1 {
            return Err(Reject::new(
                Reason::SignatureExpired,
                format!("it was signed at {signed}, and the record has no timestamp to compare that with"),
            ));
        }
        let age = at.0 - signed.0;
        if age.abs() > self.window_millis {
            let seconds = age.abs() / 1000;
            let which = if age > 0 { "before" } else { "after" };
            let hint = if age > 0 { "an old record that was sent again?" } else { "is the producer's clock right?" };
            return Err(Reject::new(
                Reason::SignatureExpired,
                format!(
                    "it was signed at {signed}, {seconds} seconds {which} the record's own timestamp {at}; up to {} are taken: {hint}",
                    self.window_millis / 1000
                ),
            ));
        }
        // From then on another record with this signature is expired, whether its id is remembered or not.
        Ok(Seen { until: Timestamp(signed.0 + self.window_millis) })
    }
}
