//! One commit on its way: offsets, records, decision. With no pace set it goes through at once; otherwise, or when a
//! fault holds it, it goes on whenever its client is called.

use std::time::{Duration, Instant};

use super::faults::{At, Client, ClientId, CommitFault, crashed};
use super::partition::ProducerId;
use super::producer::refused;
use super::record::Packed;
use super::state::{Identity, Refused, Slot, State};
use crate::log::{Commit, LogError, Tp, Transaction};

/// As Kafka's default `message.max.bytes`.
const MAX_RECORD_BYTES: usize = 1_048_588;

/// Who commits.
#[derive(Debug)]
pub(super) struct Committer {
    pub client: ClientId,
    pub identity: Identity,
    pub group: String,
    pub member: String,
    pub instance: Option<String>,
    pub generation: u32,
}

#[derive(Debug)]
pub(super) struct Running {
    by: Committer,
    transaction: Transaction,
    offsets: Vec<(Slot, i64)>,
    records: Vec<(Tp, Slot, Packed)>,
    /// Records that are in the log.
    produced: usize,
    /// For each partition written, the offset after the last record; sorted.
    ends: Vec<(Tp, i64)>,
    at: At,
    fault: Option<CommitFault>,
    /// The next step happens then.
    due: i64,
    began: (i64, Instant),
}

/// Why a commit does not go on.
enum Stop {
    /// It waits: for its time, for the markers of the one before, or for a fault to be lifted.
    Wait,
    Failed(LogError),
}

impl Running {
    pub fn new(by: Committer, transaction: Transaction, records: Vec<(Tp, Slot, Packed)>, offsets: Vec<(Slot, i64)>) -> Running {
        Running {
            by,
            transaction,
            offsets,
            records,
            produced: 0,
            ends: Vec::new(),
            at: At::BeforeOffsets,
            fault: None,
            due: 0,
            began: (0, Instant::now()),
        }
    }

    /// Takes up the fault that is meant for this commit.
    pub fn begin(&mut self, state: &mut State) {
        self.began.0 = state.now;
        self.due = state.now + state.pace.commit_step();
        self.fault = state.clients.get_mut(&self.by.client).and_then(|c| c.next_commit.take());
    }

    /// When it may go on by itself.
    pub fn due(&self) -> i64 {
        self.due
    }

    /// Goes as far as it can. The commit's end, or itself if it has not ended.
    pub fn advance(mut self, state: &mut State, manual: bool) -> Result<Commit, Box<Running>> {
        loop {
            match self.step(state) {
                Ok(true) => {
                    let Running { transaction, ends, began, .. } = self;
                    let took = if manual { Duration::from_millis((state.now - began.0) as u64) } else { began.1.elapsed() };
                    return Ok(Commit::Done { transaction, ends, took });
                }
                Ok(false) => {}
                Err(Stop::Wait) => return Err(Box::new(self)),
                Err(Stop::Failed(error)) => return Ok(Commit::Failed { error }),
            }
        }
    }

    /// One step; true after the last.
    fn step(&mut self, state: &mut State) -> Result<bool, Stop> {
        if state.clients.get(&self.by.client).is_some_and(|c| c.paused) || state.now < self.due {
            return Err(Stop::Wait);
        }
        self.meet_fault(state)?;
        match self.at {
            At::BeforeOffsets => {
                self.send_offsets(state)?;
                self.go_on(At::AfterOffsets, state);
            }
            At::AfterOffsets => {
                self.produce(state, self.records.len() / 2)?;
                self.at = At::HalfProduced;
            }
            At::HalfProduced => {
                self.produce(state, self.records.len())?;
                self.go_on(At::BeforeEnd, state);
            }
            At::BeforeEnd => {
                if let Some(CommitFault::EndLate(ms)) = self.fault {
                    state.end_later(&self.by.identity, ms);
                    return Err(Stop::Failed(LogError::Retry("timed out ending the transaction".into())));
                }
                state.end(&self.by.identity, true).map_err(stop)?;
                self.go_on(At::AfterEnd, state);
            }
            At::AfterEnd => return Ok(true),
        }
        Ok(false)
    }

    fn go_on(&mut self, at: At, state: &mut State) {
        self.at = at;
        self.due = state.now + state.pace.commit_step();
    }

    fn meet_fault(&mut self, state: &mut State) -> Result<(), Stop> {
        match self.fault {
            Some(CommitFault::Crash(at)) if at == self.at => {
                self.client(state, |c| c.crashed = true);
                state.silence(self.by.client, true);
                Err(Stop::Failed(crashed()))
            }
            Some(CommitFault::Fail(at)) if at == self.at => {
                Err(Stop::Failed(LogError::Retry("the connection to the broker was lost".into())))
            }
            Some(CommitFault::Stall(at)) if at == self.at => {
                self.fault = None;
                self.client(state, |c| c.paused = true);
                state.silence(self.by.client, true);
                Err(Stop::Wait)
            }
            _ => Ok(()),
        }
    }

    fn client(&self, state: &mut State, change: impl FnOnce(&mut Client)) {
        if let Some(client) = state.clients.get_mut(&self.by.client) {
            change(client);
        }
    }

    fn send_offsets(&self, state: &mut State) -> Result<(), Stop> {
        if self.offsets.is_empty() {
            return Ok(());
        }
        let by = &self.by;
        let member = (by.member.as_str(), by.instance.as_deref(), by.generation);
        state.add_offsets(&by.identity, &by.group, Some(member), &self.offsets).map_err(stop)
    }

    /// Appends the records up to the `until`th.
    fn produce(&mut self, state: &mut State, until: usize) -> Result<(), Stop> {
        let mut added: Option<(Slot, ProducerId)> = None;
        for (tp, slot, packed) in &self.records[self.produced..until] {
            if packed.size() > MAX_RECORD_BYTES {
                let size = packed.size();
                let error = format!("a record has {size} bytes, and the broker takes {MAX_RECORD_BYTES}");
                return Err(Stop::Failed(LogError::Fatal(error)));
            }
            let producer = match added {
                Some((last, producer)) if last == *slot => producer,
                _ => state.add_partition(&self.by.identity, *slot).map_err(stop)?,
            };
            added = Some((*slot, producer));
            let end = state.partitions[*slot].append(Some(producer), packed.clone()) + 1;
            match self.ends.binary_search_by_key(tp, |e| e.0) {
                Ok(i) => self.ends[i].1 = end,
                Err(i) => self.ends.insert(i, (*tp, end)),
            }
        }
        self.produced = until;
        Ok(())
    }
}

fn stop(reason: Refused) -> Stop {
    match reason {
        Refused::Concurrent => Stop::Wait,
        reason => Stop::Failed(refused(reason)),
    }
}
