//! What a seed decides beforehand: the topology, the workers, the shop, and what may go wrong how often.

use std::time::Duration;

use processors::catalogue::{self, Terms};
use processors::orders;
use processors::orders::DeductOn;
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use waybill::engine::plan::{ClockMode, Guards, Plan, PlanInput, partition_of};
use waybill::engine::{Options, PlanBy, RestoreBy};

use crate::roads::planner;
use crate::signing::Rule;
use crate::tally::Tally;

/// Generators of one seed that do not disturb each other.
#[derive(Clone, Copy, Debug)]
pub enum Stream {
    Setup,
    Shop,
    Schedule,
    Pace,
    Fleet,
    Signatures,
}

pub fn generator(seed: u64, stream: Stream) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(stream as u64);
    rng
}

/// How a producer chooses a record's partition by its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Partitioner {
    /// The Java client's.
    Murmur2,
    /// librdkafka's.
    Crc32,
    /// Some other: each key stays in one partition, and that is all.
    Sticky(u64),
}

impl Partitioner {
    pub fn partition(self, key: &[u8], partitions: i32) -> i32 {
        match self {
            Partitioner::Murmur2 => partition_of(key, partitions),
            Partitioner::Crc32 => (crc32fast::hash(key) % partitions as u32) as i32,
            Partitioner::Sticky(salt) => {
                let mut hasher = crc32fast::Hasher::new_with_initial(salt as u32);
                hasher.update(key);
                (hasher.finalize().rotate_left(7) % partitions as u32) as i32
            }
        }
    }
}

/// A source topic.
#[derive(Clone, Copy, Debug)]
pub struct Source {
    pub partitions: i32,
    pub partitioner: Partitioner,
}

pub const SOURCES: [&str; 8] = ["orders", "payments", "restocks", "stock-counts", "products", "feedback", "gps-pings", "dispatches"];
pub const OUTPUTS: [&str; 11] = [
    "order-events",
    "stock-levels",
    "stock-movements",
    "dead-letters",
    "product-catalog",
    "product-events",
    "shipment-events",
    "vehicle-positions",
    "ping-verdicts",
    "low-stock-alerts",
    "forecasts",
];

#[derive(Clone, Debug)]
pub struct Setup {
    pub seed: u64,
    /// Tasks of orders, of stock and of the fleet.
    pub tasks: [i32; 3],
    pub sources: [Source; SOURCES.len()],
    pub outputs: [i32; OUTPUTS.len()],
    pub clock: ClockMode,
    pub deduct_on: DeductOn,
    pub split: bool,
    pub hold_seconds: u32,
    pub workers: usize,
    /// The workers are threads of one process: one disk for all, stores go from hand to hand, and a crash ends all.
    pub one_process: bool,
    pub static_members: bool,
    pub session_timeout_ms: i64,
    pub max_poll_interval_ms: i64,
    pub transaction_timeout_ms: i64,
    pub batch_records: usize,
    /// Commit every turn that decided something, or only when everything read is decided.
    pub commit_every_turn: bool,
    pub view_pace_ms: u64,
    pub restore: RestoreBy,
    pub minutes: i64,
    pub orders: usize,
    pub skus: usize,
    pub locations: usize,
    /// A producer that has lost its mind repeats a record so many times.
    pub flood: usize,
    /// Most orders want one of two SKUs.
    pub hot: bool,
    /// Faults in a thousand steps of the schedule.
    pub faults_per_mille: u32,
    /// Per cent of markers and commit steps that take their time.
    pub slow_per_cent: u32,
    /// Kinds of blows that this seed deals.
    pub blows: Vec<Blow>,
    pub terms: Terms,
    /// So many complaints take a listing off sale.
    pub complaints: u16,
    pub vehicles: usize,
    pub couriers: usize,
    /// Plans follow roads, straight ones; otherwise great circles.
    pub roads: bool,
    /// How records of each source are signed, if they are.
    pub rules: [Option<Rule>; SOURCES.len()],
}

/// What the schedule may do to the workers and the broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blow {
    CrashInCommit,
    LoseConnection,
    EndLate,
    StallInCommit,
    Crash,
    CrashInRestore,
    Pause,
    Replace,
    ExpireSession,
    Rebalance,
    Rotate,
    FailPolls,
    FailCalls,
    Stop,
    Add,
    TakeAway,
    LoseDisk,
    LosePower,
    FailWrite,
    Compact,
    Trim,
    ForeignTransaction,
}

