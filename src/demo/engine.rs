//! The engine as the demo runs it: a broker in memory, the topics, and workers as `waybill run` has them. Knows nothing
//! of invoices or vans.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

use schemas::Source;
use state::Stores;

use super::Error;
use super::ledger::{Heard, Ledger, Levels, drain};
use crate::clock::Clock;
use crate::config::{Config, topics};
use crate::engine::formats::Schemas;
use crate::engine::plan::{ClockMode, Plan, PlanInput, Processor, TaskId, changelog_name, inbox_name, partition_of};
use crate::engine::task::WANTED_PLAN;
use crate::engine::{Options, Query};
use crate::log::LogError;
use crate::log::memory::{self, Follower, MemoryBroker, MemoryConfig, MemoryLog};
use crate::metrics::Metrics;
use crate::planner::Planner;
use crate::run::{Notice, Running, Shared, start};

/// Longest that anything may take before it counts as stuck.
const PATIENCE: Duration = Duration::from_mins(1);
/// Between two looks at how far the workers are.
const LOOK: Duration = Duration::from_micros(500);
/// Levels are for people here: they may follow faster than by default.
const VIEW_PACE: Duration = Duration::from_millis(250);
/// The shipped map is a mile across: what is near is so at less than by default, in metres.
const APPROACH: f64 = 300.0;

/// A record for a source topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Milliseconds since the epoch.
    pub at: i64,
    pub source: Source,
    pub key: Option<Vec<u8>>,
    pub value: Vec<u8>,
}

/// Puts records into source topics, as any producer would: by the key's hash.
#[derive(Clone)]
pub struct Door {
    broker: MemoryBroker,
    partitions: [i32; Source::ALL.len()],
}

impl Door {
    /// Returns the partition and the offset. `at`: milliseconds since the epoch; the broker's time if none.
    pub fn put(&self, source: Source, key: Option<&[u8]>, value: &[u8], at: Option<i64>) -> Result<(i32, i64), LogError> {
        let partition = key.map_or(0, |key| partition_of(key, self.partitions[source as usize]));
        let offset = self.broker.produce(source.name(), partition, key, Some(value), &[], at)?;
        Ok((partition, offset))
    }
}

pub struct Engine<S: Stores> {
    broker: MemoryBroker,
    config: Config,
    stores: S,
    workers: usize,
    planner: Planner,
    /// The fleet's changelog, and which plans it says are wanted.
    changelog: Follower,
    wanted: BTreeSet<Vec<u8>>,
    door: Door,
    metrics: Metrics,
    running: Option<Running>,
    /// Topics that the workers read, each partition.
    inputs: Vec<(String, i32)>,
    put: i64,
}

impl<S: Stores + Sync> Engine<S> {
    /// Topics and empty stores; no worker yet.
    pub fn new(stores: S, workers: usize, planner: Planner) -> Result<Engine<S>, Error> {
        let mut config = Config { verdicts: true, ..Config::default() };
        config.fleet.approach_metres = APPROACH;
        let broker = MemoryBroker::new(memory::Clock::Wall);
        for wanted in topics::wanted(&config) {
            broker.create_topic(&wanted.name, wanted.partitions)?;
        }
        // The log begins anew, so state of an earlier run belongs to nothing.
        for processor in Processor::ALL {
            for partition in 0..topics::tasks(&config, processor) {
                stores.delete(&TaskId { processor, partition }.name())?;
            }
        }
        let partitions = |name: &str| broker.topics().into_iter().find(|(n, _)| n == name).map_or(0, |(_, p)| p);
        let inputs = Source::ALL.iter().map(|source| source.name().to_owned());
        let inputs = inputs.chain(Processor::ALL.iter().map(|processor| inbox_name(&config.app, *processor)));
        let inputs = inputs.flat_map(|name| (0..partitions(&name)).map(move |p| (name.clone(), p))).collect();
        let door = Door { broker: broker.clone(), partitions: Source::ALL.map(|source| partitions(source.name())) };
        let changelog = broker.follow(&changelog_name(&config.app, Processor::Fleet), true)?;
        let (metrics, wanted) = (Metrics::new(), BTreeSet::new());
        Ok(Engine { broker, config, stores, workers, planner, changelog, wanted, door, metrics, running: None, inputs, put: 0 })
    }

    pub fn broker(&self) -> &MemoryBroker {
        &self.broker
    }

    pub fn door(&self) -> Door {
        self.door.clone()
    }

    pub fn metrics(&self) -> Metrics {
        self.metrics.clone()
    }

    pub fn queries(&self) -> Vec<Sender<Query>> {
        self.running.as_ref().map(|running| running.queries.clone()).unwrap_or_default()
    }

