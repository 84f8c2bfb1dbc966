//! Whole topics from their beginning to the end that they have now, committed records only, outside the group: for the
//! auditor, who must not depend on how the engine reads.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use auditor::Record;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{Headers, Message};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::admin::{Admin, AdminError, Complaints, client};
use crate::config::Config;
use crate::config::topics::cut_short;
use crate::engine::plan::{Processor, inbox_name};

type Partition = (String, i32);

const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// No record for so long, where there are more: something is wrong.
const MOST_SILENCE: Duration = Duration::from_mins(1);
/// Levels are written at a pace; a log that has not moved for so long has the last ones.
const VIEWS_PACE: Duration = Duration::from_millis(1_500);
const PROGRESS_PACE: Duration = Duration::from_secs(2);

/// How far Waybill was when the ends were taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settled {
    /// Every input and every message was decided, and all outputs are there.
    Everything,
    /// Nothing is on its way, but nobody runs who would write the last levels.
    AllButViews,
    No {
        why: String,
    },
}

/// The topics and the ends up to which they are read.
pub struct History {
    config: Config,
    topics: Vec<String>,
    /// Beginning and end of each partition, uncommitted records counted in.
    bounds: BTreeMap<Partition, (i64, i64)>,
    settled: Settled,
}

impl History {
    /// Takes the ends of the topics, to be read in this order. Looks whether the group is done with its input: reading
    /// the outputs of a moment in the middle of a decision says little.
    pub fn open(config: &Config, topics: &[&str]) -> Result<History, AdminError> {
        let inboxes = Processor::ALL.map(|p| inbox_name(&config.app, p));
        let mut all: Vec<&str> = topics.to_vec();
        all.extend(inboxes.iter().map(String::as_str));
        let existing = Admin::new(&config.kafka)?.existing(&all)?;
        let missing: Vec<&str> = topics.iter().filter(|t| !existing.contains_key(**t)).copied().collect();
        if !missing.is_empty() {
            return Err(AdminError::new(
                "verify",
                &format!("topics are missing on {}: {}. Is it the right Kafka?", config.kafka.bootstrap, missing.join(", ")),
            ));
        }
        let partitions: Vec<Partition> =
            existing.iter().flat_map(|(name, topic)| (0..topic.partitions).map(move |p| (name.clone(), p))).collect();
        let eye = consumer(config, "read_uncommitted")?;
        let bounds = bounds(&eye, &partitions)?;
        warn_of_gaps(config, topics, &bounds);
        let settled = settled(config, &eye, &partitions, &bounds)?;
        let topics = topics.iter().map(|t| (*t).to_owned()).collect();
        Ok(History { config: config.clone(), topics, bounds, settled })
    }

    pub fn settled(&self) -> &Settled {
        &self.settled
    }

    /// Hands over every committed record, topic by topic. Reports its progress to the log.
    pub fn read(&self, mut each: impl FnMut(&Record)) -> Result<(), AdminError> {
        let all: i64 = self.topics.iter().flat_map(|topic| self.of(topic)).map(|(_, (from, to))| to - from).sum();
        let mut progress = Progress { read: 0, all, said: Instant::now() };
        // One consumer for each, so that the next topic is on its way while one is read: librdkafka takes up to a second
        // before it fetches from a new assignment.
        let readers: Vec<TopicReader> = self.topics.iter().map(|topic| self.reader(topic)).collect::<Result<_, _>>()?;
        readers.into_iter().try_for_each(|reader| reader.read(&mut progress, &mut each))
    }

    fn of(&self, topic: &str) -> impl Iterator<Item = (i32, (i64, i64))> {
        self.bounds.iter().filter(move |((name, _), _)| name == topic).map(|((_, partition), bounds)| (*partition, *bounds))
    }

    fn reader(&self, topic: &str) -> Result<TopicReader, AdminError> {
        let consumer = consumer(&self.config, "read_committed")?;
        let mut open = BTreeMap::new();
        let mut assignment = TopicPartitionList::new();
        for (partition, (from, to)) in self.of(topic).filter(|(_, (from, to))| from < to) {
            open.insert(partition, to);
            assignment.add_partition_offset(topic, partition, Offset::Offset(from)).map_err(|e| AdminError::new("read", &e))?;
        }
        consumer.assign(&assignment).map_err(|e| AdminError::new("read", &e))?;
        Ok(TopicReader { consumer, topic: topic.to_owned(), open })
    }
}

