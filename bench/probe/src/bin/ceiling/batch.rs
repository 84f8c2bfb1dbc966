//! What is between a consumer and a producer: how far was read, what is still to be written, and the commit of both.

use std::time::Instant;

use crate::client::{Consumer, Offsets, Producer, Topic};
use crate::{millis, stop};

/// What a worker's transactions took.
#[derive(Default)]
pub(crate) struct Statistics {
    pub(crate) transactions: u64,
    pub(crate) records: u64,
    /// Records of each.
    pub(crate) batch: Vec<f64>,
    pub(crate) offsets_ms: Vec<f64>,
    pub(crate) commit_ms: Vec<f64>,
    pub(crate) total_ms: Vec<f64>,
}

/// How far was read: of each partition the offset to be read next.
#[derive(Default)]
pub(crate) struct Positions {
    next: Vec<(Topic, i32, i64)>,
    /// Where the last record was noted: the next one is likely of the same partition.
    recent: usize,
}

impl Positions {
    pub(crate) fn note(&mut self, topic: Topic, partition: i32, offset: i64) {
        let is_it = |entry: &(Topic, i32, i64)| entry.0 == topic && entry.1 == partition;
        if !self.next.get(self.recent).is_some_and(is_it) {
            // A handle that is new for a topic already there gets an entry of its own; librdkafka has one as a rule.
            self.recent = self.next.iter().position(is_it).unwrap_or(self.next.len());
        }
        match self.next.get_mut(self.recent) {
            Some(entry) => entry.2 = offset + 1,
            None => self.next.push((topic, partition, offset + 1)),
        }
    }

    pub(crate) fn offsets(&self) -> Offsets {
        Offsets::of(&self.next)
    }
}

/// Outputs that wait, one after another in one piece of memory.
#[derive(Default)]
pub(crate) struct Outputs {
    bytes: Vec<u8>,
    /// Where the key ends, and where the value does.
    records: Vec<(Topic, usize, usize)>,
}

impl Outputs {
    pub(crate) fn push(&mut self, topic: Topic, key: &[u8], value: &[u8]) {
        self.bytes.extend_from_slice(key);
        let key_end = self.bytes.len();
        self.bytes.extend_from_slice(value);
        self.records.push((topic, key_end, self.bytes.len()));
    }

    pub(crate) fn produce_all(&mut self, producer: &Producer) {
        let mut start = 0;
        for (topic, key_end, value_end) in self.records.drain(..) {
            producer.produce(topic, &self.bytes[start..key_end], &self.bytes[key_end..value_end]);
            start = value_end;
        }
        self.bytes.clear();
    }
}

/// What one transaction commits.
pub(crate) struct Batch {
    pub(crate) positions: Positions,
    pub(crate) records: u64,
    /// When its first records were there.
    pub(crate) began: Instant,
    /// `Some`: to be produced after the offsets. `None`: the transaction is open and everything is produced already.
    pub(crate) outputs: Option<Outputs>,
}

impl Batch {
    pub(crate) fn commit(mut self, producer: &Producer, consumer: &Consumer, statistics: &mut Statistics) {
        if self.outputs.is_some() {
            producer.begin();
        }
        let asked = Instant::now();
        producer.send_offsets(&self.positions.offsets(), &consumer.group());
        let added = Instant::now();
        if let Some(outputs) = &mut self.outputs {
            outputs.produce_all(producer);
        }
        producer.commit();
        let committed = Instant::now();
        statistics.transactions += 1;
        statistics.records += self.records;
        statistics.batch.push(self.records as f64);
        statistics.offsets_ms.push(millis(added - asked));
        statistics.commit_ms.push(millis(committed - added));
        statistics.total_ms.push(millis(committed - self.began));
        stop::count(self.records);
    }
}