    /// Starts the workers and waits until every task decides.
    pub fn start(&mut self, clock: ClockMode) -> Result<(), Error> {
        let all = self.broker.topics();
        let config = &self.config;
        let plan = Arc::new(Plan::new(PlanInput {
            app: &config.app,
            name: &|default| config.topic_name(default),
            partitions: &|name| all.iter().find(|(n, _)| n == name).map_or(0, |(_, partitions)| *partitions),
            orders: config.orders.clone(),
            split: config.split,
            fleet: config.fleet.clone(),
            verdicts: config.verdicts,
            planner: self.planner.clone(),
            terms: config.terms.clone(),
            catalogue: config.catalogue.clone(),
            demand: config.demand.clone(),
            clock,
        }));
        // The figures of a replay are of another time: what is served later begins at nothing.
        self.metrics = Metrics::new();
        let shared = Shared {
            schemas: Schemas::default(),
            plan: Arc::clone(&plan),
            stores: self.stores.clone(),
            options: Options { view_pace: VIEW_PACE, ..Options::default() },
            clock: Clock::System,
            metrics: self.metrics.clone(),
        };
        let (broker, app) = (self.broker.clone(), config.app.clone());
        let running = start(self.workers, &shared, move |worker| {
            let slot = format!("{app}-0-{worker}");
            let log = MemoryConfig::new(&app, &slot, (*plan.topics).clone(), plan.subscription());
            MemoryLog::new(&broker, MemoryConfig { instance_id: Some(slot), ..log })
        })?;
        let running = self.running.insert(running);
        let mut ready = 0;
        while ready < self.workers {
            match running.notices.recv_timeout(PATIENCE) {
                Ok(Notice::Ready { .. }) => ready += 1,
                Ok(Notice::Ended { result, .. }) => result?,
                Err(_) => return Err(Error::Stuck("become ready")),
            }
        }
        Ok(())
    }

    /// Lets the workers commit what they have decided, and end.
    pub fn stop(&mut self) -> Result<(), Error> {
        let Some(running) = self.running.take() else { return Ok(()) };
        running.stop.set();
        let mut result = Ok(());
        for notice in &running.notices {
            if let Notice::Ended { result: end, .. } = notice {
                result = result.and(end);
            }
        }
        running.join();
        Ok(result?)
    }

    /// A worker that has ended by itself is an error.
    pub fn check(&self) -> Result<(), Error> {
        let notices = self.running.iter().flat_map(|running| running.notices.try_iter());
        for notice in notices {
            if let Notice::Ended { result, .. } = notice {
                result?;
            }
        }
        Ok(())
    }

    pub fn put(&mut self, record: &Record) -> Result<(), Error> {
        self.door.put(record.source, record.key.as_deref(), &record.value, Some(record.at))?;
        self.put += 1;
        Ok(())
    }

    /// Source records whose decision is not committed.
    pub fn undecided(&self) -> i64 {
        let sources = Source::ALL.iter().zip(self.door.partitions);
        let decided = sources.flat_map(|(source, partitions)| (0..partitions).map(move |p| (source.name(), p)));
        self.put - decided.map(|(topic, p)| self.broker.group_offset(&self.config.app, topic, p).unwrap_or(0)).sum::<i64>()
    }

    /// Waits until everything put so far is decided, committed and in the ledger, and every plan that it wants is made.
    pub fn settle(&mut self, ledger: &mut Ledger) -> Result<Vec<Heard>, Error> {
        let mut heard = vec![];
        let until = Instant::now() + PATIENCE;
        loop {
            let done = self.is_drained() && self.are_plans_made()?;
            heard.append(&mut ledger.read()?);
            if done {
                return Ok(heard);
            }
            self.pause(until, "decide all there is")?;
        }
    }

    /// Waits until every SKU's last level is written.
    pub fn await_levels(&self, ledger: &Ledger) -> Result<(), Error> {
        let mut levels = Levels::new(&self.broker)?;
        let until = Instant::now() + PATIENCE;
        while !levels.are_final(ledger)? {
            self.pause(until, "write the last stock levels")?;
        }
        Ok(())
    }

    /// Waits until the last pings have waited long enough for older ones. `pings`: so many were sent.
    pub fn await_verdicts(&self, ledger: &mut Ledger, pings: u64) -> Result<(), Error> {
        let until = Instant::now() + PATIENCE;
        while ledger.fleet.judged() + ledger.dead_pings < pings {
            self.pause(until, "judge every ping")?;
            ledger.read()?;
        }
        Ok(())
    }

    fn pause(&self, until: Instant, what: &'static str) -> Result<(), Error> {
        self.check()?;
        if Instant::now() > until {
            return Err(Error::Stuck(what));
        }
        std::thread::sleep(LOOK);
        Ok(())
    }

    /// The planner has a thread of its own, so that all records may be decided while it works. What is wanted of it is in
    /// the changelog, in the transaction of what wants it, and gone from it in that of the answer.
    fn are_plans_made(&mut self) -> Result<bool, Error> {
        let wanted = &mut self.wanted;
        drain(&mut self.changelog, |record| {
            if let Some(key) = record.key().filter(|key| key.first() == Some(&WANTED_PLAN)) {
                if record.value().is_some() {
                    wanted.insert(key.to_vec());
                } else {
                    wanted.remove(key);
                }
            }
            Ok(())
        })?;
        Ok(self.wanted.is_empty())
    }

    /// Nothing is unread, neither from producers nor between tasks. Looked at twice: what one partition passes on to
    /// another in between would be seen in neither.
    fn is_drained(&self) -> bool {
        let ends = || self.inputs.iter().map(|(topic, p)| self.broker.end(topic, *p)).collect::<Vec<_>>();
        let before = ends();
        let read = self.inputs.iter().zip(&before).all(|((topic, p), end)| {
            let at = self.broker.group_offset(&self.config.app, topic, *p).unwrap_or(0);
            // Behind the last record of an inbox there are markers, which nobody has to read.
            Some(at) >= *end || (self.broker.stable_end(topic, *p) == *end && self.broker.read_from(topic, *p, at, 1).0.is_empty())
        });
        read && ends() == before
    }
}
