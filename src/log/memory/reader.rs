//! Reading outside the group: a changelog to its end, and a topic as it grows.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::MemoryBroker;
use super::broker::{read, unknown};
use super::faults::{ClientId, crashed};
use super::partition::Isolation;
use super::record::{MemoryRecord, Packed};
use super::state::Slot;
use crate::log::{LogError, Progress, Reader};

/// Records handed over at once.
const BATCH: usize = 10_000;
/// How long a reader waits for an open transaction before it says that it is not further.
const PATIENCE: Duration = Duration::from_millis(100);

/// Reads one partition to the end that it had when the reader was made.
#[derive(Debug)]
pub struct MemoryReader {
    broker: MemoryBroker,
    client: ClientId,
    slot: Slot,
    position: i64,
    end: i64,
    batch: Vec<(i64, Packed)>,
}

impl MemoryReader {
    pub(super) fn new(broker: &MemoryBroker, client: ClientId, slot: Slot, from: i64) -> MemoryReader {
        let end = broker.lock().partitions[slot].end();
        MemoryReader { broker: broker.clone(), client, slot, position: from, end, batch: Vec::new() }
    }
}

impl Reader for MemoryReader {
    fn progress(&self) -> Progress {
        let start = self.broker.lock().partitions[self.slot].start();
        Progress { position: self.position, end: self.end, start }
    }

    fn next(&mut self, each: &mut dyn FnMut(i64, &[u8], Option<&[u8]>)) -> Result<Progress, LogError> {
        let deadline = Instant::now() + PATIENCE;
        let mut state = self.broker.lock();
        let start = loop {
            if state.clients.get(&self.client).is_none_or(|c| c.crashed) {
                return Err(crashed());
            }
            let partition = &state.partitions[self.slot];
            let (from, end, batch) = (self.position, self.end, &mut self.batch);
            if from < end {
                self.position = partition.read(Isolation::Committed, from, |offset, packed| {
                    let takes = batch.len() < BATCH && offset < end;
                    if takes {
                        batch.push((offset, packed.clone()));
                    }
                    takes
                });
            }
            let start = partition.start();
            if self.position > from || self.position >= end {
                break start;
            }
            let (next, waited) = self.broker.wait(state, deadline);
            state = next;
            if !waited {
                break start;
            }
        };
        // `each` may use the broker.
        drop(state);
        for (offset, packed) in self.batch.drain(..) {
            if let Some(key) = packed.key() {
                each(offset, key, packed.value());
            }
        }
        Ok(Progress { position: self.position, end: self.end, start })
    }
}

/// Follows a topic's committed records, all partitions, in order within each.
#[derive(Debug)]
pub struct Follower {
    broker: MemoryBroker,
    topic: Arc<str>,
    first: Slot,
    positions: Vec<i64>,
}

impl Follower {
    pub(super) fn new(broker: &MemoryBroker, topic: &str, from_beginning: bool) -> Result<Follower, LogError> {
        let state = broker.lock();
        let t = state.topic(topic).ok_or_else(|| unknown(topic, 0))?;
        let slots = t.first..t.first + t.partitions as usize;
        let positions = slots.map(|s| if from_beginning { 0 } else { state.partitions[s].stable_end() }).collect();
        Ok(Follower { broker: broker.clone(), topic: t.name.clone(), first: t.first, positions })
    }

    pub fn topic(&self) -> &str {
        &self.topic
    }

    /// Waits up to `wait` for records, then takes at most `most` of those that are there.
    pub fn next(&mut self, wait: Duration, most: usize) -> Vec<MemoryRecord> {
        let deadline = Instant::now() + wait;
        let mut state = self.broker.lock();
        loop {
            let mut records = Vec::new();
            for (i, position) in self.positions.iter_mut().enumerate() {
                let room = most - records.len();
                let (more, next) = read(&state, self.first + i, i as i32, *position, room, Isolation::Committed);
                *position = next;
                records.extend(more);
            }
            let (next, waited) = if records.is_empty() { self.broker.wait(state, deadline) } else { (state, false) };
            if !waited {
                return records;
            }
            state = next;
        }
    }
}
