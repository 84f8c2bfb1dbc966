//! Producers and consumers, as every command has them: murmur2, `read_committed`, no group. A broker that does not
//! answer ends the run.

use std::time::Duration;

use clap::Args;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::producer::BaseProducer;
use rdkafka::{Offset, TopicPartitionList};

/// For a request to the broker.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// Where the broker is, and what its topics are called. Every command takes all of it.
#[derive(Debug, Args)]
#[command(next_help_heading = "Kafka")]
pub(crate) struct Common {
    /// Kafka's address
    #[arg(long, global = true, value_name = "HOST:PORT", default_value = "127.0.0.1:19092")]
    pub(crate) bootstrap: String,
    /// Where orders are sent
    #[arg(long, global = true, value_name = "TOPIC", default_value = "orders")]
    pub(crate) orders_topic: String,
    /// Where stock that came in is sent
    #[arg(long, global = true, value_name = "TOPIC", default_value = "restocks")]
    pub(crate) restocks_topic: String,
    /// Where decisions are read
    #[arg(long, global = true, value_name = "TOPIC", default_value = "order-events")]
    pub(crate) events_topic: String,
}

impl Common {
    pub(crate) fn client(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.bootstrap).set("client.id", "probe").set("broker.address.family", "v4");
        config
    }

    /// `linger`: milliseconds for which a batch may wait for more.
    pub(crate) fn producer(&self, linger: &str) -> BaseProducer {
        self.client()
            .set("partitioner", "murmur2_random")
            .set("enable.idempotence", "true")
            .set("linger.ms", linger)
            .set("queue.buffering.max.messages", "1000000")
            .set("queue.buffering.max.kbytes", "1048576")
            .create()
            .expect("librdkafka makes no producer")
    }

    /// `fetch_wait`: milliseconds for which the broker may keep an empty answer back.
    pub(crate) fn consumer(&self, fetch_wait: &str) -> BaseConsumer {
        self.client()
            .set("group.id", "probe-unused")
            .set("enable.auto.commit", "false")
            .set("isolation.level", "read_committed")
            .set("enable.partition.eof", "true")
            .set("fetch.wait.max.ms", fetch_wait)
            .set("fetch.min.bytes", "1")
            .set("auto.offset.reset", "earliest")
            .create()
            .expect("librdkafka makes no consumer")
    }
}

/// Where reading starts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Start {
    Beginning,
    End,
}

/// Reads a topic from there; returns how many partitions it has.
pub(crate) fn read_from(consumer: &BaseConsumer, topic: &str, start: Start) -> usize {
    let mut list = TopicPartitionList::new();
    for partition in 0..partitions(consumer, topic) {
        let offset = match start {
            Start::Beginning => Offset::Beginning,
            Start::End => Offset::Offset(end(consumer, topic, partition)),
        };
        list.add_partition_offset(topic, partition, offset).expect("an offset that a reader may start from");
    }
    consumer.assign(&list).unwrap_or_else(|error| panic!("{topic} cannot be assigned: {error}"));
    list.count()
}

/// Where a partition ends now.
pub(crate) fn end(consumer: &BaseConsumer, topic: &str, partition: i32) -> i64 {
    let watermarks = consumer.fetch_watermarks(topic, partition, PATIENCE);
    watermarks.unwrap_or_else(|error| panic!("{topic}-{partition} does not say where it ends: {error}")).1
}

/// Ends the process with exit code 1 if there is no such topic.
fn partitions(consumer: &BaseConsumer, topic: &str) -> i32 {
    let metadata = consumer.fetch_metadata(Some(topic), PATIENCE);
    let metadata = metadata.unwrap_or_else(|error| panic!("the broker does not answer for {topic}: {error}"));
    let count = metadata.topics()[0].partitions().len() as i32;
    if count == 0 {
        eprintln!("no topic {topic}");
        std::process::exit(1);
    }
    count
}
