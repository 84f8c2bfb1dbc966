//! The model as a cluster.

use std::time::Duration;

use waybill::log::memory::{Clock, MemoryBroker, MemoryConfig, MemoryLog, MemoryProducer};
use waybill::log::{LogError, Topics};

use crate::cluster::{Cluster, Plain, Producer, Seen, Who};

#[derive(Clone)]
pub struct Memory {
    broker: MemoryBroker,
    manual: bool,
}

impl Memory {
    pub fn new(clock: Clock) -> Memory {
        Memory { broker: MemoryBroker::new(clock), manual: clock != Clock::Wall }
    }
}

impl Cluster for Memory {
    type Log = MemoryLog;
    type Producer = Foreign;

    fn create_topic(&mut self, name: &str, partitions: i32) {
        self.broker.create_topic(name, partitions).unwrap();
    }

    fn produce(&mut self, topic: &str, partition: i32, records: &[Plain]) -> Vec<i64> {
        let one = |r: &Plain| {
            let (key, value) = (r.key.as_deref(), r.value.as_deref());
            self.broker.produce(topic, partition, key, value, &r.header_refs(), r.timestamp).unwrap()
        };
        records.iter().map(one).collect()
    }

    fn read(&mut self, topic: &str, partition: i32, committed: bool) -> (Vec<Seen>, i64) {
        let (records, end) = if committed {
            (self.broker.read_committed(topic, partition), self.broker.stable_end(topic, partition))
        } else {
            (self.broker.read_uncommitted(topic, partition), self.broker.end(topic, partition))
        };
        let seen = records.iter().map(|r| Seen {
            partition: r.partition,
            offset: r.offset,
            timestamp: r.timestamp(),
            key: r.key().map(Into::into),
            value: r.value().map(Into::into),
            headers: r.headers().iter().map(|(name, value)| ((*name).to_owned(), value.map(Into::into))).collect(),
        });
        (seen.collect(), end.unwrap())
    }

    fn delete_before(&mut self, topic: &str, partition: i32, offset: i64) {
        self.broker.delete_before(topic, partition, offset).unwrap();
    }

    fn producer(&mut self, transactional_id: &str, timeout: Duration) -> Foreign {
        Foreign(MemoryProducer::new(&self.broker, transactional_id, timeout.as_millis() as i64))
    }

    fn client(&mut self, who: &Who, topics: &Topics) -> Result<MemoryLog, LogError> {
        let subscribe = who.subscribe.iter().map(|name| topics.find(name).unwrap()).collect();
        let config = MemoryConfig {
            instance_id: Some(who.instance.clone()),
            session_timeout_ms: who.session_ms,
            max_poll_interval_ms: who.max_poll_ms,
            ..MemoryConfig::new(&who.group, &who.transactional_id, topics.clone(), subscribe)
        };
        MemoryLog::new(&self.broker, config)
    }

    fn pass(&mut self, time: Duration) {
        if self.manual {
            self.broker.advance(time.as_millis() as i64);
        } else {
            std::thread::sleep(time);
        }
    }

    fn now(&self) -> i64 {
        self.broker.now()
    }
}

pub struct Foreign(MemoryProducer);

impl Producer for Foreign {
    fn send(&mut self, topic: &str, partition: i32, record: &Plain) -> i64 {
        let (key, value) = (record.key.as_deref(), record.value.as_deref());
        self.0.send(topic, partition, key, value, &record.header_refs()).unwrap()
    }

    fn send_offset(&mut self, group: &str, topic: &str, partition: i32, offset: i64) {
        self.0.send_offset(group, topic, partition, offset).unwrap();
    }

    fn commit(&mut self) -> Result<(), String> {
        self.0.commit().map_err(|e| e.to_string())
    }

    fn abort(&mut self) -> Result<(), String> {
        self.0.abort().map_err(|e| e.to_string())
    }
}
