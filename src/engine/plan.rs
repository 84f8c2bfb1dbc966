//! The topology as the engine runs it: processors, their topics by number, and which record belongs to which task.

use std::sync::Arc;

use processors::{catalogue, demand, fleet, orders, stock};
use schemas::avro::SinkEncoder;
use schemas::event::Named;
use schemas::{Sink, Source, TopicNames};
use serde::{Deserialize, Serialize};
use signatures::Guard;

use crate::log::{TopicId, Topics, Tp};
use crate::planner::Planner;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Processor {
    Orders,
    Stock,
    Fleet,
}

impl Processor {
    pub const ALL: [Processor; 3] = [Processor::Orders, Processor::Stock, Processor::Fleet];

    pub fn name(self) -> &'static str {
        match self {
            Processor::Orders => "orders",
            Processor::Stock => "stock",
            Processor::Fleet => "fleet",
        }
    }

    /// Some of its states have a view: a compacted topic that shows the last of them.
    pub fn has_views(self) -> bool {
        Sink::ALL.into_iter().any(|sink| sink.is_compacted() && Processor::writing(sink) == self)
    }

    /// The processor that a source topic's records belong to; `None`: each record says whom it concerns.
    pub fn of(source: Source) -> Option<Processor> {
        match source {
            Source::Orders | Source::Payments => Some(Processor::Orders),
            Source::Restocks | Source::StockCounts | Source::Products => Some(Processor::Stock),
            Source::GpsPings | Source::Dispatches => Some(Processor::Fleet),
            Source::Feedback => None,
        }
    }

    /// The processor whose decisions stand on a sink topic; dead letters are everybody's.
    pub fn writing(sink: Sink) -> Processor {
        match sink {
            Sink::OrderEvents | Sink::DeadLetters => Processor::Orders,
            Sink::StockLevels
            | Sink::StockMovements
            | Sink::ProductCatalog
            | Sink::ProductEvents
            | Sink::LowStockAlerts
            | Sink::Forecasts => Processor::Stock,
            Sink::VehiclePositions | Sink::PingVerdicts | Sink::ShipmentEvents => Processor::Fleet,
        }
    }

    /// Whether a record of this source may lead to something in this processor, by whatever way. Its timers fire only
    /// when all such records of the time before have been decided. Feedback changes nothing that a timer is about: a
    /// backlog of it holds nothing up, unless it is signed; see `horizon.rs`.
    pub fn depends_on(self, source: Source) -> bool {
        match self {
            // A dispatch ships orders, and with them their goods; a ping moves neither.
            Processor::Orders => Processor::of(source) == Some(Processor::Orders) || source == Source::Dispatches,
            Processor::Stock => matches!(Processor::of(source), Some(Processor::Orders | Processor::Stock)) || source == Source::Dispatches,
            // An order tells its old vehicle when another one has it.
            Processor::Fleet => matches!(Processor::of(source), Some(Processor::Fleet | Processor::Orders)),
        }
    }
}

/// One processor's share of the work: the unit of state, order and failover.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TaskId {
    pub processor: Processor,
    pub partition: i32,
}

impl TaskId {
    /// `orders-3`: also the name of its store's directory.
    pub fn name(self) -> String {
        format!("{}-{}", self.processor.name(), self.partition)
    }
}

/// What a subscribed topic is to the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Source(Source),
    Inbox(Processor),
    /// Written, never read by the group.
    Output,
}

/// A processor's own topics and its number of tasks.
#[derive(Clone, Copy, Debug)]
pub struct Internal {
    pub inbox: TopicId,
    pub changelog: TopicId,
    pub tasks: i32,
}

/// How a task's time moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClockMode {
    /// By record timestamps, and by the wall clock while there is nothing left to read.
    Wall,
    /// By record timestamps alone: for replaying old data.
    Record,
}

/// How the values of a topic are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    #[default]
    Json,
    Avro,
}

/// The formats of the public topics.
#[derive(Clone, Debug, Default)]
pub struct Formats {
    pub sources: [Format; Source::ALL.len()],
    /// The encoder of a sink in Avro; `None`: JSON, or what needs no format.
    pub sinks: [Option<Arc<SinkEncoder>>; Sink::ALL.len()],
}

