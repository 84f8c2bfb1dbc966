//! An engine with signed orders on an in-memory broker: its producers, its restarts, and what came of it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use auditor::{Auditor, Names, Options as AuditorOptions, Record};
use schemas::Source;
use serde_json::Value;
use signatures::{Guard, Kind, NewKey, Policy, SigningKey, TopicKey, VerifyingKey, WINDOW_SECONDS};
use state::memory::MemoryStores;
use waybill::clock::Clock as Wall;
use waybill::engine::plan::{ClockMode, Guards, Plan, Processor, partition_of};
use waybill::engine::{Fault, Options, RestoreBy, Stop, Worker};
use waybill::log::LogError;
use waybill::log::memory::{ClientId, Clock, CommitFault, MemoryBroker, MemoryLog, MemoryRecord};
use waybill::metrics::Metrics;

use crate::support::{Shape, create_topics, open_log, plan};

pub const NOW: i64 = 1_800_000_000_000;

/// The producer's key of a kind, and a stranger's.
pub fn key(kind: Kind) -> NewKey {
    NewKey::of(kind, &[1; 32])
}

pub fn stranger(kind: Kind) -> NewKey {
    NewKey::of(kind, &[2; 32])
}

#[derive(Clone, Copy)]
pub struct Rules {
    pub policy: Policy,
    pub kind: Kind,
    pub clock: ClockMode,
}

pub struct System {
    broker: MemoryBroker,
    plan: Plan,
    now: Arc<AtomicI64>,
    metrics: Metrics,
    stores: Vec<MemoryStores>,
    workers: Vec<(ClientId, Worker<MemoryLog, MemoryStores>)>,
}

impl System {
    /// Orders and feedback are signed by the rules, nothing else is.
    pub fn new(shape: Shape, rules: Rules, workers: usize) -> System {
        let broker = MemoryBroker::new(Clock::Manual(NOW));
        let key = key(rules.kind);
        let key = VerifyingKey::parse(key.public.as_deref().unwrap_or(&key.secret)).unwrap();
        let mut guards = Guards::default();
        let guard = Guard::new(rules.policy, WINDOW_SECONDS, vec![TopicKey::always(key)]).unwrap();
        guards.set(Source::Orders, guard.clone());
        guards.set(Source::Feedback, guard);
        let plan = plan(shape, rules.clock).with_guards(guards);
        create_topics(&broker, &plan);
        let mut system = System {
            broker,
            plan,
            now: Arc::new(NOW.into()),
            metrics: Metrics::new(),
            stores: (0..workers).map(|_| MemoryStores::default()).collect(),
            workers: vec![],
        };
        system.start();
        system
    }

    fn start(&mut self) {
        for (n, stores) in self.stores.iter().enumerate() {
            let log = open_log(&self.broker, &self.plan, n);
            let options = Options { restore: RestoreBy::Worker, commit_pace: Duration::ZERO, ..Options::default() };
            let clock = Wall::Manual(Arc::clone(&self.now));
            let client = log.client();
            let worker = Worker::new(log, stores.clone(), self.plan.clone().into(), options, clock, self.metrics.clone(), Stop::default());
            self.workers.push((client, worker));
        }
    }

    /// Every worker ends in order and comes back, with its state or without.
    pub fn restart(&mut self, with_state: bool) {
        for (_, worker) in self.workers.drain(..) {
            worker.close().unwrap();
        }
        if !with_state {
            self.stores.iter_mut().for_each(|stores| *stores = MemoryStores::default());
        }
        self.start();
        self.settle();
    }

    /// Turns every worker until nothing moves any more.
    pub fn settle(&mut self) {
        for _ in 0..120 {
            for (_, worker) in &mut self.workers {
                match worker.turn(Duration::ZERO) {
                    Ok(()) => {}
                    Err(Fault::Log(LogError::Retry(_))) => worker.recover().unwrap(),
                    Err(fault) => panic!("{fault}"),
                }
            }
            self.advance(10);
        }
    }

    /// Only one worker goes on; the others are slow.
    pub fn settle_one(&mut self, worker: usize) {
        for _ in 0..120 {
            self.workers[worker].1.turn(Duration::ZERO).unwrap();
            self.advance(10);
        }
    }

    pub fn advance(&mut self, ms: i64) {
        self.broker.advance(ms);
        self.now.fetch_add(ms, Ordering::Relaxed);
    }

    pub fn now(&self) -> i64 {
        self.now.load(Ordering::Relaxed)
    }

    pub fn fail_next_commit(&self, fault: CommitFault) {
        let (client, _) = self.workers[0];
        self.broker.faults().next_commit(client, fault);
    }

    pub fn signed(&self, key: &NewKey, id: &str, seconds: i64, value: &str) -> Vec<(String, String)> {
        let key = SigningKey::parse(&key.secret).unwrap();
        let signed = signatures::sign(&[key], id, seconds, value.as_bytes()).unwrap();
        signed.headers().map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()
    }

