//! What befell a seed: how often each kind of fault really landed, not how often it was planned.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use auditor::Counts;
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
    "plan asked for again",
];

/// What must come of the records at least once over all seeds, so that what is checked of it is not checked of nothing.
const OUTCOMES: [(&str, &[&str]); 5] = [
    ("order", &["accepted", "rejected", "paid", "expired", "shipped", "out_for_delivery", "delivered", "cancelled", "returned", "noted"]),
    (
        "shipment",
        &[
            "planned",
            "departed",
            "approaching",
            "arrived",
            "left",
            "delivered",
            "failed",
            "eta_changed",
            "late",
            "off_route",
            "back_on_route",
            "silent",
            "resumed",
            "overspeed",
            "recalled",
            "completed",
            "investigated",
        ],
    ),
    ("ping", &["accepted", "duplicate", "late", "outlier", "inaccurate"]),
    ("alert", &["raised", "resolved"]),
    (
        "dead letter",
        &[
            "signature_missing",
            "signature_malformed",
            "signature_wrong",
            "signature_unknown_key",
            "signature_expired",
            "signature_replayed",
            "conflicting_duplicate",
            "value_out_of_range",
            "timestamp_in_future",
            "unknown_shipment",
            "shipment_closed",
            "stop_closed",
        ],
    ),
];

/// As [`happened`] names it.
pub fn must_happen() -> Vec<String> {
    OUTCOMES.iter().flat_map(|(what, words)| words.iter().map(move |word| format!("{what} {word}"))).collect()
}

/// What the auditor has counted.
pub fn happened(counts: &Counts) -> BTreeMap<String, u64> {
    let of = |what: &str, counts: &BTreeMap<&'static str, u64>| -> Vec<(String, u64)> {
        counts.iter().map(|(word, count)| (format!("{what} {word}"), *count)).collect()
    };
    let letters = counts.dead_letter_reasons.iter().map(|(word, count)| (format!("dead letter {word}"), *count));
    let mut all: BTreeMap<String, u64> = letters.collect();
    all.extend(of("order", &counts.events));
    all.extend(of("shipment", &counts.shipment_events));
    all.extend(of("ping", &counts.verdicts));
    all.extend(of("alert", &counts.alerts));
    all
}

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
