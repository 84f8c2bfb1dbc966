//! A client's side of reading: its partitions in turn, from the committed offsets on.

use std::time::{Duration, Instant};

use super::client::MemoryLog;
use super::membership::Membership;
use super::partition::Isolation;
use super::producer::refused;
use super::record::MemoryMessage;
use super::state::{Slot, State};
use crate::log::{Event, LogError, Tp};

/// How long calls wait for transactions of others that hold offsets, where the clock is not manual.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub(super) struct Reading {
    pub tp: Tp,
    pub slot: Slot,
    pub position: i64,
    pub paused: bool,
    /// Where the end was said last.
    pub said_end: i64,
}

impl Reading {
    fn read(&mut self, state: &State, most: usize, events: &mut Vec<Event<MemoryMessage>>) {
        if self.paused {
            return;
        }
        let partition = &state.partitions[self.slot];
        let limit = events.len() + most;
        self.position = partition.read(Isolation::Committed, self.position, |offset, packed| {
            let room = events.len() < limit;
            if room {
                events.push(Event::Record(MemoryMessage { tp: self.tp, offset, packed: packed.clone() }));
            }
            room
        });
        let at_end = self.position >= partition.stable_end();
        if at_end && self.said_end != self.position && events.len() < limit {
            self.said_end = self.position;
            events.push(Event::End { tp: self.tp, next: self.position });
        }
    }
}

impl MemoryLog {
    /// Takes at most `most` events from the partitions in turn; first each gets its share, then whoever has more.
    pub(super) fn read(&mut self, state: &State, most: usize, events: &mut Vec<Event<MemoryMessage>>) {
        let count = self.reading.len();
        if count == 0 || self.membership != Membership::Member {
            return;
        }
        self.turn = (self.turn + 1) % count;
        let limit = events.len() + most;
        let share = most.div_ceil(count);
        for share in [share, most] {
            for i in 0..count {
                let room = (limit - events.len()).min(share);
                if room == 0 {
                    break;
                }
                self.reading[(self.turn + i) % count].read(state, room, events);
            }
        }
    }

    /// The committed offsets of these partitions, once no open transaction holds any.
    pub(super) fn stable_offsets(&self, partitions: &[Tp]) -> Result<Vec<Option<i64>>, LogError> {
        let deadline = Instant::now() + PATIENCE;
        let mut state = self.broker.lock();
        self.check_call(&mut state)?;
        loop {
            let Some(group) = state.groups.get(&self.config.group) else { return Ok(vec![None; partitions.len()]) };
            let offsets: Result<Vec<_>, _> = partitions.iter().map(|tp| group.stable_offset(self.slot(*tp))).collect();
            match offsets {
                Ok(offsets) => return Ok(offsets),
                Err(reason) => {
                    let (next, waited) = self.broker.wait(state, deadline);
                    if !waited {
                        return Err(refused(reason));
                    }
                    state = next;
                }
            }
        }
    }

    /// Where reading starts: at the committed offset, else at the beginning.
    pub(super) fn starts(&self, partitions: &[Tp]) -> Result<Vec<(Tp, i64)>, LogError> {
        let offsets = self.stable_offsets(partitions)?;
        let state = self.broker.lock();
        let starts = partitions.iter().zip(offsets).map(|(tp, offset)| {
            let start = state.partitions[self.slot(*tp)].start();
            match offset {
                Some(offset) if offset < start => Err(LogError::Fatal(format!(
                    "{}: the records from offset {offset} to {start} are deleted, and were not read",
                    self.config.topics.show(*tp)
                ))),
                offset => Ok((*tp, offset.unwrap_or(start))),
            }
        });
        starts.collect()
    }
}