const BLOWS: [Blow; 22] = [
    Blow::CrashInCommit,
    Blow::LoseConnection,
    Blow::EndLate,
    Blow::StallInCommit,
    Blow::Crash,
    Blow::CrashInRestore,
    Blow::Pause,
    Blow::Replace,
    Blow::ExpireSession,
    Blow::Rebalance,
    Blow::Rotate,
    Blow::FailPolls,
    Blow::FailCalls,
    Blow::Stop,
    Blow::Add,
    Blow::TakeAway,
    Blow::LoseDisk,
    Blow::LosePower,
    Blow::FailWrite,
    Blow::Compact,
    Blow::Trim,
    Blow::ForeignTransaction,
];

impl Setup {
    pub fn of(seed: u64) -> Setup {
        let mut rng = generator(seed, Stream::Setup);
        let tasks = [rng.random_range(1..=4), rng.random_range(1..=4), 1];
        let [orders, payments, restocks, counts] = [0, 1, 2, 3].map(|i| source(&mut rng, tasks[i / 2]));
        let [events, levels, movements, letters] = [0; 4].map(|_| one_of(&mut rng, &[1, 2, 4, 6]));
        // Not every seed deals every kind of blow: some meet much of one, and few go unharmed.
        let share = one_of(&mut rng, &[0.25, 0.5, 0.9, 1.0]);
        let mut blows: Vec<Blow> = BLOWS.into_iter().filter(|_| rng.random_bool(share)).collect();
        if blows.len() < 4 {
            blows.extend([Blow::Crash, Blow::Pause, Blow::Rotate, Blow::LoseConnection]);
        }
        let batch_records = one_of(&mut rng, &[1, 3, 20, 50_000, 50_000]);
        let mut setup = Setup {
            seed,
            tasks,
            sources: [orders, payments, restocks, counts, restocks, payments, orders, orders],
            outputs: [events, levels, movements, letters, 1, 1, 1, 1, 1, 1, 1],
            clock: if rng.random_bool(0.75) { ClockMode::Wall } else { ClockMode::Record },
            deduct_on: if rng.random_bool(0.6) { DeductOn::Payment } else { DeductOn::Shipment },
            split: rng.random_bool(0.5),
            hold_seconds: one_of(&mut rng, &[60, 300, 900]),
            workers: rng.random_range(1..=3),
            one_process: rng.random_bool(0.3),
            static_members: rng.random_bool(0.7),
            session_timeout_ms: one_of(&mut rng, &[6_000, 15_000, 45_000]),
            max_poll_interval_ms: one_of(&mut rng, &[60_000, 300_000]),
            transaction_timeout_ms: one_of(&mut rng, &[10_000, 60_000]),
            batch_records,
            commit_every_turn: rng.random_bool(0.5),
            view_pace_ms: one_of(&mut rng, &[0, 200, 1_000]),
            restore: one_of(&mut rng, &[RestoreBy::Worker, RestoreBy::Turn]),
            minutes: rng.random_range(30..=40),
            orders: rng.random_range(30..=120),
            skus: rng.random_range(2..=10),
            locations: rng.random_range(1..=3),
            flood: if batch_records > 100 && rng.random_bool(0.15) { rng.random_range(600..4_000) } else { 0 },
            hot: rng.random_bool(0.4),
            faults_per_mille: one_of(&mut rng, &[20, 40, 80]),
            slow_per_cent: one_of(&mut rng, &[0, 5, 30]),
            blows,
            terms: Terms::default(),
            complaints: 2,
            vehicles: 0,
            couriers: 0,
            roads: false,
            rules: [None; SOURCES.len()],
        };
        // Drawn last: the rest of a seed is as it was before there was a catalogue.
        setup.sources[4] = source(&mut rng, tasks[1]);
        setup.sources[5] = source(&mut rng, tasks[0]);
        setup.outputs[4] = one_of(&mut rng, &[1, 2, 4, 6]);
        setup.outputs[5] = one_of(&mut rng, &[1, 2, 4, 6]);
        setup.terms.price_tolerance_percent = rng.random_bool(0.3).then_some(90);
        setup.complaints = rng.random_range(1..4);
        // And before there was a fleet.
        setup.tasks[2] = rng.random_range(1..=4);
        setup.sources[6] = source(&mut rng, setup.tasks[2]);
        setup.sources[7] = source(&mut rng, setup.tasks[2]);
        for partitions in &mut setup.outputs[6..] {
            *partitions = one_of(&mut rng, &[1, 2, 4, 6]);
        }
        setup.vehicles = rng.random_range(2..=6);
        setup.couriers = rng.random_range(0..=3);
        setup.roads = rng.random_bool(0.6);
        // And before anybody signed.
        if rng.random_bool(0.5) {
            let share = one_of(&mut rng, &[0.3, 0.6, 1.0]);
            setup.rules = [(); SOURCES.len()].map(|()| rng.random_bool(share).then(|| Rule::of(&mut rng)));
        }
        setup
    }

