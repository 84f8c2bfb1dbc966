//! A transaction through librdkafka's own functions.

use std::thread::sleep;
use std::time::{Duration, Instant};

use super::{Api, Cycle, INPUT, Steps, record};
use crate::client::{Group, Offsets, Producer, Reports, Topic};
use crate::options::Common;

pub(super) struct Clients {
    /// Each with its handle on the topic that it writes to.
    producers: Vec<(Producer, Topic)>,
    group: Group,
    gap: Duration,
}

impl Clients {
    pub(super) fn new(common: &Common, own: &Cycle, id: &str) -> Clients {
        let reports = if own.api == Api::NativeNodr { Reports::None } else { Reports::Errors };
        let producer = |number| {
            let properties = common.producer(Some(&format!("{id}-{number}")));
            let producer = Producer::new(&properties, &[&own.out], true, reports);
            let topic = producer.topic(&own.out);
            (producer, topic)
        };
        Clients {
            producers: (0..own.producers).map(producer).collect(),
            group: Group::new(id),
            gap: Duration::from_secs_f64(own.gap_ms / 1e3),
        }
    }

    pub(super) fn transaction(&self, own: &Cycle, number: usize) -> Steps {
        let (producer, topic) = &self.producers[number % self.producers.len()];
        let add_offsets = || producer.send_offsets(&Offsets::of_one(INPUT, 0, number as i64), &self.group);
        let began = Instant::now();
        producer.begin();
        if own.offsets_first {
            add_offsets();
        }
        let open = Instant::now();
        for index in 0..own.records {
            let (key, value) = record(number, index);
            producer.produce(*topic, key.as_bytes(), value.as_bytes());
        }
        let produced = Instant::now();
        if own.flush_first {
            producer.flush();
        }
        let flushed = Instant::now();
        if !own.no_offsets && !own.offsets_first {
            add_offsets();
        }
        let added = Instant::now();
        producer.commit();
        let committed = Instant::now();
        if !self.gap.is_zero() {
            sleep(self.gap);
        }
        Steps {
            produce: produced - open,
            flush: flushed - produced,
            offsets: if own.offsets_first { open - began } else { added - flushed },
            commit: committed - added,
            whole: committed - began,
        }
    }
}
