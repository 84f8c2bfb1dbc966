//! What one batch of decisions gathers on the way to its commit.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;

use schemas::event::{OrderEvent, OrderEventKind};
use schemas::{Reason, Source, Timestamp};
use state::StoreError;

use super::message::Message;
use super::plan::Plan;
use crate::log::{LogError, Records};

/// What a step writes to.
pub struct Context<'a> {
    pub plan: &'a Plan,
    pub records: &'a mut Records,
    /// Messages to other tasks, in order; routed before the next record is decided.
    pub outgoing: &'a mut VecDeque<Message>,
    pub tally: &'a mut Tally,
}

/// What a batch did, for the metrics; counted once it is committed.
#[derive(Debug, Default)]
pub struct Tally {
    /// Record time of each decision, for the latency.
    pub decided_at: Vec<i64>,
    pub accepted: u64,
    /// By reason.
    pub rejected: BTreeMap<String, u64>,
    pub dead_letters: BTreeMap<Reason, u64>,
    pub duplicates: u64,
    pub forwarded: u64,
    pub to_memory: u64,
    pub to_inbox: u64,
    /// Records whose signature was looked at and that passed, signed or not.
    pub signatures: BTreeMap<(Source, bool), u64>,
    /// Source records by topic number.
    pub records_in: BTreeMap<u16, u64>,
}

impl Tally {
    pub fn decided(&mut self, event: &OrderEvent, at: Timestamp) {
        self.decided_at.push(at.0);
        if event.kind == OrderEventKind::Accepted {
            self.accepted += 1;
        } else {
            let reason = event.reason.as_deref().unwrap_or("unknown");
            match self.rejected.get_mut(reason) {
                Some(count) => *count += 1,
                None => {
                    self.rejected.insert(reason.to_owned(), 1);
                }
            }
        }
    }
}

/// Why a worker cannot go on as it is.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    #[error(transparent)]
    Log(#[from] LogError),
    #[error(
        "{0}. Free space or mend the disk, then start again; if it stays broken, delete the directory: it is rebuilt from the changelog"
    )]
    Store(#[from] StoreError),
    /// A record or state that only this program writes cannot be read.
    #[error("{place}: cannot be read: {message}. It was written by another version, or it is damaged; nothing was decided on it")]
    Damaged { place: String, message: String },
}

impl Fault {
    pub fn damaged(task: &str, key: &[u8], error: &dyn fmt::Display) -> Fault {
        Fault::Damaged { place: format!("state of task {task}, key {:?}", String::from_utf8_lossy(key)), message: error.to_string() }
    }
}
