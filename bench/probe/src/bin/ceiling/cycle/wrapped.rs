//! A transaction through the rdkafka crate.

use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerGroupMetadata};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

use super::{Api, Cycle, INPUT, Steps, record};
use crate::options::Common;

/// For a request to the broker.
const PATIENCE: Duration = Duration::from_secs(30);

pub(super) struct Clients {
    producers: Vec<BaseProducer>,
    /// It lends the group's name only; nobody polls it.
    _consumer: BaseConsumer,
    group: ConsumerGroupMetadata,
}

impl Clients {
    pub(super) fn new(common: &Common, own: &Cycle, id: &str) -> Clients {
        let producer = |number| {
            let config: ClientConfig = common.producer(Some(&format!("{id}-{number}"))).into_iter().collect();
            let producer: BaseProducer = config.create().expect("librdkafka makes no producer");
            producer.init_transactions(PATIENCE).expect("init_transactions");
            producer
        };
        let producers = (0..own.producers).map(producer).collect();
        let consumer = ClientConfig::new().set("bootstrap.servers", common.bootstrap()).set("group.id", id).create::<BaseConsumer>();
        let consumer = consumer.expect("librdkafka makes no consumer");
        let group = consumer.group_metadata().expect("a consumer with a group.id");
        Clients { producers, _consumer: consumer, group }
    }

    pub(super) fn transaction(&self, own: &Cycle, number: usize) -> Steps {
        let producer = &self.producers[number % self.producers.len()];
        let drains = own.api == Api::RustDrain;
        let began = Instant::now();
        producer.begin_transaction().expect("begin");
        for index in 0..own.records {
            let (key, value) = record(number, index);
            producer.send(BaseRecord::to(&own.out).key(&key).payload(&value)).map_err(|(error, _)| error).expect("produce");
        }
        let produced = Instant::now();
        if drains && own.flush_first {
            drain(producer);
        }
        let flushed = Instant::now();
        if !own.no_offsets {
            self.add_offsets(producer, number);
        }
        let added = Instant::now();
        if drains {
            drain(producer);
        }
        producer.commit_transaction(PATIENCE).expect("commit");
        let committed = Instant::now();
        Steps {
            produce: produced - began,
            flush: flushed - produced,
            offsets: added - flushed,
            commit: committed - added,
            whole: committed - began,
        }
    }

    fn add_offsets(&self, producer: &BaseProducer, number: usize) {
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(INPUT, 0, Offset::Offset(number as i64)).expect("an offset that can be committed");
        producer.send_offsets_to_transaction(&list, &self.group, PATIENCE).expect("send_offsets");
    }
}

/// `commit_transaction` flushes in steps of 100 ms; with nothing in flight it need not.
fn drain(producer: &BaseProducer) {
    while producer.in_flight_count() > 0 {
        producer.poll(Duration::from_millis(1));
    }
}