/// Everything that is decided before the first record is read.
#[derive(Clone, Debug)]
pub struct Plan {
    pub topics: Arc<Topics>,
    roles: Vec<Role>,
    internal: [Internal; Processor::ALL.len()],
    sinks: [TopicId; Sink::ALL.len()],
    pub orders: orders::Config,
    pub stock: stock::Config,
    pub fleet: fleet::Config,
    /// `ping-verdicts` are written.
    pub verdicts: bool,
    /// Makes the plans of shipments.
    pub planner: Planner,
    pub catalogue: catalogue::Config,
    /// `None`: demand is not watched.
    pub demand: Option<demand::Config>,
    pub clock: ClockMode,
    formats: Formats,
    guards: Guards,
}

/// The rules for signatures, by source topic; those that have none take records as they come.
#[derive(Clone, Debug, Default)]
pub struct Guards([Option<Guard>; Source::ALL.len()]);

impl Guards {
    pub fn set(&mut self, source: Source, guard: Guard) {
        self.0[source as usize] = Some(guard);
    }

    pub fn of(&self, source: Source) -> Option<&Guard> {
        self.0[source as usize].as_ref()
    }
}

/// Names and partition counts from which a [`Plan`] is made.
pub struct PlanInput<'a> {
    /// Application id: prefix of the internal topics.
    pub app: &'a str,
    pub name: &'a dyn Fn(&str) -> String,
    /// Partitions of a topic by its configured name.
    pub partitions: &'a dyn Fn(&str) -> i32,
    pub orders: orders::Config,
    pub split: bool,
    pub fleet: fleet::Config,
    pub verdicts: bool,
    pub planner: Planner,
    pub terms: catalogue::Terms,
    pub catalogue: catalogue::Config,
    pub demand: Option<demand::Config>,
    pub clock: ClockMode,
}

/// The inbox topic of a processor of application `app`.
pub fn inbox_name(app: &str, processor: Processor) -> String {
    format!("{app}-{}-inbox", processor.name())
}

/// The changelog topic of a processor of application `app`.
pub fn changelog_name(app: &str, processor: Processor) -> String {
    format!("{app}-{}-changelog", processor.name())
}

impl Plan {
    pub fn new(input: PlanInput<'_>) -> Plan {
        let mut topics = Topics::default();
        let mut roles = vec![];
        let mut add = |name: String, role: Role| {
            roles.push(role);
            topics.add(&name, (input.partitions)(&name))
        };
        for source in Source::ALL {
            add((input.name)(source.name()), Role::Source(source));
        }
        let internal = Processor::ALL.map(|processor| {
            let inbox = inbox_name(input.app, processor);
            let tasks = (input.partitions)(&inbox);
            Internal {
                inbox: add(inbox, Role::Inbox(processor)),
                changelog: add(changelog_name(input.app, processor), Role::Output),
                tasks,
            }
        });
        let sinks = Sink::ALL.map(|sink| add((input.name)(sink.name()), Role::Output));
        Plan {
            topics: Arc::new(topics),
            roles,
            internal,
            sinks,
            orders: input.orders,
            stock: stock::Config { split: input.split, terms: input.terms, names: TopicNames::new(|source| (input.name)(source.name())) },
            catalogue: input.catalogue,
            demand: input.demand,
            fleet: input.fleet,
            verdicts: input.verdicts,
            planner: input.planner,
            clock: input.clock,
            guards: Guards::default(),
            formats: Formats::default(),
        }
    }

    /// With these formats instead of JSON everywhere.
    #[must_use]
    pub fn with_formats(self, formats: Formats) -> Plan {
        Plan { formats, ..self }
    }

    /// Some source is written in Avro.
    pub fn reads_avro(&self) -> bool {
        self.formats.sources.contains(&Format::Avro)
    }

    pub fn format_of(&self, source: Source) -> Format {
        self.formats.sources[source as usize]
    }

