//! Workers on the in-memory log, turned by hand, with time under control.
#![allow(dead_code, reason = "each test binary uses its part")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::mpsc::channel;
use std::time::Duration;

use serde_json::Value;
use state::memory::MemoryStores;
use waybill::clock::Clock as Wall;
use waybill::engine::plan::{ClockMode, Plan};
use waybill::engine::{Options, Query, RestoreBy, Stop, Subject, Worker};
use waybill::log::memory::{Clock, MemoryBroker, MemoryLog, MemoryRecord};
use waybill::metrics::Metrics;

use super::{Shape, create_topics, open_log, plan, send};

const NOW: i64 = 1_800_000_000_000;

pub struct System {
    pub broker: MemoryBroker,
    pub plan: Plan,
    now: Arc<AtomicI64>,
    pub workers: Vec<Worker<MemoryLog, MemoryStores>>,
}

impl System {
    pub fn new(shape: Shape, workers: usize) -> System {
        let broker = MemoryBroker::new(Clock::Manual(NOW));
        System::with(plan(shape, ClockMode::Wall), broker, workers)
    }

    pub fn with(plan: Plan, broker: MemoryBroker, workers: usize) -> System {
        create_topics(&broker, &plan);
        let now = Arc::new(NOW.into());
        let stores: Vec<_> = (0..workers).map(|_| MemoryStores::default()).collect();
        let workers = stores
            .into_iter()
            .enumerate()
            .map(|(n, stores)| {
                let options = Options { restore: RestoreBy::Worker, commit_pace: Duration::ZERO, ..Options::default() };
                Worker::new(
                    open_log(&broker, &plan, n),
                    stores,
                    plan.clone().into(),
                    options,
                    Wall::Manual(Arc::clone(&now)),
                    Metrics::new(),
                    Stop::default(),
                )
            })
            .collect();
        System { broker, plan, now, workers }
    }

    /// Turns every worker until nothing moves any more.
    pub fn settle(&mut self) {
        for _ in 0..200 {
            for worker in &mut self.workers {
                worker.turn(Duration::ZERO).unwrap();
            }
            self.advance(10);
        }
    }

    pub fn advance(&mut self, ms: i64) {
        self.broker.advance(ms);
        self.now.fetch_add(ms, Ordering::Relaxed);
    }

    /// Wall time, milliseconds.
    pub fn now(&self) -> i64 {
        self.now.load(Ordering::Relaxed)
    }

    pub fn send(&self, topic: &str, key: &str, value: &str) {
        send(&self.broker, topic, key, value, self.now.load(Ordering::Relaxed));
    }

    /// Committed records of a topic, by partition and offset.
    pub fn records(&self, topic: &str) -> Vec<MemoryRecord> {
        let id = self.plan.topics.find(topic).unwrap();
        (0..self.plan.topics.partitions(id)).flat_map(|p| self.broker.read_committed(topic, p)).collect()
    }

    /// Their values.
    pub fn values(&self, topic: &str) -> Vec<Value> {
        self.records(topic).iter().map(|r| serde_json::from_slice(r.value().unwrap()).unwrap()).collect()
    }

    /// What a query says, asked of every worker.
    pub fn ask(&mut self, subject: &Subject, key: &str) -> Option<Value> {
        let (answer, answers) = channel();
        for worker in &mut self.workers {
            let (ask, asked) = channel();
            worker.answer(asked);
            let answer = answer.clone();
            ask.send(Query { subject: subject.clone(), key: key.into(), answer: Box::new(move |found| answer.send(found).unwrap()) })
                .unwrap();
            worker.turn(Duration::ZERO).unwrap();
        }
        drop(answer);
        let owners: Vec<_> = answers.try_iter().flatten().collect();
        assert_eq!(owners.len(), 1, "one worker has the key");
        owners.into_iter().next().flatten()
    }

    /// Event types per order.
    pub fn orders(&self) -> BTreeMap<String, Vec<String>> {
        let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for event in self.values("order-events") {
            all.entry(event["order_id"].as_str().unwrap().into()).or_default().push(event["type"].as_str().unwrap().into());
        }
        all
    }
}

/// Numbers of tasks, of the sources' partitions and of workers, so that both ways of delivery are taken.
pub fn shapes() -> Vec<(Shape, usize)> {
    let mut all = vec![];
    for sources in [1, 3, 4, 12] {
        for workers in [1, 2, 3] {
            all.push((Shape { tasks: 4, sources }, workers));
        }
    }
    all
}