    /// With the broker's time, as on a topic with `LogAppendTime`.
    pub fn send(&self, topic: &str, key: &str, value: &str, headers: &[(String, String)]) {
        self.send_at(topic, key, value, headers, self.now());
    }

    pub fn send_at(&self, topic: &str, key: &str, value: &str, headers: &[(String, String)], timestamp: i64) {
        let partitions = self.plan.topics.partitions(self.plan.topics.find(topic).unwrap());
        let headers: Vec<(&str, Option<&[u8]>)> = headers.iter().map(|(name, value)| (&**name, Some(value.as_bytes()))).collect();
        let partition = partition_of(key.as_bytes(), partitions);
        self.broker.produce(topic, partition, Some(key.as_bytes()), Some(value.as_bytes()), &headers, Some(timestamp)).unwrap();
    }

    fn all(&self, topic: &str) -> Vec<MemoryRecord> {
        let partitions = self.plan.topics.find(topic).map_or(0, |id| self.plan.topics.partitions(id));
        (0..partitions).flat_map(|p| self.broker.read_committed(topic, p)).collect()
    }

    /// Event types per order.
    pub fn events(&self) -> BTreeMap<String, Vec<String>> {
        let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for record in self.all("order-events") {
            let event: Value = serde_json::from_slice(record.value().unwrap()).unwrap();
            all.entry(event["order_id"].as_str().unwrap().into()).or_default().push(event["type"].as_str().unwrap().into());
        }
        all
    }

    fn reason(record: &MemoryRecord) -> String {
        let headers = record.headers();
        let reason = headers.iter().rev().find(|(name, _)| *name == "waybill.error.reason").unwrap().1.unwrap();
        String::from_utf8(reason.to_vec()).unwrap()
    }

    /// Reasons by key.
    pub fn dead_letters(&self) -> BTreeMap<String, &'static str> {
        let words = [
            "signature_missing",
            "signature_malformed",
            "signature_wrong",
            "signature_unknown_key",
            "signature_expired",
            "signature_replayed",
            "key_mismatch",
        ];
        let letters = self.all("dead-letters");
        letters
            .iter()
            .map(|record| {
                let reason = System::reason(record);
                let word = words.into_iter().find(|word| *word == reason).unwrap_or_else(|| panic!("{reason}"));
                (String::from_utf8(record.key().unwrap().to_vec()).unwrap(), word)
            })
            .collect()
    }

    /// Reasons in the order of time.
    pub fn letters(&self) -> Vec<String> {
        let mut letters = self.all("dead-letters");
        letters.sort_by_key(|record| (record.timestamp(), record.offset));
        letters.iter().map(System::reason).collect()
    }

    /// Changelog records of states; a task's own marks are none.
    pub fn changes(&self) -> usize {
        let changelogs = Processor::ALL.map(|p| self.plan.topics.name(self.plan.internal(p).changelog).to_owned());
        changelogs.iter().flat_map(|topic| self.all(topic)).filter(|r| r.key().is_some_and(|k| k[0] != b'm')).count()
    }

    /// Keys of ids that the orders' changelog holds.
    pub fn remembered(&self) -> Vec<String> {
        let topic = self.plan.topics.name(self.plan.internal(Processor::Orders).changelog);
        let mut last = BTreeMap::new();
        for record in self.all(topic) {
            let key = String::from_utf8_lossy(record.key().unwrap()).into_owned();
            if key.starts_with('w') {
                last.insert(key, record.value().is_some());
            }
        }
        last.into_iter().filter_map(|(key, is_there)| is_there.then_some(key)).collect()
    }

    pub fn metric(&self, name: &str) -> f64 {
        let text = String::from_utf8(self.metrics.render().unwrap()).unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_else(|| panic!("no {name} in\n{text}"));
        line.trim().parse().unwrap()
    }

    /// The auditor, which shares no code with the engine, finds nothing.
    pub fn audit(&self, context: &str) {
        let names = Names::default();
        let mut auditor = Auditor::new(names.clone(), AuditorOptions { keep: 10, ..AuditorOptions::default() });
        for topic in names.topics() {
            for record in self.all(topic) {
                let headers = record.headers();
                let headers: Vec<(&str, &[u8])> = headers.iter().map(|(name, value)| (*name, value.unwrap_or_default())).collect();
                auditor.record(&Record {
                    topic,
                    partition: record.partition,
                    offset: record.offset,
                    timestamp: record.timestamp(),
                    key: record.key(),
                    value: record.value(),
                    headers: &headers,
                });
            }
        }
        let report = auditor.finish();
        assert!(report.ok(), "{context}: the auditor says:\n{report}");
    }
}
