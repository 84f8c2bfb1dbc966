//! What befell a seed: how often each kind of fault really landed, not how often it was planned.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use waybill::log::memory::{At, CommitFault};

/// Every kind that must land at least once over all seeds.
pub const KINDS: &[&str] = &[
    "crash before offsets",
    "crash after offsets",
    "crash half produced",
    "crash before end",
    "crash after end",
    "crash between calls",
    "crash in a restore",
    "lost before offsets",
    "lost after offsets",
    "lost half produced",
    "lost before end",
    "lost after end",
    "end of a transaction late",
    "doubtful commit was applied",
    "doubtful commit was not applied",
    "stall before offsets",
    "stall after offsets",
    "stall half produced",
    "stall before end",
    "stall after end",
    "pause between calls",
    "zombie resumed",
    "zombie fenced",
    "slot taken over from a zombie",
    "late marker",
    "slow commit step",
    "session expired",
    "rebalance",
    "assignment rotated",
    "task moved",
    "partitions lost",
    "poll failed",
    "call failed",
    "graceful stop",
    "worker added",
    "worker taken away",
    "disk lost",
    "disk rolled back",
    "write to the store failed",
    "write to the store unconfirmed",
    "bulk restore cut short",
    "changelog compacted",
    "inbox trimmed",
    "producer beside the engine",
];

/// Counts by kind; a clone counts into the same.
#[derive(Clone, Debug, Default)]
pub struct Tally(Arc<Mutex<BTreeMap<&'static str, u64>>>);

impl Tally {
    pub fn add(&self, kind: &'static str) {
        debug_assert!(KINDS.contains(&kind), "{kind} is not listed");
        *self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(kind).or_default() += 1;
    }

    pub fn counts(&self) -> BTreeMap<&'static str, u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The kind of a commit's fault.
pub fn kind_of(fault: CommitFault) -> &'static str {
    let by = |at: At, names: [&'static str; 5]| match at {
        At::BeforeOffsets => names[0],
        At::AfterOffsets => names[1],
        At::HalfProduced => names[2],
        At::BeforeEnd => names[3],
        At::AfterEnd => names[4],
    };
    match fault {
        CommitFault::Crash(at) => {
            by(at, ["crash before offsets", "crash after offsets", "crash half produced", "crash before end", "crash after end"])
        }
        CommitFault::Fail(at) => {
            by(at, ["lost before offsets", "lost after offsets", "lost half produced", "lost before end", "lost after end"])
        }
        CommitFault::Stall(at) => {
            by(at, ["stall before offsets", "stall after offsets", "stall half produced", "stall before end", "stall after end"])
        }
        CommitFault::EndLate(_) => "end of a transaction late",
    }
}
