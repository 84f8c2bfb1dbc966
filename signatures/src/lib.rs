//! Who wrote a record: signatures of the Standard Webhooks specification, carried in Kafka headers.
//!
//! What is signed are the bytes `id.timestamp.value`; where the signature is are the headers `webhook-id`,
//! `webhook-timestamp` and `webhook-signature`. The specification:
//! <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>.
//!
//! Checking is pure: keys, headers, value and the record's own timestamp in, a verdict out. It reads no clock, so that
//! an old log that is read again gets the same verdicts. Nothing here knows a topic's name, a task or a store, and no
//! key's text is in any error, `Debug` output or verdict.
//!
//! | file | what |
//! | --- | --- |
//! | `headers.rs` | the three headers, read strictly |
//! | `key.rs` | keys from their text, signing, checking one signature |
//! | `guard.rs` | a topic's policy and keys: the verdict on one record |
//! | `seen.rs` | each id once: what to remember, and for how long |
//! | `reference.rs` | where a key is: a file or a variable of the environment; the only I/O |

mod guard;
mod headers;
mod key;
mod reference;
mod seen;

pub use guard::{Checked, Guard, GuardError, MAX_KEYS, MAX_WINDOW_SECONDS, Policy, TopicKey, WINDOW_SECONDS};
pub use headers::{HeaderRef, Headers, ID, MAX_ID_BYTES, MAX_SIGNATURES, SIGNATURE, TIMESTAMP, id_fault};
pub use key::{KeyError, Kind, NewKey, Signed, SigningKey, VerifyingKey, redacted, sign};
pub use reference::{ReadError, Reference, ReferenceError};
pub use seen::{Seen, SeenError};
