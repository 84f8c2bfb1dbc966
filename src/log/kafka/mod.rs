//! The log on Kafka: one static group member and one transactional producer per worker.
//!
//! | file | what |
//! | --- | --- |
//! | `native/` | librdkafka's C functions behind safe handles; the only `unsafe` |
//! | `committer.rs` | the producer's thread: runs one transaction while the worker decides the next batch |
//! | `reader.rs` | reads a changelog partition to its end |
//! | `settings.rs` | the client properties, each with its reason |
//! | `admin.rs` | what topics there are; creating them |
//! | `history.rs` | whole topics for the auditor |

pub mod admin;
mod committer;
pub mod history;
mod native;
mod reader;
mod settings;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::bindings::rd_kafka_resp_err_t as Code;

use self::committer::Committer;
use self::native::{Consumer, Fault, OFFSET_BEGINNING, OFFSET_LATEST, OFFSET_NONE, PartitionList, RawMessage, Rebalance};
pub use self::reader::KafkaReader;
pub use self::settings::KafkaConfig;
use super::{Commit, Event, HeaderRef, Log, LogError, Message, TopicId, Topics, Tp, Transaction};

/// How long a request to the broker may take before it is an error.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// A worker's hold on Kafka.
pub struct KafkaLog {
    config: Arc<KafkaConfig>,
    topics: Arc<Topics>,
    consumer: Arc<Consumer>,
    /// Sees uncommitted ends: the group's consumer, being `read_committed`, is told the last stable offset instead.
    meta: Arc<Consumer>,
    committer: Committer,
    assigned: Vec<Tp>,
    /// Topic handles of messages, resolved once.
    handles: HashMap<usize, TopicId>,
}

/// A record, still in librdkafka's memory.
#[derive(Debug)]
pub struct KafkaMessage {
    raw: RawMessage,
    topic: TopicId,
}

impl Message for KafkaMessage {
    fn tp(&self) -> Tp {
        Tp::new(self.topic, self.raw.partition())
    }
    fn offset(&self) -> i64 {
        self.raw.offset()
    }
    fn timestamp(&self) -> i64 {
        self.raw.timestamp()
    }
    fn key(&self) -> Option<&[u8]> {
        self.raw.key()
    }
    fn value(&self) -> Option<&[u8]> {
        self.raw.value()
    }
    fn headers(&self) -> Vec<HeaderRef<'_>> {
        self.raw.headers()
    }
}

impl KafkaLog {
    /// Joins the group, subscribed to `subscribe`, and takes the slot's transactional id: what a predecessor left
    /// open is ended here, and the predecessor fenced.
    pub fn new(config: Arc<KafkaConfig>, topics: Arc<Topics>, subscribe: &[TopicId]) -> Result<KafkaLog, LogError> {
        let consumer = Arc::new(Consumer::new(&config.consumer()).map_err(|e| classify(&e))?);
        let meta = Arc::new(Consumer::new(&config.meta()).map_err(|e| classify(&e))?);
        let committer = Committer::start(Arc::clone(&config), Arc::clone(&topics), Arc::clone(&consumer))?;
        consumer.subscribe(subscribe.iter().map(|t| topics.name(*t))).map_err(|e| classify(&e))?;
        Ok(KafkaLog { config, topics, consumer, meta, committer, assigned: vec![], handles: HashMap::new() })
    }

    fn list(&self, partitions: &[Tp], offset: i64) -> PartitionList {
        PartitionList::new(partitions.iter().map(|tp| (self.topics.name(tp.topic), tp.partition, offset)))
    }

    /// Committed offsets in the order of `partitions`, once no transaction holds some of them.
    fn committed_offsets(&self, partitions: &[Tp]) -> Result<Vec<Option<i64>>, LogError> {
        if partitions.is_empty() {
            return Ok(vec![]);
        }
        let deadline = Instant::now() + REQUEST_TIMEOUT;
        loop {
            let list = self.list(partitions, OFFSET_NONE);
            match self.consumer.committed(&list, REQUEST_TIMEOUT).and_then(|()| read_offsets(&list)) {
                // An unstable offset means that an earlier owner's transaction is still ending.
                Err(fault) if fault.code == Code::RD_KAFKA_RESP_ERR_UNSTABLE_OFFSET_COMMIT && Instant::now() < deadline => {
                    std::thread::sleep(Duration::from_millis(20));
                }
                Err(fault) if fault.code == Code::RD_KAFKA_RESP_ERR__TIMED_OUT => {
                    return Err(LogError::Retry(format!(
                        "{}: the group's coordinator does not answer, or a transaction that does not end holds the offsets. If it stays \
                         so, look for that with `kafka-transactions.sh find-hanging`",
                        fault.text
                    )));
                }
                other => return other.map_err(|e| classify(&e)),
            }
        }
    }

