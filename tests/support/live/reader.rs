//! Topics as other programs see them: records, ends, committed offsets. Assigns, never joins a group.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rdkafka::Offset;
use rdkafka::TopicPartitionList;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{Headers, Message};
use serde_json::Value;

use super::client;

/// Offsets by topic and partition.
pub type Offsets = BTreeMap<(String, i32), i64>;

const TIMEOUT: Duration = Duration::from_secs(30);

/// A committed record.
#[derive(Clone, Debug)]
pub struct Seen {
    pub topic: String,
    pub partition: i32,
    pub offset: i64,
    pub timestamp: i64,
    pub key: Option<Vec<u8>>,
    pub value: Option<Vec<u8>>,
    pub headers: Vec<(String, Option<Vec<u8>>)>,
}

impl Seen {
    pub fn json(&self) -> Value {
        serde_json::from_slice(self.value.as_deref().unwrap()).unwrap()
    }

    pub fn key_text(&self) -> &str {
        std::str::from_utf8(self.key.as_deref().unwrap()).unwrap()
    }

    /// The last header of that name, as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        let (_, value) = self.headers.iter().rev().find(|(n, _)| n == name)?;
        std::str::from_utf8(value.as_deref()?).ok()
    }
}

pub struct Reader {
    bootstrap: String,
}

/// Asks again while nodes come and go: a partition's leader may just be another.
fn patiently<T>(mut ask: impl FnMut() -> Result<T, KafkaError>) -> T {
    let deadline = Instant::now() + TIMEOUT;
    loop {
        match ask() {
            Ok(answer) => return answer,
            Err(error) => assert!(Instant::now() < deadline, "{error}"),
        }
        std::thread::sleep(Duration::from_millis(200));
    }
}

impl Reader {
    pub fn new(bootstrap: &str) -> Reader {
        Reader { bootstrap: bootstrap.to_owned() }
    }

    fn consumer(&self, group: &str, committed: bool) -> BaseConsumer {
        client(&self.bootstrap)
            .set("group.id", group)
            .set("isolation.level", if committed { "read_committed" } else { "read_uncommitted" })
            .set("enable.auto.commit", "false")
            .set("auto.offset.reset", "earliest")
            .set("enable.partition.eof", "true")
            .set("fetch.wait.max.ms", "20")
            .create()
            .unwrap()
    }

    fn partitions(consumer: &BaseConsumer, topics: &[String]) -> Vec<(String, i32)> {
        let mut all = vec![];
        for topic in topics {
            let metadata = patiently(|| consumer.fetch_metadata(Some(topic), TIMEOUT));
            all.extend((0..metadata.topics()[0].partitions().len() as i32).map(|p| (topic.clone(), p)));
        }
        all
    }

    /// Where each partition ends, for readers of committed records or for those of all.
    pub fn ends(&self, topics: &[String], committed: bool) -> Offsets {
        let consumer = self.consumer("observer", committed);
        let end = |(topic, p): (String, i32)| {
            let (_, end) = patiently(|| consumer.fetch_watermarks(&topic, p, TIMEOUT));
            ((topic, p), end)
        };
        Reader::partitions(&consumer, topics).into_iter().map(end).collect()
    }

    /// What a group has committed.
    pub fn group_offsets(&self, group: &str, topics: &[String]) -> Offsets {
        let consumer = self.consumer(group, true);
        let mut list = TopicPartitionList::new();
        for (topic, p) in Reader::partitions(&consumer, topics) {
            list.add_partition(&topic, p);
        }
        let known = patiently(|| consumer.committed_offsets(list.clone(), TIMEOUT));
        let offset = |o: Offset| if let Offset::Offset(o) = o { Some(o) } else { None };
        known.elements().iter().filter_map(|e| Some(((e.topic().to_owned(), e.partition()), offset(e.offset())?))).collect()
    }

    /// All committed records of a topic, each partition in its order.
    pub fn read(&self, topic: &str) -> Vec<Seen> {
        let consumer = self.consumer("observer", true);
        let mut list = TopicPartitionList::new();
        for (topic, p) in Reader::partitions(&consumer, &[topic.to_owned()]) {
            list.add_partition_offset(&topic, p, Offset::Beginning).unwrap();
        }
        let mut open = list.count();
        consumer.assign(&list).unwrap();
        let mut seen = vec![];
        while open > 0 {
            match consumer.poll(TIMEOUT).expect("the end of a partition") {
                Ok(m) => seen.push(Seen {
                    topic: topic.to_owned(),
                    partition: m.partition(),
                    offset: m.offset(),
                    timestamp: m.timestamp().to_millis().unwrap_or(-1),
                    key: m.key().map(Into::into),
                    value: m.payload().map(Into::into),
                    headers: m
                        .headers()
                        .map(|h| h.iter().map(|h| (h.key.to_owned(), h.value.map(Into::into))).collect())
                        .unwrap_or_default(),
                }),
                Err(KafkaError::PartitionEOF(_)) => open -= 1,
                Err(error) => panic!("{topic}: {error}"),
            }
        }
        seen.sort_by_key(|s| (s.partition, s.offset));
        seen
    }

    /// Types of each order's events, in their order.
    pub fn order_events(&self, topic: &str) -> BTreeMap<String, Vec<String>> {
        let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for event in self.read(topic) {
            let value = event.json();
            all.entry(event.key_text().to_owned()).or_default().push(value["type"].as_str().unwrap().to_owned());
        }
        all
    }
}
