//! The model's fault controls, and what the conformance suite cannot try on a real broker: dynamic members, crashes at
//! each step of a commit, late requests, markers that come late.
#![allow(clippy::unwrap_used)]

mod broker;
mod commits;
mod members;

use std::time::Duration;

use super::*;
use crate::log::{Commit, Event, Log, LogError, TopicId, Topics, Tp, Transaction};

const START: i64 = 1_000_000;
const IN: TopicId = TopicId(0);
const OUT: TopicId = TopicId(1);

struct Bench {
    broker: MemoryBroker,
    topics: Topics,
}

impl Bench {
    /// Topics `in` and `out` with two partitions each, three records in each partition of `in`.
    fn new() -> Bench {
        let broker = MemoryBroker::new(Clock::Manual(START));
        let mut topics = Topics::default();
        for name in ["in", "out"] {
            broker.create_topic(name, 2).unwrap();
            topics.add(name, 2);
        }
        for partition in 0..2 {
            for i in 0..3 {
                let value = format!("{partition}/{i}");
                broker.produce("in", partition, Some(b"k"), Some(value.as_bytes()), &[], None).unwrap();
            }
        }
        Bench { broker, topics }
    }

    fn config(&self, name: &str, is_static: bool) -> MemoryConfig {
        let instance_id = is_static.then(|| name.to_owned());
        MemoryConfig { instance_id, ..MemoryConfig::new("g", name, self.topics.clone(), vec![IN]) }
    }

    fn client(&self, name: &str) -> MemoryLog {
        MemoryLog::new(&self.broker, self.config(name, true)).unwrap()
    }

    /// A static member that has all partitions.
    fn alone(&self, name: &str) -> MemoryLog {
        let mut log = self.client(name);
        assert_eq!(partitions(&turn(&mut log)).unwrap().len(), 2);
        log
    }

    fn out(&self, partition: i32) -> Vec<String> {
        self.broker.read_committed("out", partition).iter().map(|r| text(r.value())).collect()
    }

    fn offset(&self, partition: i32) -> Option<i64> {
        self.broker.group_offset("g", "in", partition)
    }

    /// Nothing of a transaction is visible, or all of it is.
    fn committed(&self) -> bool {
        let (a, b, offset) = (self.out(0).len(), self.out(1).len(), self.offset(0));
        match (a, b, offset) {
            (0, 0, None) => false,
            (2, 1, Some(3)) => true,
            torn => panic!("torn: {torn:?}"),
        }
    }
}

fn text(bytes: Option<&[u8]>) -> String {
    String::from_utf8_lossy(bytes.unwrap_or_default()).into_owned()
}

/// Polls once and follows the group; all events.
fn turn(log: &mut MemoryLog) -> Vec<Event<MemoryMessage>> {
    let mut events = Vec::new();
    log.poll(Duration::ZERO, 100, &mut events).unwrap();
    for event in &events {
        match event {
            Event::Assigned(tps) => drop(log.assign(tps, &[]).unwrap()),
            Event::Revoked | Event::Lost => log.unassign().unwrap(),
            _ => {}
        }
    }
    events
}

fn partitions(events: &[Event<MemoryMessage>]) -> Option<Vec<Tp>> {
    events.iter().find_map(|e| if let Event::Assigned(tps) = e { Some(tps.clone()) } else { None })
}

fn has_lost(events: &[Event<MemoryMessage>]) -> bool {
    events.iter().any(|e| matches!(e, Event::Lost))
}

/// Two records to one partition of `out`, one to the other, and an offset.
fn three() -> Transaction {
    let mut t = Transaction::default();
    for (partition, value) in [(0, "a"), (1, "b"), (0, "c")] {
        t.records.push(Tp::new(OUT, partition), Some(b"k"), Some(value.as_bytes()), &[]);
    }
    t.offsets.push((Tp::new(IN, 0), 3));
    t
}

fn commit(log: &mut MemoryLog, transaction: Transaction) -> Option<Result<(), LogError>> {
    log.commit(transaction);
    ended(log)
}

fn ended(log: &mut MemoryLog) -> Option<Result<(), LogError>> {
    Some(match log.committed()? {
        Commit::Done { .. } => Ok(()),
        Commit::Failed { error } => Err(error),
    })
}
