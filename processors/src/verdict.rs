//! What became of an input record. Every record has exactly one.

use schemas::Reject;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It took effect; the outputs say how.
    Applied,
    /// The same was said before: no state change, no output.
    Duplicate,
    /// It cannot be done: a dead letter, no state change.
    Refused(Reject),
}