    /// The media type of a sink's values.
    pub fn content_type(&self, sink: Sink) -> &'static [u8] {
        match self.formats.sinks[sink as usize] {
            None => b"application/json",
            Some(_) => b"application/avro",
        }
    }

    /// Appends a record's value in its sink's format to `out`.
    #[expect(clippy::redundant_closure_for_method_calls, reason = "the method is of one lifetime, the closure of any")]
    pub fn write<T>(&self, sink: Sink, named: &Named<'_, T>, out: &mut Vec<u8>)
    where
        for<'a> Named<'a, T>: Serialize,
    {
        self.write_by(sink, named, out, |named, out| named.write(out));
    }

    /// The same for a record whose JSON is not left to serde: see `schemas::json`.
    pub fn write_by<T>(&self, sink: Sink, named: &Named<'_, T>, out: &mut Vec<u8>, json: impl FnOnce(&Named<'_, T>, &mut Vec<u8>))
    where
        for<'a> Named<'a, T>: Serialize,
    {
        match &self.formats.sinks[sink as usize] {
            None => json(named, out),
            Some(encoder) => encoder.write(named, out),
        }
    }

    /// The same, with records of some topics signed.
    #[must_use]
    pub fn with_guards(self, guards: Guards) -> Plan {
        Plan { guards, ..self }
    }

    /// How records of this source are checked, if they are.
    pub fn guard(&self, source: Source) -> Option<&Guard> {
        self.guards.of(source)
    }

    pub fn role(&self, topic: TopicId) -> Role {
        self.roles[usize::from(topic.0)]
    }

    pub fn internal(&self, processor: Processor) -> Internal {
        self.internal[processor as usize]
    }

    /// The topics the group reads.
    pub fn subscription(&self) -> Vec<TopicId> {
        self.topics.ids().filter(|id| self.role(*id) != Role::Output).collect()
    }

    pub fn inbox(&self, task: TaskId) -> Tp {
        Tp::new(self.internal(task.processor).inbox, task.partition)
    }

    pub fn changelog(&self, task: TaskId) -> Tp {
        Tp::new(self.internal(task.processor).changelog, task.partition)
    }

    /// The task that owns a key, as the Java client's partitioner would choose a partition.
    pub fn task_of(&self, processor: Processor, key: &[u8]) -> TaskId {
        TaskId { processor, partition: partition_of(key, self.internal(processor).tasks) }
    }

    /// The partition of a sink topic for a key.
    pub fn sink(&self, sink: Sink, key: &[u8]) -> Tp {
        let topic = self.sinks[sink as usize];
        Tp::new(topic, partition_of(key, self.topics.partitions(topic)))
    }

    /// The task that reads this partition straight, if the topic has as many partitions as the processor has tasks.
    pub fn reader_of(&self, tp: Tp) -> Option<TaskId> {
        match self.role(tp.topic) {
            Role::Inbox(processor) => Some(TaskId { processor, partition: tp.partition }),
            Role::Source(source) => {
                let processor = Processor::of(source)?;
                (self.topics.partitions(tp.topic) == self.internal(processor).tasks)
                    .then_some(TaskId { processor, partition: tp.partition })
            }
            Role::Output => None,
        }
    }

    /// The partitions that a task reads straight, its inbox first.
    pub fn sources_of(&self, task: TaskId) -> Vec<Tp> {
        let mut all = vec![self.inbox(task)];
        all.extend(
            self.topics
                .ids()
                .filter(|id| matches!(self.role(*id), Role::Source(_)))
                .map(|id| Tp::new(id, task.partition))
                .filter(|tp| self.reader_of(*tp) == Some(task)),
        );
        all
    }

    pub fn source_name(&self, source: Source) -> &str {
        self.stock.names.of(source)
    }
}

/// `murmur2(key) mod partitions`, sign bit cleared: what the Java client's default partitioner does with a key.
pub fn partition_of(key: &[u8], partitions: i32) -> i32 {
    (murmur2(key) & 0x7fff_ffff) as i32 % partitions
}

/// Murmur2 with the seed of Kafka's `Utils.murmur2`. (The crates that offer it take another seed or are unmaintained;
/// the test vectors are those of Kafka's own `UtilsTest`.)
fn murmur2(data: &[u8]) -> u32 {
    const M: u32 = 0x5bd1_e995;
    let mut h = 0x9747_b28c ^ data.len() as u32;
    let mut chunks = data.chunks_exact(4);
    for chunk in &mut chunks {
        let mut k = u32::from_le_bytes([chunk[0], chunk[1], chunk[2], chunk[3]]).wrapping_mul(M);
        k ^= k >> 24;
        h = h.wrapping_mul(M) ^ k.wrapping_mul(M);
    }
    let rest = chunks.remainder();
    for (i, byte) in rest.iter().enumerate() {
        h ^= u32::from(*byte) << (8 * i);
    }
    if !rest.is_empty() {
        h = h.wrapping_mul(M);
    }
    h ^= h >> 13;
    h = h.wrapping_mul(M);
    h ^ (h >> 15)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn murmur2_is_kafkas() {
        // From Apache Kafka's UtilsTest.testMurmur2.
        for (text, hash) in [
            ("21", -973_932_308),
            ("foobar", -790_332_482),
            ("a-little-bit-long-string", -985_981_536),
            ("a-little-bit-longer-string", -1_486_304_829),
            ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971),
            ("abc", 479_470_107),
        ] {
            assert_eq!(murmur2(text.as_bytes()) as i32, hash, "{text}");
        }
    }
}
