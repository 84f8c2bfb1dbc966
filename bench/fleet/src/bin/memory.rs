//! A backlog of pings through one real worker with its real store, on the log in memory: what the engine and the rules
//! cost without Kafka, and whether memory grows. Measures; decides nothing.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use clap::Parser;
use probe::{now_unix_ms, proc_mem, self_cpu};
use serde_json::{Value, json};
use state::rocks::RocksStores;
use state::{Store, Stores};
use waybill::clock::Clock;
use waybill::config::{Config, topics};
use waybill::engine::plan::{ClockMode, Plan, PlanInput, Processor, partition_of};
use waybill::engine::{Options, Stop, Worker};
use waybill::log::Log;
use waybill::log::memory::{self, MemoryBroker, MemoryConfig, MemoryLog};
use waybill::metrics::Metrics;
use waybill::planner::Planner;
use waybill_fleet_bench::Failure;
use waybill_fleet_bench::drive::{Drives, id};

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

const TOPIC: &str = "gps-pings";
/// First byte of a vehicle's key in its store.
const VEHICLE: u8 = b'v';
/// How long the allocator may take to give back what is free.
const DECAY: Duration = Duration::from_millis(1_500);

/// Runs a backlog of pings through one worker with its real store, without Kafka.
#[derive(Debug, Parser)]
#[command(name = "fleet-memory")]
struct Arguments {
    /// Where the state goes; made if it is not there
    #[arg(long, value_name = "DIR")]
    state_dir: PathBuf,
    #[arg(long, default_value_t = 2_000_000)]
    pings: u64,
    #[arg(long, default_value_t = 10_000)]
    vehicles: u32,
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

fn main() -> Result<(), Failure> {
    let own = Arguments::parse();
    println!("{}", run(own.pings, own.vehicles, own.seed, &own.state_dir)?);
    Ok(())
}

fn run(pings: u64, vehicles: u32, seed: u64, directory: &Path) -> Result<Value, Failure> {
    let config = Config::default();
    let broker = MemoryBroker::new(memory::Clock::Wall);
    for wanted in topics::wanted(&config) {
        broker.create_topic(&wanted.name, wanted.partitions)?;
    }
    let plan = Arc::new(plan(&config, &broker));
    let metrics = Metrics::new();
    let start = now_unix_ms();
    // It runs as the wall's does, but for the pauses, and stays behind the records: in a backlog that is added to while
    // it is read, time must not pass what is still to come, or its vehicles would fall silent.
    let clock = Arc::new(AtomicI64::new(start));
    let mut worker = Worker::new(
        log(&config, &broker, &plan)?,
        RocksStores::new(directory, config.store_memory)?,
        plan,
        Options::default(),
        Clock::Manual(Arc::clone(&clock)),
        metrics.clone(),
        Stop::default(),
    );
    while !worker.is_ready() {
        worker.turn(Duration::from_millis(5))?;
    }
    let before = resident_mb();
    let partitions = broker.topics().iter().find(|(name, _)| name == TOPIC).map_or(0, |(_, n)| *n);
    let mut feed =
        Feed { broker: &broker, group: &config.app, partitions, drives: Drives::new(seed, vehicles, start), left: pings + MOST, cpu: 0.0 };
    feed.fill()?;
    let log_mb = resident_mb() - before;
    let done = drain(&mut worker, &mut feed, &clock, pings)?;
    worker.close()?;
    // As full as it was when it was measured.
    let beyond: Vec<f64> = done.memory.iter().map(|mb| mb - log_mb).collect();
    let (verdicts, dead_letters) = counts(&metrics)?;
    let state = state(directory, topics::tasks(&config, Processor::Fleet), &config)?;
    Ok(json!({
        "pings": done.pings, "vehicles": vehicles, "pings_per_s": done.pings as f64 / done.seconds, "cpu_us_per_ping": done.cpu * 1e6 / done.pings as f64,
        "log_mb": log_mb, "memory_before_mb": before, "memory_beyond_log_mb": beyond,
        "verdicts": verdicts, "dead_letters": dead_letters, "state": state,
    }))
}

/// Keeps a backlog in the log: at least [`LEAST`] pings unread, to the end and beyond it, and nothing that was read.
struct Feed<'a> {
    broker: &'a MemoryBroker,
    group: &'a str,
    partitions: i32,
    drives: Drives,
    /// Pings that are not in the log yet.
    left: u64,
    /// What it took itself, seconds.
    cpu: f64,
}

/// Pings in the log: more are put there when so few are unread, until it has so many.
const LEAST: u64 = 100_000;
const MOST: u64 = 200_000;

impl Feed<'_> {
    /// Pings whose decision is committed.
    fn decided(&self) -> u64 {
        (0..self.partitions).map(|p| self.broker.group_offset(self.group, TOPIC, p).unwrap_or(0)).sum::<i64>() as u64
    }

    fn unread(&self) -> u64 {
        (0..self.partitions).map(|p| self.broker.end(TOPIC, p).unwrap_or(0)).sum::<i64>() as u64 - self.decided()
    }

    fn is_low(&self) -> bool {
        self.left > 0 && self.unread() < LEAST
    }

    /// Takes from the log what nobody reads again, and adds pings.
    fn fill(&mut self) -> Result<(), Failure> {
        let began = thread_cpu()?;
        for (topic, partitions) in self.broker.topics() {
            for partition in 0..partitions {
                let read = self.broker.group_offset(self.group, &topic, partition);
                let until = if topic == TOPIC { read } else { self.broker.stable_end(&topic, partition) };
                self.broker.delete_before(&topic, partition, until.unwrap_or(0))?;
            }
        }
        let more = self.left.min(MOST.saturating_sub(self.unread()));
        for record in self.drives.by_ref().take(more as usize) {
            let key = id(record.vehicle);
            let partition = partition_of(key.as_bytes(), self.partitions);
            self.broker.produce(TOPIC, partition, Some(key.as_bytes()), Some(record.value.as_bytes()), &[], Some(record.at))?;
        }
        self.left -= more;
        self.cpu += thread_cpu()? - began;
        Ok(())
    }
}