/// One topic that is being read.
struct TopicReader {
    consumer: BaseConsumer<Complaints>,
    topic: String,
    /// What is still to be read, by partition: up to which offset.
    open: BTreeMap<i32, i64>,
}

impl TopicReader {
    fn read(mut self, progress: &mut Progress, each: &mut impl FnMut(&Record)) -> Result<(), AdminError> {
        let topic = &self.topic;
        let mut heard = Instant::now();
        while !self.open.is_empty() {
            let message = match self.consumer.poll(Duration::from_millis(500)) {
                Some(Ok(message)) => message,
                // Committed records end here; what comes after is a transaction that is open, or begun since.
                Some(Err(KafkaError::PartitionEOF(partition))) => {
                    self.open.remove(&partition);
                    continue;
                }
                Some(Err(error)) if error.rdkafka_error_code().is_some_and(is_passing) => continue,
                Some(Err(error)) => return Err(AdminError::new(&format!("read {topic}"), &error)),
                None if heard.elapsed() > MOST_SILENCE => {
                    let why = self.consumer.context().last().unwrap_or_else(|| "nothing came".to_owned());
                    return Err(AdminError::new(&format!("read {topic} to its end"), &why));
                }
                None => continue,
            };
            heard = Instant::now();
            let Some(end) = self.open.get(&message.partition()).copied() else { continue };
            if message.offset() < end {
                hand_over(&message, each);
                progress.step();
            }
            if message.offset() + 1 >= end {
                self.open.remove(&message.partition());
            }
        }
        Ok(())
    }
}

/// These pass: librdkafka mends them by itself, or another request is answered.
fn is_passing(code: rdkafka::types::RDKafkaErrorCode) -> bool {
    use rdkafka::types::RDKafkaErrorCode as Code;
    matches!(
        code,
        Code::BrokerTransportFailure
            | Code::AllBrokersDown
            | Code::OperationTimedOut
            | Code::NotLeaderForPartition
            | Code::LeaderNotAvailable
            | Code::UnknownTopicOrPartition
    )
}

fn hand_over(message: &rdkafka::message::BorrowedMessage<'_>, each: &mut impl FnMut(&Record)) {
    let headers: Vec<(&str, &[u8])> =
        message.headers().map(|all| all.iter().map(|h| (h.key, h.value.unwrap_or_default())).collect()).unwrap_or_default();
    each(&Record {
        topic: message.topic(),
        partition: message.partition(),
        offset: message.offset(),
        timestamp: message.timestamp().to_millis().unwrap_or(-1),
        key: message.key(),
        value: message.payload(),
        headers: &headers,
    });
}

struct Progress {
    read: i64,
    /// Offsets, so an upper bound: transactions' markers count.
    all: i64,
    said: Instant,
}

impl Progress {
    fn step(&mut self) {
        self.read += 1;
        if self.read % 1024 == 0 && self.said.elapsed() > PROGRESS_PACE {
            self.said = Instant::now();
            tracing::info!("read {} of at most {} records", self.read, self.all);
        }
    }
}

fn consumer(config: &Config, isolation: &str) -> Result<BaseConsumer<Complaints>, AdminError> {
    client(&config.kafka)
        .set("client.id", "waybill-verify")
        // To look up its offsets; nobody joins it.
        .set("group.id", &config.app)
        .set("isolation.level", isolation)
        .set("enable.auto.commit", "false")
        .set("enable.partition.eof", "true")
        .set("auto.offset.reset", "earliest")
        .set("check.crcs", "true")
        .set("queued.max.messages.kbytes", "8192")
        .set("fetch.wait.max.ms", "50")
        .create_with_context(Complaints::default())
        .map_err(|e| AdminError::new("make a Kafka consumer (see [kafka.properties])", &e))
}

