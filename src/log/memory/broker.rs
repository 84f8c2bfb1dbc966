//! The broker's handle: topics, plain producing and reading from outside the engine, and its clock.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::faults::Faults;
use super::partition::Isolation;
use super::reader::Follower;
use super::record::{MemoryRecord, Packed};
use super::state::{Slot, State};
use crate::log::{HeaderRef, LogError};

/// Where the broker has its time from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    Wall,
    /// Stands at this many milliseconds since the epoch until [`MemoryBroker::advance`].
    Manual(i64),
}

/// A Kafka cluster in memory. A clone is another handle on the same one.
#[derive(Clone, Debug)]
pub struct MemoryBroker {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    change: Condvar,
    manual: bool,
}

impl MemoryBroker {
    pub fn new(clock: Clock) -> MemoryBroker {
        let (now, manual) = match clock {
            Clock::Wall => (0, false),
            Clock::Manual(now) => (now, true),
        };
        let mut state = State::default();
        state.now = now;
        MemoryBroker { shared: Arc::new(Shared { state: Mutex::new(state), change: Condvar::new(), manual }) }
    }

    /// Creates a topic. Creating one that is there with as many partitions changes nothing.
    pub fn create_topic(&self, name: &str, partitions: i32) -> Result<(), LogError> {
        let mut state = self.lock();
        match state.topic(name).map(|t| t.partitions) {
            Some(there) if there != partitions => Err(LogError::Fatal(format!("topic {name} has {there} partitions, not {partitions}"))),
            Some(_) => Ok(()),
            None => {
                state.add_topic(name, partitions);
                Ok(())
            }
        }
    }

    /// Names and numbers of partitions, in the order of creation.
    pub fn topics(&self) -> Vec<(String, i32)> {
        self.lock().topics.iter().map(|t| (t.name.to_string(), t.partitions)).collect()
    }

    /// Appends a record outside any transaction, as a plain producer does. `timestamp` in milliseconds since the
    /// epoch, the broker's time if none. Returns the offset.
    pub fn produce(
        &self,
        topic: &str,
        partition: i32,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: &[HeaderRef<'_>],
        timestamp: Option<i64>,
    ) -> Result<i64, LogError> {
        let mut state = self.lock();
        let slot = state.slot(topic, partition).ok_or_else(|| unknown(topic, partition))?;
        let packed = Packed::one(key, value, headers, timestamp.unwrap_or(state.now));
        let offset = state.partitions[slot].append(None, packed);
        self.changed(&mut state);
        Ok(offset)
    }

    /// All records that a `read_committed` reader sees now; none of a topic that is not there.
    pub fn read_committed(&self, topic: &str, partition: i32) -> Vec<MemoryRecord> {
        self.read_all(topic, partition, Isolation::Committed)
    }

    /// All records, those of aborted and open transactions included.
    pub fn read_uncommitted(&self, topic: &str, partition: i32) -> Vec<MemoryRecord> {
        self.read_all(topic, partition, Isolation::Uncommitted)
    }

    /// The committed records from an offset on, at most `most`, and the offset to read next.
    pub fn read_from(&self, topic: &str, partition: i32, from: i64, most: usize) -> (Vec<MemoryRecord>, i64) {
        let state = self.lock();
        let Some(slot) = state.slot(topic, partition) else { return (Vec::new(), from) };
        read(&state, slot, partition, from, most, Isolation::Committed)
    }

    /// Hands every committed record of every topic to `each`, with its topic's name.
    pub fn dump(&self, each: &mut dyn FnMut(&str, &MemoryRecord)) {
        const PAGE: usize = 10_000;
        for (topic, partitions) in self.topics() {
            for partition in 0..partitions {
                let mut from = 0;
                loop {
                    let (records, next) = self.read_from(&topic, partition, from, PAGE);
                    for record in &records {
                        each(&topic, record);
                    }
                    if next == from {
                        break;
                    }
                    from = next;
                }
            }
        }
    }

    /// The offset after the last entry, committed or not.
    pub fn end(&self, topic: &str, partition: i32) -> Option<i64> {
        let state = self.lock();
        state.slot(topic, partition).map(|slot| state.partitions[slot].end())
    }

    /// How far a `read_committed` reader may go: where the first open transaction begins, else the end.
    pub fn stable_end(&self, topic: &str, partition: i32) -> Option<i64> {
        let state = self.lock();
        state.slot(topic, partition).map(|slot| state.partitions[slot].stable_end())
    }

    /// The group's committed offset; `None` where it has none. Open transactions are not waited for.
    pub fn group_offset(&self, group: &str, topic: &str, partition: i32) -> Option<i64> {
        let state = self.lock();
        let slot = state.slot(topic, partition)?;
        state.groups.get(group)?.offset(slot)
    }

    /// The group's generation and its members' ids.
    pub fn group(&self, group: &str) -> Option<(u32, Vec<String>)> {
        self.lock().groups.get(group).map(|g| (g.generation(), g.members()))
    }

    /// Deletes all records before an offset, as retention does.
    pub fn delete_before(&self, topic: &str, partition: i32, offset: i64) -> Result<(), LogError> {
        let mut state = self.lock();
        let slot = state.slot(topic, partition).ok_or_else(|| unknown(topic, partition))?;
        state.partitions[slot].delete_before(offset);
        Ok(())
    }

    /// Keeps only each key's last committed record, as compaction does.
    pub fn compact(&self, topic: &str, partition: i32) -> Result<(), LogError> {
        let mut state = self.lock();
        let slot = state.slot(topic, partition).ok_or_else(|| unknown(topic, partition))?;
        state.partitions[slot].compact();
        Ok(())
    }

    /// Reads a topic's committed records as they come, from the first or from now on.
    pub fn follow(&self, topic: &str, from_beginning: bool) -> Result<Follower, LogError> {
        Follower::new(self, topic, from_beginning)
    }

    /// Fault control.
    pub fn faults(&self) -> Faults<'_> {
        Faults { broker: self }
    }