fn plan(config: &Config, broker: &MemoryBroker) -> Plan {
    let all = broker.topics();
    Plan::new(PlanInput {
        app: &config.app,
        name: &|default| config.topic_name(default),
        partitions: &|name| all.iter().find(|(n, _)| n == name).map_or(0, |(_, partitions)| *partitions),
        orders: config.orders.clone(),
        split: config.split,
        fleet: config.fleet.clone(),
        verdicts: config.verdicts,
        planner: Planner::default(),
        terms: config.terms.clone(),
        catalogue: config.catalogue.clone(),
        demand: config.demand.clone(),
        clock: ClockMode::Wall,
    })
}

fn log(config: &Config, broker: &MemoryBroker, plan: &Plan) -> Result<MemoryLog, Failure> {
    let slot = format!("{}-0-0", config.app);
    let log = MemoryConfig::new(&config.app, &slot, (*plan.topics).clone(), plan.subscription());
    Ok(MemoryLog::new(broker, MemoryConfig { instance_id: Some(slot), ..log })?)
}

/// What a run took, without the pauses in which the log is filled or memory is looked at.
struct Done {
    seconds: f64,
    /// Of the whole process but for the feed; RocksDB's threads work on in the pauses.
    cpu: f64,
    /// Pings decided: at least as many as asked for.
    pings: u64,
    /// Resident after each quarter with a full log, MB.
    memory: Vec<f64>,
}

/// Turns the worker until so many pings are decided and committed.
fn drain<L: Log, S: Stores>(worker: &mut Worker<L, S>, feed: &mut Feed<'_>, clock: &AtomicI64, pings: u64) -> Result<Done, Failure> {
    let start = clock.load(Ordering::Relaxed);
    let (cpu, fed) = (self_cpu(), feed.cpu);
    let mut done = Done { seconds: 0.0, cpu: 0.0, pings: 0, memory: vec![] };
    for quarter in 1..=4 {
        while feed.decided() < pings * quarter / 4 {
            let began = Instant::now();
            clock.store(start + (done.seconds * 1000.0) as i64, Ordering::Relaxed);
            worker.turn(Duration::from_millis(50))?;
            done.seconds += began.elapsed().as_secs_f64();
            if feed.is_low() {
                feed.fill()?;
            }
        }
        feed.fill()?;
        std::thread::sleep(DECAY);
        done.memory.push(resident_mb());
    }
    done.pings = feed.decided();
    done.cpu = self_cpu() - cpu - (feed.cpu - fed);
    Ok(done)
}

/// Of this thread, seconds.
fn thread_cpu() -> Result<f64, Failure> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    Ok(text.split(' ').next().unwrap_or_default().parse::<f64>()? / 1e9)
}

fn resident_mb() -> f64 {
    proc_mem(std::process::id()).1
}

/// Pings by verdict, and all dead letters.
fn counts(metrics: &Metrics) -> Result<(Value, f64), Failure> {
    let text = String::from_utf8(metrics.render()?)?;
    let of = |name: &str| -> Vec<(String, f64)> {
        let lines = text.lines().filter_map(|line| line.strip_prefix(name)?.rsplit_once(' '));
        lines.map(|(labels, count)| (labels.split('"').nth(1).unwrap_or_default().to_owned(), count.parse().unwrap_or(f64::NAN))).collect()
    };
    let verdicts = of("waybill_pings_total").into_iter().map(|(verdict, count)| (verdict, count.into())).collect();
    Ok((Value::Object(verdicts), of("waybill_dead_letters_total").iter().map(|(_, count)| count).sum()))
}

/// What the closed stores hold: keys and values that are alive, and files.
fn state(directory: &Path, tasks: i32, config: &Config) -> Result<Value, Failure> {
    const PAGE: usize = 10_000;
    let stores = RocksStores::new(directory, config.store_memory)?;
    let (mut vehicles, mut live, mut files) = (0u64, 0u64, 0u64);
    for task in 0..tasks {
        let store = stores.open(&format!("fleet-{task}"))?;
        files += store.size();
        let mut from = vec![0];
        loop {
            let page = store.scan(&from, &[0xff], PAGE)?;
            for (key, value) in &page {
                live += (key.len() + value.len()) as u64;
                vehicles += u64::from(key.first() == Some(&VEHICLE));
            }
            let Some((last, _)) = page.last().filter(|_| page.len() == PAGE) else { break };
            from = last.to_vec();
            from.push(0);
        }
    }
    let each = |bytes: u64| bytes as f64 / vehicles.max(1) as f64;
    Ok(json!({"vehicles": vehicles, "live_bytes_per_vehicle": each(live), "file_bytes_per_vehicle": each(files)}))
}