fn bounds(eye: &BaseConsumer<Complaints>, partitions: &[Partition]) -> Result<BTreeMap<Partition, (i64, i64)>, AdminError> {
    let deadline = Instant::now() + REQUEST_TIMEOUT;
    let bound = |partition: &Partition| {
        let (topic, number) = partition;
        loop {
            match eye.fetch_watermarks(topic, *number, REQUEST_TIMEOUT) {
                Ok(found) => return Ok((partition.clone(), found)),
                // A topic that was just made, or whose leader moves.
                Err(error) if error.rdkafka_error_code().is_some_and(is_passing) && Instant::now() < deadline => {
                    std::thread::sleep(Duration::from_millis(100));
                }
                Err(error) => return Err(AdminError::new(&format!("find the end of {topic}[{number}]"), &error)),
            }
        }
    };
    partitions.iter().map(bound).collect()
}

/// What retention has removed cannot be audited, and what followed from it looks wrong.
fn warn_of_gaps(config: &Config, topics: &[&str], bounds: &BTreeMap<Partition, (i64, i64)>) {
    for (topic, partition, begin) in cut_short(config, topics, bounds) {
        tracing::warn!(
            "{topic}[{partition}] begins at offset {begin}: retention has removed what came before, and what followed from that will \
             be reported as wrong. Audit before retention does, or raise it"
        );
    }
}

/// Whether the group has read everything below `bounds`, and nothing has been written since they were taken.
fn settled(
    config: &Config,
    eye: &BaseConsumer<Complaints>,
    partitions: &[Partition],
    at: &BTreeMap<Partition, (i64, i64)>,
) -> Result<Settled, AdminError> {
    let mut read: Vec<Partition> = partitions.to_vec();
    let sources: Vec<String> = schemas::Source::ALL.iter().map(|source| config.topic_name(source.name())).collect();
    let inboxes = Processor::ALL.map(|p| inbox_name(&config.app, p));
    read.retain(|(name, _)| sources.contains(name) || inboxes.contains(name));
    let behind = undecided(eye, &read, at)?;
    if let Some(why) = behind {
        return Ok(Settled::No { why });
    }
    let groups = eye.client().fetch_group_list(Some(&config.app), REQUEST_TIMEOUT);
    let runs = groups.is_ok_and(|list| list.groups().iter().any(|g| !g.members().is_empty()));
    if runs {
        std::thread::sleep(VIEWS_PACE);
    }
    if bounds(eye, partitions)? != *at {
        return Ok(Settled::No { why: "it is writing just now".into() });
    }
    Ok(if runs { Settled::Everything } else { Settled::AllButViews })
}

/// A partition with records that the group has not decided, if there is one.
fn undecided(
    eye: &BaseConsumer<Complaints>,
    read: &[Partition],
    at: &BTreeMap<Partition, (i64, i64)>,
) -> Result<Option<String>, AdminError> {
    let mut asked = TopicPartitionList::new();
    for (topic, partition) in read {
        asked.add_partition(topic, *partition);
    }
    let committed = eye.committed_offsets(asked, REQUEST_TIMEOUT).map_err(|e| AdminError::new("read the group's offsets", &e))?;
    let mut rest = TopicPartitionList::new();
    for element in committed.elements() {
        let key = (element.topic().to_owned(), element.partition());
        let Some((begin, end)) = at.get(&key) else { continue };
        let next = match element.offset() {
            Offset::Offset(next) => next.max(*begin),
            _ => *begin,
        };
        if next < *end {
            rest.add_partition_offset(&key.0, key.1, Offset::Offset(next)).map_err(|e| AdminError::new("read", &e))?;
        }
    }
    // Beyond the committed offset there may be no more than the markers of transactions: only reading tells.
    let count = rest.count();
    if count == 0 {
        return Ok(None);
    }
    eye.assign(&rest).map_err(|e| AdminError::new("read", &e))?;
    let mut ends = 0;
    let deadline = Instant::now() + REQUEST_TIMEOUT;
    while ends < count && Instant::now() < deadline {
        match eye.poll(Duration::from_millis(500)) {
            Some(Ok(message)) => {
                return Ok(Some(format!("{}[{}] is read up to offset {}", message.topic(), message.partition(), message.offset())));
            }
            Some(Err(KafkaError::PartitionEOF(_))) => ends += 1,
            _ => {}
        }
    }
    Ok(if ends < count { Some("the ends of its topics do not answer".to_owned()) } else { None })
}