    /// Reads the assigned partitions from their committed offsets, or from their first.
    fn start(&mut self, partitions: &[Tp], paused: &[Tp]) -> Result<Vec<(Tp, i64)>, LogError> {
        let committed = self.committed_offsets(partitions)?;
        let from = PartitionList::new(
            partitions
                .iter()
                .zip(&committed)
                .map(|(tp, offset)| (self.topics.name(tp.topic), tp.partition, offset.unwrap_or(OFFSET_BEGINNING))),
        );
        self.consumer.assign(&from).map_err(|e| classify(&e))?;
        if !paused.is_empty() {
            self.consumer.pause(&self.list(paused, 0)).map_err(|e| classify(&e))?;
        }
        self.assigned = partitions.to_vec();
        partitions
            .iter()
            .zip(committed)
            .map(|(tp, offset)| {
                if let Some(offset) = offset {
                    return Ok((*tp, offset));
                }
                let name = self.topics.name(tp.topic);
                let (low, _) = self.meta.watermarks(name, tp.partition, REQUEST_TIMEOUT).map_err(|e| classify(&e))?;
                Ok((*tp, low))
            })
            .collect()
    }

    fn topic_of(&mut self, raw: &RawMessage) -> Option<TopicId> {
        let handle = raw.topic_handle();
        if let Some(id) = self.handles.get(&handle) {
            return Some(*id);
        }
        let id = self.topics.find(&raw.topic())?;
        self.handles.insert(handle, id);
        Some(id)
    }

    /// Turns what a poll returned into an event.
    fn event(&mut self, raw: RawMessage) -> Result<Option<Event<KafkaMessage>>, LogError> {
        match raw.error() {
            Code::RD_KAFKA_RESP_ERR_NO_ERROR => Ok(self.topic_of(&raw).map(|topic| Event::Record(KafkaMessage { raw, topic }))),
            Code::RD_KAFKA_RESP_ERR__PARTITION_EOF => {
                let (partition, next) = (raw.partition(), raw.offset());
                Ok(self.topic_of(&raw).map(|topic| Event::End { tp: Tp::new(topic, partition), next }))
            }
            // librdkafka reconnects and retries by itself; the worker sees it as silence.
            Code::RD_KAFKA_RESP_ERR__TRANSPORT
            | Code::RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN
            | Code::RD_KAFKA_RESP_ERR__TIMED_OUT
            | Code::RD_KAFKA_RESP_ERR__RESOLVE
            | Code::RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE
            | Code::RD_KAFKA_RESP_ERR_NOT_COORDINATOR
            | Code::RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS => {
                tracing::warn!("Kafka is out of reach: {}; waiting for it", raw.error_text());
                Ok(None)
            }
            Code::RD_KAFKA_RESP_ERR__MAX_POLL_EXCEEDED => {
                Err(LogError::Retry(format!("the group gave this worker up: {}", raw.error_text())))
            }
            Code::RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET | Code::RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE => Err(LogError::Fatal(format!(
                "the next record to read of {}[{}] is gone ({}). Retention removed records that were never decided. \
                 Raise the topic's retention; to go on without them, set the group's offset with kafka-consumer-groups.sh",
                raw.topic(),
                raw.partition(),
                raw.error_text()
            ))),
            Code::RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART => Err(LogError::Fatal(format!(
                "a topic is missing ({}). Create what is missing with `waybill topics create`",
                raw.error_text()
            ))),
            code => {
                if let Some(fault) = self.consumer.fatal_error() {
                    return Err(classify(&fault));
                }
                tracing::warn!(?code, "Kafka consumer: {}", raw.error_text());
                Ok(None)
            }
        }
    }
}

/// The offsets of a list that the group coordinator has filled in. A partition's own error is an error: without it, an
/// offset that could not be told would look like one that was never committed.
fn read_offsets(list: &PartitionList) -> Result<Vec<Option<i64>>, Fault> {
    list.entries()
        .into_iter()
        .map(|(topic, partition, offset, code)| match code {
            Code::RD_KAFKA_RESP_ERR_NO_ERROR => Ok((offset >= 0).then_some(offset)),
            code => Err(Fault::of(code, &format!("fetch the committed offset of {topic}[{partition}]"))),
        })
        .collect()
}

/// What an error means for a worker.
fn classify(fault: &Fault) -> LogError {
    match fault.code {
        Code::RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID
        | Code::RD_KAFKA_RESP_ERR__FENCED
        | Code::RD_KAFKA_RESP_ERR_PRODUCER_FENCED
        | Code::RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH => LogError::Fenced(fault.text.clone()),
        Code::RD_KAFKA_RESP_ERR__INVALID_ARG
        | Code::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED
        | Code::RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED
        | Code::RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED
        | Code::RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE => LogError::Fatal(fault.text.clone()),
        _ => LogError::Retry(fault.text.clone()),
    }
}