    /// The broker's time, in milliseconds since the epoch.
    pub fn now(&self) -> i64 {
        self.lock().now
    }

    /// Moves a manual clock on. What is due meanwhile happens in its order.
    pub fn advance(&self, ms: i64) {
        debug_assert!(self.shared.manual, "the wall clock advances by itself");
        let mut state = self.lock();
        let until = state.now + ms;
        while let Some(at) = state.next_due().filter(|at| *at <= until) {
            state.settle(at);
        }
        state.settle(until);
        self.changed(&mut state);
    }

    pub(super) fn is_manual(&self) -> bool {
        self.shared.manual
    }

    /// The state, with everything settled that is due by now.
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        // A panic in a test leaves the state as it was; the others may go on with it.
        let mut state = self.shared.state.lock().unwrap_or_else(PoisonError::into_inner);
        let now = if self.shared.manual { state.now } else { wall_clock() };
        state.settle(now);
        state
    }

    /// Wakes whoever waits.
    pub(super) fn changed(&self, state: &mut State) {
        if state.waiting > 0 {
            self.shared.change.notify_all();
        }
    }

    /// Waits for a change, at most until `deadline`. False: the time is up, or the clock is manual and nobody waits.
    pub(super) fn wait<'a>(&'a self, mut state: MutexGuard<'a, State>, deadline: Instant) -> (MutexGuard<'a, State>, bool) {
        let left = deadline.saturating_duration_since(Instant::now());
        if self.shared.manual || left.is_zero() {
            return (state, false);
        }
        let due = state.next_due().map(|at| Duration::from_millis((at - state.now).max(1) as u64));
        state.waiting += 1;
        let wait = due.map_or(left, |due| due.min(left));
        let (mut state, _) = self.shared.change.wait_timeout(state, wait).unwrap_or_else(PoisonError::into_inner);
        state.waiting -= 1;
        state.settle(wall_clock());
        (state, true)
    }
}

pub(super) fn unknown(topic: &str, partition: i32) -> LogError {
    LogError::Fatal(format!("no partition {topic}[{partition}]"))
}

fn wall_clock() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_millis() as i64)
}

pub(super) fn read(state: &State, slot: Slot, partition: i32, from: i64, most: usize, isolation: Isolation) -> (Vec<MemoryRecord>, i64) {
    let mut records = Vec::new();
    let next = state.partitions[slot].read(isolation, from, |offset, packed| {
        let room = records.len() < most;
        if room {
            records.push(MemoryRecord { partition, offset, packed: packed.clone() });
        }
        room
    });
    (records, next)
}

impl MemoryBroker {
    fn read_all(&self, topic: &str, partition: i32, isolation: Isolation) -> Vec<MemoryRecord> {
        let state = self.lock();
        let Some(slot) = state.slot(topic, partition) else { return Vec::new() };
        read(&state, slot, partition, 0, usize::MAX, isolation).0
    }
}
