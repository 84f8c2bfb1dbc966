//! Tells a repeated record from a contradicting one: a short digest of what a record says.
//!
//! Over the decoded fields, not the bytes: another order of JSON fields or another way to write a time is the same.

use schemas::feedback::{Comment, Feedback};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The first 16 bytes of a SHA-256: two records that differ share it with a chance of 2⁻¹²⁸, and nobody can make them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Fingerprint([u8; 16]);

impl Fingerprint {
    /// Of all that a feedback says but its id.
    pub fn of_feedback(feedback: &Feedback<'_>) -> Fingerprint {
        Fields::new()
            .text(Some(feedback.about.word()))
            .text(Some(&feedback.id))
            .text(Some(&feedback.kind))
            .number(feedback.rating.map(i64::from))
            .text(feedback.text.as_ref().map(Comment::whole))
            .text(feedback.order_id.as_deref())
            .text(feedback.location.as_deref())
            .finish()
    }
}

/// Collects the fields of one record, in an order that its caller fixes.
pub(crate) struct Fields(Sha256);

impl Fields {
    pub fn new() -> Fields {
        Fields(Sha256::new())
    }

    /// An absent text differs from an empty one.
    pub fn text(mut self, value: Option<&str>) -> Fields {
        match value {
            Some(text) => {
                self.0.update((text.len() as i64).to_le_bytes());
                self.0.update(text);
            }
            None => self.0.update((-1i64).to_le_bytes()),
        }
        self
    }

    pub fn number(mut self, value: Option<i64>) -> Fields {
        self.0.update([u8::from(value.is_some())]);
        self.0.update(value.unwrap_or_default().to_le_bytes());
        self
    }

    pub fn finish(self) -> Fingerprint {
        let digest = self.0.finalize();
        let mut short = [0; 16];
        short.copy_from_slice(&digest[..16]);
        Fingerprint(short)
    }
}