    /// The same without anything that goes wrong: one worker, and no step that takes its time.
    pub fn without_faults(&self) -> Setup {
        Setup { workers: 1, one_process: false, faults_per_mille: 0, slow_per_cent: 0, blows: vec![], ..self.clone() }
    }

    pub fn plan(&self, tally: &Tally) -> Plan {
        let partitions = |name: &str| {
            let place = |all: &[&str]| all.iter().position(|n| *n == name);
            match (place(&SOURCES), place(&OUTPUTS)) {
                (Some(i), _) => self.sources[i].partitions,
                (_, Some(i)) => self.outputs[i],
                _ if name.contains("fleet") => self.tasks[2],
                _ => self.tasks[usize::from(name.contains("stock"))],
            }
        };
        Plan::new(PlanInput {
            app: "waybill",
            name: &|name| name.to_owned(),
            partitions: &partitions,
            orders: orders::Config { hold_seconds: self.hold_seconds, deduct_on: self.deduct_on },
            split: self.split,
            fleet: processors::fleet::Config::default(),
            verdicts: true,
            planner: planner(self.roads, tally),
            terms: self.terms.clone(),
            catalogue: catalogue::Config { complaints: Some(self.complaints), ..catalogue::Config::default() },
            demand: Some(processors::demand::Config::default()),
            clock: self.clock,
        })
        .with_guards(self.guards())
    }

    fn guards(&self) -> Guards {
        let mut guards = Guards::default();
        for source in schemas::Source::ALL {
            if let Some(rule) = self.rule(source.name()) {
                guards.set(source, rule.guard());
            }
        }
        guards
    }

    /// How records of a source topic are signed, if they are.
    pub fn rule(&self, topic: &str) -> Option<Rule> {
        self.rules[SOURCES.iter().position(|name| *name == topic).expect("a source topic")]
    }

    /// Nothing in them depends on how fast this machine is.
    pub fn options(&self) -> Options {
        Options {
            commit_pace: Duration::ZERO,
            batch_bytes: 4 << 20,
            batch_records: self.batch_records,
            batch_time: if self.commit_every_turn { Duration::ZERO } else { Duration::MAX },
            view_pace: Duration::from_millis(self.view_pace_ms),
            restore: self.restore,
            plan: PlanBy::Turn,
        }
    }

    /// There is never a second one.
    pub fn is_one_worker(&self) -> bool {
        self.workers == 1 && !self.blows.contains(&Blow::Add)
    }

    /// The partition that the shop's producer chooses.
    pub fn partition(&self, topic: &str, key: Option<&[u8]>) -> i32 {
        let source = self.sources[SOURCES.iter().position(|name| *name == topic).expect("a source topic")];
        key.map_or(0, |key| source.partitioner.partition(key, source.partitions))
    }
}

/// Half of the topics have as many partitions as there are tasks.
fn source(rng: &mut ChaCha8Rng, tasks: i32) -> Source {
    let partitions = if rng.random_bool(0.5) { tasks } else { one_of(rng, &[1, 3, 4, 12]) };
    let partitioner = match rng.random_range(0..10) {
        0..6 => Partitioner::Murmur2,
        6..8 => Partitioner::Crc32,
        _ => Partitioner::Sticky(rng.random()),
    };
    Source { partitions, partitioner }
}

pub fn one_of<T: Copy>(rng: &mut ChaCha8Rng, all: &[T]) -> T {
    all[rng.random_range(0..all.len())]
}
