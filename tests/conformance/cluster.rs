//! What a case needs of a Kafka, real or modelled, beside the log under test: other programs' producing and reading,
//! topics, and time.

use std::time::Duration;

use waybill::log::{HeaderRef, Log, LogError, Topics, Tp};

/// A record to produce.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plain {
    pub key: Option<Vec<u8>>,
    pub value: Option<Vec<u8>>,
    pub headers: Vec<(String, Option<Vec<u8>>)>,
    pub timestamp: Option<i64>,
}

impl Plain {
    pub fn new(key: &str, value: &str) -> Plain {
        Plain { key: Some(key.into()), value: Some(value.into()), ..Plain::default() }
    }

    pub fn header(mut self, name: &str, value: Option<&[u8]>) -> Plain {
        self.headers.push((name.into(), value.map(Into::into)));
        self
    }

    pub fn at(mut self, timestamp: i64) -> Plain {
        self.timestamp = Some(timestamp);
        self
    }

    pub fn header_refs(&self) -> Vec<HeaderRef<'_>> {
        self.headers.iter().map(|(name, value)| (name.as_str(), value.as_deref())).collect()
    }
}

/// A record that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    pub partition: i32,
    pub offset: i64,
    pub timestamp: i64,
    pub key: Option<Vec<u8>>,
    pub value: Option<Vec<u8>>,
    pub headers: Vec<(String, Option<Vec<u8>>)>,
}

impl Seen {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(self.value.as_deref().unwrap_or(b"<null>")).into_owned()
    }
}

/// The log client under test.
#[derive(Clone, Debug)]
pub struct Who {
    pub group: String,
    pub instance: String,
    pub transactional_id: String,
    pub subscribe: Vec<String>,
    pub session_ms: i64,
    pub max_poll_ms: i64,
}

pub trait Cluster {
    type Log: Log;
    type Producer: Producer;

    fn create_topic(&mut self, name: &str, partitions: i32);
    /// Appends outside any transaction; returns the offsets.
    fn produce(&mut self, topic: &str, partition: i32, records: &[Plain]) -> Vec<i64>;
    /// Everything in a partition that is readable now, `committed` or all, and the offset where that ends.
    fn read(&mut self, topic: &str, partition: i32, committed: bool) -> (Vec<Seen>, i64);
    fn delete_before(&mut self, topic: &str, partition: i32, offset: i64);
    fn producer(&mut self, transactional_id: &str, timeout: Duration) -> Self::Producer;
    fn client(&mut self, who: &Who, topics: &Topics) -> Result<Self::Log, LogError>;
    /// Lets time pass.
    fn pass(&mut self, time: Duration);
    /// Milliseconds since the epoch.
    fn now(&self) -> i64;
}

/// Another program's transactional producer. Dropped, it leaves its transaction open.
pub trait Producer: Send + 'static {
    /// Appends to the transaction, which begins by itself; returns the offset.
    fn send(&mut self, topic: &str, partition: i32, record: &Plain) -> i64;
    fn send_offset(&mut self, group: &str, topic: &str, partition: i32, offset: i64);
    fn commit(&mut self) -> Result<(), String>;
    fn abort(&mut self) -> Result<(), String>;
}

/// A partition by topic name, for a case's own topics.
pub fn name(topics: &Topics, tp: Tp) -> (&str, i32) {
    (topics.name(tp.topic), tp.partition)
}