impl Log for KafkaLog {
    type Message = KafkaMessage;
    type Reader = KafkaReader;

    fn poll(&mut self, wait: Duration, most: usize, events: &mut Vec<Event<KafkaMessage>>) -> Result<(), LogError> {
        let mut wait = wait;
        for _ in 0..most {
            let polled = self.consumer.poll(wait);
            wait = Duration::ZERO;
            for rebalance in self.consumer.take_rebalances() {
                events.push(match rebalance {
                    Rebalance::Assigned(partitions) => Event::Assigned(
                        partitions.iter().filter_map(|(name, p)| self.topics.find(name).map(|id| Tp::new(id, *p))).collect(),
                    ),
                    Rebalance::Revoked { lost: false } => Event::Revoked,
                    Rebalance::Revoked { lost: true } => Event::Lost,
                });
            }
            let Some(raw) = polled else { break };
            if let Some(event) = self.event(raw)? {
                events.push(event);
            }
        }
        Ok(())
    }

    fn assign(&mut self, partitions: &[Tp], paused: &[Tp]) -> Result<Vec<(Tp, i64)>, LogError> {
        self.start(partitions, paused)
    }

    fn unassign(&mut self) -> Result<(), LogError> {
        self.assigned.clear();
        self.consumer.unassign().map_err(|e| classify(&e))
    }

    fn pause(&mut self, partitions: &[Tp]) -> Result<(), LogError> {
        if partitions.is_empty() {
            return Ok(());
        }
        self.consumer.pause(&self.list(partitions, 0)).map_err(|e| classify(&e))
    }

    fn resume(&mut self, partitions: &[Tp]) -> Result<(), LogError> {
        if partitions.is_empty() {
            return Ok(());
        }
        self.consumer.resume(&self.list(partitions, 0)).map_err(|e| classify(&e))
    }

    fn commit(&mut self, transaction: Transaction) {
        self.committer.commit(transaction, self.consumer.group_metadata());
    }

    fn committed(&mut self) -> Option<Commit> {
        self.committer.ended()
    }

    fn recover(&mut self) -> Result<Vec<(Tp, i64)>, LogError> {
        // A member that is fenced must not fence its successor's producer in its turn.
        if let Some(fault) = self.consumer.fatal_error() {
            return Err(classify(&fault));
        }
        // A client that asked a broker which was still starting remembers for minutes that partitions do not exist.
        self.meta = Arc::new(Consumer::new(&self.config.meta()).map_err(|e| classify(&e))?);
        self.committer.renew()?;
        let assigned = self.assigned.clone();
        if assigned.is_empty() { Ok(vec![]) } else { self.start(&assigned, &[]) }
    }

    fn ends(&mut self, partitions: &[Tp]) -> Result<Vec<i64>, LogError> {
        // librdkafka takes an empty list for a mistake.
        if partitions.is_empty() {
            return Ok(vec![]);
        }
        let list = self.list(partitions, OFFSET_LATEST);
        self.meta.offsets_at(&list, REQUEST_TIMEOUT).map_err(|e| classify(&e))?;
        list.entries()
            .into_iter()
            .map(|(topic, partition, offset, code)| match code {
                Code::RD_KAFKA_RESP_ERR_NO_ERROR => Ok(offset),
                code => Err(classify(&Fault::of(code, &format!("list the end of {topic}[{partition}]")))),
            })
            .collect()
    }

    fn group_offsets(&mut self, partitions: &[Tp]) -> Result<Vec<Option<i64>>, LogError> {
        if partitions.is_empty() {
            return Ok(vec![]);
        }
        // By the handle that reads uncommitted records: it is answered at once, also while a transaction holds offsets.
        let list = self.list(partitions, OFFSET_NONE);
        self.meta.committed(&list, REQUEST_TIMEOUT).and_then(|()| read_offsets(&list)).map_err(|e| classify(&e))
    }

    fn reader(&self, tp: Tp, from: i64) -> Result<KafkaReader, LogError> {
        KafkaReader::new(&self.config, &self.meta, self.topics.name(tp.topic), tp.partition, from)
    }

    fn known_end(&self, tp: Tp) -> Option<i64> {
        self.consumer.known_end(self.topics.name(tp.topic), tp.partition)
    }

    fn close(&mut self) {
        self.committer.stop();
        // Dropping the last handle closes the consumer; a static member keeps its place.
    }
}
