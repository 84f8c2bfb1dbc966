//! Producing and reading as the probe does it: murmur2, `read_committed`, no group of its own. Retries nothing.

use std::time::{Duration, Instant};

use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::metadata::{MetadataPartition, MetadataTopic};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer, ProducerContext};
use rdkafka::{Offset, TopicPartitionList};

/// For a request to the broker.
pub const PATIENCE: Duration = Duration::from_secs(30);

fn base(bootstrap: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", bootstrap).set("client.id", "fleet-probe").set("broker.address.family", "v4");
    config
}

/// `linger`: milliseconds.
pub fn producer<C: ProducerContext>(bootstrap: &str, linger: &str, context: C) -> KafkaResult<BaseProducer<C>> {
    base(bootstrap)
        .set("partitioner", "murmur2_random")
        .set("enable.idempotence", "true")
        .set("linger.ms", linger)
        .set("queue.buffering.max.messages", "1000000")
        .set("queue.buffering.max.kbytes", "1048576")
        .create_with_context(context)
}

/// `group`: whose offsets it may ask for; it never joins.
pub fn consumer(bootstrap: &str, group: &str) -> KafkaResult<BaseConsumer> {
    base(bootstrap)
        .set("group.id", group)
        .set("enable.auto.commit", "false")
        .set("isolation.level", "read_committed")
        .set("enable.partition.eof", "true")
        .set("fetch.wait.max.ms", "10")
        .set("fetch.min.bytes", "1")
        .create()
}

/// Sends, and waits for room in the queue where there is none.
pub fn send<C: ProducerContext>(producer: &BaseProducer<C>, mut record: BaseRecord<'_, [u8], [u8], C::DeliveryOpaque>) -> KafkaResult<()> {
    loop {
        match producer.send(record) {
            Ok(()) => return Ok(()),
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
                producer.poll(Duration::from_millis(20));
                record = back;
            }
            Err((error, _)) => return Err(error),
        }
    }
}

pub fn flush<C: ProducerContext>(producer: &BaseProducer<C>) -> KafkaResult<()> {
    producer.flush(PATIENCE * 10)
}

/// Where each partition of a topic ends now.
pub fn ends(consumer: &BaseConsumer, topic: &str) -> KafkaResult<Vec<i64>> {
    let metadata = consumer.fetch_metadata(Some(topic), PATIENCE)?;
    let partitions = metadata.topics().iter().flat_map(MetadataTopic::partitions).map(MetadataPartition::id);
    partitions.map(|partition| consumer.fetch_watermarks(topic, partition, PATIENCE).map(|(_, end)| end)).collect()
}

/// Reads these topics from their present ends.
pub fn follow(consumer: &BaseConsumer, topics: &[&str]) -> KafkaResult<()> {
    let mut list = TopicPartitionList::new();
    for topic in topics {
        for (partition, end) in ends(consumer, topic)?.into_iter().enumerate() {
            list.add_partition_offset(topic, partition as i32, Offset::Offset(end))?;
        }
    }
    consumer.assign(&list)
}

/// Hands every committed record that a topic has now to `each`.
pub fn read_all(consumer: &BaseConsumer, topic: &str, mut each: impl FnMut()) -> KafkaResult<()> {
    let mut list = TopicPartitionList::new();
    let mut open = ends(consumer, topic)?.len();
    for partition in 0..open {
        list.add_partition_offset(topic, partition as i32, Offset::Beginning)?;
    }
    consumer.assign(&list)?;
    while open > 0 {
        match consumer.poll(Duration::from_millis(100)) {
            Some(Ok(_)) => each(),
            Some(Err(KafkaError::PartitionEOF(_))) => open -= 1,
            Some(Err(error)) => return Err(error),
            None => {}
        }
    }
    Ok(())
}

/// Waits until the consumer's group has committed all that is in a topic now. Returns the records, or how many were
/// missing when the time was up.
pub fn await_group(consumer: &BaseConsumer, topic: &str, timeout: Duration) -> KafkaResult<Result<i64, i64>> {
    let until = Instant::now() + timeout;
    let ends = ends(consumer, topic)?;
    let all: i64 = ends.iter().sum();
    let mut list = TopicPartitionList::new();
    for partition in 0..ends.len() {
        list.add_partition(topic, partition as i32);
    }
    loop {
        let committed = consumer.committed_offsets(list.clone(), PATIENCE)?;
        let done: i64 = committed.elements().iter().map(|at| if let Offset::Offset(offset) = at.offset() { offset } else { 0 }).sum();
        if done >= all {
            return Ok(Ok(all));
        }
        if Instant::now() > until {
            return Ok(Err(all - done));
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}
